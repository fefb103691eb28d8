//! What really happened on the host, noted where it happened: against this the pages are checked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use super::board::Board;
use crate::model::Model;
use crate::value::Value;

/// Shared by the rules of the widget, which write it, and the simulation, which reads it.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    histories: HashMap<String, History>,
    heard: Vec<Heard>,
    /// When each value came to its key first, in whatever life and though it was lost with that.
    came: HashMap<(String, i64), u64>,
    /// Counts what is noted, so that one thing is before another.
    clock: u64,
    /// Counts the processes.
    life: u32,
}

/// One epoch.
#[derive(Default)]
struct History {
    written: Vec<Written>,
    /// Custom messages to every page, by their number.
    said: BTreeMap<u64, Value>,
    /// The number of the newest message.
    newest: u64,
}

/// A value that a commit gave to a key; none takes the key away.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) rev: u64,
    pub(super) key: String,
    pub(super) value: Option<i64>,
    /// It is not known who wrote it: the history began with it.
    pub(super) was_there: bool,
}

/// A message that a page sent.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) at: u64,
    pub(super) life: u32,
    pub(super) content: Value,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no listener panics")
    }

    /// A process begins: its history is new, or goes on from what was kept.
    pub(super) fn begin(&self, epoch: &str, rev: u64, newest: u64, slots: impl Iterator<Item = (String, u64, i64)>) {
        let mut inner = self.lock();
        inner.life += 1;
        let goes_on = inner.histories.contains_key(epoch);
        let history = inner.histories.entry(epoch.to_owned()).or_default();
        history.written.retain(|written| written.rev <= rev);
        history.said.retain(|n, _| *n <= newest);
        history.newest = newest;
        if !goes_on {
            history.written =
                slots.map(|(key, rev, value)| Written { rev, key, value: Some(value), was_there: true }).collect();
        }
    }

    pub(super) fn commit(&self, epoch: &str, rev: u64, values: impl Iterator<Item = (String, Option<i64>)>) {
        let mut inner = self.lock();
        inner.clock += 1;
        let at = inner.clock;
        for (key, value) in values {
            if let Some(value) = value {
                inner.came.entry((key.clone(), value)).or_insert(at);
            }
            let history = inner.histories.entry(epoch.to_owned()).or_default();
            history.written.push(Written { rev, key, value, was_there: false });
        }
    }

    /// Sends a custom message to every page.
    pub(super) fn say(&self, model: &Model<Board>, content: serde_json::Value) {
        let mut inner = self.lock();
        let history = inner.histories.entry(model.epoch().to_string()).or_default();
        history.newest += 1;
        history.said.insert(history.newest, content.clone().into());
        model.send(content).expect("it is JSON");
    }

    pub(super) fn hear(&self, content: Value) {
        let mut inner = self.lock();
        inner.clock += 1;
        let (at, life) = (inner.clock, inner.life);
        inner.heard.push(Heard { at, life, content });
    }

    /// The newest rev that gave this value to the key.
    pub(super) fn rev_of(&self, epoch: &str, key: &str, value: Option<i64>) -> Option<u64> {
        let inner = self.lock();
        let mut written = inner.histories.get(epoch)?.written.iter().rev();
        written.find(|written| written.key == key && written.value == value).map(|written| written.rev)
    }

    /// The state as of a rev.
    pub(super) fn state_at(&self, epoch: &str, rev: u64) -> BTreeMap<String, i64> {
        let mut state = BTreeMap::new();
        for Written { key, value, .. } in self.written(epoch).into_iter().filter(|written| written.rev <= rev) {
            match value {
                Some(value) => state.insert(key, value),
                None => state.remove(&key),
            };
        }
        state
    }

    /// Everything that was written in an epoch, in order.
    pub(super) fn written(&self, epoch: &str) -> Vec<Written> {
        self.lock().histories.get(epoch).map(|history| history.written.clone()).unwrap_or_default()
    }

    pub(super) fn epochs(&self) -> Vec<String> {
        self.lock().histories.keys().cloned().collect()
    }

    /// A message that was sent to every page.
    pub(super) fn said(&self, epoch: &str, n: u64) -> Option<Value> {
        self.lock().histories.get(epoch)?.said.get(&n).cloned()
    }

    pub(super) fn newest(&self, epoch: &str) -> u64 {
        self.lock().histories.get(epoch).map_or(0, |history| history.newest)
    }

    /// When a value came to its key for the first time.
    pub(super) fn came(&self, key: &str, value: i64) -> Option<u64> {
        self.lock().came.get(&(key.to_owned(), value)).copied()
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.lock().heard.clone()
    }
}
