//! How a process ends and the next one begins, and what has to be there then.

use super::{World, limits};
use crate::protocol::Close;
use crate::simulation::board::Board;
use crate::simulation::process::Process;
use crate::store::Durability;

/// A model at the end of a life.
#[derive(Debug, PartialEq)]
struct Moment {
    epoch: String,
    rev: u64,
    messages: u64,
    state: Board,
}

impl World {
    fn moment(&self) -> Moment {
        let model = self.process().model();
        let epoch = model.epoch().to_string();
        Moment { rev: model.rev(), messages: self.ledger.newest(&epoch), state: (*model.get()).clone(), epoch }
    }

    /// The process is gone at this moment, with all that is not on disk, and perhaps the machine with it.
    pub(super) fn kill(&mut self, amount: usize) {
        let durability = self.process().durability();
        let before = self.moment();
        self.disk.cut(amount);
        self.hang_up(None);
        self.process = None;
        let kept = self.disk.kept().filter(|kept| kept.epoch.as_ref() == Some(&before.epoch));
        let histories = self.ledger.epochs();
        self.begin(amount);
        let after = self.moment();
        match durability {
            None | Some(Durability::Applied) => {
                assert!(!histories.contains(&after.epoch), "after a kill with `Applied` a new history begins");
            }
            Some(Durability::Stored) => {
                assert_eq!(after.epoch == before.epoch, kept.is_some(), "a history goes on if it is on disk");
                let state = Board(self.ledger.state_at(&after.epoch, after.rev));
                assert_eq!(after.state, state, "the state is that of rev {}", after.rev);
            }
        }
        self.check_nothing_is_missing();
    }

    /// The host shuts down: it tells its pages, and writes what is new.
    pub(super) fn end(&mut self) {
        if self.process().durability().is_none() {
            return self.kill(0); // nothing is kept
        }
        let before = self.moment();
        self.hang_up(Some(Close::shutting_down(std::time::Duration::ZERO)));
        self.disk.flow(true);
        self.process().run();
        if let Some(process) = self.process.take() {
            process.end();
        }
        self.disk.flow(false);
        self.begin(0);
        assert_eq!(self.moment(), before, "after a clean end the history goes on");
        self.check_nothing_is_missing();
    }

    /// Nobody is connected, so the model leaves memory, and comes back from the store.
    pub(super) fn sleep(&mut self) {
        if self.process().durability().is_none() {
            return; // there it would be lost
        }
        let before = self.moment();
        self.hang_up(None);
        self.disk.flow(true);
        if let Some(process) = &mut self.process {
            assert!(process.sleep(), "what is stored need not stay in memory");
        }
        self.disk.flow(false);
        assert_eq!(self.moment(), before, "a model that was idle comes back as it was");
        self.said.first = before.rev;
    }

    /// Every connection loses its host.
    fn hang_up(&mut self, close: Option<Close>) {
        self.late.clear();
        for wire in self.pages.iter_mut().filter_map(|page| page.wire.as_mut()) {
            wire.end(close.clone());
        }
    }

    fn begin(&mut self, amount: usize) {
        if self.switches && amount % 2 == 1 {
            self.durability = self.durability.map(|durability| match durability {
                Durability::Applied => Durability::Stored,
                Durability::Stored => Durability::Applied,
            });
        }
        self.process = Some(Process::start(&self.disk, &self.ledger, self.durability, limits()));
        self.said.first = self.process().model().rev();
    }

    /// What anybody was told of this history is in it.
    fn check_nothing_is_missing(&self) {
        let Moment { epoch, rev, messages, .. } = self.moment();
        let (highest, newest) = self.said.highest.get(&epoch).copied().unwrap_or_default();
        assert!(highest <= rev, "rev {highest} was told, and the host has come back with rev {rev}");
        assert!(newest <= messages, "message {newest} was told, and the host has come back with {messages}");
        for page in self.pages.iter().filter(|page| page.witness.epoch() == Some(&epoch)) {
            for (key, (rev, value)) in page.witness.acknowledged() {
                let (_, written, now) = self.process().model().core.value(key).unwrap_or_default();
                let is_there = written >= *rev || now == (*value).into();
                assert!(
                    is_there,
                    "{key}={value} was acknowledged with rev {rev}, and the host has {now:?} of {written}"
                );
            }
        }
    }
}
