//! When everything that is under way has arrived: what is then the same everywhere.

use std::collections::BTreeSet;

use super::World;
use crate::simulation::board::{ALTERED, accepted};
use crate::simulation::page::Page;
use crate::value::{Map, Value};

/// More rounds than anything takes.
const ROUNDS: usize = 100;

/// Longer than the keeper waits after a disk that failed, in milliseconds.
const LONG: u64 = 10_000;

impl World {
    /// Everybody saves, connects, and says and hears all there is.
    pub(in crate::simulation) fn settle(&mut self) {
        self.disk.flow(true);
        self.wait(LONG);
        self.pages.iter_mut().for_each(Page::save);
        for _ in 0..ROUNDS {
            let mut moved = 0;
            for (_, mut wire) in std::mem::take(&mut self.late) {
                moved += wire.carry_up(usize::MAX, self.now);
            }
            self.wait(10);
            for who in 0..self.pages.len() {
                self.connect(who);
                moved += self.pages[who].carry_up(usize::MAX, self.now);
                self.process().run();
                moved += self.serve(who, usize::MAX);
                moved += self.pages[who].carry_down(usize::MAX);
                moved += usize::from(self.pages[who].comes_back());
            }
            if moved == 0 {
                self.disk.flow(false);
                assert_eq!(self.disk.faults(), [] as [String; 0]);
                return;
            }
        }
        panic!("it never gets quiet");
    }

    /// What the host has, as pages see it.
    pub(in crate::simulation) fn truth(&self) -> Map {
        let state = self.process().model().get();
        state.0.iter().map(|(key, value)| (key.clone(), (*value).into())).collect()
    }

    /// All replicas are the host's state, and nobody waits for anything.
    pub(in crate::simulation) fn check_all_are_equal(&self) {
        let (epoch, rev) = (self.process().model().epoch(), self.process().model().rev());
        for page in &self.pages {
            let Page { session, replica, witness, over, .. } = page;
            assert_eq!(*over, None, "{session} was told to stay away");
            assert_eq!(witness.epoch(), Some(&*epoch), "{session} is in the host's epoch");
            assert_eq!(replica.rev(), rev, "{session} has the host's rev");
            let mut shown = there(replica.state());
            shown.retain(|key, value| !witness.is_private(key, value));
            assert_eq!(shown, self.truth(), "{session} has the host's state");
            assert!(replica.is_quiet() && witness.is_quiet(), "{session} waits for an answer");
            assert_eq!(witness.n(), Some(self.ledger.newest(&epoch)), "{session} has the newest message, or its gap");
        }
    }

    /// Of what a page saved nothing was overwritten by what it saved before: in each history its values of a key come
    /// in their order and once, and the last one came, unless it was refused.
    pub(in crate::simulation) fn check_writes_are_in_order(&self) {
        for page in &self.pages {
            for (key, saved) in &page.witness.saved {
                let mut came = BTreeSet::new();
                for epoch in self.ledger.epochs() {
                    let written = self
                        .ledger
                        .written(&epoch)
                        .into_iter()
                        .filter(|written| written.key == *key && !written.was_there);
                    let own = written.filter_map(|written| own(saved, written.value?));
                    let places: Vec<usize> = own.collect();
                    assert!(places.is_sorted_by(|a, b| a < b), "{key} of {}: {places:?} of {saved:?}", page.session);
                    came.extend(places);
                }
                let last = saved.len() - 1;
                let refused = page.witness.refused.contains(&(key.clone(), saved[last]));
                assert!(refused || came.contains(&last), "{key} of {}: {} never came", page.session, saved[last]);
            }
        }
    }

    /// Every message of a page is heard once and in order in each life of the host, behind what was saved before it;
    /// and at all, unless the page was told otherwise.
    pub(in crate::simulation) fn check_messages_are_heard(&self) {
        let heard = self.ledger.heard();
        for Page { session, witness, .. } in &self.pages {
            let own: Vec<_> = heard.iter().filter(|heard| heard.content["from"].as_str() == Some(session)).collect();
            let id = |content: &Value| content["id"].as_i64().expect("an id");
            for pair in own.windows(2).filter(|pair| pair[0].life == pair[1].life) {
                assert!(id(&pair[0].content) < id(&pair[1].content), "{session} is heard out of order: {pair:?}");
            }
            let ids: BTreeSet<i64> = own.iter().map(|heard| id(&heard.content)).collect();
            for sent in &witness.sent {
                assert!(ids.contains(sent) || witness.lost.contains(sent), "message {sent} of {session} is lost");
            }
            for heard in own {
                for (key, value) in heard.content["after"].as_object().into_iter().flatten() {
                    let value = value.as_i64().expect("a number");
                    let is_refused = witness.refused.contains(&(key.clone(), value));
                    let came = self.ledger.came(key, accepted(value)).is_some_and(|at| at < heard.at);
                    assert!(is_refused || came, "{session} was heard before its {key}={value}: {heard:?}");
                }
            }
        }
    }
}

/// Without the keys that Rust took away, which pages see as `null` until they start anew.
pub(in crate::simulation) fn there(state: Map) -> Map {
    let mut there: Map = state.into_iter().filter(|(_, value)| *value != Value::Null).collect();
    there.sort_unstable_keys();
    there
}

/// Which of the values that a page saved this is, as the host took it.
fn own(saved: &[i64], value: i64) -> Option<usize> {
    saved.iter().position(|saved| *saved == value % ALTERED && accepted(*saved) == value)
}
