//! A frame's bytes: JSON text where JSON loses nothing, MessagePack where it would.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::msgpack;
use crate::Value;

/// One WebSocket message. Cloning costs a counter, so one encoded commit serves every view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A binary message in pieces, because large blobs in it stay where they are.
    Pieces(Arc<[Bytes]>),
}

/// How deep a frame may nest; serde_json's own limit, for both encodings.
pub(super) const MAX_DEPTH: usize = 128;

impl Payload {
    /// The heartbeat: an empty text frame, which any page can send and see.
    pub(crate) fn heartbeat() -> Payload {
        Payload::Text(Utf8Bytes::default())
    }

    /// Of bytes that are UTF-8; were they not, what is wrong would be replaced.
    pub(super) fn text(bytes: Vec<u8>) -> Payload {
        let text = String::from_utf8(bytes);
        Payload::Text(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()).into())
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces().iter().map(Bytes::len).sum()
    }

    /// What it is made of, to be sent one behind the other.
    pub(crate) fn pieces(&self) -> &[Bytes] {
        match self {
            Payload::Text(text) => slice::from_ref(text.as_ref()),
            Payload::Binary(bytes) => slice::from_ref(bytes),
            Payload::Pieces(pieces) => pieces,
        }
    }

    /// All of it in one; copies what is in pieces.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Payload::Text(text) => text.into(),
            Payload::Binary(bytes) => bytes,
            Payload::Pieces(pieces) => pieces.concat().into(),
        }
    }
}

/// Encodes a frame. JSON, unless it holds bytes, a non-finite number or an integer that JavaScript
/// would round.
pub(crate) fn encode(frame: &Value) -> Payload {
    if frame.fits_json()
        && let Ok(text) = serde_json::to_string(frame)
    {
        return Payload::Text(text.into());
    }
    match msgpack::write(frame) {
        Ok(mut pieces) if pieces.len() == 1 => Payload::Binary(pieces.swap_remove(0)),
        Ok(pieces) => Payload::Pieces(pieces.into()),
        // An empty frame is harmless.
        Err(error) => {
            tracing::error!("a frame could not be encoded: {error}");
            Payload::heartbeat()
        }
    }
}

/// Encodes a value as MessagePack, which carries every value.
///
/// # Errors
/// When text, bytes or a container is longer than 32 bits can say.
pub(crate) fn to_msgpack(value: &Value) -> Result<Vec<u8>, String> {
    Ok(msgpack::write(value)?.concat())
}

/// Decodes one MessagePack value.
///
/// # Errors
/// As [`decode`], at this depth.
pub(crate) fn from_msgpack(bytes: &[u8], max_depth: usize) -> Result<Value, String> {
    msgpack::read(bytes, max_depth).map_err(|error| format!("not MessagePack: {error}"))
}

/// Decodes a frame of either kind.
///
/// # Errors
/// Text that is not JSON, bytes that are not one MessagePack value, nesting deeper than 128 levels;
/// the message says where.
pub(crate) fn decode(payload: &Payload) -> Result<Value, String> {
    match payload {
        Payload::Text(text) => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}")),
        binary => from_msgpack(&binary.clone().into_bytes(), MAX_DEPTH),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Blob;
    use crate::value::tests::any_value;

    proptest! {
        /// B6, B10: whatever can be in a state comes back equal, through the encoding it needs.
        #[test]
        fn every_value_survives(value in any_value()) {
            let payload = encode(&value);
            prop_assert_eq!(matches!(payload, Payload::Text(_)), value.fits_json());
            prop_assert_eq!(decode(&payload).unwrap(), value);
        }

        #[test]
        fn a_library_writes_the_same_bytes(value in any_value()) {
            prop_assert_eq!(msgpack::write(&value).unwrap().concat(), rmp_serde::to_vec(&value).unwrap());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&Payload::Binary(bytes.into()));
        }
    }

    #[test]
    fn a_large_blob_is_sent_from_where_it_is() {
        let (large, small) = (Blob::from(vec![7; 100_000]), Blob::from(vec![8; 10]));
        let frame = Value::Array(vec![small.clone().into(), large.clone().into(), small.into(), large.clone().into()]);
        let payload = encode(&frame);
        let shared = payload.pieces().iter().filter(|piece| piece.as_ptr() == large.as_ptr()).count();
        assert_eq!((payload.pieces().len(), shared), (4, 2));
        assert_eq!(payload.len(), payload.clone().into_bytes().len());
        assert_eq!(payload.clone().into_bytes(), rmp_serde::to_vec(&frame).unwrap());
        assert_eq!(decode(&payload), Ok(frame));
    }

    #[test]
    fn lengths_and_integers_take_the_form_that_a_library_gives_them() {
        let around = |edges: &[i64]| edges.iter().flat_map(|edge| edge - 1..=edge + 1).collect::<Vec<_>>();
        let powers = [0, 1 << 5, 1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 53];
        let mut values: Vec<Value> = around(&powers.map(|power: i64| -power)).into_iter().map(Value::Int).collect();
        values.extend(around(&powers).into_iter().map(Value::Int));
        values.extend([Value::Int(i64::MIN), Value::Int(i64::MAX), Value::Uint(u64::MAX)]);
        for len in around(&[1, 16, 32, 256, 16 << 10, 65_536]).into_iter().map(|len| len as usize) {
            let items = || std::iter::repeat_n(Value::Null, len);
            values.extend([Value::from("x".repeat(len)), Blob::from(vec![1; len]).into(), items().collect()]);
            values.push(Value::Object(items().enumerate().map(|(at, item)| (at.to_string(), item)).collect()));
        }
        for value in values {
            let written = msgpack::write(&value).unwrap().concat();
            assert_eq!(written, rmp_serde::to_vec(&value).unwrap());
            assert_eq!(decode(&Payload::Binary(written.into())), Ok(value));
        }
    }

    #[test]
    fn hostile_nesting_and_lengths_are_errors() {
        let deep = vec![0x91; 100_000];
        assert!(decode(&Payload::Binary(deep.into())).is_err());
        assert!(decode(&Payload::Text("[".repeat(100_000).into())).is_err());
        // A list, a map and a byte string that promise four billion items.
        for start in [0xdd, 0xdf, 0xc6] {
            assert!(decode(&Payload::Binary(vec![start, 0xff, 0xff, 0xff, 0xff].into())).is_err());
        }
        let error = decode(&Payload::Binary(vec![0xc0, 0xc0].into())).unwrap_err();
        assert_eq!(error, "not MessagePack: 1 bytes behind the value");
    }
}
