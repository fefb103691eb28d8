//! From any serialisable Rust type to a [`Value`], and from a [`Value`] to any format.

use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Blob, Map, Value, ValueError, blob};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Uint(number) => serializer.serialize_u64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(blob) => blob.serialize(serializer),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Object(map) => {
                let mut entries = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    entries.serialize_entry(key, value)?;
                }
                entries.end()
            }
        }
    }
}

/// The serializer whose output is a [`Value`].
pub(super) struct ToValue;

/// A list being filled; `variant` wraps it as `{variant: list}` in the end, as serde's enums do.
pub(super) struct List {
    items: Vec<Value>,
    variant: Option<&'static str>,
}

/// An object being filled; `key` waits for its value.
pub(super) struct Entries {
    map: Map,
    key: Option<String>,
    variant: Option<&'static str>,
}

fn tagged(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::Object(Map::from([(name.to_owned(), value)])),
        None => value,
    }
}

impl List {
    fn new(len: Option<usize>, variant: Option<&'static str>) -> Result<List, ValueError> {
        Ok(List { items: Vec::with_capacity(len.unwrap_or(0)), variant })
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
        self.items.push(item.serialize(ToValue)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(tagged(self.variant, Value::Array(self.items)))
    }
}

impl Entries {
    fn new(len: usize, variant: Option<&'static str>) -> Result<Entries, ValueError> {
        Ok(Entries { map: Map::with_capacity(len), key: None, variant })
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ValueError> {
        self.map.insert(key.to_owned(), value.serialize(ToValue)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(tagged(self.variant, Value::Object(self.map)))
    }
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, v: bool) -> Result<Value, ValueError> {
        Ok(v.into())
    }
    fn serialize_i8(self, v: i8) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<Value, ValueError> {
        Ok(v.into())
    }
    fn serialize_u8(self, v: u8) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<Value, ValueError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<Value, ValueError> {
        Ok(v.into())
    }
    fn serialize_f32(self, v: f32) -> Result<Value, ValueError> {
        Ok(Value::Float(v.into()))
    }
    fn serialize_f64(self, v: f64) -> Result<Value, ValueError> {
        Ok(v.into())
    }
    fn serialize_char(self, v: char) -> Result<Value, ValueError> {
        Ok(v.to_string().into())
    }
    fn serialize_str(self, v: &str) -> Result<Value, ValueError> {
        Ok(v.into())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Value, ValueError> {
        Ok(Blob::from(v.to_vec()).into())
    }
    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, ValueError> {
        Ok(variant.into())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, v: &T) -> Result<Value, ValueError> {
        match blob::take_over() {
            Some(blob) if name == blob::NAME => Ok(blob.into()),
            _ => v.serialize(self),
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        Ok(tagged(Some(variant), value.serialize(self)?))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<List, ValueError> {
        List::new(len, None)
    }
    fn serialize_tuple(self, len: usize) -> Result<List, ValueError> {
        List::new(Some(len), None)
    }
    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<List, ValueError> {
        List::new(Some(len), None)
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<List, ValueError> {
        List::new(Some(len), Some(variant))
    }
    fn serialize_map(self, len: Option<usize>) -> Result<Entries, ValueError> {
        Entries::new(len.unwrap_or(0), None)
    }
    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Entries, ValueError> {
        Entries::new(len, None)
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries, ValueError> {
        Entries::new(len, Some(variant))
    }
}

macro_rules! lists {
    ($($kind:ident $method:ident),* $(,)?) => {
        $(impl ser::$kind for List {
            type Ok = Value;
            type Error = ValueError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }
            fn end(self) -> Result<Value, ValueError> {
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
        $(impl ser::$kind for Entries {
            type Ok = Value;
            type Error = ValueError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ValueError> {
                self.put(key, value)
            }
            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = Some(match key.serialize(ToValue)? {
            Value::String(text) => text,
            Value::Bool(truth) => truth.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Uint(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            other => return Err(ser::Error::custom(format_args!("a map key must be text, found {other:?}"))),
        });
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a map value came before its key"))?;
        self.map.insert(key, value.serialize(ToValue)?);
        Ok(())
    }
    fn end(self) -> Result<Value, ValueError> {
        self.finish()
    }
}
