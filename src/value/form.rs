//! The texts of a form as what a Rust type asks for: HTML has no numbers.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::{Map, Value, ValueError};

impl Value {
    /// The fields of a form, each a text; one that stands there several times is a list of them.
    pub(crate) fn from_form(body: &[u8]) -> Value {
        let mut fields = Map::new();
        for (name, text) in form_urlencoded::parse(body) {
            let text = Value::String(text.into_owned());
            match fields.get_mut(&*name) {
                None => drop(fields.insert(name.into_owned(), text)),
                Some(Value::Array(texts)) => texts.push(text),
                Some(first) => *first = Value::Array(vec![std::mem::take(first), text]),
            }
        }
        Value::Object(fields)
    }

    /// What the texts of a form may stand for, the likeliest first: `like` is what is there now.
    pub(crate) fn readings(self, like: &Value) -> Vec<Value> {
        let single = matches!(self, Value::String(_));
        let parsed = self.parsed();
        let mut readings = vec![self];
        readings.extend(parsed);
        if !matches!(like, Value::String(_) | Value::Null) {
            readings.reverse();
        }
        if single {
            let lists: Vec<Value> = readings.iter().map(|one| Value::Array(vec![one.clone()])).collect();
            readings.extend(lists);
        }
        readings
    }

    /// Whether both are numbers, texts and so on. Anything goes where there is nothing.
    pub(crate) fn is_like(&self, other: &Value) -> bool {
        matches!(other, Value::Null) || self.kind() == other.kind()
    }

    /// What sort of value it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
            Value::String(_) => "a text",
            Value::Bytes(_) => "bytes",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    /// The number, the truth value or whatever JSON a text is.
    fn parsed(&self) -> Option<Value> {
        match self {
            Value::String(text) => match text.trim() {
                "" => Some(Value::Null),
                "on" => Some(Value::Bool(true)), // a ticked box without a value
                text => serde_json::from_str(text).ok(),
            },
            Value::Array(texts) => texts.iter().map(Value::parsed).collect::<Option<_>>().map(Value::Array),
            _ => None,
        }
    }

    /// Turns the fields of a form into a Rust type, texts into numbers where it has numbers.
    pub(crate) fn decode_form<T: serde::de::DeserializeOwned>(self) -> Result<T, ValueError> {
        T::deserialize(Lenient(self))
    }
}

/// A value whose texts become what is asked for.
struct Lenient(Value);

impl Lenient {
    /// The value when it is to be anything but a text.
    fn typed(self) -> Value {
        match self.0.parsed() {
            Some(Value::Null) | None => self.0,
            Some(parsed) => parsed,
        }
    }
}

impl IntoDeserializer<'_, ValueError> for Lenient {
    type Deserializer = Lenient;

    fn into_deserializer(self) -> Lenient {
        self
    }
}

macro_rules! typed {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.typed().$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Lenient))),
            Value::Object(fields) => {
                visitor.visit_map(MapDeserializer::new(fields.into_iter().map(|(key, value)| (key, Lenient(value)))))
            }
            other => other.deserialize_any(visitor),
        }
    }

    typed! {
        deserialize_bool deserialize_f32 deserialize_f64
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.0 {
            Value::Null => visitor.visit_none(),
            Value::String(text) if text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A field that stands there once is a list of one.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::String(_) => visitor.visit_seq(SeqDeserializer::new(std::iter::once(self))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.0 {
            Value::Object(fields) if fields.is_empty() => visitor.visit_unit(),
            _ => self.0.deserialize_unit(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        name: String,
        count: u8,
        price: f64,
        gift: bool,
        note: Option<String>,
        weight: Option<i32>,
        tags: Vec<String>,
        rows: Vec<u32>,
        size: Size,
    }

    #[test]
    fn texts_become_what_the_type_asks_for() {
        let form = b"name=12&count=3&price=1.5&gift=on&note=&weight=-4&tags=a&rows=1&rows=2&size=large";
        let order: Order = Value::from_form(form).decode_form().unwrap();
        let expected = Order {
            name: "12".into(),
            count: 3,
            price: 1.5,
            gift: true,
            note: None,
            weight: Some(-4),
            tags: vec!["a".into()],
            rows: vec![1, 2],
            size: Size::Large,
        };
        assert_eq!(order, expected);
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_what() {
        let decode = |form: &str| Value::from_form(form.as_bytes()).decode_form::<(i64,)>();
        assert!(decode("a=1").is_err());
        #[derive(Debug, Deserialize)]
        struct One {
            #[allow(dead_code)]
            count: u8,
        }
        let error = |form: &str| Value::from_form(form.as_bytes()).decode_form::<One>().unwrap_err().to_string();
        assert!(error("count=many").contains("many"), "{}", error("count=many"));
        assert!(error("count=300").contains("300"));
        assert!(error("").contains("count"));
    }

    #[test]
    fn a_form_is_percent_decoded_and_repeated_names_are_a_list() {
        let form = Value::from_form("a=x+y%26z&b=1&b=2&b=3&%C3%BC=%C3%A4".as_bytes());
        assert_eq!(form, json!({"a": "x y&z", "b": ["1", "2", "3"], "ü": "ä"}).into());
    }

    #[test]
    fn the_likeliest_reading_of_a_text_is_that_of_what_is_there() {
        let readings = |text: &str, like: serde_json::Value| Value::from(text).readings(&like.into());
        assert_eq!(readings("5", json!(1))[0], 5.into());
        assert_eq!(readings("5", json!("a"))[0], "5".into());
        assert_eq!(readings("5", json!(null))[0], "5".into());
        assert_eq!(readings("true", json!(false))[0], true.into());
        assert_eq!(readings("on", json!(false))[0], true.into());
        assert_eq!(readings("[1, 2]", json!([]))[0], json!([1, 2]).into());
        assert_eq!(readings("word", json!(1)), [Value::from("word"), json!(["word"]).into()]);
    }
}
