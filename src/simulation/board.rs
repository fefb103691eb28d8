//! The widget of the simulations: a few numbers, with every rule that a host can have for a write.

use std::collections::BTreeMap;

use serde_json::json;

use super::ledger::Ledger;
use crate::error::Refusal;
use crate::state::{Access, Key, KeyName, State};
use crate::value::{Value, ValueError};
use crate::widget::{Source, Widget};

/// The keys that pages write. `x` comes into being when somebody sets it, and Rust takes it away again.
pub(super) const KEYS: [&str; 4] = ["a", "b", "c", "x"];

/// Only Rust writes it.
pub(super) const SERVER_KEY: &str = "last";

/// What a page writes is below these, so that every value tells where it comes from.
pub(super) const ALTERED: i64 = 1_000_000;
pub(super) const DERIVED: i64 = 2_000_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Board(pub(super) BTreeMap<String, i64>);

impl Board {
    pub(super) fn first() -> Board {
        Board(["a", "b", "c", SERVER_KEY].map(|key| (key.to_owned(), 0)).into())
    }
}

/// Whether the host refuses a frame with this value in it.
pub(super) fn is_refused(value: i64) -> bool {
    value % 7 == 0
}

/// What the host makes of a value that it does not refuse.
pub(super) fn accepted(value: i64) -> i64 {
    if value % 5 == 0 { value + ALTERED } else { value }
}

/// The rules: some values are refused, some altered, each write by a page also writes `last`, and some values of
/// `b` are answered with a commit of `c`.
pub(super) fn widget(ledger: &Ledger) -> Widget<Board> {
    let source = Source::inline("export default {}");
    let (changes, messages) = (ledger.clone(), ledger.clone());
    let mut widget = Widget::new("board", source)
        .initial(Board::first)
        .validate(|next: &mut Board, changed| {
            for key in changed {
                let value = next.0.entry(key.to_string()).or_default();
                if is_refused(*value) {
                    return Err(Refusal::new("divisible by 7"));
                }
                *value = accepted(*value);
                let last = *value;
                next.0.insert(SERVER_KEY.to_owned(), last);
            }
            Ok(())
        })
        .on_change(move |model, change| {
            let values = change.keys.iter().map(|key| (key.to_string(), change.state.0.get(&**key).copied()));
            changes.commit(&model.epoch(), change.rev, values);
            let b = change.state.0.get("b").copied().unwrap_or_default();
            if change.has("b") && b % 11 == 0 {
                model.update(|state| state.0.insert("c".to_owned(), b % ALTERED + DERIVED));
            }
        })
        .on_message(move |model, message| {
            messages.hear(message.content.clone());
            let id = message.content["id"].as_i64().expect("every message of a page has an id");
            if id % 3 == 0 {
                message.reply(json!({ "reply": id })).expect("it is JSON");
            } else if id % 3 == 1 {
                messages.say(model, json!({ "heard": id }));
            }
        });
    widget.open = true;
    widget
}

impl State for Board {
    fn keys(&self) -> Vec<Key> {
        let access = |key: &str| if key == SERVER_KEY { Access::Server } else { Access::Everyone };
        self.0.keys().map(|key| Key { name: key.clone().into(), access: access(key) }).collect()
    }

    fn read(&self, key: &str) -> Result<Value, ValueError> {
        Ok(self.0.get(key).map_or(Value::Null, |value| (*value).into()))
    }

    fn write(&mut self, key: &str, value: Value) -> Result<(), ValueError> {
        self.0.insert(key.to_owned(), value.decode()?);
        Ok(())
    }

    fn changes(&self, before: &Board) -> Vec<KeyName> {
        let written = self.0.iter().filter(|(key, value)| before.0.get(*key) != Some(value)).map(|(key, _)| key);
        let gone = before.0.keys().filter(|key| !self.0.contains_key(*key));
        written.chain(gone).map(|key| key.clone().into()).collect()
    }
}
