//! Who is told in Rust: `on_change` listeners, outside the lock and in commit order.

use std::cell::Cell;
use std::sync::Arc;

use super::{AnyState, Core, Inner};
use crate::state::KeyName;

/// A commit as listeners see it.
#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) rev: u64,
    pub(crate) keys: Vec<KeyName>,
    pub(crate) state: AnyState,
    /// How many listeners deep it was made: 0 outside of any.
    depth: u32,
}

thread_local! {
    /// How deep in `on_change` listeners this thread is.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A listener that answers each change with another is stopped after this many rounds.
const MAX_DEPTH: u32 = 16;

impl Change {
    pub(super) fn new(rev: u64, keys: Vec<KeyName>, state: AnyState) -> Change {
        Change { rev, keys, state, depth: DEPTH.get() }
    }
}

impl Core {
    /// Runs `on_change` for commits nobody has been told of, outside the lock and in commit order.
    pub(super) fn notify_listeners(self: &Arc<Self>) {
        if !self.widget.behaviour.listens() {
            return;
        }
        {
            let mut inner = self.lock();
            if inner.notifying || inner.unseen.is_empty() {
                return;
            }
            inner.notifying = true;
        }
        let mut round = Round { core: self, outer_depth: DEPTH.get(), over: false };
        loop {
            let Some(change) = self.lock().next_unseen() else {
                round.over = true;
                return;
            };
            if change.depth >= MAX_DEPTH {
                tracing::error!(
                    model = %self.id,
                    "on_change answers every change with another; it is not called again after {MAX_DEPTH} rounds"
                );
                continue;
            }
            DEPTH.set(change.depth + 1);
            self.widget.behaviour.changed(self, &change);
        }
    }
}

/// One round of telling listeners, which ends even when one of them panics.
struct Round<'a> {
    core: &'a Core,
    outer_depth: u32,
    over: bool,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        DEPTH.set(self.outer_depth);
        if !self.over {
            self.core.lock().notifying = false;
        }
    }
}

impl Inner {
    fn next_unseen(&mut self) -> Option<Change> {
        let next = self.unseen.pop_front();
        self.notifying = next.is_some();
        next
    }
}
