//! Where models are kept when the process is gone: what a store is asked, and what it answers.

pub(crate) mod keeper;
mod kept;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

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

/// What a store has of one model that others wrote: see [`Store::follow`].
pub type News = BoxStream<'static, Result<Option<Stored>>>;

/// Keeps models beyond the life of a process.
///
/// The host follows each of its models like a page does, with a cursor, and gives the store whatever is above it:
/// many commits of a model may arrive as one batch, with the latest values. One commit is under way at a time, and
/// models that are not in memory are loaded meanwhile.
///
/// The futures may be polled outside of a tokio runtime, by [`Host::folder`](crate::Host::folder).
///
/// # A store of one's own
///
/// This one is in memory, and several hosts may share it: what one of them writes, the pages of the others see.
/// What its methods promise is all that a store in a database needs as well.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use anywidget_host::store::{Batch, News, Store, Stored};
/// use anywidget_host::{Error, Host, Result, Widget};
/// use futures_util::future::{BoxFuture, ready};
/// use futures_util::stream::{self, StreamExt};
/// use tokio::sync::watch::Sender;
///
/// type Models = HashMap<String, Stored>;
///
/// #[derive(Clone, Default)]
/// struct Shared(Sender<Models>);
///
/// /// What is there with these batches: a database has transactions instead of copies.
/// fn with(mut models: Models, batches: &[Batch]) -> Result<Models> {
///     for batch in batches {
///         let mut kept = models.remove(&*batch.id);
///         let rev = kept.as_ref().map(|kept| kept.rev);
///         if rev != batch.expected {
///             return Err(Error::conflict("memory", &batch.id, format!("it has {rev:?}")));
///         }
///         Stored::apply(&mut kept, batch);
///         models.extend(kept.map(|kept| (batch.id.to_string(), kept)));
///     }
///     Ok(models)
/// }
///
/// impl Store for Shared {
///     fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
///         Box::pin(ready(Ok(self.0.borrow().get(id).cloned())))
///     }
///
///     fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>> {
///         let mut written = Ok(());
///         self.0.send_if_modified(|models| match with(models.clone(), &batches) {
///             Ok(after) => {
///                 *models = after;
///                 true
///             }
///             Err(error) => {
///                 written = Err(error);
///                 false
///             }
///         });
///         Box::pin(ready(written))
///     }
///
///     fn follow(&self, id: &str, rev: Option<u64>) -> Option<News> {
///         let mut models = self.0.subscribe();
///         models.mark_changed(); // it may be above the rev by now
///         let news = stream::unfold((models, id.to_owned(), rev), async |(mut models, id, rev)| {
///             models.changed().await.ok()?;
///             let kept = models.borrow_and_update().get(&id).map(|kept| kept.above(rev));
///             let rev = kept.as_ref().map(|kept| kept.rev);
///             Some((Ok(kept), (models, id, rev)))
///         });
///         Some(news.boxed())
///     }
///
///     fn touch(&self, _ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
///         Box::pin(ready(Ok(())))
///     }
///
///     fn close(&self) -> BoxFuture<'_, Result<()>> {
///         Box::pin(ready(Ok(())))
///     }
/// }
///
/// #[derive(Clone, Default, Widget)]
/// #[widget(esm = "export default {}")]
/// struct Counter {
///     count: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let store = Shared::default();
/// let host = async || Host::builder().widget(Counter::widget()).store(store.clone()).build().await;
/// let (here, there) = (host().await?, host().await?);
/// let ours = here.open("global", Counter::default).await?;
/// ours.stored().await;
/// let theirs = there.open("global", Counter::default).await?;
///
/// let mut changes = theirs.changes();
/// ours.update(|counter| counter.count = 3);
/// assert_eq!(changes.next().await.map(|change| change.state.count), Some(3));
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// All that is kept of the model with this id; none if nothing is.
    ///
    /// # Errors
    /// When the store cannot be read. The model is not opened then, and nothing is overwritten.
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// Writes all of these batches or none. [`Stored::apply`] is what a batch does to a model.
    ///
    /// # Errors
    /// When they are not written. The host makes the batches anew then, with what is new by then, and tries again
    /// after a pause of 100 ms, which doubles up to 5 s; each model alone if there were several, so that one which
    /// cannot be written does not hold up the others. Two errors tell it more, and it needs no pause:
    /// - [`Error::conflict`](crate::Error::conflict): what the store has of a model is not what the batch
    ///   [expects](Batch::expected), somebody else has written it. The other models are written at once, and this one
    ///   when [`follow`](Store::follow) has brought what others wrote.
    /// - [`Error::unkeepable`](crate::Error::unkeepable): a value that the store can never keep. The host takes it
    ///   back: the key has again what the store has for it, in all pages, too, and an error in the log says so. Where
    ///   it has nothing, the value lives in memory only, until the program ends.
    fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>>;

    /// What others write of this model, from now on and above `rev`, where several hosts may share the store. None,
    /// as here, where nobody else can: then following costs nothing.
    ///
    /// Asked once for each model that comes into memory, with the rev that was loaded; none for one that was not
    /// there. Each item is what the store has of the model above the rev of the item before, as
    /// [`Stored::above`] gives it: the slots above that rev, with those that were taken away; the sessions that changed since;
    /// the present rev, epoch and counts. Several commits may be one item. What changes sessions only moves no rev
    /// and is an item, too. An item may hold more than that, this host's own writes as well: what the host has is
    /// dropped. An item that is none says that the model is gone; the host loads it then, to be sure.
    ///
    /// The host takes an item in as one commit of its own: pages and [`changes`](crate::Model::changes) see it,
    /// `validate` and `on_change` do not, because they ran where it was written. What the store has comes
    /// first, in the order of its revs; a key that was also written here and is not in the store yet keeps the value
    /// from here, because that is going to be written later. A value that does not fit the Rust type is left aside, with an error in the log.
    ///
    /// A model that is followed costs a task. The stream is dropped with the model. It should hold few items back
    /// when nobody asks for them, best none: the newest one says it all.
    ///
    /// # Errors
    /// An item that is an error is logged, once while it stays the same. When the stream ends, the host follows again from
    /// the rev that it has by then, after a pause of 100 ms that doubles up to 5 s.
    fn follow(&self, _id: &str, _rev: Option<u64>) -> Option<News> {
        None
    }

    /// The durability that this store was opened with, where it has one of its own. A host of another one does not
    /// begin ([`HostBuilder::build`](crate::HostBuilder::build)).
    fn durability(&self) -> Option<Durability> {
        None
    }

    /// Notes that these models were in use until now: they left memory.
    ///
    /// # Errors
    /// When it cannot be noted. The host logs it.
    fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>>;

    /// Notes that everything was written, so that histories go on when the store is opened again. Nothing is
    /// written afterwards.
    ///
    /// # Errors
    /// When it cannot be noted.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// A model as it is kept, or what of it is above some rev.
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
