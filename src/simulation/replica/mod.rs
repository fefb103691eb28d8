//! The browser's replica of a model, once more in Rust: `js/model.js` without listeners and large values.

mod receive;

use indexmap::IndexMap;
use serde_json::json;

use crate::value::{Map, Value};

/// Frames without number kept for a host that is away.
const MAX_NOTES: usize = 100;

/// What one page has of a model, and the frames that keep it in step with its host.
pub(crate) struct Replica {
    session: String,
    epoch: Option<String>,
    rev: u64,
    /// Number of the newest message seen in this epoch.
    n: Option<u64>,
    /// Of the last numbered frame.
    seq: u64,
    /// The host said hello on the connection of the moment.
    live: bool,
    /// A commit was missed.
    gap: bool,
    slots: IndexMap<String, Slot>,
    /// Set and not saved, with what the host was last known to have.
    dirty: IndexMap<String, Option<Value>>,
    /// Saved, and in no frame yet.
    waiting: Map,
    /// Numbered frames that no connection was given yet.
    queue: Vec<Value>,
    /// Numbered frames sent and not acknowledged.
    sent: Vec<Value>,
    notes: Vec<Value>,
    /// What the host said of pending keys, with its rev.
    aside: IndexMap<String, (Value, u64)>,
    out: Out,
}

#[derive(Default)]
struct Slot {
    value: Value,
    /// Of the frame that told of it last, in this epoch.
    rev: u64,
}

/// What a page around a replica hears of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Out {
    /// Custom messages, as frames.
    pub(crate) told: Vec<Value>,
    /// Reasons for refused writes.
    pub(crate) refused: Vec<Map>,
    /// Contents of own messages that the host may never have got.
    pub(crate) lost: Vec<Value>,
}

impl Replica {
    pub(crate) fn new(session: &str) -> Replica {
        Replica {
            session: session.to_owned(),
            epoch: None,
            rev: 0,
            n: None,
            seq: 0,
            live: false,
            gap: false,
            slots: IndexMap::new(),
            dirty: IndexMap::new(),
            waiting: Map::new(),
            queue: Vec::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            aside: IndexMap::new(),
            out: Out::default(),
        }
    }

    /// Begins with a state that came with the page.
    pub(crate) fn seed(&mut self, epoch: &str, rev: u64, state: &Map) {
        self.epoch = Some(epoch.to_owned());
        self.rev = rev;
        self.take(state, rev);
    }

    /// What its widgets see.
    pub(crate) fn state(&self) -> Map {
        self.slots.iter().map(|(key, slot)| (key.clone(), slot.value.clone())).collect()
    }

    /// The value of a key; `null` when there is none.
    pub(crate) fn get(&self, key: &str) -> &Value {
        self.slots.get(key).map_or(&Value::Null, |slot| &slot.value)
    }

    pub(crate) fn rev(&self) -> u64 {
        self.rev
    }

    /// What it told since the last call.
    pub(crate) fn out(&mut self) -> Out {
        std::mem::take(&mut self.out)
    }

    /// Whether nothing of it is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && self.queue.is_empty() && self.sent.is_empty() && self.dirty.is_empty()
    }

    pub(crate) fn set(&mut self, state: &Map) {
        for (key, value) in state {
            let old = self.slots.get(key).map(|slot| slot.value.clone());
            if old.as_ref() == Some(value) {
                continue;
            }
            self.dirty.entry(key.clone()).or_insert(old);
            self.slots.entry(key.clone()).or_default().value = value.clone();
        }
    }

    pub(crate) fn save(&mut self) {
        for (key, _) in std::mem::take(&mut self.dirty) {
            let value = self.get(&key).clone();
            self.waiting.insert(key, value);
        }
    }

    pub(crate) fn send(&mut self, content: Value) {
        self.promote();
        self.seq += 1;
        let mut frame = frame(json!({"type": "message", "seq": self.seq, "content": null, "buffers": []}));
        frame["content"] = content;
        self.queue.push(frame);
    }

    /// Asks for everything, when there is somebody to ask.
    pub(crate) fn ask(&mut self) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(frame(json!({"type": "get"})));
        }
    }

    /// The frame that opens a connection.
    pub(crate) fn hello(&self) -> Value {
        let mut hello = frame(json!({"type": "hello", "version": 1, "session": self.session, "fetches": true}));
        if let Some(epoch) = &self.epoch {
            hello["epoch"] = epoch.clone().into();
            hello["rev"] = self.rev.into();
        }
        if let Some(n) = self.n {
            hello["messages"] = n.into();
        }
        hello
    }

    /// The frames to send now. In the last moment of a connection `all` goes.
    pub(crate) fn drain(&mut self, all: bool) -> Vec<Value> {
        if !self.live && !all {
            return Vec::new();
        }
        // Before its hello nobody knows what the host has of these. It takes numbers only in order, so they go first;
        // not a message, which it may have, nor anything behind one.
        let mut frames = if self.live { Vec::new() } else { self.sent.clone() };
        if let Some(end) = frames.iter().position(|frame| !is_set(frame)) {
            frames.truncate(end);
            return frames;
        }
        if all || self.writes().next().is_none() {
            self.promote();
        }
        self.sent.extend(self.queue.iter().cloned());
        frames.append(&mut self.queue);
        frames.append(&mut self.notes);
        frames
    }

    /// The connection is gone.
    pub(crate) fn lost(&mut self) {
        self.live = false;
        self.gap = false;
    }

    /// The `set`s that are not acknowledged.
    fn writes(&self) -> impl Iterator<Item = &Value> {
        self.queue.iter().chain(&self.sent).filter(|frame| is_set(frame))
    }

    /// Makes a numbered frame of the values that wait.
    fn promote(&mut self) {
        if !self.waiting.is_empty() {
            self.seq += 1;
            let mut frame = frame(json!({"type": "set", "seq": self.seq}));
            frame["state"] = std::mem::take(&mut self.waiting).into();
            self.queue.push(frame);
        }
    }

    fn raise(&mut self, rev: u64) {
        if !self.gap {
            self.rev = self.rev.max(rev);
        }
    }
}

fn frame(json: serde_json::Value) -> Value {
    json.into()
}

fn is_set(frame: &Value) -> bool {
    frame["type"].as_str() == Some("set")
}
