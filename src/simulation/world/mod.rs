//! A host, some pages, the network between them and the disk below, and nothing that waits for a clock.

mod life;
mod quiet;
mod said;

pub(super) use self::quiet::there;

use std::time::{Duration, Instant};

use serde_json::json;

use super::action::{Action, Kind, PAGES};
use super::disk::Disk;
use super::ledger::Ledger;
use super::page::Page;
use super::process::Process;
use super::wire::Wire;
use crate::protocol::Limits;
use crate::store::Durability;

pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) pages: Vec<Page>,
    /// Pages that were loaded anew, as they were.
    pub(super) former: Vec<Page>,
    disk: Disk,
    /// None only between two lives.
    process: Option<Process>,
    /// Of the next life.
    durability: Option<Durability>,
    /// Whether the durability changes now and then.
    switches: bool,
    /// Connections that a page has given up and the host has not.
    late: Vec<(String, Wire)>,
    now: Instant,
    /// The newest value or message; each is another one.
    newest: i64,
    said: said::Said,
}

impl World {
    /// Without a store for no durability.
    pub(super) fn new(durability: Option<Durability>) -> World {
        let (disk, ledger) = (Disk::default(), Ledger::default());
        let process = Some(Process::start(&disk, &ledger, durability, limits()));
        let pages = (0..PAGES).map(|i| Page::new(format!("page {i}"), &ledger)).collect();
        World {
            ledger,
            pages,
            former: Vec::new(),
            disk,
            process,
            durability,
            switches: false,
            late: Vec::new(),
            now: Instant::now(),
            newest: 0,
            said: said::Said::default(),
        }
    }

    /// With a durability that changes from life to life.
    pub(super) fn that_switches() -> World {
        World { switches: true, ..World::new(Some(Durability::Applied)) }
    }

    pub(super) fn process(&self) -> &Process {
        self.process.as_ref().expect("a host is there between two actions")
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Another number than every one before.
    fn fresh(&mut self) -> i64 {
        self.newest += 1;
        self.newest
    }

    pub(super) fn run(&mut self, actions: &[Action]) {
        for action in actions {
            self.perform(*action);
        }
    }

    pub(super) fn perform(&mut self, action: Action) {
        let Action { kind, who, amount } = action;
        match kind {
            Kind::Edit | Kind::Write => {
                let values: Vec<_> = action.keys().into_iter().map(|key| (key, self.fresh())).collect();
                self.pages[who].edit(values);
                if kind == Kind::Write {
                    self.pages[who].save();
                }
            }
            Kind::Save => self.pages[who].save(),
            Kind::Send => {
                let id = self.fresh();
                self.pages[who].send(id);
            }
            Kind::Ask => self.pages[who].ask(),
            Kind::Connect => self.connect(who),
            Kind::Up => drop(self.pages[who].carry_up(action.frames(), self.now)),
            Kind::Serve => drop(self.serve(who, action.frames())),
            Kind::Down => drop(self.pages[who].carry_down(action.frames())),
            Kind::Cut => {
                let wire = self.pages[who].cut(amount);
                self.leave(who, wire);
            }
            Kind::Hide => {
                let wire = self.pages[who].hide();
                self.leave(who, wire);
            }
            Kind::Reload => self.reload(who, amount),
            Kind::Late => self.carry_late(who, action.frames()),
            Kind::Notice => self.notice(who, amount.is_multiple_of(2)),
            Kind::Commit => _ = self.commit(&action.keys()),
            Kind::Remove => _ = self.process().model().update(|board| board.0.remove("x")),
            Kind::Say => {
                let id = self.fresh();
                self.ledger.say(self.process().model(), json!({ "say": id }));
            }
            Kind::CommitAndSay => {
                let keys = action.keys();
                let value = self.commit(&keys[..1]);
                self.ledger.say(self.process().model(), json!({ "set": { keys[0]: value } }));
            }
            Kind::DiskWrites => self.disk.write(),
            Kind::DiskAnswers => self.disk.answer(),
            Kind::DiskFails => self.disk.fail(),
            Kind::Kill => self.kill(amount),
            Kind::End => self.end(),
            Kind::Sleep => self.sleep(),
            Kind::Wait => self.wait(5 * amount as u64),
        }
        self.now += Duration::from_millis(1);
        self.process().run();
    }

    fn connect(&mut self, who: usize) {
        let (process, now) = (self.process.as_ref().expect("a host is there"), self.now);
        self.pages[who].connect(|| process.accept(now));
    }

    /// A page has given up its connection.
    fn leave(&mut self, who: usize, wire: Option<Wire>) {
        self.late.extend(wire.map(|wire| (self.pages[who].session.clone(), wire)));
    }

    /// Up to so many frames arrive that a page sent over a connection which it has given up. When it has come back
    /// over another one, they change nothing: "from then on nothing from the older socket is applied".
    fn carry_late(&mut self, which: usize, most: usize) {
        let Some(at) = self.late.len().checked_sub(1).map(|last| last.min(which)) else { return };
        let before = (self.process().model().rev(), self.ledger.heard().len());
        let wire = &mut self.late[at].1;
        let is_over = wire.is_taken_over();
        wire.carry_up(most, self.now);
        let after = (self.process().model().rev(), self.ledger.heard().len());
        assert!(!is_over || before == after, "a connection that was taken over still changes something");
    }

    /// The page is loaded anew: another session, and now and then a state that came with the page.
    fn reload(&mut self, who: usize, amount: usize) {
        let wire = self.pages[who].cut(amount);
        self.leave(who, wire);
        let mut page = Page::new(format!("page {who} after {}", self.newest), &self.ledger);
        self.fresh();
        if amount.is_multiple_of(2) {
            let (epoch, rev, state) = self.process().model().core.snapshot();
            page.seed(&epoch, rev, &state);
        }
        self.former.push(std::mem::replace(&mut self.pages[who], page));
    }

    /// Sets these keys from Rust. The answer is the value of the first.
    fn commit(&mut self, keys: &[&str]) -> i64 {
        let values: Vec<_> = keys.iter().map(|key| (key.to_string(), self.fresh())).collect();
        self.process().model().update(|board| board.0.extend(values.clone()));
        values[0].1
    }

    /// The host gives up to so many frames for this page to the network. Says how many.
    fn serve(&mut self, who: usize, most: usize) -> usize {
        let (page, now) = (&mut self.pages[who], self.now);
        let frames = page.wire.as_mut().map(|wire| wire.serve(most, now)).unwrap_or_default();
        let session = page.session.clone();
        self.check_said(&session, &frames);
        frames.len()
    }

    /// The host notices that one of the connections that were given up is gone, perhaps by writing to it.
    fn notice(&mut self, which: usize, writes: bool) {
        let Some(at) = self.late.len().checked_sub(1).map(|last| last.min(which)) else { return };
        let (session, mut wire) = self.late.remove(at);
        if writes {
            let frames = wire.serve(usize::MAX, self.now);
            self.check_said(&session, &frames);
        }
    }

    fn wait(&mut self, milliseconds: u64) {
        let time = Duration::from_millis(milliseconds);
        self.now += time;
        self.process().wait(time);
    }
}

/// Small numbers, so that a simulation comes to every limit; and nobody dies of silence.
pub(super) fn limits() -> Limits {
    let day = Duration::from_secs(86_400);
    Limits { messages: 5, pace_frames: 3, heartbeat: day, hello: day, ..Limits::default() }
}
