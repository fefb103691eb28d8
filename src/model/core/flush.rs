//! Waiting until others have what a model is: its pages, or its store.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::{Core, Cursor, Inner};

#[derive(Default)]
pub(super) struct Flush {
    /// Rung when a socket or the store has taken something, if anybody waits.
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
    /// Waits until the sockets of all connected pages have taken the state and the messages of this call.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> {
        let now = {
            let inner = self.lock();
            Cursor { rev: inner.head.rev, n: inner.messages.newest(), ..Cursor::default() }
        };
        self.when(move |inner| inner.followers.iter().all(|follower| follower.is_at(now)))
    }

    /// Waits until something is so. It is looked at again whenever a socket or the store has taken something.
    pub(super) async fn when(&self, is_so: impl Fn(&Inner) -> bool) {
        self.flush.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.flush.waiting);
        loop {
            let taken = self.flush.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable(); // what is taken from here on rings
            if is_so(&self.lock()) {
                return;
            }
            taken.await;
        }
    }

    /// A socket or the store has taken something, or is gone.
    pub(crate) fn taken(&self) {
        if self.flush.waiting.load(Ordering::Acquire) > 0 {
            self.flush.taken.notify_waiters();
        }
    }
}
