//! A stream of what changed: a follower like any other, with a cursor.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream, StreamExt};

use super::{AnyState, Core, CoreChange, Follower, typed};
use crate::state::{KeyName, State};

/// What a commit changed, or several of them when the reader was slow.
#[derive(Debug, Clone)]
pub struct Change<W> {
    /// The rev that `state` is of.
    pub rev: u64,
    /// The keys that were written, each once.
    pub keys: Vec<KeyName>,
    /// The state after it.
    pub state: Arc<W>,
}

impl<W: State> Change<W> {
    pub(crate) fn new(rev: u64, keys: Vec<KeyName>, state: AnyState) -> Change<W> {
        Change { rev, keys, state: typed(state) }
    }

    pub(crate) fn of(change: &CoreChange) -> Change<W> {
        Change::new(change.rev, change.keys.clone(), change.state.clone())
    }

    /// Whether this key was written.
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|name| name == key)
    }
}

/// The stream behind [`Model::changes`](super::Model::changes). It ends with its model.
pub struct Changes<W>(Pin<Box<dyn Stream<Item = Change<W>> + Send>>);

/// Following that ends when the stream is dropped.
struct Following {
    core: Arc<Core>,
    follower: Arc<Follower>,
    rev: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.core.unfollow(&self.follower);
    }
}

impl<W: State> Changes<W> {
    pub(super) fn new(core: Arc<Core>) -> Changes<W> {
        let follower = Arc::new(Follower::default());
        let rev = core.follow(&follower);
        Changes(Box::pin(stream::unfold(Following { core, follower, rev }, async |mut at| {
            loop {
                let delta = at.core.since(Some(at.rev));
                if delta.rev > at.rev {
                    at.rev = delta.rev;
                    return Some((Change::new(delta.rev, delta.names(), delta.state), at));
                }
                if at.core.ended() {
                    return None;
                }
                at.follower.rung().await;
            }
        })))
    }
}

impl<W> Stream for Changes<W> {
    type Item = Change<W>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change<W>>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<W> fmt::Debug for Changes<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}
