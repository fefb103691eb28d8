//! What has left the host, in whatever network it was lost: only what is on disk, and never two answers to one frame.

use std::collections::HashMap;

use super::World;
use crate::store::Durability;
use crate::value::Value;

#[derive(Default)]
pub(super) struct Said {
    /// The first answer to a frame, by epoch, session and number.
    answers: HashMap<(String, String, u64), Value>,
    /// The highest rev and message of an epoch that anybody was told of.
    pub(super) highest: HashMap<String, (u64, u64)>,
    /// The rev that the present life began with.
    pub(super) first: u64,
}

impl World {
    /// Looks at frames that the host gave to the network for a session.
    pub(super) fn check_said(&mut self, session: &str, frames: &[Value]) {
        let epoch = self.process().model().epoch().to_string();
        for frame in frames {
            let number = |name: &str| frame[name].as_i64().unwrap_or_default() as u64;
            let (rev, n) = (number("rev"), number("n").max(number("messages")));
            let (highest, newest) = self.said.highest.entry(epoch.clone()).or_default();
            (*highest, *newest) = (rev.max(*highest), n.max(*newest));
            if frame["type"].as_str() == Some("ack") {
                let key = (epoch.clone(), session.to_owned(), number("seq"));
                let first = self.said.answers.entry(key).or_insert_with(|| frame.clone());
                assert_eq!(first, frame, "a repeated frame gets the answer that it got the first time");
            }
            if self.process().durability() == Some(Durability::Stored) {
                self.check_is_stored(&epoch, session, frame, (rev, n));
            }
        }
    }

    /// "Epochs" in the design: with `Stored`, nothing about a rev leaves the process before it is on disk.
    fn check_is_stored(&self, epoch: &str, session: &str, frame: &Value, (rev, n): (u64, u64)) {
        let is_ack = frame["type"].as_str() == Some("ack");
        match self.disk.kept().filter(|kept| kept.epoch.as_deref() == Some(epoch)) {
            Some(kept) => {
                assert!(rev <= kept.rev, "rev {rev} is said, and rev {} on disk: {frame:?}", kept.rev);
                assert!(n <= kept.messages, "message {n} is said, and {} on disk: {frame:?}", kept.messages);
                let applied = kept.sessions.iter().find(|one| one.secret == session).and_then(|one| one.seq);
                let seq = frame["seq"].as_i64().map(|seq| seq as u64);
                assert!(!is_ack || seq <= applied, "{seq:?} is acknowledged, and {applied:?} on disk: {frame:?}");
            }
            None => {
                assert!(!is_ack && rev <= self.said.first, "it is said, and nothing of its history on disk: {frame:?}")
            }
        }
    }
}
