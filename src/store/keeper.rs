//! Gives the store what is new of each model: one more follower, which never says that a model is too fast.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::{Batch, Durability, Store, Stored};
use crate::error::Result;
use crate::model::{Core, Moment};

/// Models that are written in one transaction at most.
const AT_ONCE: usize = 1_024;

/// Waits between attempts to write, while the store fails.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The way to a host's store.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    durability: Durability,
    orders: mpsc::UnboundedSender<Order>,
    /// Models that ended and are still in the store, with how often.
    ending: Mutex<HashMap<Arc<str>, usize>>,
}

enum Order {
    /// This model has something new. Each is on the list once at most.
    Keep(Arc<Core>),
    /// Everything before this is to be written, and the store told that it is complete.
    Close(oneshot::Sender<Result<()>>),
}

impl Keeper {
    /// Starts to write what comes; it ends with the last handle.
    pub(crate) fn start(store: Arc<dyn Store>, durability: Durability) -> Keeper {
        let (orders, inbox) = mpsc::unbounded_channel();
        let keeper = Keeper(Arc::new(Shared { store: store.clone(), durability, orders, ending: Mutex::default() }));
        let work = Work { store, inbox, shared: Arc::downgrade(&keeper.0), closed: false };
        tokio::spawn(work.run());
        keeper
    }

    pub(crate) fn durability(&self) -> Durability {
        self.0.durability
    }

    /// Puts a model on the list.
    pub(crate) fn queue(&self, core: Arc<Core>) {
        let _ = self.0.orders.send(Order::Keep(core)); // fails only when the runtime ends
    }

    /// Notes that a model ends, so that it is not loaded before it is deleted.
    pub(crate) fn ends(&self, id: &Arc<str>) {
        *self.0.ending().entry(id.clone()).or_default() += 1;
    }

    /// What the store has of a model that is not in memory.
    pub(crate) async fn load(&self, id: &str) -> Result<Option<Stored>> {
        if self.0.ending().contains_key(id) {
            return Ok(None);
        }
        self.0.store.load(id).await
    }

    pub(crate) fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        self.0.store.touch(ids)
    }

    /// Writes what is new, for the last time.
    pub(crate) async fn close(&self) -> Result<()> {
        let (done, closed) = oneshot::channel();
        let _ = self.0.orders.send(Order::Close(done)); // fails only when the runtime ends
        closed.await.unwrap_or(Ok(()))
    }
}

impl Shared {
    fn ending(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task behind it.
struct Work {
    store: Arc<dyn Store>,
    inbox: mpsc::UnboundedReceiver<Order>,
    shared: Weak<Shared>,
    closed: bool,
}

impl Work {
    async fn run(mut self) {
        let mut orders = Vec::new();
        while self.inbox.recv_many(&mut orders, AT_ONCE).await > 0 {
            let mut closing = Vec::new();
            let mut cores = Vec::new();
            for order in orders.drain(..) {
                match order {
                    Order::Keep(core) => cores.push(core),
                    Order::Close(done) => closing.push(done),
                }
            }
            self.keep(cores).await;
            for done in closing {
                while let Ok(Order::Keep(core)) = self.inbox.try_recv() {
                    self.keep(vec![core]).await;
                }
                let closed = if std::mem::replace(&mut self.closed, true) { Ok(()) } else { self.store.close().await };
                let _ = done.send(closed); // who asked may have stopped waiting
            }
        }
    }

    /// Writes what is new of these models, however long it takes.
    async fn keep(&self, cores: Vec<Arc<Core>>) {
        if self.closed {
            return;
        }
        let (batches, moments): (Vec<Batch>, Vec<Moment>) = cores.iter().filter_map(|core| core.unkept()).unzip();
        drop(cores);
        if batches.is_empty() {
            return;
        }
        let batches: Arc<[Batch]> = batches.into();
        let mut pause = MIN_PAUSE;
        while let Err(error) = self.store.commit(batches.clone()).await {
            tracing::error!(
                "the store does not take what is new of {}; trying again in {pause:?}: {error}",
                names(&batches)
            );
            sleep(pause).await;
            pause = (2 * pause).min(MAX_PAUSE);
        }
        moments.into_iter().for_each(Moment::kept);
        for batch in batches.iter().filter(|batch| batch.ended) {
            self.has_ended(&batch.id);
        }
    }

    /// It may be loaded again, if somebody has made it anew.
    fn has_ended(&self, id: &str) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut ending = shared.ending();
        match ending.get_mut(id) {
            Some(times) if *times > 1 => *times -= 1,
            _ => drop(ending.remove(id)),
        }
    }
}

/// The models of some batches, for people.
fn names(batches: &[Batch]) -> String {
    match batches {
        [one] => format!("the model {:?}", one.id),
        [first, ..] => format!("the model {:?} and {} others", first.id, batches.len() - 1),
        [] => "no model".to_owned(),
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
