//! Where models are kept when the process is gone: what a store is asked, and what it answers.

pub(crate) mod keeper;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Result;
use crate::protocol::Limits;
use crate::state::KeyName;
use crate::value::Value;

#[cfg(feature = "sqlite")]
pub use self::sqlite::Sqlite;

/// When a page's write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is applied in memory. A kill of the process or of the machine may lose the last of them; what is
    /// lost is gone from every page, too, when it comes back. A clean end loses nothing.
    #[default]
    Applied,
    /// When it is on disk. Nothing that a kill could undo is shown to anybody before.
    Stored,
}

/// Keeps models beyond the life of a process.
///
/// The host follows each of its models like a page does, with a cursor, and gives the store whatever is above it:
/// many commits of a model may arrive as one batch, with the latest values. One commit is under way at a time, and
/// models that are not in memory are loaded meanwhile.
///
/// The futures may be polled outside of a tokio runtime, by [`Host::folder`](crate::Host::folder).
pub trait Store: Send + Sync + 'static {
    /// All that is kept of the model with this id; none if nothing is.
    ///
    /// # Errors
    /// When the store cannot be read. The model is not opened then, and nothing is overwritten.
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// Writes all of these batches or none.
    ///
    /// # Errors
    /// When they are not written. The host tries again, with what is new until then. A batch whose
    /// [`expected`](Batch::expected) is not what the store has is an error, too: somebody else writes this model.
    fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>>;

    /// Notes that these models were in use until now: they left memory.
    ///
    /// # Errors
    /// When it cannot be noted. The host logs it.
    fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>>;

    /// Notes that everything was written, so that histories go on when the store is opened again. Nothing is
    /// asked of the store afterwards.
    ///
    /// # Errors
    /// When it cannot be noted.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// A model as it is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// The name of its widget.
    pub widget: String,
    /// Its history, if that goes on. It does not after a kill with [`Durability::Applied`]: pages may have seen
    /// more of it than is kept.
    pub epoch: Option<String>,
    /// The newest commit that is kept.
    pub rev: u64,
    /// The number of its newest custom message.
    pub messages: u64,
    /// The public number of its newest client.
    pub clients: u64,
    /// Its values, in the order of their keys.
    pub slots: Vec<StoredSlot>,
    /// The pages that may come back. None when the history does not go on.
    pub sessions: Vec<StoredSession>,
}

/// One value of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSlot {
    /// The key.
    pub key: KeyName,
    /// The commit that wrote it last.
    pub rev: u64,
    /// None when the key is gone.
    pub value: Option<Value>,
}

/// A page that may come back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSession {
    /// The page's secret.
    pub secret: String,
    /// Its public number.
    pub client: u64,
    /// The last frame applied; none before the first.
    pub seq: Option<u64>,
    /// When it was last connected.
    pub seen: SystemTime,
    /// The answers it may ask for again, oldest first: the number of the frame, and the answer as the host wrote it.
    pub answers: Vec<(u64, Bytes)>,
}

impl Stored {
    /// A model of this widget with nothing in it, for a [`Store`] to fill.
    pub fn new(widget: impl Into<String>) -> Stored {
        Stored {
            widget: widget.into(),
            epoch: None,
            rev: 0,
            messages: 0,
            clients: 0,
            slots: Vec::new(),
            sessions: Vec::new(),
        }
    }
}

/// What is new of a model since its last commit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Batch {
    /// The model.
    pub id: Arc<str>,
    /// The name of its widget.
    pub widget: String,
    /// Its history.
    pub epoch: Arc<str>,
    /// The rev the store has of this model; none when it has nothing.
    pub expected: Option<u64>,
    /// The rev it has afterwards.
    pub rev: u64,
    /// The number of its newest custom message.
    pub messages: u64,
    /// The public number of its newest client.
    pub clients: u64,
    /// The values that were written since.
    pub slots: Vec<StoredSlot>,
    /// Keys whose kept values do not fit the state any more: kept elsewhere, before `slots` are written.
    pub aside: Vec<KeyName>,
    /// Sessions with the answers that are new.
    pub sessions: Vec<StoredSession>,
    /// How many of the newest answers of a session are worth keeping.
    pub answers_kept: usize,
    /// Secrets of the sessions that are forgotten.
    pub forgotten: Vec<String>,
    /// The model is gone, and all that is kept of it with it.
    pub ended: bool,
}

impl Batch {
    /// The first batch of a new model, with nothing in it.
    pub fn new(id: impl Into<Arc<str>>, widget: impl Into<String>, epoch: impl Into<Arc<str>>) -> Batch {
        Batch {
            id: id.into(),
            widget: widget.into(),
            epoch: epoch.into(),
            expected: None,
            rev: 0,
            messages: 0,
            clients: 0,
            slots: Vec::new(),
            aside: Vec::new(),
            sessions: Vec::new(),
            answers_kept: Limits::default().acks,
            forgotten: Vec::new(),
            ended: false,
        }
    }
}
