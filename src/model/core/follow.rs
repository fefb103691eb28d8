//! What other hosts write of a model, taken in as one commit of ours.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::head::Slot;
use super::keep::Seen;
use super::{Core, Inner, same};
use crate::error::Result;
use crate::state::KeyName;
use crate::store::keeper::Keeper;
use crate::store::{News, Store, Stored, StoredSlot};
use crate::widget::Absorbed;

/// Pauses before a store that has nothing more to say is followed again.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Following that ends with its model.
pub(super) struct Following(AbortHandle);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    pub(super) fn start(core: &Arc<Core>, keeper: Keeper, news: News) -> Following {
        let runtime = keeper.runtime().clone();
        Following(runtime.spawn(follow(Arc::downgrade(core), keeper, news)).abort_handle())
    }
}

/// How it went with news.
#[derive(PartialEq)]
enum Heard {
    Done,
    /// A batch of ours is under way: only its answer says what is news.
    Later,
    /// They are of another history, so what came before them is needed as well.
    Whole,
}

/// Below 2^52, so that a page can count on.
fn random_client() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 12
}

async fn follow(core: Weak<Core>, keeper: Keeper, mut news: News) {
    let mut pause = MIN_PAUSE;
    let mut said = None;
    loop {
        while let Some(item) = news.next().await {
            let Some(core) = core.upgrade() else { return };
            let (error, lost) = match item {
                Ok(item) => match core.hear(item, keeper.store()).await {
                    Ok(()) => {
                        (pause, said) = (MIN_PAUSE, None);
                        continue;
                    }
                    Err(error) => (error.to_string(), true),
                },
                Err(error) => (error.to_string(), false),
            };
            if said.as_ref() != Some(&error) {
                tracing::error!("what others write of the model {:?} does not come: {error}", core.id);
                said = Some(error);
            }
            if lost {
                break; // it comes again
            }
        }
        sleep(pause).await;
        pause = (2 * pause).min(MAX_PAUSE);
        let Some(core) = core.upgrade() else { return };
        let rev = core.lock().keeping.as_ref().and_then(|keeping| keeping.rev);
        match keeper.store().follow(&core.id, rev) {
            Some(again) => news = again,
            None => return core.follow_no_more(),
        }
    }
}

impl Core {
    /// Follows a store to which others write.
    pub(super) fn follow_store(self: &Arc<Self>, keeper: Keeper, news: News) {
        let mut inner = self.lock();
        // Others give numbers to clients as well, and those that two of them know must not be one.
        inner.sessions.count_from(random_client());
        if let Some(keeping) = &mut inner.keeping {
            keeping.following = Some(Following::start(self, keeper, news));
        }
    }

    /// From here on nobody else writes.
    fn follow_no_more(&self) {
        if let Some(keeping) = &mut self.lock().keeping {
            keeping.following = None;
            keeping.unpark();
        }
    }

    /// Takes in one item of what a store says. None: all that it has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn hear(self: &Arc<Self>, mut news: Option<Stored>, store: &dyn Store) -> Result<()> {
        let mut whole = false;
        loop {
            // What is gone may have come back by now, or have been made by us in the first place.
            if news.is_none() {
                (news, whole) = (store.load(&self.id).await?, true);
            }
            self.when(|inner| inner.keeping.as_ref().is_none_or(|keeping| !keeping.asked)).await;
            let heard = match &news {
                Some(news) => self.absorb(news, whole),
                None => self.gone(),
            };
            match heard {
                Heard::Done => return Ok(()),
                Heard::Later => {}
                Heard::Whole => news = None,
            }
        }
    }

    /// Makes what others wrote a commit, but for the keys whose values from here the store does not have yet: they
    /// are going to be written later. `whole` news hold all that the store has.
    fn absorb(self: &Arc<Self>, news: &Stored, whole: bool) -> Heard {
        loop {
            let (before, slots);
            {
                let mut inner = self.lock();
                let inner = &mut *inner;
                match inner.hears(news, whole) {
                    Some(Heard::Done) => {
                        inner.meet(news, self);
                        return Heard::Done;
                    }
                    Some(heard) => return heard,
                    None => {}
                }
                before = inner.head.state.clone();
                slots = inner.foreign(news, whole);
            }
            let absorbed = self.widget.behaviour.absorb(&before, &slots, self.widget.open);
            {
                let mut inner = self.lock();
                let inner = &mut *inner;
                if inner.hears(news, whole).is_some() || !same(&inner.head.state, &before) {
                    continue;
                }
                inner.take_in(news, &slots, &absorbed);
                inner.meet(news, self);
                inner.ring();
            }
            self.report(&absorbed);
            return Heard::Done;
        }
    }

    /// Ends a model that another host has ended. Nothing of it is kept any more, so nothing is to be written.
    fn gone(&self) -> Heard {
        {
            let inner = self.lock();
            let Some(keeping) = &inner.keeping else { return Heard::Done };
            if keeping.asked {
                return Heard::Later;
            }
            if keeping.rev.is_none() || keeping.over {
                return Heard::Done; // it was never there, or is our own end
            }
        }
        self.place.leave(self);
        let mut inner = self.lock();
        let inner = &mut *inner;
        let Some(keeping) = &mut inner.keeping else { return Heard::Done };
        if keeping.asked {
            return Heard::Later;
        }
        if inner.ended.is_some() {
            keeping.keeper.has_ended(&self.id);
        }
        (keeping.over, keeping.seen) = (true, None);
        keeping.unpark();
        inner.ended.get_or_insert_with(|| "it was ended on another host".into());
        inner.ring();
        Heard::Done
    }

    /// Tells of values that do not fit.
    fn report(&self, absorbed: &Absorbed) {
        for (key, error) in &absorbed.aside {
            match error {
                Some(error) => tracing::error!(
                    "another host wrote a value for {key:?} of the model {:?} that is not of its type here ({error}): \
                     this host goes on with the one it has; run the same version of the program on all of them",
                    self.id
                ),
                None => tracing::warn!(
                    "another host wrote a value for {key:?} of the model {:?}, which {} does not have here: left aside",
                    self.id,
                    self.widget.name
                ),
            }
        }
    }
}

impl Inner {
    /// Whether there is nothing to be taken in from these news; none when there is.
    fn hears(&mut self, news: &Stored, whole: bool) -> Option<Heard> {
        let Some(keeping) = &mut self.keeping else { return Some(Heard::Done) };
        if keeping.asked {
            return Some(Heard::Later);
        }
        if keeping.over {
            return Some(Heard::Done);
        }
        if self.ended.is_some() {
            keeping.rev = Some(news.rev); // all that is left is to delete it
            keeping.unpark();
            return Some(Heard::Done);
        }
        let other = news.epoch.as_deref().is_some_and(|epoch| *epoch != *self.epoch);
        // Old news, unless the store is known to have something else: then it may have lost some.
        let old = keeping.rev.is_some_and(|rev| !other && (news.rev == rev || news.rev < rev && !keeping.parked));
        if old && whole {
            keeping.unpark(); // the store has what is expected, after all
        }
        match keeping.rev {
            _ if old => Some(Heard::Done),
            Some(rev) if !whole && (other || news.rev < rev) => Some(Heard::Whole),
            _ => None,
        }
    }

    /// The slots of news that are not written here, too.
    fn foreign(&self, news: &Stored, whole: bool) -> Vec<StoredSlot> {
        let ours = self.pending(news).filter(|(_, slot)| !slot.foreign);
        let ours: HashSet<&str> = ours.map(|(key, _)| &**key).collect();
        let mut slots: Vec<_> = news.slots.iter().filter(|slot| !ours.contains(&*slot.key)).cloned().collect();
        if whole {
            let there: HashSet<&str> = news.slots.iter().map(|slot| &*slot.key).collect();
            let gone = self.head.slots.keys().filter(|key| !there.contains(&***key) && !ours.contains(&***key));
            slots.extend(gone.map(|key| StoredSlot { key: key.clone(), rev: news.rev, value: None }));
        }
        slots
    }

    /// The slots that the store does not have like that. What a new model begins with nobody wrote.
    fn pending(&self, news: &Stored) -> impl Iterator<Item = (&KeyName, &Slot)> {
        let kept = self.known(news);
        self.head.slots.iter().filter(move |(_, slot)| slot.rev > kept)
    }

    /// The rev up to which the store has what is here; it may have lost some of it.
    fn known(&self, news: &Stored) -> u64 {
        self.keeping.as_ref().and_then(|keeping| keeping.rev).unwrap_or(0).min(news.rev)
    }

    /// The commit: of the rev that the store has when nothing of ours is pending. Otherwise a rev that neither side has had,
    /// so that whoever comes with a rev of either side is given what both wrote; the store gets it all once more.
    fn take_in(&mut self, news: &Stored, slots: &[StoredSlot], absorbed: &Absorbed) {
        let kept = self.pending(news).next().is_none() && news.rev > self.head.rev;
        let rev = if kept { news.rev } else { self.head.rev.max(news.rev) + 1 };
        let mut written = Vec::new();
        for slot in slots {
            let left = absorbed.aside.iter().find(|(key, _)| *key == slot.key);
            match left {
                Some((_, None)) => {}
                Some(_) => written.push((slot.key.clone(), slot.rev)), // ours is not written over theirs
                None => written.push((slot.key.clone(), if kept { slot.rev } else { rev })),
            }
        }
        self.head.absorb(rev, absorbed.state.clone(), self.known(news), written);
        self.latest = None;
        if let Some(epoch) = &news.epoch {
            self.epoch = epoch.as_str().into();
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.rev = Some(news.rev);
            // What is seen moves together with the answers that belong to it: where some wait, with the next batch.
            let tick = keeping.tick;
            if let Some(Seen { head, .. }) = keeping.seen.as_mut().filter(|seen| kept && seen.tick == tick) {
                *head = Arc::new(self.head.clone());
            }
            keeping.unpark();
        }
        if !kept {
            self.mark();
        }
    }

    /// Gets to know the sessions of others.
    fn meet(&mut self, news: &Stored, core: &Core) {
        self.sessions.absorb(&news.sessions, &core.limits, Instant::now(), SystemTime::now());
        if !news.sessions.is_empty() {
            core.place.view();
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.messages = keeping.messages.max(news.messages);
        }
    }
}
