//! A disk that survives the process: a store that is told when to write, when to answer, and what to lose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot::{self, Sender};

use crate::error::{Error, Result};
use crate::store::{Batch, Durability, Store, Stored, StoredSession};

/// Outlives the processes that write to it.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// What was written since it was opened, newest last: an earlier one is found when the machine loses its power.
    kept: Vec<Option<Stored>>,
    durability: Durability,
    /// The last process said that it was done.
    clean: bool,
    /// Counts the processes; only the newest one writes.
    boot: u32,
    /// What the process has asked for and was not told of.
    asked: Option<Asked>,
    /// It writes and answers at once.
    flows: bool,
    /// What a store must never be asked.
    faults: Vec<String>,
}

struct Asked {
    batches: Arc<[Batch]>,
    written: bool,
    answer: Sender<Result<()>>,
}

/// The disk, as one process has it.
pub(super) struct Mount {
    disk: Disk,
    boot: u32,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("it does not panic")
    }

    /// For the next process. What an earlier one may have shown without writing it is no history any more.
    pub(super) fn open(&self, durability: Durability) -> Mount {
        let mut inner = self.lock();
        let mut found = inner.kept.pop().flatten();
        if let Some(stored) = &mut found
            && !inner.clean
            && inner.durability == Durability::Applied
        {
            stored.epoch = None;
            stored.sessions.clear();
        }
        inner.kept = vec![found];
        (inner.durability, inner.clean, inner.asked) = (durability, false, None);
        inner.boot += 1;
        Mount { disk: self.clone(), boot: inner.boot }
    }

    /// The process is gone, and of what was not synced the newest.
    pub(super) fn cut(&self, lost: usize) {
        let mut inner = self.lock();
        inner.boot += 1;
        inner.asked = None;
        if inner.durability == Durability::Applied {
            let left = inner.kept.len().saturating_sub(lost).max(1);
            inner.kept.truncate(left);
        }
    }

    /// Writes what it was asked to, without a word.
    pub(super) fn write(&self) {
        self.lock().write();
    }

    /// Says that it has written what it was asked to.
    pub(super) fn answer(&self) {
        let mut inner = self.lock();
        inner.write();
        if let Some(asked) = inner.asked.take() {
            let _ = asked.answer.send(Ok(())); // the process may be gone
        }
    }

    /// Says that it cannot write.
    pub(super) fn fail(&self) {
        let mut inner = self.lock();
        if let Some(asked) = inner.asked.take_if(|asked| !asked.written) {
            let _ = asked.answer.send(Err(Error::store("the disk", "has no space left"))); // the process may be gone
        }
    }

    /// Writes and answers at once, from now on.
    pub(super) fn flow(&self, flows: bool) {
        if flows {
            self.answer();
        }
        self.lock().flows = flows;
    }

    /// What a process would find now.
    pub(super) fn kept(&self) -> Option<Stored> {
        self.lock().kept.last().cloned().flatten()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }
}

impl Inner {
    fn write(&mut self) {
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.written) else { return };
        asked.written = true;
        let mut kept = self.kept.last().cloned().flatten();
        for batch in &*asked.batches.clone() {
            let has = kept.as_ref().map(|stored| stored.rev);
            if has != batch.expected {
                self.faults.push(format!("a batch for {:?}, and the disk has {has:?}", batch.expected));
            }
            kept = (!batch.ended).then(|| written(kept, batch));
        }
        self.kept.push(kept);
    }
}

/// What is kept after a batch.
fn written(before: Option<Stored>, batch: &Batch) -> Stored {
    let goes_on = before.as_ref().is_some_and(|before| before.epoch.as_deref() == Some(&*batch.epoch));
    let (mut slots, old) = before.map(|before| (before.slots, before.sessions)).unwrap_or_default();
    slots.retain(|slot| !batch.aside.contains(&slot.key) && batch.slots.iter().all(|new| new.key != slot.key));
    slots.retain(|slot| goes_on || slot.value.is_some()); // nobody has to be told what an old history took away
    slots.extend(batch.slots.iter().cloned());
    let old = old.into_iter().filter(|_| goes_on);
    let mut sessions: HashMap<String, StoredSession> = old.map(|session| (session.secret.clone(), session)).collect();
    for new in &batch.sessions {
        let before = sessions.remove(&new.secret).map(|session| session.answers).unwrap_or_default();
        let mut answers: Vec<_> = before.into_iter().chain(new.answers.iter().cloned()).collect();
        answers.drain(..answers.len().saturating_sub(batch.answers_kept));
        sessions.insert(new.secret.clone(), StoredSession { answers, ..new.clone() });
    }
    sessions.retain(|secret, _| !batch.forgotten.contains(secret));
    Stored {
        widget: batch.widget.clone(),
        epoch: Some(batch.epoch.to_string()),
        rev: batch.rev,
        messages: batch.messages,
        clients: batch.clients,
        slots,
        sessions: sessions.into_values().collect(),
    }
}

impl Store for Mount {
    fn load<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(std::future::ready(Ok(self.disk.kept())))
    }

    fn commit(&self, batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>> {
        let (answer, answered) = oneshot::channel();
        let mut inner = self.disk.lock();
        if inner.boot == self.boot {
            if inner.asked.is_some() {
                inner.faults.push("two commits at once".to_owned());
            }
            inner.asked = Some(Asked { batches, written: false, answer });
        }
        let flows = inner.flows;
        drop(inner);
        if flows {
            self.disk.answer();
        }
        Box::pin(async {
            match answered.await {
                Ok(answer) => answer,
                Err(_) => std::future::pending().await, // nobody waits: the process is gone
            }
        })
    }

    fn touch(&self, _ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let mut inner = self.disk.lock();
        if inner.boot == self.boot {
            inner.clean = true;
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
