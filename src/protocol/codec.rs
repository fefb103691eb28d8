//! A frame's bytes: JSON text where JSON loses nothing, MessagePack where it would.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::msgpack;
use crate::Value;

/// One WebSocket message. Cloning costs a counter, so one encoded commit serves every view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// How deep a frame may nest; serde_json's own limit, for both encodings.
const MAX_DEPTH: usize = 128;

impl Payload {
    /// The heartbeat: an empty text frame, which any page can send and see.
    pub(crate) fn heartbeat() -> Payload {
        Payload::Text(Utf8Bytes::default())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Payload::Text(text) => text.len(),
            Payload::Binary(bytes) => bytes.len(),
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
    Payload::Binary(to_msgpack(frame))
}

/// Encodes a value as MessagePack, which carries every value.
pub(crate) fn to_msgpack(value: &Value) -> Bytes {
    // Writing a `Value` into memory has no way to fail; were it to, no bytes are harmless: they are no value.
    rmp_serde::to_vec(value).map(Bytes::from).unwrap_or_else(|error| {
        tracing::error!(%error, "a value could not be encoded");
        Bytes::new()
    })
}

/// Decodes one MessagePack value.
///
/// # Errors
/// As [`decode`].
pub(crate) fn from_msgpack(bytes: &[u8]) -> Result<Value, String> {
    msgpack::read(bytes, MAX_DEPTH).map_err(|error| format!("not MessagePack: {error}"))
}

/// Decodes a frame of either kind.
///
/// # Errors
/// Text that is not JSON, bytes that are not one MessagePack value, nesting deeper than 128 levels;
/// the message says where.
pub(crate) fn decode(payload: &Payload) -> Result<Value, String> {
    match payload {
        Payload::Text(text) => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}")),
        Payload::Binary(bytes) => from_msgpack(bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Blob, value::Map};

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            Just(Value::Float(f64::NAN)),
            Just(Value::Float(f64::INFINITY)),
            ".*".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Blob::from(bytes).into()),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((".{0,40}", inner), 0..8)
                    .prop_map(|entries| Value::Object(Map::from_iter(entries))),
            ]
        })
    }

    proptest! {
        /// B6, B10: whatever can be in a state comes back equal, through the encoding it needs.
        #[test]
        fn every_value_survives(value in any_value()) {
            let payload = encode(&value);
            prop_assert_eq!(matches!(payload, Payload::Text(_)), value.fits_json());
            prop_assert_eq!(decode(&payload).unwrap(), value);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&Payload::Binary(bytes.into()));
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
