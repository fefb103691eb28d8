//! What the store has of a model, what it does not have yet, and what may be seen meanwhile.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Instant, SystemTime};

use super::super::sessions::Unkept;
use super::follow::Following;
use super::head::Head;
use super::{Core, Inner};
use crate::error::Result;
use crate::state::KeyName;
use crate::store::keeper::Keeper;
use crate::store::{Batch, Durability, Store, StoredSlot};

/// The part of a model that exists only where there is a store.
pub(super) struct Keeping {
    pub(super) keeper: Keeper,
    core: Weak<Core>,
    /// Counts all that a store is told of: commits, messages, answers, sessions.
    pub(super) tick: u64,
    /// What the store has: a rev, once it has anything, and the tick of that moment.
    pub(super) rev: Option<u64>,
    kept: u64,
    /// The keeper has it on its list.
    queued: bool,
    /// A batch is on its way to the store. What the store has is not known meanwhile.
    pub(super) asked: bool,
    /// The keeper waits for what others wrote before it tries again.
    pub(super) parked: bool,
    /// Keys whose kept values do not fit any more.
    aside: Vec<KeyName>,
    /// Keys whose values the store can never keep, and for which it has nothing.
    unkeepable: Vec<KeyName>,
    /// With [`Durability::Stored`], all that anybody sees.
    pub(super) seen: Option<Seen>,
    /// The number of the newest message that others sent.
    pub(super) messages: u64,
    /// The store was told of the end; nothing follows.
    pub(super) over: bool,
    /// Where others may write to the same store.
    pub(super) following: Option<Following>,
}

/// What is on disk.
pub(super) struct Seen {
    pub(super) head: Arc<Head>,
    pub(super) n: u64,
    pub(super) tick: u64,
}

/// A moment of a model that becomes visible when it is kept.
pub(crate) struct Moment {
    core: Arc<Core>,
    rev: u64,
    tick: u64,
    n: u64,
    head: Option<Arc<Head>>,
}

/// As far as a model may be seen.
pub(super) struct Visible<'a> {
    pub(super) head: &'a Head,
    /// The number of the newest message.
    pub(super) n: u64,
    /// The answers up to this tick may go out.
    pub(super) tick: u64,
}

impl Keeping {
    pub(super) fn new(
        keeper: Keeper,
        core: Weak<Core>,
        head: &Head,
        n: u64,
        aside: Vec<KeyName>,
        rev: Option<u64>,
    ) -> Self {
        let seen =
            (keeper.durability() == Durability::Stored).then(|| Seen { head: Arc::new(head.clone()), n, tick: 0 });
        Keeping {
            keeper,
            core,
            tick: 0,
            rev,
            kept: 0,
            queued: false,
            asked: false,
            parked: false,
            aside,
            unkeepable: Vec::new(),
            seen,
            messages: 0,
            over: false,
            following: None,
        }
    }

    /// Lets the keeper try again, if it waits for that.
    pub(super) fn unpark(&mut self) {
        if std::mem::take(&mut self.parked)
            && let Some(core) = self.core.upgrade()
        {
            self.keeper.queue(core);
        }
    }
}

impl Inner {
    /// What may be seen: everything, unless a store has to have it first.
    pub(super) fn visible(&self) -> Visible<'_> {
        match self.keeping.as_ref().and_then(|keeping| keeping.seen.as_ref()) {
            Some(seen) => Visible { head: &seen.head, n: seen.n, tick: seen.tick },
            None => Visible { head: &self.head, n: self.messages.newest(), tick: u64::MAX },
        }
    }

    /// Notes that there is something for the store.
    pub(super) fn mark(&mut self) {
        if let Some(keeping) = &mut self.keeping
            && !keeping.over
        {
            keeping.tick += 1;
            if !keeping.queued
                && let Some(core) = keeping.core.upgrade()
            {
                keeping.queued = true;
                keeping.keeper.queue(core);
            }
        }
    }

    /// Notes that the model is about to end, so that it is not loaded again meanwhile.
    pub(super) fn ends(&self, id: &Arc<str>) {
        if self.ended.is_none()
            && let Some(keeping) = &self.keeping
        {
            keeping.keeper.ends(id);
        }
    }

    /// The tick of what was noted last.
    pub(super) fn tick(&self) -> u64 {
        self.keeping.as_ref().map_or(0, |keeping| keeping.tick)
    }
}

impl Core {
    /// Lets the store have it.
    pub(crate) fn keep(&self) {
        self.lock().mark();
    }

    pub(crate) fn tick(&self) -> u64 {
        self.lock().tick()
    }

    /// Whether it waits for what others wrote.
    pub(crate) fn is_parked(&self) -> bool {
        self.lock().keeping.as_ref().is_some_and(|keeping| keeping.parked)
    }

    /// Waits until the store has everything of now. At once without a store.
    pub(crate) async fn kept(&self) {
        let tick = self.tick();
        self.when(|inner| inner.keeping.as_ref().is_none_or(|keeping| keeping.kept >= tick || keeping.over)).await;
    }

    /// Waits until what there is now may be seen by others.
    pub(crate) async fn when_shown(&self) {
        let tick = self.tick();
        self.when(|inner| inner.visible().tick >= tick).await;
    }

    /// What the store does not have yet; none when it has everything.
    pub(crate) fn unkept(self: &Arc<Self>) -> Option<(Batch, Moment)> {
        let (delta, unkept, batch, moment, unkeepable);
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let keeping = inner.keeping.as_mut().filter(|keeping| !keeping.over)?;
            (keeping.queued, keeping.asked) = (false, true);
            keeping.over = inner.ended.is_some();
            delta = match keeping.rev {
                Some(rev) if rev == inner.head.rev => None,
                since => Some(inner.head.since(since, None)),
            };
            unkept = inner.sessions.take_unkept();
            let n = inner.messages.newest();
            let head = keeping.seen.as_ref().map(|seen| match seen.head.rev == inner.head.rev {
                true => seen.head.clone(),
                false => Arc::new(inner.head.clone()),
            });
            moment = Moment { core: self.clone(), rev: inner.head.rev, tick: keeping.tick, n, head };
            batch = Batch {
                id: self.id.clone(),
                widget: self.widget.name.clone(),
                epoch: inner.epoch.clone(),
                expected: keeping.rev,
                rev: inner.head.rev,
                messages: n.max(keeping.messages),
                clients: unkept.clients,
                slots: Vec::new(),
                aside: std::mem::take(&mut keeping.aside),
                sessions: Vec::new(),
                answers_kept: self.limits.acks,
                forgotten: Vec::new(),
                ended: inner.ended.is_some(),
            };
            unkeepable = keeping.unkeepable.clone();
        }
        // Values are read and answers written outside the lock.
        let slots = delta.map(|delta| {
            let there: HashSet<KeyName> =
                self.widget.behaviour.keys(&delta.state).into_iter().map(|key| key.name).collect();
            let slot = |(key, rev): (KeyName, u64)| {
                let value = there.contains(&key).then(|| self.widget.behaviour.read(&delta.state, &key));
                StoredSlot { key, rev, value }
            };
            delta.keys.into_iter().filter(|(key, _)| !unkeepable.contains(key)).map(slot).collect()
        });
        let Unkept { changed, forgotten, .. } = unkept;
        let (now, wall) = (Instant::now(), SystemTime::now());
        let sessions = changed.into_iter().map(|session| session.into_stored(now, wall)).collect();
        Some((Batch { slots: slots.unwrap_or_default(), sessions, forgotten, ..batch }, moment))
    }

    /// Takes back a value that the store can never keep, unless it was written again since: the key has what the
    /// store has for it. Where that is nothing, the value stays, and the store is not asked to keep it. Says what
    /// became of the value.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn take_back(self: &Arc<Self>, store: &dyn Store, key: &str, rev: u64) -> Result<&'static str> {
        // Another model may have had its id.
        let is_kept = self.lock().keeping.as_ref().is_some_and(|keeping| keeping.rev.is_some());
        let kept = if is_kept { store.load(&self.id).await? } else { None };
        let kept = kept.and_then(|kept| kept.slots.into_iter().find(|slot| slot.key == key));
        let slots = [kept.unwrap_or(StoredSlot { key: key.to_owned().into(), rev, value: None })];
        loop {
            let before = self.state();
            if self.lock().head.slots.get(key).is_none_or(|slot| slot.rev != rev) {
                return Ok("it was written again meanwhile");
            }
            let absorbed = self.widget.behaviour.absorb(&before, &slots, self.widget.open);
            let there = self.widget.behaviour.keys(&absorbed.state).iter().any(|key| key.name == slots[0].key);
            let [slot] = &slots;
            if !absorbed.aside.is_empty() || there != slot.value.is_some() {
                if let Some(keeping) = &mut self.lock().keeping {
                    keeping.unkeepable.push(slot.key.clone());
                }
                return Ok("it is in memory only, and gone when the program ends");
            }
            if self.commit(&before, absorbed.state, vec![slot.key.clone()]) {
                return Ok("it is taken back, and everybody sees the value before it");
            }
        }
    }
}

impl Moment {
    /// The store does not have it: what was in the batch is new again, and the keeper still has the model in hand.
    /// After a conflict, where what others wrote will come, the model waits for that and comes back to the keeper's
    /// list by itself; the second part says so.
    pub(crate) fn unkept(self, batch: &Batch, conflict: bool) -> (Arc<Core>, bool) {
        let mut parks = false;
        {
            let mut inner = self.core.lock();
            let inner = &mut *inner;
            inner.sessions.give_back(&batch.sessions, &batch.forgotten);
            if let Some(keeping) = &mut inner.keeping {
                keeping.aside.extend_from_slice(&batch.aside);
                (keeping.queued, keeping.asked, keeping.over) = (true, false, false);
                parks = conflict && keeping.following.is_some();
                keeping.parked = parks;
            }
        }
        self.core.taken(); // whoever waits to know what the store has
        (self.core, parks)
    }

    /// The store has it now.
    pub(crate) fn kept(self) {
        let mut inner = self.core.lock();
        if let Some(keeping) = &mut inner.keeping {
            keeping.rev = Some(self.rev);
            keeping.kept = self.tick;
            keeping.asked = false;
            keeping.unkeepable.clear();
            if let Some(head) = self.head {
                keeping.seen = Some(Seen { head, n: self.n, tick: self.tick });
                inner.ring();
            }
        }
        drop(inner);
        self.core.taken();
    }
}
