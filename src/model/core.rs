//! The heart: slots, revs, commit, since. It knows no Rust type of a state and no socket.
//!
//! A model is a set of slots, one per key. A commit changes some, gives the model the next rev and
//! stamps that rev on each slot it wrote. Whoever follows the model holds the rev it has and asks for
//! every slot above it; that one question serves live views, slow ones and ones that come back.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use indexmap::IndexMap;

use super::follower::Follower;
use super::log::{MessageLog, Next};
use super::sessions::Sessions;
use crate::protocol::{Ack, Close, Hello, HostFrame, Limits, Origin, Payload, encode};
use crate::state::{Access, KeyName};
use crate::value::{Blob, Map, Value};
use crate::widget::{Next as NextState, Registered};

/// A state whose Rust type only its widget knows.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// One living model, shared by its handles, its connections and the registry.
pub(crate) struct Core {
    pub(crate) id: Arc<str>,
    pub(crate) widget: Arc<Registered>,
    pub(crate) limits: Arc<Limits>,
    /// Never held while user code runs (validation, listeners, encoding of fields) or across an
    /// `.await`: whoever needs those takes what it needs out of the lock and comes back.
    inner: Mutex<Inner>,
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
    encoded: OnceLock<Payload>,
}

/// A commit as listeners see it.
#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) rev: u64,
    pub(crate) keys: Vec<KeyName>,
    pub(crate) state: AnyState,
    /// How many listeners deep it was made: 0 outside of any.
    depth: u32,
}

/// Values newer than some rev, not yet encoded.
pub(crate) struct Delta {
    pub(crate) rev: u64,
    pub(crate) keys: Vec<KeyName>,
    pub(crate) state: AnyState,
}

/// What a connection sends next.
pub(crate) enum Step {
    /// It has everything.
    Idle,
    /// State is newer than the connection's, and it has to wait for its turn.
    Held,
    Send(Payload),
    /// The model is gone.
    Ended(Arc<str>),
}

/// What a connection has of a model: a number for the state, a number for the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) rev: u64,
    pub(crate) n: u64,
}

/// What a page is told when its session starts or resumes.
pub(crate) struct Welcome {
    pub(crate) client: u64,
    pub(crate) cursor: Cursor,
    pub(crate) frame: HostFrame,
}

thread_local! {
    /// How deep in `on_change` listeners this thread is.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A listener that answers each change with another is stopped after this many rounds.
const MAX_DEPTH: u32 = 16;

/// Keys that never belong to a state: code comes from the host's registry alone.
const CODE_KEYS: [&str; 2] = ["_esm", "_css"];

impl Core {
    pub(crate) fn new(id: Arc<str>, widget: Arc<Registered>, limits: Arc<Limits>, state: AnyState) -> Core {
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
        Core { id, widget, limits, inner: Mutex::new(inner) }
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

    /// The value of one key, if there is such a key.
    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        let state = {
            let inner = self.lock();
            inner.slots.get(key)?;
            inner.state.clone()
        };
        Some(self.widget.behaviour.read(&state, key))
    }

    fn read(&self, state: &AnyState, keys: &[KeyName]) -> Map {
        keys.iter().map(|key| (key.to_string(), self.widget.behaviour.read(state, key))).collect()
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

    /// Applies the `set` of a page: all of the keys it may write, or none when one does not fit.
    pub(crate) fn write(self: &Arc<Self>, page: &Page<'_>, seq: u64, mut writes: Map) -> Result<Ack, Close> {
        let mut forbidden = Map::new();
        let known: Vec<KeyName>;
        let mut before;
        {
            let mut inner = self.lock();
            if let Some(answered) = inner.answered(page, seq)? {
                return Ok(answered);
            }
            known = writes.keys().filter_map(|key| Some(inner.slots.get_full(key.as_str())?.1.clone())).collect();
            let mut room = self.limits.keys.saturating_sub(inner.slots.len());
            writes.retain(|key, _| match inner.refuses(key, page.readonly, &self.widget, &self.limits, &mut room) {
                Some(reason) => {
                    forbidden.insert(key.clone(), reason.into());
                    false
                }
                None => true,
            });
            before = inner.state.clone();
        }
        loop {
            let (next, reasons) = match self.widget.behaviour.apply(&before, &writes) {
                Ok(next) => (next, Map::new()),
                Err(reasons) => (NextState::unchanged(before.clone()), reasons),
            };
            let mut refused = forbidden.clone();
            refused.extend(reasons);
            let mut told: Vec<KeyName> = known.iter().filter(|key| refused.contains_key(&***key)).cloned().collect();
            told.extend(next.altered);
            let state = self.read(&next.state, &told);

            let mut inner = self.lock();
            if let Some(answered) = inner.answered(page, seq)? {
                return Ok(answered);
            }
            if !same(&inner.state, &before) {
                before = inner.state.clone();
                continue;
            }
            if !next.keys.is_empty() {
                inner.commit(next.state, next.keys, Some(Origin { client: page.client, seq }), &self.widget);
            }
            let ack = Ack { seq, rev: inner.rev, refused, state };
            inner.answer(page, ack.clone(), &self.limits);
            drop(inner);
            self.notify_listeners();
            return Ok(ack);
        }
    }

    /// Takes in a custom message of a page. The second part says whether it is new; a repeated one
    /// gets its first answer and is not handled again.
    pub(crate) fn receive(&self, page: &Page<'_>, seq: u64) -> Result<(Ack, bool), Close> {
        let mut inner = self.lock();
        if let Some(answered) = inner.answered(page, seq)? {
            return Ok((answered, false));
        }
        let ack = Ack { seq, rev: inner.rev, ..Ack::default() };
        inner.answer(page, ack.clone(), &self.limits);
        Ok((ack, true))
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

    /// Starts or resumes the session of a page, and lets `follower` ring from now on.
    pub(crate) fn connect(&self, hello: &Hello, follower: &Arc<Follower>, readonly: bool) -> Welcome {
        let (delta, welcome);
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let (session, known) = inner.sessions.connect(&hello.session, follower, &self.limits, Instant::now());
            let client = session.client;
            let seq = known.then(|| session.applied());
            let same_epoch = hello.since.as_ref().is_some_and(|(epoch, _)| **epoch == *inner.epoch);
            let since = hello.since.as_ref().filter(|(_, rev)| same_epoch && *rev <= inner.rev).map(|(_, rev)| *rev);
            let n = match hello.messages {
                Some(seen) if same_epoch => seen.min(inner.messages.newest()),
                _ => inner.messages.newest(),
            };
            delta = inner.since(since, None);
            let read_only_keys = inner.slots.iter().filter(|(_, slot)| slot.access == Access::Server);
            let readonly = match readonly {
                true => true.into(),
                false => read_only_keys.map(|(key, _)| Value::from(&**key)).collect(),
            };
            if !inner.followers.iter().any(|other| Arc::ptr_eq(other, follower)) {
                inner.followers.push(follower.clone());
            }
            welcome = Welcome {
                client,
                cursor: Cursor { rev: inner.rev, n },
                frame: HostFrame::Hello {
                    client,
                    epoch: inner.epoch.to_string(),
                    rev: inner.rev,
                    full: since.is_none(),
                    state: Map::new(),
                    seq,
                    readonly,
                    heartbeat_ms: self.limits.heartbeat.as_millis() as u64,
                    code: self.widget.code().to_value(),
                },
            };
        }
        let values = self.read(&delta.state, &delta.keys);
        Welcome { frame: welcome.frame.with_state(values), ..welcome }
    }

    /// Lets a stream of changes follow from now on; the answer is the rev it starts behind.
    pub(crate) fn follow(&self, follower: &Arc<Follower>) -> u64 {
        let mut inner = self.lock();
        inner.followers.push(follower.clone());
        inner.rev
    }

    pub(crate) fn unfollow(&self, follower: &Arc<Follower>) {
        self.lock().followers.retain(|other| !Arc::ptr_eq(other, follower));
    }

    pub(crate) fn disconnect(&self, secret: &str, follower: &Arc<Follower>) {
        self.unfollow(follower);
        self.lock().sessions.disconnect(secret, follower, Instant::now());
    }

    /// What a connection sends next, moving its cursor over it. With `held`, new state waits.
    pub(crate) fn step(&self, client: u64, cursor: &mut Cursor, held: bool) -> Step {
        let (delta, base);
        {
            let inner = self.lock();
            match inner.messages.next(cursor.n) {
                Next::Gap { count, up_to } => {
                    cursor.n = up_to;
                    return Step::Send(encode(&HostFrame::Gap { count }.into_value()));
                }
                Next::Message { n, logged } if logged.rev <= cursor.rev => {
                    cursor.n = n;
                    return Step::Send(logged.payload.clone());
                }
                _ => {}
            }
            if inner.rev == cursor.rev {
                return inner.ended.clone().map_or(Step::Idle, Step::Ended);
            }
            if held {
                return Step::Held;
            }
            base = std::mem::replace(&mut cursor.rev, inner.rev);
            match &inner.latest {
                Some(commit)
                    if commit.rev == base + 1 && commit.origin.is_none_or(|origin| origin.client != client) =>
                {
                    let commit = commit.clone();
                    drop(inner);
                    return Step::Send(commit.encoded(self).clone());
                }
                _ => delta = inner.since(Some(base), Some(client)),
            }
        }
        if delta.keys.is_empty() {
            return self.step(client, cursor, held); // all of it was this client's own
        }
        let state = self.read(&delta.state, &delta.keys);
        Step::Send(encode(&HostFrame::Set { base, rev: delta.rev, state, origin: None }.into_value()))
    }

    /// Ends the model: its views are told, and no page can come back to it.
    pub(crate) fn end(&self, reason: &str) {
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

    /// Tells every connection to close.
    pub(crate) fn evict_all(&self, close: impl Fn() -> Close) {
        for follower in &self.lock().followers {
            follower.evict(close());
        }
    }

    /// Runs `on_change` for commits nobody has been told of, outside the lock and in commit order.
    fn notify_listeners(self: &Arc<Self>) {
        if !self.widget.behaviour.listens() {
            return;
        }
        {
            let mut inner = self.lock();
            if inner.notifying || inner.unseen.is_empty() {
                return;
            }
            inner.notifying = true;
        }
        let mut round = Round { core: self, outer_depth: DEPTH.get(), over: false };
        loop {
            let Some(change) = self.lock().next_unseen() else {
                round.over = true;
                return;
            };
            if change.depth >= MAX_DEPTH {
                tracing::error!(
                    model = %self.id,
                    "on_change answers every change with another; it is not called again after {MAX_DEPTH} rounds"
                );
                continue;
            }
            DEPTH.set(change.depth + 1);
            self.widget.behaviour.changed(self, &change);
        }
    }
}

/// One round of telling listeners, which ends even when one of them panics.
struct Round<'a> {
    core: &'a Core,
    outer_depth: u32,
    over: bool,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        DEPTH.set(self.outer_depth);
        if !self.over {
            self.core.lock().notifying = false;
        }
    }
}

/// The page that speaks: who it is, through which connection, and whether it may write at all.
pub(crate) struct Page<'a> {
    pub(crate) session: &'a str,
    pub(crate) client: u64,
    pub(crate) connection: &'a Arc<Follower>,
    pub(crate) readonly: bool,
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
            let depth = DEPTH.get();
            self.unseen.push_back(Change { rev: self.rev, keys: keys.clone(), state: after.clone(), depth });
        }
        self.latest = Some(Arc::new(Commit { rev: self.rev, keys, state: after, origin, encoded: OnceLock::new() }));
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
        let keys = self.slots.iter().filter(|(_, slot)| newer(slot) && !own(slot)).map(|(key, _)| key.clone());
        Delta { rev: self.rev, keys: keys.collect(), state: self.state.clone() }
    }

    /// The first answer to this frame, if it was applied before.
    ///
    /// # Errors
    /// When another connection speaks for the session now.
    fn answered(&mut self, page: &Page<'_>, seq: u64) -> Result<Option<Ack>, Close> {
        let rev = self.rev;
        let session = self.sessions.of(page.session, page.connection).ok_or_else(Close::taken_over)?;
        Ok(session.answered(seq, rev))
    }

    fn answer(&mut self, page: &Page<'_>, ack: Ack, limits: &Limits) {
        if let Some(session) = self.sessions.of(page.session, page.connection) {
            session.answer(ack, limits.acks);
        }
    }

    /// Why a page may not write this key. `room` is how many new keys an open state still takes.
    fn refuses(
        &self,
        key: &str,
        readonly: bool,
        widget: &Registered,
        limits: &Limits,
        room: &mut usize,
    ) -> Option<String> {
        if CODE_KEYS.contains(&key) {
            return Some("code comes from the host, not from a page".into());
        }
        match self.slots.get(key) {
            Some(_) if readonly => Some("this view is read-only".into()),
            Some(slot) if slot.access == Access::Server => Some("only the server writes this key".into()),
            Some(_) => None,
            None if !widget.open => Some(format!("the state of {} has no key {key:?}", widget.name)),
            None if readonly => Some("this view is read-only".into()),
            None if key.len() > limits.key_bytes => {
                Some(format!("the name of a key is at most {} bytes long", limits.key_bytes))
            }
            None if *room == 0 => Some(format!("a state has at most {} keys", limits.keys)),
            None => {
                *room -= 1;
                None
            }
        }
    }

    fn next_unseen(&mut self) -> Option<Change> {
        let next = self.unseen.pop_front();
        self.notifying = next.is_some();
        next
    }
}

impl Commit {
    fn encoded(&self, core: &Core) -> &Payload {
        self.encoded.get_or_init(|| {
            let state = core.read(&self.state, &self.keys);
            let frame = HostFrame::Set { base: self.rev - 1, rev: self.rev, state, origin: self.origin };
            encode(&frame.into_value())
        })
    }
}

fn same(a: &AnyState, b: &AnyState) -> bool {
    Arc::as_ptr(a).cast::<()>() == Arc::as_ptr(b).cast::<()>()
}
