//! The sessions a model remembers: which page is which client, and what was already applied for it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use super::follower::Follower;
use crate::protocol::{Ack, Close, Limits};
use crate::store::StoredSession;

/// Sessions by their secret.
#[derive(Default)]
pub(super) struct Sessions {
    by_secret: HashMap<String, Session>,
    /// The public number of the newest client.
    clients: u64,
    /// How many sessions there are when the next walk over them is worth it.
    sweep_at: usize,
    /// Where there is a store: what it has not been told of.
    unkept: Option<Box<Unkept>>,
}

/// Sessions that are new to a store, or changed.
#[derive(Default)]
pub(super) struct Unkept {
    pub(super) changed: Vec<Changed>,
    pub(super) forgotten: Vec<String>,
    pub(super) clients: u64,
    /// The secrets of those that changed, until they are looked at.
    noted: HashSet<String>,
}

/// A session with the answers a store does not have.
pub(super) struct Changed {
    secret: String,
    client: u64,
    seq: Option<u64>,
    last_seen: Instant,
    answers: Vec<Ack>,
}

pub(super) struct Session {
    pub(super) client: u64,
    /// The last `seq` applied; none before the first.
    seq: Option<u64>,
    /// The newest answers, oldest first, so that a repeated frame gets the one it got the first time.
    acks: VecDeque<Ack>,
    /// How many of the newest of them a store does not have.
    unkept: usize,
    /// The connection that speaks for this session now.
    connection: Option<Arc<Follower>>,
    /// It is known from the store alone, where another host may have it.
    theirs: bool,
    last_seen: Instant,
}

impl Sessions {
    /// Those that a store had, and no more than may be remembered. With `keeps`, changes are noted for it.
    pub(super) fn new(keeps: bool, clients: u64, stored: Vec<StoredSession>, limits: &Limits) -> Sessions {
        let mut sessions = Sessions { clients, unkept: keeps.then(Default::default), ..Sessions::default() };
        let (now, wall) = (Instant::now(), SystemTime::now());
        for stored in stored {
            match stored.last_seen(limits, now, wall) {
                Some(last_seen) => {
                    let session = Session::restored(stored.client, stored.seq, stored.answers, last_seen);
                    sessions.by_secret.insert(stored.secret, session);
                }
                None => sessions.forgotten(stored.secret),
            }
        }
        sessions
    }

    /// Notes for a store that a session changed.
    pub(super) fn note(&mut self, secret: &str) {
        if let Some(unkept) = &mut self.unkept
            && !unkept.noted.contains(secret)
        {
            unkept.noted.insert(secret.to_owned());
        }
    }

    /// Takes in what a store has of sessions that other hosts have written.
    pub(super) fn absorb(&mut self, stored: &[StoredSession], limits: &Limits, now: Instant, wall: SystemTime) {
        for theirs in stored {
            let Some(seen) = theirs.last_seen(limits, now, wall) else { continue };
            if let Some(session) = self.by_secret.get_mut(&theirs.secret) {
                session.go_on(theirs, seen, limits.acks);
                continue;
            }
            self.forget(limits, now);
            let session = Session::restored(theirs.client, theirs.seq, theirs.answers.clone(), seen);
            self.by_secret.insert(theirs.secret.clone(), Session { theirs: true, ..session });
        }
    }

    /// Gives clients numbers from here on.
    pub(super) fn count_from(&mut self, client: u64) {
        self.clients = client;
    }

    /// Notes again what a store did not take.
    pub(super) fn give_back(&mut self, sessions: &[StoredSession], forgotten: &[String]) {
        let Some(unkept) = &mut self.unkept else { return };
        for untold in sessions {
            if let Some(session) = self.by_secret.get_mut(&untold.secret) {
                session.unkept = (session.unkept + untold.answers.len()).min(session.acks.len());
                unkept.noted.insert(untold.secret.clone());
            }
        }
        unkept.forgotten.extend_from_slice(forgotten);
    }

    fn forgotten(&mut self, secret: String) {
        if let Some(unkept) = &mut self.unkept {
            unkept.noted.remove(&secret);
            unkept.forgotten.push(secret);
        }
    }

    /// What a store has not been told of. It is told now, or again and again until it was.
    pub(super) fn take_unkept(&mut self) -> Unkept {
        let mut unkept = self.unkept.as_mut().map(|unkept| std::mem::take(&mut **unkept)).unwrap_or_default();
        unkept.clients = self.clients;
        for secret in unkept.noted.drain() {
            if let Some(session) = self.by_secret.get_mut(&secret) {
                let (client, seq) = (session.client, session.seq);
                let last_seen = if session.connection.is_some() { Instant::now() } else { session.last_seen };
                let kept = session.acks.len().saturating_sub(std::mem::take(&mut session.unkept));
                let answers = session.acks.range(kept..).cloned().collect();
                unkept.changed.push(Changed { secret, client, seq, last_seen, answers });
            }
        }
        unkept
    }

    /// Gives a session its connection. One that it had before is told to close. Says whether the
    /// session was known.
    ///
    /// # Errors
    /// When it has a connection that was opened later: the page is on that one, and this hello was long on its way.
    pub(super) fn connect(
        &mut self,
        secret: &str,
        connection: &Arc<Follower>,
        limits: &Limits,
        now: Instant,
    ) -> Result<(&Session, bool), Close> {
        let held = self.by_secret.get(secret).map(|session| session.connection.as_ref());
        if held.flatten().is_some_and(|held| connection.is_older_than(held)) {
            return Err(Close::taken_over());
        }
        let known = held.is_some();
        if !known {
            self.forget(limits, now);
        }
        let clients = &mut self.clients;
        let session = self.by_secret.entry(secret.to_owned()).or_insert_with(|| {
            *clients += 1;
            Session {
                client: *clients,
                seq: None,
                acks: VecDeque::new(),
                unkept: 0,
                connection: None,
                theirs: false,
                last_seen: now,
            }
        });
        session.last_seen = now;
        session.theirs = false;
        if let Some(old) = session.connection.replace(connection.clone())
            && !Arc::ptr_eq(&old, connection)
        {
            old.evict(Close::taken_over());
        }
        self.note(secret);
        Ok((&self.by_secret[secret], known))
    }

    /// The connection of a session is gone; the session is remembered for a while. False when another
    /// connection has it.
    pub(super) fn disconnect(&mut self, secret: &str, connection: &Arc<Follower>, now: Instant) -> bool {
        if let Some(session) = self.by_secret.get_mut(secret)
            && session.is_held_by(connection)
        {
            session.connection = None;
            session.last_seen = now;
            session.acks.shrink_to_fit();
            self.note(secret);
            return true;
        }
        false
    }

    /// The session that this connection speaks for; none when another connection has taken it over.
    pub(super) fn of(&mut self, secret: &str, connection: &Arc<Follower>) -> Option<&mut Session> {
        self.by_secret.get_mut(secret).filter(|session| session.is_held_by(connection))
    }

    /// Makes room for one more: those past their time go, then the one that was away longest.
    fn forget(&mut self, limits: &Limits, now: Instant) {
        let most = limits.sessions.max(1);
        if self.by_secret.len() < self.sweep_at.min(most) {
            return;
        }
        let stays = |session: &Session| {
            session.connection.is_some() || now.duration_since(session.last_seen) < limits.session_memory
        };
        let gone = self.by_secret.extract_if(|_, session| !stays(session));
        let ours = gone.filter(|(_, session)| !session.theirs).map(|(secret, _)| secret);
        for secret in ours.collect::<Vec<_>>() {
            self.forgotten(secret);
        }
        self.sweep_at = (2 * self.by_secret.len()).max(64);
        while self.by_secret.len() >= most {
            let away = self.by_secret.iter().filter(|(_, session)| session.connection.is_none());
            let Some(oldest) = away.min_by_key(|(_, session)| session.last_seen).map(|(secret, _)| secret.clone())
            else {
                return; // all of them are connected: connections have limits of their own
            };
            let theirs = self.by_secret.remove(&oldest).is_some_and(|session| session.theirs);
            if !theirs {
                self.forgotten(oldest);
            }
        }
    }
}

impl Changed {
    /// As a store gets it, with the time of day.
    pub(super) fn into_stored(self, now: Instant, wall: SystemTime) -> StoredSession {
        let Changed { secret, client, seq, last_seen, answers } = self;
        let seen = wall - now.saturating_duration_since(last_seen);
        StoredSession {
            secret,
            client,
            seq,
            seen,
            answers: answers.iter().map(|ack| (ack.seq, ack.to_bytes())).collect(),
        }
    }
}

impl StoredSession {
    /// When it was last connected; none when that is longer ago than sessions are remembered.
    fn last_seen(&self, limits: &Limits, now: Instant, wall: SystemTime) -> Option<Instant> {
        let away = wall.duration_since(self.seen).unwrap_or_default();
        now.checked_sub(away).filter(|_| away < limits.session_memory)
    }
}

impl Session {
    fn restored(client: u64, seq: Option<u64>, answers: Vec<(u64, Bytes)>, last_seen: Instant) -> Session {
        let acks = answers.iter().filter_map(|(_, bytes)| Ack::from_bytes(bytes)).collect();
        Session { client, seq, acks, unkept: 0, connection: None, theirs: false, last_seen }
    }

    /// Goes on to where another host has come with it.
    fn go_on(&mut self, theirs: &StoredSession, seen: Instant, max: usize) {
        self.last_seen = self.last_seen.max(seen);
        if theirs.seq <= self.seq {
            return;
        }
        let had = self.seq;
        self.seq = theirs.seq;
        let before = self.acks.len();
        let newer = theirs.answers.iter().filter(|(seq, _)| had.is_none_or(|had| *seq > had));
        self.acks.extend(newer.filter_map(|(_, bytes)| Ack::from_bytes(bytes)));
        if self.unkept > 0 {
            self.unkept += self.acks.len() - before; // it counts from the newest
        }
        self.acks.drain(..self.acks.len().saturating_sub(max));
    }

    fn is_held_by(&self, connection: &Arc<Follower>) -> bool {
        self.connection.as_ref().is_some_and(|held| Arc::ptr_eq(held, connection))
    }

    /// The last `seq` applied, as `hello` tells it; 0 for a known session that sent nothing.
    pub(super) fn applied(&self) -> u64 {
        self.seq.unwrap_or(0)
    }

    /// The answer that a frame got the first time, when it comes again.
    pub(super) fn answered(&self, seq: u64, rev: u64) -> Option<Ack> {
        if self.seq.is_none_or(|last| seq > last) {
            return None;
        }
        let first = self.acks.binary_search_by_key(&seq, |ack| ack.seq).ok().map(|at| self.acks[at].clone());
        Some(first.unwrap_or_else(|| Ack { seq, rev, ..Ack::default() }))
    }

    /// Remembers that a frame was applied.
    pub(super) fn answer(&mut self, ack: Ack, max: usize) {
        self.seq = Some(ack.seq);
        if self.acks.len() >= max {
            self.acks.pop_front();
        }
        self.acks.push_back(ack);
        self.unkept += 1;
    }
}
