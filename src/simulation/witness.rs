//! Watches one page from outside: what it did, what it was told, and so what it may show. It knows nothing of how a
//! replica comes to that.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::board::accepted;
use super::ledger::Ledger;
use super::replica::{Out, Replica};
use crate::value::{Map, Value};

#[derive(Default)]
pub(super) struct Witness {
    /// Edited and not saved, with the value.
    edited: BTreeMap<String, i64>,
    /// Saved, and not gone out: what is one `set`, and then what is the next one, because a message is between them.
    waiting: VecDeque<BTreeMap<String, i64>>,
    /// Whether what is saved next goes with what waits.
    merges: bool,
    /// The values of each `set` that is not acknowledged, by its number.
    unanswered: BTreeMap<u64, BTreeMap<String, i64>>,
    /// The newest acknowledged own write of a key, in this epoch: its rev, and what the host made of it.
    acknowledged: HashMap<String, (u64, i64)>,
    epoch: Option<String>,
    /// The state of this rev is there, in this epoch.
    told: u64,
    /// The newest custom message seen or missed, in this epoch.
    n: Option<u64>,
    /// Values saved, by key, in order.
    pub(super) saved: BTreeMap<String, Vec<i64>>,
    /// Values that the host refused, with their keys.
    pub(super) refused: BTreeSet<(String, i64)>,
    /// Those of them whose key the host did not have: it has no other value for the page, which keeps its own.
    private: BTreeMap<String, i64>,
    /// Messages sent, in order.
    pub(super) sent: Vec<i64>,
    /// Messages that the page was told may be lost.
    pub(super) lost: BTreeSet<i64>,
    /// Messages missed, and how many were seen.
    pub(super) missed: u64,
    pub(super) seen: u64,
}

impl Witness {
    pub(super) fn seeded(&mut self, epoch: &str, rev: u64) {
        (self.epoch, self.told) = (Some(epoch.to_owned()), rev);
    }

    pub(super) fn edit(&mut self, key: &str, value: i64) {
        self.edited.insert(key.to_owned(), value);
    }

    /// Before the page saves. An edit that the host's value has replaced is none any more.
    pub(super) fn save(&mut self, replica: &Replica) {
        if !self.edited.is_empty() && !std::mem::replace(&mut self.merges, true) {
            self.waiting.push_back(BTreeMap::new());
        }
        for (key, value) in std::mem::take(&mut self.edited) {
            if replica.get(&key).as_i64() == Some(value) {
                self.saved.entry(key.clone()).or_default().push(value);
                self.waiting.back_mut().expect("one was opened").insert(key, value);
            }
        }
        if self.waiting.back().is_some_and(BTreeMap::is_empty) {
            self.waiting.pop_back();
            self.merges = false;
        }
    }

    /// A message leaves the page; it says what was saved before it.
    pub(super) fn send(&mut self, id: i64) -> Value {
        self.sent.push(id);
        self.merges = false;
        let after = self.saved.iter().filter_map(|(key, values)| Some((key.clone(), (*values.last()?).into())));
        Value::Object(after.collect::<Map>())
    }

    /// A frame goes out. A `set` that is new carries all that waited, and of each key the latest value.
    pub(super) fn goes_out(&mut self, frame: &Value) {
        if frame["type"].as_str() != Some("set") {
            return;
        }
        let values = numbers(&frame["state"]);
        let seq = number(frame, "seq");
        match self.unanswered.get(&seq) {
            Some(before) => assert_eq!(*before, values, "a repeated frame is what it was: {frame:?}"),
            None => {
                let waiting = self.waiting.pop_front();
                assert_eq!(Some(&values), waiting.as_ref(), "what waits goes out, the latest of each key: {frame:?}");
                self.merges &= !self.waiting.is_empty();
                self.unanswered.insert(seq, values);
            }
        }
    }

    /// A frame arrived, and the replica took it in.
    pub(super) fn comes_in(&mut self, frame: &Value, ledger: &Ledger) {
        match frame["type"].as_str().unwrap_or_default() {
            "hello" => {
                if frame["epoch"].as_str() != self.epoch.as_deref() {
                    self.epoch = frame["epoch"].as_str().map(str::to_owned);
                    self.acknowledged.clear();
                    (self.told, self.n) = (0, None);
                }
                self.n = self.n.or(Some(number(frame, "messages")));
                self.told = self.told.max(number(frame, "rev"));
            }
            "set" => self.told = self.told.max(number(frame, "rev")),
            "ack" => self.answered(frame),
            "message" => self.message(frame, ledger),
            "gap" => {
                let count = number(frame, "count");
                self.missed += count;
                self.n = self.n.map(|n| n + count);
            }
            other => panic!("the host said {other}: {frame:?}"),
        }
    }

    fn answered(&mut self, ack: &Value) {
        let rev = number(ack, "rev");
        self.told = self.told.max(rev);
        for (key, value) in self.unanswered.remove(&number(ack, "seq")).unwrap_or_default() {
            match ack["refused"].get(&key) {
                Some(_) => {
                    if ack["state"].get(&key).is_none() {
                        self.private.insert(key.clone(), value);
                    }
                    self.refused.insert((key, value));
                }
                None => drop(self.acknowledged.insert(key, (rev, accepted(value)))),
            }
        }
    }

    /// "Order" in the protocol: each once, in order, after the state of its rev.
    fn message(&mut self, frame: &Value, ledger: &Ledger) {
        let rev = number(frame, "rev");
        assert!(rev <= self.told, "a message of rev {rev} came before the state of that rev: {frame:?}");
        if let Some(id) = frame["content"]["reply"].as_i64() {
            assert!(self.sent.contains(&id), "an answer to somebody else: {frame:?}");
            return;
        }
        let n = number(frame, "n");
        assert_eq!(Some(n), self.n.map(|n| n + 1), "each message once, in order: {frame:?}");
        self.n = Some(n);
        self.seen += 1;
        let epoch = self.epoch.as_deref().unwrap_or_default();
        assert_eq!(Some(&frame["content"]), ledger.said(epoch, n).as_ref(), "message {n} is what was sent");
    }

    /// What the replica told the page around it.
    pub(super) fn hears(&mut self, out: &Out, replica: &Replica, ledger: &Ledger) {
        self.lost.extend(out.lost.iter().filter_map(|content| content["id"].as_i64()));
        let epoch = self.epoch.as_deref().unwrap_or_default();
        for (key, value) in out.told.iter().flat_map(|frame| numbers(&frame["content"]["set"])) {
            let shown = replica.get(&key).as_i64();
            let is_own = self.is_pending(&key) || self.edited.contains_key(&key);
            let (set, has) = (ledger.rev_of(epoch, &key, Some(value)), ledger.rev_of(epoch, &key, shown));
            assert!(is_own || has >= set, "set, then send: {key} shows {shown:?}, not {value}");
        }
    }

    /// "Writing" in the protocol, for all that the page shows at this moment.
    pub(super) fn check(&self, replica: &Replica, ledger: &Ledger) {
        let Some(epoch) = &self.epoch else { return };
        for (key, value) in replica.state() {
            let shown = value.as_i64();
            let own = self.edited.get(&key).or(self.saved.get(&key).and_then(|values| values.last())).copied();
            if self.is_pending(&key) {
                assert_eq!(shown, own, "{key} is pending, and the page shows another value than its own");
                continue;
            }
            if (self.edited.contains_key(&key) && shown == own) || self.is_private(&key, &value) {
                continue;
            }
            let rev = ledger.rev_of(epoch, &key, shown);
            let own = self.acknowledged.get(&key).copied();
            assert!(
                rev.is_some() && own.is_none_or(|(at, value)| rev >= Some(at) || shown == Some(value)),
                "{key} shows {shown:?} of rev {rev:?}, and an own write was acknowledged: {own:?}"
            );
        }
    }

    fn is_pending(&self, key: &str) -> bool {
        self.waiting.iter().chain(self.unanswered.values()).any(|values| values.contains_key(key))
    }

    /// Whether this is the page's alone, because the host refused it and has nothing else for it.
    pub(super) fn is_private(&self, key: &str, value: &Value) -> bool {
        self.private.get(key).is_some_and(|own| *value == (*own).into())
    }

    /// Whether everything this page did was answered.
    pub(super) fn is_quiet(&self) -> bool {
        self.edited.is_empty() && self.waiting.is_empty() && self.unanswered.is_empty()
    }

    pub(super) fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// The newest message that it saw or knows that it missed.
    pub(super) fn n(&self) -> Option<u64> {
        self.n
    }

    /// The newest acknowledged own write of each key, in this epoch: its rev, and what the host made of it.
    pub(super) fn acknowledged(&self) -> &HashMap<String, (u64, i64)> {
        &self.acknowledged
    }
}

fn number(frame: &Value, name: &str) -> u64 {
    frame[name].clone().decode().expect(name)
}

fn numbers(map: &Value) -> BTreeMap<String, i64> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_i64().expect("a number"))).collect()
}
