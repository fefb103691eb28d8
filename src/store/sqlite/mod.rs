//! Models in one SQLite file. The handle; the file itself belongs to a thread.

mod file;
mod load;
mod packed;
mod problem;
mod schema;
mod time;
mod worker;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use self::file::File;
use self::worker::{Answer, Job, Work};
use super::{Batch, Durability, Store, Stored};
use crate::error::{Error, Result};

/// Writing a value that nests deep takes this much stack, in bytes. Only what is used of it takes memory.
const STACK: usize = 16 << 20;

/// Keeps models in one SQLite file.
///
/// ```
/// use anywidget_host::store::{Batch, Store, StoredSlot};
/// use anywidget_host::{Durability, Sqlite};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anywidget_host::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("models.db");
/// let store = Sqlite::open(&path, Durability::Applied)?;
///
/// let mut batch = Batch::new("global", "counter", "epoch-1");
/// batch.rev = 1;
/// batch.slots.push(StoredSlot { key: "count".into(), rev: 1, value: Some(3.into()) });
/// store.commit([batch].into()).await?;
///
/// let kept = store.load("global").await?.expect("it was committed");
/// assert_eq!(kept.slots[0].value, Some(3.into()));
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// # One file, one process
///
/// The file is locked while it is open: a second process, or a second `Sqlite` of this one, gets an error. It
/// belongs on a local disk; locks on network file systems cannot be relied on. Beside it stands `FILE-wal` with
/// what was written last: whoever copies a file that was not closed copies both. A file that is made here can be
/// read and written by its owner only, because it holds the secrets by which pages come back.
///
/// # What comes back
///
/// Values come back equal, whatever they are, up to 1 GB each and 1,024 levels of nesting. Times come back to the
/// millisecond. After a kill with [`Durability::Applied`] histories do not go on ([`Stored::epoch`] is none);
/// after a kill with [`Durability::Stored`], or after [`close`](Store::close), they do.
///
/// # Cost
///
/// One thread does everything, in the order it was asked: a model that is loaded waits for the commit before it.
/// With [`Durability::Stored`] a commit waits for the disk once, however many models it has, and commits that wait
/// meanwhile are written together. With [`Durability::Applied`] the disk is waited for once in about 4 MB. Beside
/// that a commit costs some 0.1 ms of the thread, and some 30 µs for each further model in it. Memory does not grow
/// with the number of models in the file.
///
/// The futures need no runtime. One that was polled once is carried out, even when it is dropped then.
/// Dropping a `Sqlite` waits until what was asked is done and the file is closed; it is not [`close`](Store::close).
pub struct Sqlite {
    path: PathBuf,
    durability: Durability,
    /// None when it is being dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Sqlite {
    /// Opens a file, or makes it. A host with this store has its `durability`. Blocks for as long as the disk
    /// takes, whatever the number of models in it; after a kill it reads `FILE-wal` first.
    ///
    /// # Errors
    /// When the file cannot be made, read or written; when it is in use, damaged, not a SQLite file, one of
    /// another program, or one of a newer version of this crate. Such a file stays as it is.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Sqlite> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path, durability).map_err(|problem| problem.said(&path))?;
        let (jobs, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("anywidget-store".to_owned()).stack_size(STACK);
        let thread = {
            let path = path.clone();
            thread.spawn(move || worker::run(&path, file, &queue))
        };
        let thread = thread.map_err(|error| {
            Error::store(path.display(), format_args!("cannot be served, because no thread can be started: {error}"))
        })?;
        Ok(Sqlite { path, durability, jobs: Some(jobs), thread: Some(thread) })
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let asked = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job(answer)).is_ok());
        match answered.await {
            Ok(result) if asked => result,
            _ => Err(Error::store(self.path.display(), "was closed: open it again to go on")),
        }
    }
}

impl Store for Sqlite {
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(self.ask(|answer| Job::Load { id: id.to_owned(), answer }))
    }

    fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ask(|answer| Job::Write { work: Work::Commit(batches), answer }))
    }

    fn durability(&self) -> Option<Durability> {
        Some(self.durability)
    }

    fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ask(|answer| Job::Write { work: Work::Touch(ids), answer }))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.ask(|answer| Job::Close { answer }))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("{}: its thread ended with a panic", self.path.display());
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish()
    }
}
