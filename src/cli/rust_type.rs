//! The Rust type that fits every value a key has had, and such values as Rust writes them.

use std::fmt;

use anywidget_host::Value;

/// A list that is longer takes a line for each item.
const WIDTH: usize = 40;

/// What a field would be declared as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    /// Of the items of an empty list.
    Any,
    /// Only `null` so far.
    Null,
    Bool,
    Int,
    Uint,
    Float,
    String,
    Bytes,
    List(Box<Type>),
    /// `null` or else this.
    Maybe(Box<Type>),
    /// Whatever comes.
    Value,
}

impl Type {
    pub(crate) fn of(value: &Value) -> Type {
        match value {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Uint(_) => Type::Uint,
            Value::Float(_) => Type::Float,
            Value::String(_) => Type::String,
            Value::Bytes(_) => Type::Bytes,
            Value::Array(items) => Type::List(Box::new(items.iter().map(Type::of).fold(Type::Any, Type::join))),
            Value::Object(_) => Type::Value,
        }
    }

    /// What fits both.
    pub(crate) fn join(self, other: Type) -> Type {
        match (self, other) {
            (one, other) if one == other => one,
            (Type::Any, one) | (one, Type::Any) => one,
            (Type::Value, _) | (_, Type::Value) => Type::Value,
            (Type::Null, Type::Maybe(one)) | (Type::Maybe(one), Type::Null) => Type::Maybe(one),
            (Type::Null, one) | (one, Type::Null) => Type::Maybe(Box::new(one)),
            (Type::Maybe(one), Type::Maybe(other)) => Type::maybe(one.join(*other)),
            (Type::Maybe(one), other) | (other, Type::Maybe(one)) => Type::maybe(one.join(other)),
            (Type::Int, Type::Float) | (Type::Float, Type::Int) => Type::Float,
            (Type::List(one), Type::List(other)) => Type::List(Box::new(one.join(*other))),
            _ => Type::Value,
        }
    }

    fn maybe(one: Type) -> Type {
        if one == Type::Value { one } else { Type::Maybe(Box::new(one)) }
    }

    /// What `Default` makes of it, as it travels.
    pub(crate) fn default_value(&self) -> Value {
        match self {
            Type::Any | Type::Null | Type::Maybe(_) | Type::Value => Value::Null,
            Type::Bool => false.into(),
            Type::Int | Type::Uint => 0.into(),
            Type::Float => 0.0.into(),
            Type::String => "".into(),
            Type::Bytes => anywidget_host::Blob::default().into(),
            Type::List(_) => Value::Array(Vec::new()),
        }
    }

    /// How well it shows a change; the lowest does best.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Type::Int | Type::Float => 0,
            Type::Bool => 1,
            Type::String => 2,
            Type::List(_) => 3,
            _ => 4,
        }
    }

    /// A change of a place of this type, as an expression.
    pub(crate) fn change(&self, place: &str) -> String {
        match self {
            Type::Int => format!("{place} += 1"),
            Type::Float => format!("{place} += 0.5"),
            Type::Bool => format!("{place} = !{place}"),
            Type::String => format!("{place} = \"new\".into()"),
            Type::List(_) => format!("{place}.clear()"),
            _ => format!("{place} = Default::default()"),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "bool",
            Type::Int => "i64",
            Type::Uint => "u64",
            Type::Float => "f64",
            Type::String => "String",
            Type::Bytes => "Blob",
            Type::Any | Type::Value => "Value",
            Type::Null => "Option<Value>",
            Type::Maybe(one) => return write!(f, "Option<{one}>"),
            Type::List(one) => return write!(f, "Vec<{one}>"),
        })
    }
}

/// A value as an expression of this type; none for bytes and what JSON lacks inside a `Value`.
pub(crate) fn literal(value: &Value, ty: &Type) -> Option<String> {
    Some(match (ty, value) {
        (Type::Any | Type::Value, value) => match json(value)? {
            json if matches!(value, Value::Null) => json.replace("null", "Value::Null"),
            json => format!("json!({json}).into()"),
        },
        (Type::Null | Type::Maybe(_), Value::Null) => "None".into(),
        (Type::Maybe(one), value) => format!("Some({})", literal(value, one)?),
        (Type::Float, Value::Int(number)) => format!("{number}.0"),
        (Type::Float, Value::Float(number)) => float(*number),
        (_, Value::Int(number)) => number.to_string(),
        (_, Value::Uint(number)) => number.to_string(),
        (_, Value::Bool(truth)) => truth.to_string(),
        (_, Value::String(text)) => format!("{text:?}.into()"),
        (Type::List(one), Value::Array(items)) => {
            let items = items.iter().map(|item| literal(item, one)).collect::<Option<Vec<String>>>()?;
            match items.iter().map(String::len).sum::<usize>() {
                0..=WIDTH => format!("vec![{}]", items.join(", ")),
                _ => format!("vec![\n    {},\n]", items.join(",\n    ")),
            }
        }
        _ => return None,
    })
}

fn float(number: f64) -> String {
    match number {
        number if number.is_nan() => "f64::NAN".into(),
        f64::INFINITY => "f64::INFINITY".into(),
        f64::NEG_INFINITY => "f64::NEG_INFINITY".into(),
        number => format!("{number:?}"),
    }
}

/// A value as `json!` takes it.
fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) if number.is_finite() => format!("{number:?}"),
        Value::Float(_) | Value::Bytes(_) => return None,
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(json).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| Some(format!("{key:?}: {}", json(value)?)));
            let entries: Option<Vec<String>> = entries.collect();
            format!("{{{}}}", entries?.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: serde_json::Value) -> String {
        Type::of(&value.into()).to_string()
    }

    #[test]
    fn a_type_fits_every_value_seen() {
        assert_eq!(of(json!(1)), "i64");
        assert_eq!(of(json!(1.0)), "f64");
        assert_eq!(of(json!(u64::MAX)), "u64");
        assert_eq!(of(json!([1, 2.5])), "Vec<f64>");
        assert_eq!(of(json!([[1], []])), "Vec<Vec<i64>>");
        assert_eq!(of(json!([1, null])), "Vec<Option<i64>>");
        assert_eq!(of(json!([1, null, "a"])), "Vec<Value>");
        assert_eq!(of(json!([])), "Vec<Value>");
        assert_eq!(of(json!({})), "Value");
        assert_eq!(of(json!(null)), "Option<Value>");
        assert_eq!(Type::Null.join(Type::Int).to_string(), "Option<i64>");
        assert_eq!(Type::Bool.join(Type::Int).to_string(), "Value");
        assert_eq!(Type::Int.join(Type::Uint).to_string(), "Value");
    }

    #[test]
    fn values_are_written_as_rust_reads_them() {
        let as_rust = |value: serde_json::Value| {
            let value = value.into();
            literal(&value, &Type::of(&value)).unwrap()
        };
        assert_eq!(as_rust(json!("a\"b\n")), r#""a\"b\n".into()"#);
        assert_eq!(as_rust(json!([1, 2.5])), "vec![1.0, 2.5]");
        assert_eq!(as_rust(json!([1, null])), "vec![Some(1), None]");
        assert_eq!(as_rust(json!({"a": [1, "b"]})), r#"json!({"a": [1, "b"]}).into()"#);
        assert_eq!(literal(&f64::NAN.into(), &Type::Float).unwrap(), "f64::NAN");
        assert_eq!(literal(&anywidget_host::Blob::from(vec![1]).into(), &Type::Bytes), None);
    }
}
