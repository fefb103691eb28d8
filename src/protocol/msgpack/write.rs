//! A value to MessagePack, in which large blobs stay where they are.

use std::ops::Range;

use bytes::Bytes;

use crate::value::{Blob, Value};

/// Blobs above so many bytes are not copied.
const LARGE: usize = 16 << 10;

/// Writes a value as pieces that follow each other; a large blob is a piece by itself, shared with the value.
///
/// # Errors
/// When text, bytes or a container is longer than 32 bits can say.
pub(in crate::protocol) fn write(value: &Value) -> Result<Vec<Bytes>, String> {
    let mut output = Output::default();
    output.value(value)?;
    output.cut();
    Ok(output.pieces)
}

#[derive(Default)]
struct Output {
    pieces: Vec<Bytes>,
    /// The piece at hand.
    open: Vec<u8>,
}

impl Output {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Null => self.open.push(0xc0),
            Value::Bool(truth) => self.open.push(0xc2 + u8::from(*truth)),
            Value::Int(number) => self.int(*number),
            Value::Uint(number) => self.number(0xcf, number.to_be_bytes()),
            Value::Float(number) => self.number(0xcb, number.to_be_bytes()),
            Value::String(text) => self.text(text)?,
            Value::Bytes(blob) => self.blob(blob)?,
            Value::Array(items) => {
                self.length(items.len(), 0x90..0xa0, None, [0xdc, 0xdd])?;
                for item in items {
                    self.value(item)?;
                }
            }
            Value::Object(map) => {
                self.length(map.len(), 0x80..0x90, None, [0xde, 0xdf])?;
                for (key, item) in map {
                    self.text(key)?;
                    self.value(item)?;
                }
            }
        }
        Ok(())
    }

    /// An integer in as few bytes as it takes.
    fn int(&mut self, number: i64) {
        match number {
            -32..0x80 => self.open.push(number as u8),
            0x80..=0xff => self.number(0xcc, (number as u8).to_be_bytes()),
            0x100..=0xffff => self.number(0xcd, (number as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.number(0xce, (number as u32).to_be_bytes()),
            0x1_0000_0000.. => self.number(0xcf, number.to_be_bytes()),
            -0x80.. => self.number(0xd0, (number as i8).to_be_bytes()),
            -0x8000.. => self.number(0xd1, (number as i16).to_be_bytes()),
            -0x8000_0000.. => self.number(0xd2, (number as i32).to_be_bytes()),
            _ => self.number(0xd3, number.to_be_bytes()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.length(text.len(), 0xa0..0xc0, Some(0xd9), [0xda, 0xdb])?;
        self.open.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn blob(&mut self, blob: &Blob) -> Result<(), String> {
        self.length(blob.len(), 0..0, Some(0xc4), [0xc5, 0xc6])?;
        if blob.len() > LARGE {
            self.cut();
            self.pieces.push(blob.clone().into_bytes());
        } else {
            self.open.extend_from_slice(blob);
        }
        Ok(())
    }

    /// A length: a small one in the code itself, others behind a code for 1 byte, if there is one, for 2 or for 4.
    fn length(&mut self, length: usize, small: Range<u8>, one: Option<u8>, [two, four]: [u8; 2]) -> Result<(), String> {
        let length = u32::try_from(length).map_err(|_| format!("a length of {length} is beyond MessagePack"))?;
        match (length, one) {
            (0..0x100, _) if (length as usize) < small.len() => self.open.push(small.start + length as u8),
            (0..0x100, Some(one)) => self.number(one, [length as u8]),
            (0..0x1_0000, _) => self.number(two, (length as u16).to_be_bytes()),
            _ => self.number(four, length.to_be_bytes()),
        }
        Ok(())
    }

    /// A code with a number behind it.
    fn number<const N: usize>(&mut self, code: u8, bytes: [u8; N]) {
        self.open.push(code);
        self.open.extend(bytes);
    }

    /// Ends the piece at hand.
    fn cut(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push(std::mem::take(&mut self.open).into());
        }
    }
}
