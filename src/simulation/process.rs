//! One life of a host: everything real but its sockets, its disk and its clock.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use super::board::{Board, widget};
use super::disk::Disk;
use super::ledger::Ledger;
use crate::host::Host;
use crate::model::Model;
use crate::protocol::Limits;
use crate::session::Session;
use crate::store::Durability;

/// After so long a model may leave memory.
const IDLE: Duration = Duration::from_secs(3_600);

pub(super) struct Process {
    runtime: Runtime,
    host: Host,
    model: Option<Model<Board>>,
    /// None without a store.
    durability: Option<Durability>,
}

impl Process {
    /// Starts a host with what is on the disk.
    pub(super) fn start(disk: &Disk, ledger: &Ledger, durability: Option<Durability>, limits: Limits) -> Process {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let host = runtime.block_on(async {
            let mut builder = Host::builder().limits(limits).idle(IDLE).watch(false).widget(widget(ledger));
            if let Some(durability) = durability {
                builder = builder.store(disk.open(durability)).durability(durability);
            }
            builder.build().await.unwrap()
        });
        let mut process = Process { runtime, host, model: None, durability };
        process.open();
        let core = &process.model().core;
        let slots = core.state().downcast_ref::<Board>().unwrap().0.clone().into_iter().map(|(key, value)| {
            let rev = core.value(&key).map_or(0, |(_, rev, _)| rev);
            (key, rev, value)
        });
        let newest = disk.kept().map_or(0, |stored| stored.messages);
        ledger.begin(&core.epoch(), core.rev(), newest, slots);
        process
    }

    fn open(&mut self) {
        self.model = Some(self.runtime.block_on(self.host.open("board", Board::first)).unwrap());
    }

    pub(super) fn model(&self) -> &Model<Board> {
        self.model.as_ref().expect("it is open")
    }

    pub(super) fn durability(&self) -> Option<Durability> {
        self.durability
    }

    /// A connection of a page.
    pub(super) fn accept(&self, now: Instant) -> Session {
        Session::new(self.model().core.clone(), false, now)
    }

    /// Lets the keeper run, which is all that does, until it waits.
    pub(super) fn run(&self) {
        if self.durability.is_none() {
            return;
        }
        self.runtime.block_on(async {
            for _ in 0..6 {
                yield_now().await;
            }
        });
    }

    /// Lets time pass.
    pub(super) fn wait(&self, time: Duration) {
        self.runtime.block_on(tokio::time::advance(time));
        self.run();
    }

    /// Ends as it should. The disk must flow.
    pub(super) fn end(self) {
        self.runtime.block_on(self.host.shutdown());
    }

    /// Lets the model leave memory, and come back. Says whether it was gone.
    pub(super) fn sleep(&mut self) -> bool {
        self.model = None;
        for _ in 0..4 {
            self.wait(IDLE);
        }
        let is_gone = self.host.models() == 0;
        self.open();
        is_gone
    }
}
