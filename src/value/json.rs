//! From any serialisable Rust type straight to JSON text, as long as JSON loses nothing.
//!
//! The text is that of the [`Value`](super::Value) which the type would become, without making one. What has no
//! place in it (bytes, numbers that JavaScript would not read back) ends the attempt; the caller then takes the
//! way over `Value`, which has the words for a type that cannot be written at all.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::{MAX_SAFE_INTEGER, blob};

/// This value has to travel in another form.
#[derive(Debug)]
pub(crate) struct Unfit;

/// Appends the value as JSON. When it is unfit, what was appended is of no use.
pub(crate) fn write_json(value: impl Serialize, out: &mut Vec<u8>) -> Result<(), Unfit> {
    value.serialize(ToJson(out))
}

struct ToJson<'a>(&'a mut Vec<u8>);

/// A list or an object being written.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    /// What stands behind the last item.
    close: &'static [u8],
}

/// Text between quotes; only what has to be escaped goes through serde_json, which looks at each byte by itself.
#[inline]
fn quoted(out: &mut Vec<u8>, text: &str) -> Result<(), Unfit> {
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if !text.as_bytes().iter().fold(true, |all, byte| all & is_plain(byte)) {
        return plain(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

/// Text and numbers, as serde_json writes them.
fn plain(out: &mut Vec<u8>, value: impl Serialize) -> Result<(), Unfit> {
    serde_json::to_writer(out, &value).map_err(|_| Unfit)
}

impl<'a> ToJson<'a> {
    fn put(self, text: &str) -> Result<(), Unfit> {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn list(self) -> Result<Items<'a>, Unfit> {
        self.0.push(b'[');
        Ok(Items { out: self.0, first: true, close: b"]" })
    }

    fn object(self) -> Result<Items<'a>, Unfit> {
        self.0.push(b'{');
        Ok(Items { out: self.0, first: true, close: b"}" })
    }

    /// Begins `{variant:`, as serde's enums are written.
    fn variant(self, variant: &str) -> Result<ToJson<'a>, Unfit> {
        self.0.push(b'{');
        plain(self.0, variant)?;
        self.0.push(b':');
        Ok(self)
    }
}

impl Items<'_> {
    fn next(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unfit> {
        self.next();
        item.serialize(ToJson(self.out))
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unfit> {
        self.next();
        quoted(self.out, key)?;
        self.out.push(b':');
        value.serialize(ToJson(self.out))
    }

    fn finish(self) -> Result<(), Unfit> {
        self.out.extend_from_slice(self.close);
        Ok(())
    }
}

impl<'a> Serializer for ToJson<'a> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Items<'a>;
    type SerializeStructVariant = Items<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Unfit> {
        self.put(if v { "true" } else { "false" })
    }
    fn serialize_i8(self, v: i8) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    fn serialize_i16(self, v: i16) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    fn serialize_i32(self, v: i32) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    fn serialize_i64(self, v: i64) -> Result<(), Unfit> {
        if v.unsigned_abs() <= MAX_SAFE_INTEGER { plain(self.0, v) } else { Err(Unfit) }
    }
    fn serialize_u8(self, v: u8) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    fn serialize_u16(self, v: u16) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    fn serialize_u32(self, v: u32) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    #[inline]
    fn serialize_u64(self, v: u64) -> Result<(), Unfit> {
        if v <= MAX_SAFE_INTEGER { plain(self.0, v) } else { Err(Unfit) }
    }
    fn serialize_f32(self, v: f32) -> Result<(), Unfit> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<(), Unfit> {
        if v.is_finite() { plain(self.0, v) } else { Err(Unfit) }
    }
    fn serialize_char(self, v: char) -> Result<(), Unfit> {
        plain(self.0, v)
    }
    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Unfit> {
        quoted(self.0, v)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unfit> {
        Err(Unfit)
    }
    fn serialize_none(self) -> Result<(), Unfit> {
        self.put("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Unfit> {
        self.put("null")
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unfit> {
        self.put("null")
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unfit> {
        plain(self.0, variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Unfit> {
        if name == blob::NAME { Err(Unfit) } else { value.serialize(self) }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        let to = self.variant(variant)?;
        value.serialize(ToJson(to.0))?;
        to.put("}")
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>, Unfit> {
        self.list()
    }
    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>, Unfit> {
        self.list()
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>, Unfit> {
        self.list()
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, Unfit> {
        Ok(Items { close: b"]}", ..self.variant(variant)?.list()? })
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Items<'a>, Unfit> {
        self.object()
    }
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>, Unfit> {
        self.object()
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, Unfit> {
        Ok(Items { close: b"}}", ..self.variant(variant)?.object()? })
    }
}

macro_rules! lists {
    ($($kind:ident $method:ident),* $(,)?) => {
        $(impl ser::$kind for Items<'_> {
            type Ok = ();
            type Error = Unfit;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
                self.item(value)
            }
            fn end(self) -> Result<(), Unfit> {
                self.finish()
            }
        })*
    };
}

lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! structs {
    ($($kind:ident),*) => {
        $(impl ser::$kind for Items<'_> {
            type Ok = ();
            type Error = Unfit;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unfit> {
                self.entry(key, value)
            }
            fn end(self) -> Result<(), Unfit> {
                self.finish()
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Unfit;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        self.next();
        let start = self.out.len();
        key.serialize(ToJson(self.out))?;
        // Keys that are no text are rare; the other way makes text of them.
        if self.out.get(start) == Some(&b'"') { Ok(()) } else { Err(Unfit) }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.out.push(b':');
        value.serialize(ToJson(self.out))
    }
    fn end(self) -> Result<(), Unfit> {
        self.finish()
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON would lose something of this value")
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Unfit {
        Unfit
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;

    use super::super::tests::any_value;
    use super::*;
    use crate::value::{Blob, Value};

    fn text(value: impl Serialize) -> Option<String> {
        let mut out = b"before ".to_vec();
        write_json(value, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap().strip_prefix("before ").unwrap().to_owned())
    }

    /// What the way over `Value` makes of it.
    fn over_value(value: impl Serialize) -> Option<String> {
        let value = Value::encode(value).unwrap();
        value.fits_json().then(|| serde_json::to_string(&value).unwrap())
    }

    proptest! {
        #[test]
        fn a_value_is_written_if_and_only_if_json_carries_it(value in any_value()) {
            prop_assert_eq!(text(&value), over_value(&value));
        }

        #[test]
        fn numbers_are_written_as_over_a_value(ints in any::<(i8, u16, i64, u64)>(), floats in any::<(f32, f64)>()) {
            prop_assert_eq!(text((ints, floats)), over_value((ints, floats)));
        }
    }

    #[test]
    fn every_shape_is_written_as_over_a_value() {
        #[derive(Serialize)]
        struct Unit;
        #[derive(Serialize)]
        struct Newtype(i8);
        #[derive(Serialize)]
        struct Pair(u8, &'static str);
        #[derive(Serialize)]
        enum Tool {
            Pen,
            Width(u16),
            Line(f32, f64),
            Brush { colour: char, soft: Option<bool> },
        }
        #[derive(Serialize)]
        struct All {
            #[serde(rename = "a \"name\"")]
            tools: [Tool; 4],
            unit: (Unit, ()),
            newtype: Newtype,
            pair: Pair,
            none: Option<u32>,
            empty: (Vec<u8>, BTreeMap<String, i32>),
            map: BTreeMap<char, Vec<i64>>,
            #[serde(flatten)]
            more: BTreeMap<&'static str, u64>,
        }
        let all = All {
            tools: [
                Tool::Pen,
                Tool::Width(7),
                Tool::Line(0.1, 1e300),
                Tool::Brush { colour: '\u{1f}', soft: Some(true) },
            ],
            unit: (Unit, ()),
            newtype: Newtype(-1),
            pair: Pair(0, "\u{2028}\n"),
            none: None,
            empty: Default::default(),
            map: [('ä', vec![-1, MAX_SAFE_INTEGER as i64])].into(),
            more: [("more", MAX_SAFE_INTEGER)].into(),
        };
        assert!(text(&all).is_some());
        assert_eq!(text(&all), over_value(&all));
    }

    #[test]
    fn what_json_would_lose_is_not_written() {
        assert_eq!(text([MAX_SAFE_INTEGER + 1]), None);
        assert_eq!(text(-(MAX_SAFE_INTEGER as i64) - 1), None);
        assert_eq!(text(Some(f32::NAN)), None);
        assert_eq!(text((1, Blob::from(vec![1]))), None);
        assert_eq!(text(BTreeMap::from([(1, "a key that is no text")])), None);
    }
}
