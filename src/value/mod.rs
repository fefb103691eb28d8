//! One value of a state or a message: what JSON can say, and bytes.
//!
//! [`Value`] is the meeting point of Rust types, JSON and MessagePack. A field of a state struct is
//! turned into one when it has to travel, and a value from a page is turned back into the field's
//! type before anything else sees it.

mod blob;
mod de;
mod form;
mod json;
mod plain;
mod ser;
mod shared;

use std::fmt;
use std::ops::{Index, IndexMut};

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use blob::Blob;
pub(crate) use json::write_json;
pub use shared::Shared;

/// The entries of a [`Value::Object`], in the order they were put in.
pub type Map = IndexMap<String, Value>;

/// The largest integer that JSON readers in JavaScript keep exact: 2^53 − 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The first float above every `i64`.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Any value that can travel between a host and a page.
///
/// ```
/// use anywidget_host::Value;
///
/// let mut state = Value::from(serde_json::json!({ "count": 1 }));
/// state["count"] = 2.into();
/// state["pixels"] = anywidget_host::Blob::from(vec![0, 255]).into();
/// assert_eq!(state["count"], 2.into());
/// assert_eq!(state["missing"], Value::Null);
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// JSON's `null`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 signed bits.
    Int(i64),
    /// An integer above [`i64::MAX`].
    Uint(u64),
    /// Any other number; NaN and infinities are allowed and survive the socket.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes; a `DataView` in the page.
    Bytes(Blob),
    /// A list.
    Array(Vec<Value>),
    /// A map with text keys.
    Object(Map),
}

/// Why a Rust value and a [`Value`] do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(String);

impl Value {
    /// An object without entries.
    pub fn object() -> Value {
        Value::Object(Map::new())
    }

    /// Turns any serialisable Rust value into a `Value`. A [`Blob`] in it is shared, not copied.
    ///
    /// # Errors
    /// When the type's `Serialize` fails or it has map keys that are neither text, number nor truth value.
    pub fn encode(value: impl Serialize) -> Result<Value, ValueError> {
        value.serialize(ser::ToValue)
    }

    /// Turns this value into a Rust type. A [`Blob`] in it is shared, not copied.
    ///
    /// # Errors
    /// When the value does not have the shape or range that the type asks for; the message says which.
    ///
    /// ```
    /// use anywidget_host::Value;
    ///
    /// assert_eq!(Value::from(7).decode::<u8>().unwrap(), 7);
    /// assert!(Value::from(700).decode::<u8>().is_err());
    /// ```
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, ValueError> {
        T::deserialize(self)
    }

    /// The entry of an object, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The entries, if this is an object.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits, or a float without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        self.clone().decode().ok()
    }

    /// The number, if this is one.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::Int(number) => Some(number as f64),
            Value::Uint(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The bytes, if these are bytes.
    pub fn as_bytes(&self) -> Option<&Blob> {
        match self {
            Value::Bytes(blob) => Some(blob),
            _ => None,
        }
    }

    /// Whether JSON carries this value to a page without loss: no bytes, no NaN or infinity, no
    /// integer that JavaScript would round. One walk over the value.
    pub(crate) fn fits_json(&self) -> bool {
        match self {
            Value::Null | Value::Bool(_) | Value::String(_) => true,
            Value::Int(number) => number.unsigned_abs() <= MAX_SAFE_INTEGER,
            Value::Uint(_) | Value::Bytes(_) => false,
            Value::Float(number) => number.is_finite(),
            Value::Array(items) => items.iter().all(Value::fits_json),
            Value::Object(map) => map.values().all(Value::fits_json),
        }
    }

    /// About how many bytes this value takes in a frame; exact for bytes and text but for a few in front.
    pub(crate) fn size(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) => 1,
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => 9,
            Value::String(text) => text.len(),
            Value::Bytes(blob) => blob.len(),
            Value::Array(items) => items.iter().map(Value::size).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| key.len() + value.size()).sum(),
        }
    }
}

/// Equality as a widget sees it: NaN equals NaN, and `1` equals `1.0` (JavaScript has one number type).
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Value::Float(float), Value::Int(int)) | (Value::Int(int), Value::Float(float)) => {
                *float == *int as f64 && *float < TWO_TO_63 && *float as i64 == *int
            }
            (Value::Float(float), Value::Uint(int)) | (Value::Uint(int), Value::Float(float)) => {
                *float == *int as f64 && *float < TWO_TO_63 * 2.0 && *float as u64 == *int
            }
            _ => false,
        }
    }
}

impl Index<&str> for Value {
    type Output = Value;

    /// The entry of an object; [`Value::Null`] when there is none.
    fn index(&self, key: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.get(key).unwrap_or(&NULL)
    }
}

impl IndexMut<&str> for Value {
    /// The entry of an object, put in as [`Value::Null`] when there is none. Anything that is not an
    /// object becomes an empty one first.
    fn index_mut(&mut self, key: &str) -> &mut Value {
        if !matches!(self, Value::Object(_)) {
            *self = Value::object();
        }
        match self {
            Value::Object(map) => map.entry(key.to_owned()).or_default(),
            _ => unreachable!("made an object above"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(truth) => truth.fmt(f),
            Value::Int(number) => number.fmt(f),
            Value::Uint(number) => number.fmt(f),
            Value::Float(number) => number.fmt(f),
            Value::String(text) => text.fmt(f),
            Value::Bytes(blob) => blob.fmt(f),
            Value::Array(items) => items.fmt(f),
            Value::Object(map) => f.debug_map().entries(map).finish(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(truth),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(uint)) => Value::Uint(uint),
                (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::String(text),
            serde_json::Value::Array(items) => items.into_iter().map(Value::from).collect(),
            serde_json::Value::Object(map) => {
                Value::Object(map.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Value {
        Value::Array(items.into_iter().collect())
    }
}

macro_rules! from {
    ($($type:ty => $make:expr),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Value {
                ($make)(value)
            }
        })*
    };
}

from! {
    bool => Value::Bool,
    i32 => |number| Value::Int(i64::from(number)),
    u32 => |number| Value::Int(i64::from(number)),
    i64 => Value::Int,
    u64 => |number| i64::try_from(number).map_or(Value::Uint(number), Value::Int),
    f64 => Value::Float,
    &str => |text: &str| Value::String(text.to_owned()),
    String => Value::String,
    Blob => Value::Bytes,
    Vec<Value> => Value::Array,
    Map => Value::Object,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> ValueError {
        ValueError(message.to_string())
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> ValueError {
        ValueError(message.to_string())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whatever can be in a state.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
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

    #[test]
    fn equality_is_the_pages_equality() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_eq!(Value::Int(3), Value::Float(3.0));
        assert_eq!(Value::Uint(u64::MAX), Value::Uint(u64::MAX));
        assert_ne!(Value::Int(i64::MAX), Value::Float(i64::MAX as f64 + 1024.0));
        assert_ne!(Value::Int(0), Value::Bool(false));
        assert_ne!(Value::Null, Value::object());
    }

    #[test]
    fn json_is_refused_where_it_would_lose_something() {
        let fits = |value: Value| value.fits_json();
        assert!(fits(serde_json::json!({"a": [1, 2.5, "x", null]}).into()));
        assert!(fits(Value::Int(9_007_199_254_740_991)));
        assert!(!fits(Value::Int(9_007_199_254_740_992)));
        assert!(!fits(Value::Int(i64::MIN)));
        assert!(!fits(Value::Array(vec![Value::Float(f64::INFINITY)])));
        assert!(!fits(Value::Array(vec![Blob::from(vec![]).into()])));
    }

    #[test]
    fn plain_json_names_bytes_and_non_finite_numbers() {
        let value =
            Value::Array(vec![Blob::from(vec![1, 2, 3]).into(), f64::NAN.into(), f64::NEG_INFINITY.into(), 1.5.into()]);
        assert_eq!(
            value.to_plain_json(),
            serde_json::json!([{"$bytes": "AQID"}, {"$number": "NaN"}, {"$number": "-Infinity"}, 1.5])
        );
    }

    #[test]
    fn a_struct_with_bytes_goes_there_and_back_without_a_copy() {
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        enum Tool {
            Pen,
            Brush { width: u8 },
            Stamp(Blob, String),
        }
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Sketch {
            tools: Vec<Tool>,
            title: Option<String>,
            pixels: Blob,
            scale: f32,
            by_page: std::collections::BTreeMap<u32, (i64, u64)>,
        }
        let pixels = Blob::from(vec![9; 1000]);
        let sketch = Sketch {
            tools: vec![Tool::Pen, Tool::Brush { width: 3 }, Tool::Stamp(pixels.clone(), "x".into())],
            title: None,
            pixels: pixels.clone(),
            scale: 0.5,
            by_page: [(1, (-1, u64::MAX))].into(),
        };
        let value = Value::encode(&sketch).unwrap();
        assert_eq!(value["pixels"].as_bytes().unwrap().as_ptr(), pixels.as_ptr());
        assert_eq!(
            value["tools"],
            Value::Array(vec![
                "Pen".into(),
                serde_json::json!({"Brush": {"width": 3}}).into(),
                Value::Object([("Stamp".to_owned(), vec![pixels.clone().into(), "x".into()].into())].into()),
            ])
        );
        let back: Sketch = value.decode().unwrap();
        assert_eq!(back.pixels.as_ptr(), pixels.as_ptr());
        assert_eq!(back, sketch);
    }

    #[test]
    fn numbers_of_a_page_fit_integer_fields_when_they_are_whole() {
        assert_eq!(Value::Float(3.0).decode::<i64>().unwrap(), 3);
        assert_eq!(Value::Int(3).decode::<f32>().unwrap(), 3.0);
        let error = Value::Float(3.5).decode::<i64>().unwrap_err();
        assert_eq!(error.to_string(), "invalid type: floating point `3.5`, expected i64");
        assert!(Value::from("3").decode::<i64>().is_err());
    }

    #[test]
    fn bytes_fit_a_list_of_bytes() {
        assert_eq!(Value::from(Blob::from(vec![1, 2])).decode::<Vec<u8>>().unwrap(), [1, 2]);
    }
}
