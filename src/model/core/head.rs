//! A state with the rev of each of its keys, as of one commit.

use indexmap::IndexMap;

use super::{AnyState, Delta};
use crate::state::{Access, Key, KeyName};

/// The newest commit, or the newest that may be seen.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) rev: u64,
    pub(super) state: AnyState,
    pub(super) slots: IndexMap<KeyName, Slot>,
}

#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// The commit that wrote it last.
    pub(super) rev: u64,
    /// The client that sent it, to which it is not echoed. Its ack carries what came out otherwise.
    writer: Option<u64>,
    /// Another host wrote it last, not this one.
    pub(super) foreign: bool,
    pub(super) access: Access,
}

impl Head {
    /// A state at a rev, each key with the rev that wrote it.
    pub(super) fn new(rev: u64, state: AnyState, keys: Vec<Key>, written: impl Fn(&str) -> u64) -> Head {
        let slot = |key: Key| {
            let slot = Slot { rev: written(&key.name), writer: None, foreign: false, access: key.access };
            (key.name, slot)
        };
        Head { rev, state, slots: keys.into_iter().map(slot).collect() }
    }

    /// Keys that were taken away, each with the rev that did it: pages that have them are told so.
    pub(super) fn bury(&mut self, gone: impl Iterator<Item = (KeyName, u64)>) {
        for (key, rev) in gone {
            self.slots.entry(key).or_insert(Slot { rev, writer: None, foreign: false, access: Access::default() });
        }
    }

    /// The next commit.
    pub(super) fn write(&mut self, state: AnyState, keys: &[KeyName], writer: Option<u64>) {
        self.rev += 1;
        self.state = state;
        for key in keys {
            let access = self.slots.get(key).map(|slot| slot.access).unwrap_or_default();
            self.slots.insert(key.clone(), Slot { rev: self.rev, writer, foreign: false, access });
        }
    }

    /// Goes on to a rev that others have come to, with the rev of each key that they wrote. What is above `kept`
    /// gets the new rev, if there is such a rev for it, and goes to everybody, whoever wrote it.
    pub(super) fn absorb(&mut self, rev: u64, state: AnyState, kept: u64, written: Vec<(KeyName, u64)>) {
        (self.rev, self.state) = (rev, state);
        for slot in self.slots.values_mut().filter(|slot| slot.rev > kept) {
            (slot.rev, slot.writer) = (rev, None);
        }
        for (key, rev) in written {
            let access = self.slots.get(&key).map(|slot| slot.access).unwrap_or_default();
            self.slots.insert(key, Slot { rev, writer: None, foreign: true, access });
        }
    }

    /// The keys written after `rev` (all without one), but for those that `reader` wrote itself.
    pub(super) fn since(&self, rev: Option<u64>, reader: Option<u64>) -> Delta {
        let newer = |slot: &Slot| rev.is_none_or(|rev| slot.rev > rev);
        let own = |slot: &Slot| reader.is_some() && slot.writer == reader;
        let keys =
            self.slots.iter().filter(|(_, slot)| newer(slot) && !own(slot)).map(|(key, slot)| (key.clone(), slot.rev));
        Delta { rev: self.rev, keys: keys.collect(), state: self.state.clone() }
    }
}
