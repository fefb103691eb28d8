//! Gives the store what is new of each model: one more follower, which never says that a model is too fast.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::{Batch, Durability, Store, Stored};
use crate::error::{Error, Result};
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
    /// What follows models may be started from outside of it.
    runtime: Handle,
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
        let runtime = Handle::current();
        let shared = Shared { store: store.clone(), durability, runtime, orders, ending: Mutex::default() };
        let keeper = Keeper(Arc::new(shared));
        let work = Work {
            store,
            inbox,
            shared: Arc::downgrade(&keeper.0),
            failing: Vec::new(),
            again: Instant::now(),
            pause: MIN_PAUSE,
            said: None,
            parked: Vec::new(),
            look: Instant::now(),
            closing: Vec::new(),
            closed: false,
        };
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
        *self.0.ending.lock().entry(id.clone()).or_default() += 1;
    }

    /// What the store has of a model that is not in memory.
    pub(crate) async fn load(&self, id: &str) -> Result<Option<Stored>> {
        if self.0.ending.lock().contains_key(id) {
            return Ok(None);
        }
        self.0.store.load(id).await
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Notes that a model that ended is not in the store any more.
    pub(crate) fn has_ended(&self, id: &str) {
        self.0.has_ended(id);
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
    /// It may be loaded again, if somebody has made it anew.
    fn has_ended(&self, id: &str) {
        let mut ending = self.ending.lock();
        match ending.get_mut(id) {
            Some(times) if *times > 1 => *times -= 1,
            _ => drop(ending.remove(id)),
        }
    }
}

/// The task behind it.
struct Work {
    store: Arc<dyn Store>,
    inbox: mpsc::UnboundedReceiver<Order>,
    shared: Weak<Shared>,
    /// Models that the store does not take, and when it is asked again.
    failing: Vec<Arc<Core>>,
    again: Instant,
    pause: Duration,
    /// What was said of it last, so that it is not said again and again.
    said: Option<String>,
    /// Models that others have written as well: they come back to the inbox when it is known what. If that takes
    /// long, the store is asked.
    parked: Vec<Arc<Core>>,
    look: Instant,
    /// Who waits for the end.
    closing: Vec<oneshot::Sender<Result<()>>>,
    closed: bool,
}

impl Work {
    async fn run(mut self) {
        let mut orders = Vec::new();
        loop {
            let (failing, parked) = (!self.failing.is_empty(), !self.parked.is_empty());
            select! {
                count = self.inbox.recv_many(&mut orders, AT_ONCE) => if count == 0 { return },
                () = sleep_until(self.again), if failing => {}
                () = sleep_until(self.look), if parked => {
                    self.look_up().await;
                    continue;
                }
            }
            let mut cores = Vec::new();
            let is_round = orders.is_empty();
            if is_round {
                cores.append(&mut self.failing);
            }
            for order in orders.drain(..) {
                match order {
                    Order::Keep(core) => cores.extend(self.due(core)),
                    Order::Close(done) => self.closing.push(done),
                }
            }
            self.keep(cores).await;
            if is_round {
                self.pause = (2 * self.pause).min(MAX_PAUSE);
            }
            if self.failing.is_empty() {
                (self.pause, self.said) = (MIN_PAUSE, None);
            } else if is_round || !failing {
                self.again = Instant::now() + self.pause;
            }
            self.close().await;
        }
    }

    /// A model from the list, unless it is in hand: it may have come there while a batch of it was under way.
    fn due(&mut self, core: Arc<Core>) -> Option<Arc<Core>> {
        let is_it = |other: &Arc<Core>| Arc::ptr_eq(other, &core);
        if self.failing.iter().any(is_it) || core.is_parked() {
            return None;
        }
        self.parked.retain(|other| !is_it(other));
        Some(core)
    }

    /// Asks the store what others wrote, because nobody has said it.
    async fn look_up(&mut self) {
        for core in self.parked.clone() {
            if let Err(error) = core.hear(None, &*self.store).await {
                self.complain(&core, &error);
            }
        }
        self.look = Instant::now() + MAX_PAUSE;
    }

    /// Ends the store's work, if that is asked for and nothing is left to write.
    async fn close(&mut self) {
        let is_done = self.inbox.is_empty() && self.failing.is_empty() && self.parked.is_empty();
        if self.closing.is_empty() || !is_done {
            return;
        }
        let closed = if std::mem::replace(&mut self.closed, true) { Ok(()) } else { self.store.close().await };
        for done in std::mem::take(&mut self.closing) {
            let _ = done.send(closed.clone()); // who asked may have stopped waiting
        }
    }

    /// Writes what is new of these models. Those that cannot be written wait for another time.
    async fn keep(&mut self, mut cores: Vec<Arc<Core>>) {
        while !self.closed {
            let (batches, moments): (Vec<Batch>, Vec<Moment>) = cores.iter().filter_map(|core| core.unkept()).unzip();
            if batches.is_empty() {
                return;
            }
            let batches: Arc<[Batch]> = batches.into();
            match self.store.commit(batches.clone()).await {
                Ok(()) => return batches.iter().zip(moments).for_each(|(batch, moment)| self.kept(batch, moment)),
                Err(error) => cores = self.sort_out(&error, &batches, moments).await,
            }
        }
    }

    fn kept(&self, batch: &Batch, moment: Moment) {
        moment.kept();
        if batch.ended
            && let Some(shared) = self.shared.upgrade()
        {
            shared.has_ended(&batch.id);
        }
    }

    /// Finds out which of these models the store does not take. The answer are those to be tried again at once:
    /// each time one less, or one with a value less.
    async fn sort_out(&mut self, error: &Error, batches: &[Batch], moments: Vec<Moment>) -> Vec<Arc<Core>> {
        // One that ended and one that was made anew have the same id.
        let is_named = |batch: &Batch| {
            let has = |key: &str| batch.slots.iter().any(|slot| slot.key == key);
            error.model().is_some_and(|(model, key)| *batch.id == *model && key.is_none_or(has))
        };
        let named = batches.iter().position(is_named);
        if named.is_none() && batches.len() > 1 {
            return self.one_by_one(batches, moments).await;
        }
        let mut rest = Vec::new();
        for (at, (batch, moment)) in batches.iter().zip(moments).enumerate() {
            match named.is_none_or(|named| named == at) {
                true => rest.extend(self.failed(error, batch, moment).await),
                false => rest.push(moment.unkept(batch, false).0),
            }
        }
        rest
    }

    /// Nobody has said which of them it is. A store that takes nothing is not asked for all of them.
    async fn one_by_one(&mut self, batches: &[Batch], moments: Vec<Moment>) -> Vec<Arc<Core>> {
        let mut again = Vec::new();
        let mut rest = Vec::new();
        let mut works = None;
        for (batch, moment) in batches.iter().zip(moments) {
            if works == Some(false) {
                rest.push(moment.unkept(batch, false).0);
                continue;
            }
            match self.store.commit([batch.clone()].into()).await {
                Ok(()) => self.kept(batch, moment),
                Err(error) => {
                    again.extend(self.failed(&error, batch, moment).await);
                    works.get_or_insert(error.model().is_some());
                    continue;
                }
            }
            works = Some(true);
        }
        rest.append(&mut self.failing); // the first of them has had its chance
        self.failing = rest;
        again
    }

    /// A batch of one model that the store does not take. The model, if it is to be tried again at once.
    async fn failed(&mut self, error: &Error, batch: &Batch, moment: Moment) -> Option<Arc<Core>> {
        let (core, parks) = moment.unkept(batch, error.is_conflict());
        if parks {
            tracing::debug!("waiting for what others wrote: {error}");
            if self.parked.is_empty() {
                self.look = Instant::now() + MAX_PAUSE;
            }
            self.parked.push(core);
            return None;
        }
        if let Some((_, Some(key))) = error.model()
            && let Some(slot) = batch.slots.iter().find(|slot| slot.key == key)
        {
            match core.take_back(&*self.store, key, slot.rev).await {
                Ok(became) => {
                    tracing::error!("{error}; {became}: keep such a value in a file, say, and its name in the model");
                    return Some(core);
                }
                Err(unread) => self.complain(&core, &unread),
            }
        } else {
            self.complain(&core, error);
        }
        self.failing.push(core);
        None
    }

    fn complain(&mut self, core: &Core, error: &Error) {
        let error = error.to_string();
        if self.said.as_ref() != Some(&error) {
            tracing::error!("the store does not take what is new of the model {:?}, trying on: {error}", core.id);
            self.said = Some(error);
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
