//! What went into a replica and what came out of it, so that another one can be held to the same.

use serde_json::{Value as Json, json};

use super::replica::{Out, Replica};
use crate::value::{Map, Value};

/// Fields of `hello` that are not the replica's business.
const NOT_READ: [&str; 5] = ["client", "code", "frame_bytes", "heartbeat", "readonly"];

#[derive(Default)]
pub(super) struct Tape {
    steps: Vec<Json>,
    /// What the replica showed after the last step.
    shown: Map,
}

impl Tape {
    /// Notes one thing that was done to the replica, the frames that it gave for it, and all that it tells.
    pub(super) fn step(&mut self, what: &str, argument: Value, sends: &[Value], replica: &mut Replica) -> Out {
        let out = replica.out();
        let state = replica.state();
        let shows = state.iter().filter(|(key, value)| self.shown.get(*key) != Some(*value));
        let shows: Map = shows.map(|(key, value)| (key.clone(), value.clone())).collect();
        let gone: Vec<&str> = self.shown.keys().filter(|key| !state.contains_key(*key)).map(String::as_str).collect();
        let mut effects = serde_json::Map::new();
        let mut note = |name: &str, is_any: bool, what: Json| {
            if is_any {
                effects.insert(name.to_owned(), what);
            }
        };
        note("sends", !sends.is_empty(), sends.iter().map(Value::to_plain_json).collect());
        note("shows", !shows.is_empty(), Value::Object(shows).to_plain_json());
        note("gone", !gone.is_empty(), json!(gone));
        note("tells", !out.told.is_empty(), out.told.iter().map(|frame| frame["content"].to_plain_json()).collect());
        let refused = out.refused.iter().map(|reasons| Value::Object(reasons.clone()).to_plain_json());
        note("refused", !out.refused.is_empty(), refused.collect());
        note("loses", !out.lost.is_empty(), json!(out.lost.len()));
        self.steps.push(json!([what, plain(argument), effects]));
        self.shown = state;
        out
    }

    /// All of it, as `tests/vectors/README.md` describes it.
    pub(super) fn steps(&self) -> &[Json] {
        &self.steps
    }
}

fn plain(argument: Value) -> Json {
    let mut json = argument.to_plain_json();
    if let Some(fields) = json.as_object_mut() {
        NOT_READ.iter().for_each(|name| drop(fields.remove(*name)));
    }
    json
}
