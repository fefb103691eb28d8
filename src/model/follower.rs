//! The bell of one follower: a connection or a stream of changes that sleeps until its model moves.

use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::protocol::{Close, Payload};

/// Rung at each commit and message. It carries no state of the model: the follower looks for itself,
/// from its own cursor, so a slow one costs nothing here.
#[derive(Default)]
pub(crate) struct Follower {
    bell: Notify,
    /// Frames meant for this follower alone, each with the rev it may not overtake.
    inbox: Mutex<Vec<(u64, Payload)>>,
    eviction: OnceLock<Close>,
}

impl Follower {
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits for the next ring; one that came before counts.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Leaves a frame for this follower alone.
    pub(crate) fn deliver(&self, rev: u64, frame: Payload) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).push((rev, frame));
        self.ring();
    }

    pub(crate) fn take_inbox(&self) -> Vec<(u64, Payload)> {
        std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the follower to end, once.
    pub(crate) fn evict(&self, close: Close) {
        let _ = self.eviction.set(close); // the first reason stands
        self.ring();
    }

    pub(crate) fn evicted(&self) -> Option<&Close> {
        self.eviction.get()
    }
}
