//! A page: a replica, its connection, and who watches it.

use std::time::Instant;

use super::ledger::Ledger;
use super::replica::Replica;
use super::tape::Tape;
use super::wire::Wire;
use super::witness::Witness;
use crate::session::Session;
use crate::value::{Map, Value};

/// Close codes after which a page does not come back, as `docs/protocol.md` has them.
const FINAL: [u16; 6] = [4400, 4403, 4404, 4409, 4413, 4429];

pub(super) struct Page {
    pub(super) session: String,
    pub(super) replica: Replica,
    pub(super) witness: Witness,
    pub(super) wire: Option<Wire>,
    /// It was told to stay away.
    pub(super) over: Option<u16>,
    pub(super) tape: Tape,
    ledger: Ledger,
}

impl Page {
    pub(super) fn new(session: String, ledger: &Ledger) -> Page {
        Page {
            replica: Replica::new(&session),
            witness: Witness::default(),
            wire: None,
            over: None,
            tape: Tape::default(),
            ledger: ledger.clone(),
            session,
        }
    }

    /// Begins with a state that came with the page.
    pub(super) fn seed(&mut self, epoch: &str, rev: u64, state: &Map) {
        self.replica.seed(epoch, rev, state);
        self.witness.seeded(epoch, rev);
        let seed = [("epoch", epoch.into()), ("rev", rev.into()), ("state", state.clone().into())];
        self.after("seed", Value::Object(seed.map(|(name, value)| (name.to_owned(), value)).into()));
    }

    pub(super) fn edit(&mut self, values: impl IntoIterator<Item = (&'static str, i64)>) {
        let values: Vec<_> = values.into_iter().collect();
        for (key, value) in &values {
            self.witness.edit(key, *value);
        }
        let state: Map = values.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        self.replica.set(&state);
        self.after("set", state.into());
    }

    pub(super) fn save(&mut self) {
        self.witness.save(&self.replica);
        self.replica.save();
        self.after("save", Value::Null);
    }

    pub(super) fn send(&mut self, id: i64) {
        let mut content = Value::object();
        content["id"] = id.into();
        content["from"] = self.session.clone().into();
        content["after"] = self.witness.send(id);
        self.replica.send(content.clone());
        self.after("send", content);
    }

    /// Asks for everything.
    pub(super) fn ask(&mut self) {
        self.replica.ask();
        self.after("ask", Value::Null);
    }

    /// Whether it has no connection, and wants one.
    pub(super) fn comes_back(&self) -> bool {
        self.wire.is_none() && self.over.is_none()
    }

    /// Opens a connection, if it has none.
    pub(super) fn connect(&mut self, accept: impl FnOnce() -> Session) {
        if self.comes_back() {
            let mut wire = Wire::new(accept());
            let hello = self.replica.hello();
            self.tape.step("hello", Value::Null, std::slice::from_ref(&hello), &mut self.replica);
            wire.push(&hello);
            self.wire = Some(wire);
        }
    }

    /// Loses the connection. The answer is what the host still has of it.
    pub(super) fn cut(&mut self, kept: usize) -> Option<Wire> {
        let mut wire = self.wire.take()?;
        wire.cut(kept);
        self.lost();
        Some(wire)
    }

    /// Sends all it has and closes.
    pub(super) fn hide(&mut self) -> Option<Wire> {
        self.wire.as_ref()?;
        let sends = self.replica.drain(true);
        self.give("hide", Value::Null, sends);
        self.cut(usize::MAX)
    }

    /// Up to so many frames of the host arrive. Says how many.
    pub(super) fn carry_down(&mut self, most: usize) -> usize {
        let mut carried = 0;
        while carried < most
            && let Some(frame) = self.wire.as_mut().and_then(Wire::carry_down)
        {
            carried += 1;
            if std::env::var_os("TRACE").is_some() {
                eprintln!("{} <- {frame:?}", self.session);
            }
            self.witness.comes_in(&frame, &self.ledger);
            self.replica.receive(&frame);
            self.after("receive", frame);
        }
        if let Some(code) = self.wire.as_ref().and_then(Wire::over) {
            self.wire = None;
            self.over = Some(code).filter(|code| FINAL.contains(code));
            self.lost();
        }
        carried
    }

    /// Up to so many frames of the page arrive. Says how many.
    pub(super) fn carry_up(&mut self, most: usize, now: Instant) -> usize {
        self.wire.as_mut().map_or(0, |wire| wire.carry_up(most, now))
    }

    fn lost(&mut self) {
        self.replica.lost();
        self.tape.step("lost", Value::Null, &[], &mut self.replica);
    }

    fn after(&mut self, what: &str, argument: Value) {
        let sends = self.replica.drain(false);
        self.give(what, argument, sends);
    }

    /// Gives frames to the connection, and shows everything to who watches.
    fn give(&mut self, what: &str, argument: Value, sends: Vec<Value>) {
        for frame in &sends {
            if std::env::var_os("TRACE").is_some() {
                eprintln!("{} -> {frame:?}", self.session);
            }
            self.witness.goes_out(frame);
            if let Some(wire) = &mut self.wire {
                wire.push(frame);
            }
        }
        let out = self.tape.step(what, argument, &sends, &mut self.replica);
        self.witness.hears(&out, &self.replica, &self.ledger);
        self.witness.check(&self.replica, &self.ledger);
    }
}
