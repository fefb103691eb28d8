//! The sessions a model remembers: which page is which client, and what was already applied for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::follower::Follower;
use crate::protocol::{Ack, Close, Limits};

/// Sessions by their secret.
#[derive(Default)]
pub(super) struct Sessions {
    by_secret: HashMap<String, Session>,
    /// The public number of the newest client.
    clients: u64,
    /// How many sessions there are when the next walk over them is worth it.
    sweep_at: usize,
}

pub(super) struct Session {
    pub(super) client: u64,
    /// The last `seq` applied; none before the first.
    seq: Option<u64>,
    /// The newest answers, oldest first, so that a repeated frame gets the one it got the first time.
    acks: VecDeque<Ack>,
    /// The connection that speaks for this session now.
    connection: Option<Arc<Follower>>,
    last_seen: Instant,
}

impl Sessions {
    /// Gives a session its connection. One that it had before is told to close. Says whether the
    /// session was known.
    pub(super) fn connect(
        &mut self,
        secret: &str,
        connection: &Arc<Follower>,
        limits: &Limits,
        now: Instant,
    ) -> (&Session, bool) {
        let known = self.by_secret.contains_key(secret);
        if !known {
            self.forget(limits, now);
        }
        let clients = &mut self.clients;
        let session = self.by_secret.entry(secret.to_owned()).or_insert_with(|| {
            *clients += 1;
            Session { client: *clients, seq: None, acks: VecDeque::new(), connection: None, last_seen: now }
        });
        session.last_seen = now;
        if let Some(old) = session.connection.replace(connection.clone())
            && !Arc::ptr_eq(&old, connection)
        {
            old.evict(Close::taken_over());
        }
        (session, known)
    }

    /// The connection of a session is gone; the session is remembered for a while.
    pub(super) fn disconnect(&mut self, secret: &str, connection: &Arc<Follower>, now: Instant) {
        if let Some(session) = self.by_secret.get_mut(secret)
            && session.is_held_by(connection)
        {
            session.connection = None;
            session.last_seen = now;
            session.acks.shrink_to_fit();
        }
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
        self.by_secret.retain(|_, session| {
            session.connection.is_some() || now.duration_since(session.last_seen) < limits.session_memory
        });
        self.sweep_at = (2 * self.by_secret.len()).max(64);
        while self.by_secret.len() >= most {
            let away = self.by_secret.iter().filter(|(_, session)| session.connection.is_none());
            let Some(oldest) = away.min_by_key(|(_, session)| session.last_seen).map(|(secret, _)| secret.clone())
            else {
                return; // all of them are connected: connections have limits of their own
            };
            self.by_secret.remove(&oldest);
        }
    }
}

impl Session {
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
    }
}
