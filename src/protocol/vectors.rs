//! Holds this codec to the examples in `tests/vectors`, as the browser runtime is held to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::codec::{Payload, decode, encode};
use crate::value::{Blob, Map, Value};

const VALUES: &str = include_str!("../../tests/vectors/values.json");
const FRAMES: &str = include_str!("../../tests/vectors/frames.json");
const FOREIGN: &str = include_str!("../../tests/vectors/foreign.json");
const MALFORMED: &str = include_str!("../../tests/vectors/malformed.json");

/// The examples of a file, each with its name.
fn examples(file: &str) -> Vec<(String, Json)> {
    let examples: Vec<Json> = serde_json::from_str(file).unwrap();
    assert!(!examples.is_empty());
    examples.into_iter().map(|example| (example["name"].as_str().unwrap().to_owned(), example)).collect()
}

fn payload(example: &Json) -> Payload {
    match (example["text"].as_str(), example["base64"].as_str()) {
        (Some(text), None) => Payload::Text(text.into()),
        (None, Some(bytes)) => Payload::Binary(STANDARD.decode(bytes).unwrap().into()),
        _ => panic!("either text or bytes: {example}"),
    }
}

/// What the notation of the examples means.
fn value(notation: &Json) -> Value {
    match notation {
        Json::Array(items) => items.iter().map(value).collect(),
        Json::Object(map) => {
            let single = map.iter().next().filter(|_| map.len() == 1);
            match single.map(|(name, text)| (name.as_str(), text.as_str().unwrap_or_default())) {
                Some(("$bytes", text)) => Blob::from(STANDARD.decode(text).unwrap()).into(),
                Some(("$number", text)) => Value::Float(text.parse().unwrap()),
                Some(("$int", text)) => match text.parse() {
                    Ok(int) => Value::Int(int),
                    Err(_) => Value::Uint(text.parse().unwrap()),
                },
                _ => Value::Object(map.iter().map(|(key, item)| (key.clone(), value(item))).collect::<Map>()),
            }
        }
        plain => plain.clone().into(),
    }
}

#[test]
fn every_example_is_decoded_and_encoded() {
    for (name, example) in [VALUES, FRAMES, FOREIGN].into_iter().flat_map(examples) {
        let frame = value(&example["frame"]);
        assert_eq!(decode(&payload(&example)).as_ref(), Ok(&frame), "{name}");
        let encoded = encode(&frame);
        let kind = if matches!(encoded, Payload::Text(_)) { "json" } else { "messagepack" };
        assert!(example["encoding"] == "either" || example["encoding"] == kind, "{name} was encoded as {kind}");
        assert_eq!(decode(&encoded), Ok(frame), "{name}, encoded by us");
    }
}

#[test]
fn every_malformed_example_is_refused() {
    for (name, example) in examples(MALFORMED) {
        let error = decode(&payload(&example)).expect_err(&name);
        assert!(error.starts_with("not JSON: ") || error.starts_with("not MessagePack: "), "{name}: {error}");
    }
}
