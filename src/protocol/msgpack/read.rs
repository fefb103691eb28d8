//! MessagePack to a value, from hands we do not trust.

use crate::value::{Blob, Map, Value};

/// Reads one value that fills the bytes.
///
/// # Errors
/// What is wrong with them, in words.
pub(in crate::protocol) fn read(bytes: &[u8], max_depth: usize) -> Result<Value, String> {
    let mut input = Input { rest: bytes };
    let value = input.value(max_depth)?;
    match input.rest.len() {
        0 => Ok(value),
        more => Err(format!("{more} bytes behind the value")),
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Value::Int(marker.into()),
            0x80..=0x8f => self.object((marker & 0x0f).into(), depth)?,
            0x90..=0x9f => self.list((marker & 0x0f).into(), depth)?,
            0xa0..=0xbf => self.text((marker & 0x1f).into())?.into(),
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let len = self.length(marker - 0xc4)?;
                Blob::from(self.take(len)?.to_vec()).into()
            }
            0xca => f64::from(f32::from_be_bytes(self.array()?)).into(),
            0xcb => f64::from_be_bytes(self.array()?).into(),
            0xcc => Value::Int(u8::from_be_bytes(self.array()?).into()),
            0xcd => Value::Int(u16::from_be_bytes(self.array()?).into()),
            0xce => Value::Int(u32::from_be_bytes(self.array()?).into()),
            0xcf => u64::from_be_bytes(self.array()?).into(),
            0xd0 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Value::Int(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Value::Int(i64::from_be_bytes(self.array()?)),
            0xd9..=0xdb => {
                let len = self.length(marker - 0xd9)?;
                self.text(len)?.into()
            }
            0xdc | 0xdd => {
                let len = self.length(marker - 0xdc + 1)?;
                self.list(len, depth)?
            }
            0xde | 0xdf => {
                let len = self.length(marker - 0xde + 1)?;
                self.object(len, depth)?
            }
            0xe0..=0xff => Value::Int((marker as i8).into()),
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => {
                return Err(format!("the type {marker:#04x} is not part of the protocol"));
            }
        })
    }

    fn list(&mut self, len: usize, depth: usize) -> Result<Value, String> {
        let depth = deeper(depth)?;
        // An item takes at least a byte, so a length beyond the rest is a lie.
        let mut items = Vec::with_capacity(self.at_most(len)?.min(1_024));
        for _ in 0..len {
            items.push(self.value(depth)?);
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, len: usize, depth: usize) -> Result<Value, String> {
        let depth = deeper(depth)?;
        let mut map = Map::with_capacity(self.at_most(len)?.min(1_024));
        for _ in 0..len {
            let Value::String(key) = self.value(depth)? else {
                return Err("a key is not text".into());
            };
            map.insert(key, self.value(depth)?);
        }
        Ok(Value::Object(map))
    }

    fn text(&mut self, len: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.take(len)?).map_err(|error| format!("text that is not UTF-8: {error}"))
    }

    /// A length in 1, 2 or 4 bytes.
    fn length(&mut self, size: u8) -> Result<usize, String> {
        Ok(match size {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            _ => u32::from_be_bytes(self.array()?) as usize,
        })
    }

    fn at_most(&self, len: usize) -> Result<usize, String> {
        if len > self.rest.len() { Err("it ends too early".into()) } else { Ok(len) }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or("it ends too early")?;
        self.rest = rest;
        Ok(*taken)
    }
}

fn deeper(depth: usize) -> Result<usize, String> {
    depth.checked_sub(1).ok_or_else(|| "it nests too deep".into())
}
