//! The bell of one follower: a connection or a stream of changes that sleeps until its model moves.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::core::Cursor;
use crate::protocol::{Close, Payload};

/// Rung at each commit and message. It carries no state of the model: the follower looks for itself,
/// from its own cursor, so a slow one costs nothing here.
pub(crate) struct Follower {
    bell: Notify,
    /// Rung and not yet awake: to ring again would cost and change nothing.
    rung: AtomicBool,
    /// Frames meant for this follower alone, each with the rev it may not overtake.
    inbox: Mutex<Vec<(u64, Payload)>>,
    eviction: OnceLock<Close>,
    /// Grows from one to the next.
    opened: u64,
    /// The rev and the message that its socket has taken; who is no page has everything.
    rev: AtomicU64,
    n: AtomicU64,
}

impl Default for Follower {
    fn default() -> Follower {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Follower {
            bell: Notify::new(),
            rung: AtomicBool::new(false),
            inbox: Mutex::default(),
            eviction: OnceLock::new(),
            opened: OPENED.fetch_add(1, Ordering::Relaxed),
            rev: AtomicU64::new(u64::MAX),
            n: AtomicU64::new(u64::MAX),
        }
    }
}

impl Follower {
    /// Whoever rings has changed something under a lock that the follower takes when it looks. So when this finds
    /// that it is not awake yet, it will look after the change.
    pub(crate) fn ring(&self) {
        if !self.rung.load(Ordering::Acquire) && !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
    }

    /// Waits for the next ring; one that came before counts.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
        self.rung.store(false, Ordering::Release);
    }

    /// Notes what it has.
    pub(crate) fn has(&self, cursor: Cursor) {
        self.rev.store(cursor.rev, Ordering::Release);
        self.n.store(cursor.n, Ordering::Release);
    }

    /// Whether it has that.
    pub(crate) fn is_at(&self, cursor: Cursor) -> bool {
        self.rev.load(Ordering::Acquire) >= cursor.rev && self.n.load(Ordering::Acquire) >= cursor.n
    }

    /// Leaves a frame for this follower alone.
    pub(crate) fn deliver(&self, rev: u64, frame: Payload) {
        self.inbox.lock().push((rev, frame));
        self.ring();
    }

    pub(crate) fn take_inbox(&self) -> Vec<(u64, Payload)> {
        std::mem::take(&mut *self.inbox.lock())
    }

    /// Tells the follower to end, once.
    pub(crate) fn evict(&self, close: Close) {
        let _ = self.eviction.set(close); // the first reason stands
        self.bell.notify_one(); // there is no lock here
    }

    /// Whether it was opened before another one.
    pub(crate) fn is_older_than(&self, other: &Follower) -> bool {
        self.opened < other.opened
    }

    pub(crate) fn evicted(&self) -> Option<&Close> {
        self.eviction.get()
    }
}
