//! Whole WebSocket frames. What a server writes is not masked, so they are the same bytes for everybody.

use bytes::{Bytes, BytesMut};

use super::codec::Payload;

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
                Head::TEXT => Payload::text(payload.to_vec()),
                Head::BINARY => Payload::Binary(payload),
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
    Text(Vec<u8>),
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
    pub(crate) fn write(&self, out: &mut BytesMut) {
        match self {
            Encoded::Text(text) => {
                out.extend_from_slice(Head::text(text.len()).as_ref());
                out.extend_from_slice(text);
            }
            Encoded::Payload(payload) => {
                out.extend_from_slice(Head::of(payload).as_ref());
                payload.pieces().iter().for_each(|piece| out.extend_from_slice(piece));
            }
        }
    }
}

impl From<Payload> for Encoded {
    fn from(payload: Payload) -> Encoded {
        Encoded::Payload(payload)
    }
}

impl From<Encoded> for Payload {
    fn from(encoded: Encoded) -> Payload {
        match encoded {
            Encoded::Text(text) => Payload::text(text),
            Encoded::Payload(payload) => payload,
        }
    }
}

/// The head of a whole, unmasked frame (RFC 6455, 5.2).
pub(crate) struct Head {
    bytes: [u8; Head::LONGEST],
    len: usize,
}

impl Head {
    pub(crate) const LONGEST: usize = 10;
    const TEXT: u8 = 0x81;
    const BINARY: u8 = 0x82;

    pub(crate) fn of(payload: &Payload) -> Head {
        let opcode = if matches!(payload, Payload::Text(_)) { Head::TEXT } else { Head::BINARY };
        Head::new(opcode, payload.len())
    }

    pub(crate) fn text(len: usize) -> Head {
        Head::new(Head::TEXT, len)
    }

    fn new(opcode: u8, len: usize) -> Head {
        let mut bytes = [0; Head::LONGEST];
        bytes[0] = opcode;
        let len = match len {
            len @ 0..126 => {
                bytes[1] = len as u8;
                2
            }
            len @ 126..65_536 => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                4
            }
            len => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&(len as u64).to_be_bytes());
                Head::LONGEST
            }
        };
        Head { bytes, len }
    }
}

impl AsRef<[u8]> for Head {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
