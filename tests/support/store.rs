//! A store in memory that tests can hold, break and look into.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use anywidget_host::store::{Batch, News, Store, Stored};
use anywidget_host::{Error, Result, Value};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

/// Clones are the same store, so a test keeps one.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    models: Mutex<HashMap<String, Stored>>,
    /// Commits wait while it is shut.
    shut: watch::Sender<bool>,
    /// The end waits while it is held open.
    held_open: watch::Sender<bool>,
    closes: AtomicU32,
    /// So many commits fail.
    failures: AtomicU32,
    commits: AtomicU32,
    touched: Mutex<Vec<String>>,
    /// Where several hosts share it: rung at each commit.
    bell: Option<watch::Sender<()>>,
    /// Nobody hears of anything.
    silent: watch::Sender<bool>,
    /// A value that cannot be kept.
    unkeepable: Mutex<Option<Value>>,
    /// A model that cannot be written, without a word why.
    stuck: Mutex<Option<String>>,
    refused: AtomicU32,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf::new(None)
    }
}

impl Shelf {
    fn new(bell: Option<watch::Sender<()>>) -> Shelf {
        Shelf(Arc::new(Inner {
            models: Mutex::default(),
            shut: watch::Sender::new(false),
            held_open: watch::Sender::new(false),
            closes: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            commits: AtomicU32::new(0),
            touched: Mutex::default(),
            bell,
            silent: watch::Sender::new(false),
            unkeepable: Mutex::default(),
            stuck: Mutex::default(),
            refused: AtomicU32::new(0),
        }))
    }

    /// One that several hosts use at once.
    pub fn shared() -> Shelf {
        Shelf::new(Some(watch::Sender::new(())))
    }

    /// From now on hosts hear nothing of what others write, or all of it.
    pub fn silence(&self, silent: bool) {
        self.0.silent.send_replace(silent);
    }

    /// This value cannot be kept, wherever it stands.
    pub fn cannot_keep(&self, value: impl Into<Value>) {
        *self.0.unkeepable.lock().unwrap() = Some(value.into());
    }

    /// What has this model in it fails.
    pub fn stick(&self, id: Option<&str>) {
        *self.0.stuck.lock().unwrap() = id.map(str::to_owned);
    }

    /// Commits that failed, for whatever reason.
    pub fn refused(&self) -> u32 {
        self.0.refused.load(Ordering::Acquire)
    }

    /// Models that somebody follows, as often as that.
    pub fn followers(&self) -> usize {
        self.0.bell.as_ref().map_or(0, |bell| bell.receiver_count())
    }

    /// What another program would do to a model, behind the back of every host.
    pub fn write(&self, id: &str, change: impl FnOnce(&mut Stored)) {
        change(self.0.models.lock().unwrap().get_mut(id).unwrap());
        self.ring();
    }

    fn ring(&self) {
        if let Some(bell) = &self.0.bell {
            bell.send_replace(());
        }
    }

    fn take(&self, batches: &[Batch]) -> Result<()> {
        let left = self.0.failures.load(Ordering::Acquire);
        if left > 0 {
            self.0.failures.store(left - 1, Ordering::Release);
            return Err(Error::store("the shelf", "is full: take something out"));
        }
        let stuck = self.0.stuck.lock().unwrap().clone();
        if batches.iter().any(|batch| stuck.as_deref() == Some(&*batch.id)) {
            return Err(Error::store("the shelf", "is stuck"));
        }
        let unkeepable = self.0.unkeepable.lock().unwrap().clone();
        let mut models = self.0.models.lock().unwrap();
        let mut after = models.clone();
        for batch in batches {
            let mut kept = after.remove(&*batch.id);
            let has = kept.as_ref().map(|kept| kept.rev);
            if has != batch.expected {
                assert!(self.0.bell.is_some(), "nobody else writes, and it has {has:?}: {batch:?}");
                return Err(Error::conflict("the shelf", &batch.id, format!("it has {has:?}")));
            }
            if let Some(slot) = batch.slots.iter().find(|slot| slot.value.is_some() && slot.value == unkeepable) {
                return Err(Error::unkeepable("the shelf", &batch.id, &slot.key, "it does not fit"));
            }
            Stored::apply(&mut kept, batch);
            after.extend(kept.map(|kept| (batch.id.to_string(), kept)));
        }
        *models = after;
        Ok(())
    }

    /// From now on commits wait, or go on.
    pub fn shut(&self, shut: bool) {
        self.0.shut.send_replace(shut);
    }

    /// From now on the end waits, or goes on.
    pub fn hold_open(&self, held: bool) {
        self.0.held_open.send_replace(held);
    }

    /// How often its end began.
    pub fn closes(&self) -> u32 {
        self.0.closes.load(Ordering::Acquire)
    }

    pub fn fail(&self, times: u32) {
        self.0.failures.store(times, Ordering::Release);
    }

    /// Commits that were tried.
    pub fn commits(&self) -> u32 {
        self.0.commits.load(Ordering::Acquire)
    }

    pub fn has(&self, id: &str) -> Option<Stored> {
        self.0.models.lock().unwrap().get(id).cloned()
    }

    pub fn touched(&self) -> Vec<String> {
        self.0.touched.lock().unwrap().clone()
    }

    /// What a kill leaves when pages may have seen more than is kept: no history goes on.
    pub fn cut(&self) {
        for model in self.0.models.lock().unwrap().values_mut() {
            model.epoch = None;
            model.sessions.clear();
        }
    }
}

impl Store for Shelf {
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move { Ok(self.has(id)) })
    }

    fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.0.commits.fetch_add(1, Ordering::AcqRel);
            let _ = self.0.shut.subscribe().wait_for(|shut| !shut).await;
            let taken = self.take(&batches);
            match taken.is_ok() {
                true => self.ring(),
                false => drop(self.0.refused.fetch_add(1, Ordering::AcqRel)),
            }
            taken
        })
    }

    fn follow(&self, id: &str, rev: Option<u64>) -> Option<News> {
        let mut bell = self.0.bell.as_ref()?.subscribe();
        bell.mark_changed();
        let (shelf, id) = (self.clone(), id.to_owned());
        let news = stream::unfold((bell, rev), move |(mut bell, rev)| {
            let (shelf, id) = (shelf.clone(), id.clone());
            async move {
                bell.changed().await.ok()?;
                let _ = shelf.0.silent.subscribe().wait_for(|silent| !silent).await;
                let kept = shelf.has(&id).map(|kept| kept.above(rev));
                let rev = kept.as_ref().map(|kept| kept.rev);
                Some((Ok(kept), (bell, rev)))
            }
        });
        Some(news.boxed())
    }

    fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        self.0.touched.lock().unwrap().extend(ids.iter().map(|id| id.to_string()));
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.0.closes.fetch_add(1, Ordering::AcqRel);
            let _ = self.0.held_open.subscribe().wait_for(|held| !held).await;
            Ok(())
        })
    }
}
