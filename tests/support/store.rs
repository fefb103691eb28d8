//! A store in memory that tests can hold, break and look into.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use anywidget_host::store::{Batch, Store, Stored, StoredSession};
use anywidget_host::{Error, Result};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// Clones are the same store, so a test keeps one.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    models: Mutex<HashMap<String, Stored>>,
    /// Commits wait while it is shut.
    shut: watch::Sender<bool>,
    /// So many commits fail.
    failures: AtomicU32,
    commits: AtomicU32,
    touched: Mutex<Vec<String>>,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf(Arc::new(Inner {
            models: Mutex::default(),
            shut: watch::Sender::new(false),
            failures: AtomicU32::new(0),
            commits: AtomicU32::new(0),
            touched: Mutex::default(),
        }))
    }
}

impl Shelf {
    /// From now on commits wait, or go on.
    pub fn shut(&self, shut: bool) {
        self.0.shut.send_replace(shut);
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
            let left = self.0.failures.load(Ordering::Acquire);
            if left > 0 {
                self.0.failures.store(left - 1, Ordering::Release);
                return Err(Error::store("the shelf", "is full: take something out"));
            }
            let mut models = self.0.models.lock().unwrap();
            for batch in batches.iter() {
                apply(&mut models, batch);
            }
            Ok(())
        })
    }

    fn touch(&self, ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        self.0.touched.lock().unwrap().extend(ids.iter().map(|id| id.to_string()));
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn apply(models: &mut HashMap<String, Stored>, batch: &Batch) {
    if batch.ended {
        models.remove(&*batch.id);
        return;
    }
    assert_eq!(models.get(&*batch.id).map(|stored| stored.rev), batch.expected, "the rev that the host expects");
    let stored = models.entry(batch.id.to_string()).or_insert_with(|| Stored::new(&batch.widget));
    stored.epoch = Some(batch.epoch.to_string());
    (stored.rev, stored.messages, stored.clients) = (batch.rev, batch.messages, batch.clients);
    stored.slots.retain(|slot| !batch.aside.contains(&slot.key));
    for slot in &batch.slots {
        match stored.slots.iter_mut().find(|known| known.key == slot.key) {
            Some(known) => *known = slot.clone(),
            None => stored.slots.push(slot.clone()),
        }
    }
    stored.sessions.retain(|session| !batch.forgotten.contains(&session.secret));
    for session in &batch.sessions {
        match stored.sessions.iter_mut().find(|known| known.secret == session.secret) {
            Some(known) => {
                let answers = known.answers.iter().chain(&session.answers).cloned().collect();
                *known = StoredSession { answers, ..session.clone() };
            }
            None => stored.sessions.push(session.clone()),
        }
    }
}
