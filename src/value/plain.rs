//! The JSON form of a value, for hands and for readers without MessagePack: in `widget.json`, on the `state` route, in the
//! body of a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Blob, Value};

impl Value {
    /// Bytes become `{"$bytes": "<base64>"}`, non-finite numbers `{"$number": "NaN"}`.
    pub(crate) fn to_plain_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => (*truth).into(),
            Value::Int(number) => (*number).into(),
            Value::Uint(number) => (*number).into(),
            Value::Float(number) if number.is_finite() => (*number).into(),
            Value::Float(number) => {
                let name = match () {
                    () if number.is_nan() => "NaN",
                    () if *number > 0.0 => "Infinity",
                    () => "-Infinity",
                };
                serde_json::json!({ "$number": name })
            }
            Value::String(text) => text.as_str().into(),
            Value::Bytes(blob) => {
                let text = STANDARD.encode(blob);
                serde_json::json!({ "$bytes": text })
            }
            Value::Array(items) => items.iter().map(Value::to_plain_json).collect(),
            Value::Object(map) => {
                serde_json::Value::Object(map.iter().map(|(key, value)| (key.clone(), value.to_plain_json())).collect())
            }
        }
    }

    /// The value that such JSON stands for.
    ///
    /// # Errors
    /// When what stands behind `$bytes` or `$number` is not one.
    pub(crate) fn from_plain_json(json: serde_json::Value) -> Result<Value, String> {
        Value::from_plain_json_with(json, &mut |_, _| None)
    }

    /// As [`from_plain_json`](Value::from_plain_json), where `other` may know more names: it is given an object's
    /// only name and its text.
    pub(crate) fn from_plain_json_with<E: From<String>>(
        json: serde_json::Value,
        other: &mut impl FnMut(&str, &str) -> Option<Result<Value, E>>,
    ) -> Result<Value, E> {
        match json {
            serde_json::Value::Array(items) => {
                items.into_iter().map(|item| Value::from_plain_json_with(item, other)).collect()
            }
            serde_json::Value::Object(map) => {
                let single = (map.len() == 1).then(|| map.iter().next()).flatten();
                if let Some((name, serde_json::Value::String(text))) = single {
                    match name.as_str() {
                        "$bytes" => return Ok(bytes(text)?),
                        "$number" => return Ok(number(text)?),
                        name => {
                            if let Some(value) = other(name, text) {
                                return value;
                            }
                        }
                    }
                }
                let entries = map.into_iter().map(|(key, value)| Ok((key, Value::from_plain_json_with(value, other)?)));
                Ok(Value::Object(entries.collect::<Result<_, E>>()?))
            }
            other => Ok(other.into()),
        }
    }
}

fn bytes(base64: &str) -> Result<Value, String> {
    let decoded = STANDARD.decode(base64);
    decoded.map(|bytes| Blob::from(bytes).into()).map_err(|error| format!("`$bytes` is not base64: {error}"))
}

fn number(name: &str) -> Result<Value, String> {
    match name {
        "NaN" => Ok(f64::NAN.into()),
        "Infinity" => Ok(f64::INFINITY.into()),
        "-Infinity" => Ok(f64::NEG_INFINITY.into()),
        other => Err(format!("`$number` is NaN, Infinity or -Infinity, not {other:?}")),
    }
}
