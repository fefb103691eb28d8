//! What is too large for a frame: named there, and fetched by the page from the key's own address.

use super::{AnyState, Core};
use crate::protocol::{Fetches, Values};
use crate::state::KeyName;
use crate::value::{Map, Value};

impl Core {
    /// Values for one frame. Those above the limit are left out for a page that fetches them.
    pub(super) fn values(&self, state: &AnyState, keys: &[(KeyName, u64)], fetches: Fetches) -> Values {
        let most = match fetches {
            Fetches::Nothing => usize::MAX,
            Fetches::Large => self.limits.inline_bytes,
            Fetches::VeryLarge => self.limits.inline_bytes_near,
        };
        let mut values = Values::default();
        for (key, rev) in keys {
            let value = self.widget.behaviour.read(state, key);
            let size = if most == usize::MAX { 0 } else { value.size() };
            if size > most {
                values.large.insert(key.to_string(), notice(*rev, size));
            } else {
                values.state.insert(key.to_string(), value);
            }
        }
        values
    }
}

/// What the page needs to know of it: the rev that wrote it, and about how many bytes will come.
fn notice(rev: u64, size: usize) -> Value {
    Value::Object(Map::from([("rev".to_owned(), rev.into()), ("size".to_owned(), (size as u64).into())]))
}
