//! The heart: slots, revs, commit, since. It knows no Rust type of a state and no socket.
//!
//! A model is a set of slots, one per key. A commit changes some, gives the model the next rev and
//! stamps that rev on each slot it wrote. Whoever follows the model holds the rev it has and asks for
//! every slot above it; that one question serves live views, slow ones and ones that come back.

mod deliver;
mod flush;
mod large;
mod listen;
mod write;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexMap;

use super::follower::Follower;
use super::log::MessageLog;
use super::sessions::Sessions;
use crate::protocol::{Fetches, HostFrame, Limits, Origin, Payload, encode};
use crate::registry::Place;
use crate::state::{Access, KeyName};
use crate::value::{Blob, Map, Value};
use crate::widget::Registered;

pub(crate) use self::deliver::{Cursor, Reader, Step};
use self::flush::Flush;
pub(crate) use self::listen::Change;
pub(crate) use self::write::Page;

/// A state whose Rust type only its widget knows.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// One living model, shared by its handles, its connections and the registry.
pub(crate) struct Core {
    pub(crate) id: Arc<str>,
    pub(crate) widget: Arc<Registered>,
    pub(crate) limits: Arc<Limits>,
    place: Place,
    /// Never held while user code runs (validation, listeners, encoding of fields) or across an
    /// `.await`: whoever needs those takes what it needs out of the lock and comes back.
    inner: Mutex<Inner>,
    flush: Flush,
}

struct Inner {
    /// Names this history of revs. A page that knows another epoch starts from the whole state.
    epoch: Arc<str>,
    /// Commits made in this epoch.
    rev: u64,
    state: AnyState,
    slots: IndexMap<KeyName, Slot>,
    /// The newest commit, with its encoding, for every view that is exactly one behind.
    latest: Option<Arc<Commit>>,
    messages: MessageLog,
    sessions: Sessions,
    followers: Vec<Arc<Follower>>,
    /// Commits that `on_change` has not seen, oldest first.
    unseen: VecDeque<Change>,
    /// Somebody is working through `unseen`; others only add to it, so listeners run in commit order.
    notifying: bool,
    ended: Option<Arc<str>>,
}

#[derive(Clone, Copy)]
struct Slot {
    /// The commit that wrote it last.
    rev: u64,
    /// The client that sent it, to which it is not echoed. Its ack carries what came out otherwise.
    writer: Option<u64>,
    access: Access,
}

/// An atomic change of some keys.
pub(crate) struct Commit {
    rev: u64,
    keys: Vec<KeyName>,
    state: AnyState,
    origin: Option<Origin>,
    /// By what a page fetches by itself.
    encoded: [OnceLock<Payload>; 3],
}

/// Values newer than some rev, not yet encoded.
pub(crate) struct Delta {
    pub(crate) rev: u64,
    /// Each with the rev that wrote it.
    pub(crate) keys: Vec<(KeyName, u64)>,
    pub(crate) state: AnyState,
}

impl Delta {
    pub(crate) fn names(&self) -> Vec<KeyName> {
        self.keys.iter().map(|(key, _)| key.clone()).collect()
    }
}

impl Core {
    pub(crate) fn new(
        id: Arc<str>,
        widget: Arc<Registered>,
        limits: Arc<Limits>,
        place: Place,
        state: AnyState,
    ) -> Core {
        let keys = widget.behaviour.keys(&state).into_iter();
        let slots = keys.map(|key| (key.name, Slot { rev: 0, writer: None, access: key.access })).collect();
        let inner = Inner {
            epoch: uuid::Uuid::new_v4().simple().to_string().into(),
            rev: 0,
            state,
            slots,
            latest: None,
            messages: MessageLog::default(),
            sessions: Sessions::default(),
            followers: Vec::new(),
            unseen: VecDeque::new(),
            notifying: false,
            ended: None,
        };
        Core { id, widget, limits, place, inner: Mutex::new(inner), flush: Flush::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing inside can be left half done by a panic: user code never runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> AnyState {
        self.lock().state.clone()
    }

    pub(crate) fn rev(&self) -> u64 {
        self.lock().rev
    }

    pub(crate) fn epoch(&self) -> Arc<str> {
        self.lock().epoch.clone()
    }

    /// Everything written after `rev`, as of now.
    pub(crate) fn since(&self, rev: Option<u64>) -> Delta {
        self.lock().since(rev, None)
    }

    /// The whole state, read once and encoded by nobody yet, with the epoch and rev it stands for.
    pub(crate) fn snapshot(&self) -> (Arc<str>, u64, Map) {
        let (epoch, delta) = {
            let inner = self.lock();
            (inner.epoch.clone(), inner.since(None, None))
        };
        (epoch, delta.rev, self.read(&delta.state, &delta.keys))
    }

    /// One key, if there is such a key: the epoch, the rev that wrote it, its value.
    pub(crate) fn value(&self, key: &str) -> Option<(Arc<str>, u64, Value)> {
        let (epoch, rev, state) = {
            let inner = self.lock();
            (inner.epoch.clone(), inner.slots.get(key)?.rev, inner.state.clone())
        };
        Some((epoch, rev, self.widget.behaviour.read(&state, key)))
    }

    fn read(&self, state: &AnyState, keys: &[(KeyName, u64)]) -> Map {
        keys.iter().map(|(key, _)| (key.to_string(), self.widget.behaviour.read(state, key))).collect()
    }

    /// Makes a commit if the state is still `before`. Otherwise somebody else was faster, and the
    /// caller decides again from what is there now.
    pub(crate) fn commit(self: &Arc<Self>, before: &AnyState, after: AnyState, keys: Vec<KeyName>) -> bool {
        {
            let mut inner = self.lock();
            if !same(&inner.state, before) {
                return false;
            }
            inner.commit(after, keys, None, &self.widget);
        }
        self.notify_listeners();
        true
    }

    /// Sends a custom message to every view, those that come back in time included. It is encoded
    /// under the lock, because its number and rev are part of it.
    pub(crate) fn send(&self, content: Value, buffers: Vec<Blob>) {
        let mut inner = self.lock();
        let (rev, n) = (inner.rev, inner.messages.newest() + 1);
        let frame = HostFrame::Message { content, buffers, rev, n: Some(n) };
        let payload = encode(&frame.into_value());
        inner.messages.push(rev, payload, self.limits.messages, self.limits.message_bytes);
        inner.ring();
    }

    /// Lets a stream of changes follow from now on; the answer is the rev it starts behind.
    pub(crate) fn follow(&self, follower: &Arc<Follower>) -> u64 {
        let mut inner = self.lock();
        inner.followers.push(follower.clone());
        inner.rev
    }

    pub(crate) fn unfollow(&self, follower: &Arc<Follower>) {
        self.lock().followers.retain(|other| !Arc::ptr_eq(other, follower));
        self.taken();
    }

    /// Ends the model: its views are told, and no page can come back to it.
    pub(crate) fn end(&self, reason: &str) {
        self.place.leave(self);
        let mut inner = self.lock();
        inner.ended.get_or_insert_with(|| reason.into());
        inner.ring();
    }

    pub(crate) fn ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Wakes every follower without a commit: the widget's code changed.
    #[cfg(feature = "watch")]
    pub(crate) fn ring(&self) {
        self.lock().ring();
    }
}

impl Inner {
    fn commit(&mut self, after: AnyState, keys: Vec<KeyName>, origin: Option<Origin>, widget: &Registered) {
        self.rev += 1;
        let writer = origin.map(|origin| origin.client);
        for key in &keys {
            let access = self.slots.get(key).map(|slot| slot.access).unwrap_or_default();
            self.slots.insert(key.clone(), Slot { rev: self.rev, writer, access });
        }
        self.state = after.clone();
        if widget.behaviour.listens() {
            self.unseen.push_back(Change::new(self.rev, keys.clone(), after.clone()));
        }
        self.latest = Some(Arc::new(Commit { rev: self.rev, keys, state: after, origin, encoded: Default::default() }));
        self.ring();
    }

    fn ring(&self) {
        for follower in &self.followers {
            follower.ring();
        }
    }

    /// The keys written after `rev` (all without one), but for those that `reader` wrote itself.
    fn since(&self, rev: Option<u64>, reader: Option<u64>) -> Delta {
        let newer = |slot: &Slot| rev.is_none_or(|rev| slot.rev > rev);
        let own = |slot: &Slot| reader.is_some() && slot.writer == reader;
        let keys =
            self.slots.iter().filter(|(_, slot)| newer(slot) && !own(slot)).map(|(key, slot)| (key.clone(), slot.rev));
        Delta { rev: self.rev, keys: keys.collect(), state: self.state.clone() }
    }
}

impl Commit {
    fn encoded(&self, core: &Core, fetches: Fetches) -> &Payload {
        self.encoded[fetches as usize].get_or_init(|| {
            let keys: Vec<_> = self.keys.iter().map(|key| (key.clone(), self.rev)).collect();
            let values = core.values(&self.state, &keys, fetches);
            let frame = HostFrame::Set { base: self.rev - 1, rev: self.rev, values, origin: self.origin };
            encode(&frame.into_value())
        })
    }
}

fn same(a: &AnyState, b: &AnyState) -> bool {
    Arc::as_ptr(a).cast::<()>() == Arc::as_ptr(b).cast::<()>()
}
