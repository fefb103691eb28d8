//! What a replica makes of the frames of its host.

use super::{Replica, is_set};
use crate::value::{Map, Value};

impl Replica {
    pub(crate) fn receive(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap_or_default() {
            "hello" => self.greeted(frame),
            "set" => self.written(frame),
            "ack" => self.acknowledged(frame),
            "message" => self.told(frame),
            "gap" => self.n = self.n.map(|n| n + number(frame, "count")),
            _ => {}
        }
    }

    fn greeted(&mut self, frame: &Value) {
        let (epoch, rev, state) = (frame["epoch"].as_str(), number(frame, "rev"), map(frame, "state"));
        let mut known = frame["seq"] != Value::Null;
        if epoch != self.epoch.as_deref() {
            self.epoch = epoch.map(str::to_owned);
            self.n = None;
            self.aside.clear();
            known = false;
        }
        self.n = self.n.or(frame["messages"].as_i64().map(|n| n as u64));
        if !self.live {
            self.resend(known);
        }
        self.live = true;
        let full = frame["full"] == true.into();
        if full {
            self.slots.values_mut().for_each(|slot| slot.rev = 0);
        }
        self.take(&state, rev);
        if full {
            self.rev = rev;
            self.gap = false;
            let gone = |key: &String| !state.contains_key(key) && !self.dirty.contains_key(key) && !self.pending(key);
            let gone: Vec<String> = self.slots.keys().filter(|key| gone(key)).cloned().collect();
            gone.iter().for_each(|key| drop(self.slots.shift_remove(key)));
        }
        self.raise(rev);
    }

    /// Puts what is unacknowledged in front again. A host that does not know our numbers may get a `set` twice,
    /// which does no harm; a message might do.
    fn resend(&mut self, known: bool) {
        let sent = std::mem::take(&mut self.sent);
        let (again, lost): (Vec<_>, Vec<_>) = sent.into_iter().partition(|frame| known || is_set(frame));
        self.queue.splice(..0, again);
        self.out.lost.extend(lost.into_iter().map(|frame| frame["content"].clone()));
    }

    fn written(&mut self, frame: &Value) {
        if number(frame, "base") > self.rev {
            if !self.gap {
                self.ask();
            }
            self.gap = true;
            return;
        }
        let rev = number(frame, "rev");
        self.raise(rev);
        self.take(&map(frame, "state"), rev);
    }

    fn acknowledged(&mut self, ack: &Value) {
        let rev = number(ack, "rev");
        self.raise(rev);
        let Some(at) = self.sent.iter().position(|frame| frame["seq"] == ack["seq"]) else { return };
        let frame = self.sent.remove(at);
        let (wrote, truth, refused) = (map(&frame, "state"), map(ack, "state"), map(ack, "refused"));
        let others = truth.keys().filter(|key| !wrote.contains_key(*key));
        for key in wrote.keys().chain(others) {
            // An answer that is given again, or comes behind a newer commit, may be older than what is shown.
            let told = truth.get(key).filter(|_| self.slots.get(key).is_none_or(|slot| slot.rev <= rev));
            // An accepted write is newer than what was put aside before it, and so is the truth about a refused one.
            let past = |aside: u64| aside <= rev && (told.is_some() || !refused.contains_key(key));
            let aside = self.aside.shift_remove(key).filter(|(_, aside)| !past(*aside));
            let Some((value, at)) = aside.or(told.map(|value| (value.clone(), rev))) else { continue };
            if self.pending(key) {
                self.aside.insert(key.clone(), (value, at));
            } else if at == rev && wrote.contains_key(key) && self.dirty.contains_key(key) {
                self.dirty.insert(key.clone(), Some(value));
            } else {
                self.take(&Map::from([(key.clone(), value)]), at);
            }
        }
        if !refused.is_empty() {
            self.out.refused.push(refused);
        }
    }

    fn told(&mut self, frame: &Value) {
        if frame["n"] != Value::Null {
            let n = number(frame, "n");
            if self.n.is_some_and(|seen| n <= seen) {
                return;
            }
            self.n = Some(n);
        }
        self.raise(number(frame, "rev"));
        self.out.told.push(frame.clone());
    }

    /// Takes over what the host has.
    pub(super) fn take(&mut self, state: &Map, rev: u64) {
        for (key, value) in state {
            if self.pending(key) {
                self.aside.insert(key.clone(), (value.clone(), rev));
                continue;
            }
            let slot = self.slots.entry(key.clone()).or_default();
            slot.rev = rev;
            match self.dirty.get(key) {
                Some(known) if known.as_ref() == Some(value) => continue,
                _ => self.dirty.shift_remove(key),
            };
            slot.value = value.clone();
        }
    }

    pub(super) fn pending(&self, key: &str) -> bool {
        self.waiting.contains_key(key) || self.writes().any(|frame| frame["state"].get(key).is_some())
    }
}

fn number(frame: &Value, name: &str) -> u64 {
    frame[name].clone().decode().expect(name)
}

fn map(frame: &Value, name: &str) -> Map {
    frame[name].as_object().cloned().unwrap_or_default()
}
