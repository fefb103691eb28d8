//! Waiting until every connected page has what was sent: back pressure for those who send much.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::{Core, Cursor};

#[derive(Default)]
pub(super) struct Flush {
    /// Rung when a socket has taken something, if anybody waits.
    taken: Notify,
    waiting: AtomicUsize,
}

/// Somebody who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Core {
    /// Waits until the sockets of all connected pages have taken the state and the messages of now.
    pub(crate) async fn flush(&self) {
        let now = {
            let inner = self.lock();
            Cursor { rev: inner.rev, n: inner.messages.newest() }
        };
        self.flush.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.flush.waiting);
        loop {
            let taken = self.flush.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable(); // what is taken from here on rings
            if self.lock().followers.iter().all(|follower| follower.is_at(now)) {
                return;
            }
            taken.await;
        }
    }

    /// A socket has taken something, or is gone.
    pub(crate) fn taken(&self) {
        if self.flush.waiting.load(Ordering::Acquire) > 0 {
            self.flush.taken.notify_waiters();
        }
    }
}
