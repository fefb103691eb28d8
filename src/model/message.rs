//! A custom message from a page, and the way to answer just that page.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{Core, Follower};
use crate::error::{Error, Result};
use crate::protocol::Draft;
use crate::value::{Blob, Value};

/// What a widget sent with `model.send(content, callbacks, buffers)`.
pub struct Message {
    /// The content: any JSON value.
    pub content: Value,
    /// The buffers that came with it.
    pub buffers: Vec<Blob>,
    from: Sender,
}

/// The connection a message came through. What is sent to it is lost with it.
#[derive(Clone)]
pub(crate) struct Sender {
    core: Arc<Core>,
    connection: Arc<Follower>,
}

impl Sender {
    pub(crate) fn new(core: Arc<Core>, connection: Arc<Follower>) -> Sender {
        Sender { core, connection }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn send(&self, message: Draft) {
        let rev = self.core.rev();
        self.connection.deliver(rev, message.at(rev, None).into());
    }
}

impl Message {
    pub(crate) fn new(content: Value, buffers: Vec<Blob>, from: Sender) -> Message {
        Message { content, buffers, from }
    }

    /// Sends a custom message to the page that this one came from, and to no other. It is lost if
    /// the page's connection is.
    ///
    /// # Errors
    /// When `content` cannot be written as JSON and bytes.
    pub fn reply(&self, content: impl Serialize) -> Result<()> {
        self.reply_with(content, [])
    }

    /// Replies with buffers, which the widget gets as `DataView`s.
    ///
    /// # Errors
    /// As [`reply`](Message::reply).
    pub fn reply_with(&self, content: impl Serialize, buffers: impl IntoIterator<Item = Blob>) -> Result<()> {
        let message = Draft::new(content, buffers.into_iter().collect());
        self.from.send(message.map_err(|source| Error::value("a reply", source))?);
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("content", &self.content).field("buffers", &self.buffers).finish()
    }
}
