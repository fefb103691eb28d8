//! What goes out: the first frame of a session, and whatever its connection does not have yet.

use std::sync::Arc;
use std::time::Instant;

use super::super::follower::Follower;
use super::super::log::Next;
use super::Core;
use super::keep::Visible;
use crate::protocol::{Close, Fetches, Frames, Hello, HostFrame, Payload, Values, encode};
use crate::state::Access;
use crate::value::Value;

/// What a connection sends next.
pub(crate) enum Step {
    /// It has everything.
    Idle,
    /// Its cursor went on and there is nothing to send for that: answers that waited for it may be due.
    Moved,
    /// State is newer than the connection's, and it has to wait for its turn.
    Held,
    Send(Payload),
    /// Custom messages, in order. If they are the `last`, it has everything then.
    Forward {
        frames: Frames,
        last: bool,
    },
    /// The model is gone.
    Ended(Arc<str>),
}

/// What a connection has of a model: a number for the state, a number for the messages, one for the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) rev: u64,
    pub(crate) n: u64,
    /// The newest rev that it was told of. That is less than `rev` while the answer to a write of its own waits.
    pub(crate) told: u64,
    /// What the store has when nothing may be seen before; an answer waits for its tick.
    pub(crate) tick: u64,
}

/// Who is sent to: a page's public number, and what it fetches by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) client: u64,
    pub(crate) fetches: Fetches,
}

/// What a page is told when its session starts or resumes.
pub(crate) struct Welcome {
    pub(crate) client: u64,
    pub(crate) cursor: Cursor,
    pub(crate) frame: HostFrame,
}

impl Core {
    /// Starts or resumes the session of a page, and lets `follower` ring from now on.
    ///
    /// # Errors
    /// When the page has gone on over another connection.
    pub(crate) fn connect(&self, hello: &Hello, follower: &Arc<Follower>, readonly: bool) -> Result<Welcome, Close> {
        self.place.view();
        let (delta, welcome);
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let (session, known) = inner.sessions.connect(&hello.session, follower, &self.limits, Instant::now())?;
            let client = session.client;
            let seq = known.then(|| session.applied());
            if !known {
                inner.mark();
            }
            if !inner.followers.iter().any(|other| Arc::ptr_eq(other, follower)) {
                inner.followers.push(follower.clone());
            }
            let Visible { head, n: newest, tick } = inner.visible();
            let same_epoch = hello.since.as_ref().is_some_and(|(epoch, _)| **epoch == *inner.epoch);
            let since = hello.since.as_ref().filter(|(_, rev)| same_epoch && *rev <= head.rev).map(|(_, rev)| *rev);
            let n = match hello.messages {
                Some(seen) if same_epoch => seen.min(newest),
                _ => newest,
            };
            delta = head.since(since, None);
            let read_only_keys = head.slots.iter().filter(|(_, slot)| slot.access == Access::Server);
            let readonly = match readonly {
                true => true.into(),
                false => read_only_keys.map(|(key, _)| Value::from(&**key)).collect(),
            };
            welcome = Welcome {
                client,
                cursor: Cursor { rev: head.rev, n, told: head.rev, tick },
                frame: HostFrame::Hello {
                    client,
                    epoch: inner.epoch.to_string(),
                    rev: head.rev,
                    full: since.is_none(),
                    values: Values::default(),
                    seq,
                    messages: n,
                    readonly,
                    heartbeat_ms: self.limits.heartbeat.as_millis() as u64,
                    frame_bytes: (hello.fetches != Fetches::Nothing).then_some(self.limits.frame_bytes),
                    code: self.widget.code().to_value(),
                },
            };
        }
        let values = self.values(&delta.state, &delta.keys, hello.fetches);
        Ok(Welcome { frame: welcome.frame.with_values(values), ..welcome })
    }

    pub(crate) fn disconnect(&self, secret: &str, follower: &Arc<Follower>) {
        self.unfollow(follower);
        let mut inner = self.lock();
        if inner.sessions.disconnect(secret, follower, Instant::now()) {
            inner.mark();
        }
    }

    /// What a connection sends next, moving its cursor over it. With `held`, new state waits.
    pub(crate) fn step(&self, reader: Reader, cursor: &mut Cursor, held: bool) -> Step {
        let (delta, base, own);
        {
            let mut inner = self.lock();
            let Visible { n: newest, tick, .. } = inner.visible();
            if std::mem::replace(&mut cursor.tick, tick) != tick {
                return Step::Moved;
            }
            match inner.messages.next(cursor.n, newest, cursor.told) {
                Next::Gap { count, up_to } => {
                    cursor.n = up_to;
                    return Step::Send(encode(&HostFrame::Gap { count }.into_value()));
                }
                Next::Frames { frames, up_to } => {
                    cursor.n = up_to;
                    let last = up_to == newest && inner.visible().head.rev == cursor.rev && inner.ended.is_none();
                    return Step::Forward { frames, last };
                }
                Next::One(payload) => {
                    cursor.n += 1;
                    return Step::Send(payload);
                }
                Next::Nothing => {}
            }
            let head = inner.visible().head;
            if head.rev == cursor.rev {
                return inner.ended.clone().map_or(Step::Idle, Step::Ended);
            }
            if held {
                return Step::Held;
            }
            base = std::mem::replace(&mut cursor.rev, head.rev);
            match &inner.latest {
                Some(commit)
                    if commit.rev == base + 1
                        && commit.rev == head.rev
                        && cursor.told == base
                        && commit.origin.is_none_or(|origin| origin.client != reader.client) =>
                {
                    let commit = commit.clone();
                    drop(inner);
                    cursor.told = commit.rev;
                    return Step::Send(commit.encoded(self, reader.fetches).clone());
                }
                _ => {
                    delta = head.since(Some(base), Some(reader.client));
                    own = delta.keys.is_empty() && head.slots.values().any(|slot| slot.rev > base);
                }
            }
        }
        if own {
            return Step::Moved; // all of it was this client's own: its answer tells of it
        }
        // Less than what it has, while the answer to a write of its own waits or the frame that asks for it again.
        let base = std::mem::replace(&mut cursor.told, delta.rev);
        let values = self.values(&delta.state, &delta.keys, reader.fetches);
        Step::Send(encode(&HostFrame::Set { base, rev: delta.rev, values, origin: None }.into_value()))
    }
}
