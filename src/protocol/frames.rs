//! Whole WebSocket frames. What a server writes is not masked, so they are the same bytes for everybody.

use bytes::{BufMut, Bytes};

use super::codec::Payload;
use super::scratch::Scratch;

/// One frame behind the other, heads included. Cloning costs a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frames(Bytes);

impl Frames {
    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is in them, one by one.
    #[cfg(test)]
    pub(crate) fn payloads(&self) -> Vec<Payload> {
        let mut rest = self.0.clone();
        let mut payloads = Vec::new();
        while !rest.is_empty() {
            let (opcode, len) = (rest[0], rest[1]);
            let (from, len) = match len {
                126 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
                127 => (10, u64::from_be_bytes(rest[2..10].try_into().unwrap()) as usize),
                len => (2, usize::from(len)),
            };
            let payload = rest.slice(from..from + len);
            rest = rest.slice(from + len..);
            payloads.push(match opcode {
                TEXT => Payload::text(payload.to_vec()),
                BINARY => Payload::Binary(payload),
                _ => panic!("no whole frame begins with {opcode:#x}"),
            });
        }
        payloads
    }
}

impl AsRef<[u8]> for Frames {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Frames {
    fn from(bytes: Bytes) -> Frames {
        Frames(bytes)
    }
}

/// A frame that is about to be copied or shared: text that nobody holds yet, or a payload.
pub(crate) enum Encoded {
    Text(Scratch),
    Payload(Payload),
}

impl Encoded {
    pub(crate) fn len(&self) -> usize {
        match self {
            Encoded::Text(text) => text.len(),
            Encoded::Payload(payload) => payload.len(),
        }
    }

    /// Appends the whole WebSocket frame.
    pub(crate) fn write(self, out: &mut impl BufMut) {
        match self {
            Encoded::Text(text) => {
                head(TEXT, text.len(), out);
                out.put_slice(&text);
            }
            Encoded::Payload(payload) => {
                write_head(&payload, out);
                payload.pieces().iter().for_each(|piece| out.put_slice(piece));
            }
        }
    }
}

impl From<Payload> for Encoded {
    fn from(payload: Payload) -> Encoded {
        Encoded::Payload(payload)
    }
}

#[cfg(test)]
impl From<String> for Encoded {
    fn from(text: String) -> Encoded {
        let mut scratch = Scratch::new();
        scratch.extend_from_slice(text.as_bytes());
        Encoded::Text(scratch)
    }
}

impl From<Encoded> for Payload {
    fn from(encoded: Encoded) -> Payload {
        match encoded {
            Encoded::Text(text) => Payload::text(text.into_vec()),
            Encoded::Payload(payload) => payload,
        }
    }
}

/// Bytes of the longest head.
pub(crate) const LONGEST_HEAD: usize = 10;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// Appends the head of the whole, unmasked frame that the payload will be.
pub(crate) fn write_head(payload: &Payload, out: &mut impl BufMut) {
    let opcode = if matches!(payload, Payload::Text(_)) { TEXT } else { BINARY };
    head(opcode, payload.len(), out);
}

/// RFC 6455, 5.2.
fn head(opcode: u8, len: usize, out: &mut impl BufMut) {
    match len {
        0..126 => out.put_slice(&[opcode, len as u8]),
        126..65_536 => {
            out.put_slice(&[opcode, 126]);
            out.put_u16(len as u16);
        }
        _ => {
            out.put_slice(&[opcode, 127]);
            out.put_u64(len as u64);
        }
    }
}
