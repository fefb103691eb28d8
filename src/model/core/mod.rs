//! The heart: slots, revs, commit, since. It knows no Rust type of a state and no socket.
//!
//! A model is a set of slots, one per key. A commit changes some, gives the model the next rev and
//! stamps that rev on each slot it wrote. Whoever follows the model holds the rev it has and asks for
//! every slot above it; that one question serves live views, slow ones and ones that come back.

mod deliver;
mod flush;
mod follow;
mod head;
mod keep;
mod large;
mod listen;
mod write;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::{Mutex, MutexGuard};

use super::follower::Follower;
use super::log::MessageLog;
use super::sessions::Sessions;
use crate::protocol::{Draft, Fetches, HostFrame, Limits, Origin, Payload, encode};
use crate::registry::{Life, Place};
use crate::state::KeyName;
use crate::store::keeper::Keeper;
use crate::store::{News, StoredSession};
use crate::value::{Map, Value};
use crate::widget::Registered;

pub(crate) use self::deliver::{Cursor, Reader, Step};
use self::flush::Flush;
use self::head::Head;
use self::keep::Keeping;
pub(crate) use self::keep::Moment;
pub(crate) use self::listen::Change;
pub(crate) use self::write::{By, Page};

/// A state whose Rust type only its widget knows.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// One living model, shared by its handles, its connections and the registry.
pub(crate) struct Core {
    pub(crate) id: Arc<str>,
    pub(crate) widget: Arc<Registered>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) place: Place,
    pub(crate) life: Life,
    /// Never held while user code runs (validation, listeners, encoding of fields) or across an
    /// `.await`: whoever needs those takes what it needs out of the lock and comes back. One that is busy for
    /// a moment is waited for awake: a fast sender and its socket meet here all the time.
    inner: Mutex<Inner>,
    flush: Flush,
}

struct Inner {
    /// Names this history of revs. A page that knows another epoch starts from the whole state.
    epoch: Arc<str>,
    /// The newest commit.
    head: Head,
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
    /// Where there is a store: what it has.
    keeping: Option<Box<Keeping>>,
}

/// How a model begins: with a state, and with what is known of its past.
pub(crate) struct Beginning {
    pub(crate) state: AnyState,
    pub(crate) past: Option<Past>,
    pub(crate) keeper: Option<Keeper>,
    /// What others write of it from then on.
    pub(crate) news: Option<News>,
    pub(crate) life: Life,
}

/// What a store had of a model.
#[derive(Default)]
pub(crate) struct Past {
    /// None when the history does not go on: pages start from the whole state.
    pub(crate) epoch: Option<String>,
    pub(crate) rev: u64,
    /// The rev that wrote each key, or took it away. Others are new in the Rust type.
    pub(crate) written: HashMap<KeyName, u64>,
    /// Keys whose values do not fit the Rust type any more.
    pub(crate) aside: Vec<KeyName>,
    pub(crate) messages: u64,
    pub(crate) clients: u64,
    pub(crate) sessions: Vec<StoredSession>,
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
    /// A living model. One that the store does not have as it is now is given to it.
    pub(crate) fn new(
        id: Arc<str>,
        widget: Arc<Registered>,
        limits: Arc<Limits>,
        place: Place,
        beginning: Beginning,
    ) -> Arc<Core> {
        let Beginning { state, past, keeper, news, life } = beginning;
        let keys = widget.behaviour.keys(&state);
        let stored = past.as_ref().map(|past| past.rev);
        let past = past.unwrap_or_default();
        // Keys that came or went are a commit that no page was told of, so they all start anew.
        let reshaped = stored.is_some()
            && (!past.aside.is_empty() || keys.iter().any(|key| !past.written.contains_key(&key.name)));
        let rev = past.rev + u64::from(reshaped);
        let mut head = Head::new(rev, state, keys, |key| past.written.get(key).copied().unwrap_or(rev));
        let goes_on = past.epoch.filter(|_| !reshaped);
        if goes_on.is_some() {
            head.bury(past.written.into_iter());
        }
        let is_kept = stored.is_some() && goes_on.is_some();
        let keeps = keeper.is_some();
        let follows = keeper.clone().zip(news);
        let core = Arc::new_cyclic(|core: &Weak<Core>| {
            let keeping = keeper
                .map(|keeper| Box::new(Keeping::new(keeper, core.clone(), &head, past.messages, past.aside, stored)));
            let inner = Inner {
                epoch: goes_on.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()).into(),
                head,
                latest: None,
                messages: MessageLog::after(past.messages),
                sessions: Sessions::new(keeps, past.clients, past.sessions, &limits),
                followers: Vec::new(),
                unseen: VecDeque::new(),
                notifying: false,
                ended: None,
                keeping,
            };
            Core { id, widget, limits, place, life, inner: Mutex::new(inner), flush: Flush::default() }
        });
        if let Some((keeper, news)) = follows {
            core.follow_store(keeper, news);
        }
        if !is_kept {
            core.keep();
        }
        core
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing inside can be left half done by a panic: user code never runs under the lock.
        self.inner.lock()
    }

    pub(crate) fn state(&self) -> AnyState {
        self.lock().head.state.clone()
    }

    pub(crate) fn rev(&self) -> u64 {
        self.lock().head.rev
    }

    pub(crate) fn epoch(&self) -> Arc<str> {
        self.lock().epoch.clone()
    }

    /// Everything written after `rev`, as of now.
    pub(crate) fn since(&self, rev: Option<u64>) -> Delta {
        self.lock().head.since(rev, None)
    }

    /// The whole state that may be seen, read once and encoded by nobody yet, with the epoch and rev it stands for.
    pub(crate) fn snapshot(&self) -> (Arc<str>, u64, Map) {
        let (epoch, delta) = {
            let inner = self.lock();
            (inner.epoch.clone(), inner.visible().head.since(None, None))
        };
        (epoch, delta.rev, self.read(&delta.state, &delta.keys))
    }

    /// One key as it may be seen, if there is such a key: the epoch, the rev that wrote it, its value.
    pub(crate) fn value(&self, key: &str) -> Option<(Arc<str>, u64, Value)> {
        let (epoch, rev, state) = {
            let inner = self.lock();
            let head = inner.visible().head;
            (inner.epoch.clone(), head.slots.get(key)?.rev, head.state.clone())
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
            if !same(&inner.head.state, before) {
                return false;
            }
            inner.commit(after, keys, None, &self.widget);
        }
        self.notify_listeners();
        true
    }

    /// Sends a custom message to every view, those that come back in time included.
    pub(crate) fn send(&self, message: Draft) {
        let mut inner = self.lock();
        let (rev, n) = (inner.head.rev, inner.messages.newest() + 1);
        inner.messages.push(rev, message.at(rev, Some(n)), self.limits.messages, self.limits.message_bytes);
        inner.mark();
        inner.ring();
    }

    /// Raises a DOM event in every page, behind the state and the messages of now.
    pub(crate) fn dispatch(&self, name: String, detail: Value) {
        let mut inner = self.lock();
        let (rev, n) = (inner.head.rev, inner.messages.newest() + 1);
        let payload = encode(&HostFrame::Event { name, detail, rev, n }.into_value());
        inner.messages.push(rev, payload.into(), self.limits.messages, self.limits.message_bytes);
        inner.mark();
        inner.ring();
    }

    /// The texts of a form as values of the keys' types; what does not fit is left for the type to refuse.
    ///
    /// # Errors
    /// By key: a text that is not of the kind that a key without a Rust type has.
    pub(crate) fn read_form(&self, fields: Map) -> Result<Map, Map> {
        let state = self.state();
        let mut reasons = Map::new();
        let mut values = Map::new();
        for (key, text) in fields {
            match self.widget.behaviour.read_text(&state, &key, text) {
                Ok(value) => drop(values.insert(key, value)),
                Err(reason) => drop(reasons.insert(key, reason.into())),
            }
        }
        if reasons.is_empty() { Ok(values) } else { Err(reasons) }
    }

    /// Lets a stream of changes follow from now on; the answer is the rev it starts behind.
    pub(crate) fn follow(&self, follower: &Arc<Follower>) -> u64 {
        let mut inner = self.lock();
        inner.followers.push(follower.clone());
        inner.head.rev
    }

    pub(crate) fn unfollow(&self, follower: &Arc<Follower>) {
        self.lock().followers.retain(|other| !Arc::ptr_eq(other, follower));
        self.taken();
    }

    /// Ends the model: its views are told, and no page can come back to it.
    pub(crate) fn end(&self, reason: &str) {
        self.lock().ends(&self.id);
        self.place.leave(self);
        let mut inner = self.lock();
        inner.ended.get_or_insert_with(|| reason.into());
        inner.mark();
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
        self.head.write(after.clone(), &keys, origin.map(|origin| origin.client));
        let rev = self.head.rev;
        if widget.behaviour.listens() {
            self.unseen.push_back(Change::new(rev, keys.clone(), after.clone()));
        }
        self.latest = Some(Arc::new(Commit { rev, keys, state: after, origin, encoded: Default::default() }));
        self.mark();
        self.ring();
    }

    fn ring(&self) {
        for follower in &self.followers {
            follower.ring();
        }
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
