//! What comes in: the writes and messages of pages, each applied once.

use std::sync::Arc;

use super::super::follower::Follower;
use super::{Core, Inner, Reader, same};
use crate::protocol::{Ack, Close, Fetches, Limits, Origin};
use crate::state::{Access, KeyName};
use crate::value::Map;
use crate::widget::{Next, Registered};

/// Keys that never belong to a state: code comes from the host's registry alone.
const CODE_KEYS: [&str; 2] = ["_esm", "_css"];

/// Who writes: a page by a numbered frame, or an HTTP request, which is answered where it was asked.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    Page(&'a Page<'a>, u64),
    Request { readonly: bool },
}

impl By<'_> {
    fn seq(&self) -> u64 {
        match self {
            By::Page(_, seq) => *seq,
            By::Request { .. } => 0,
        }
    }

    fn readonly(&self) -> bool {
        match self {
            By::Page(page, _) => page.readonly,
            By::Request { readonly } => *readonly,
        }
    }

    fn fetches(&self) -> Fetches {
        match self {
            By::Page(page, _) => page.reader.fetches,
            By::Request { .. } => Fetches::Nothing,
        }
    }

    /// The page whose own value it is, to which it is not echoed.
    fn origin(&self) -> Option<Origin> {
        match self {
            By::Page(page, seq) => Some(Origin { client: page.reader.client, seq: *seq }),
            By::Request { .. } => None,
        }
    }
}

/// The page that speaks: who it is, through which connection, and whether it may write at all.
pub(crate) struct Page<'a> {
    pub(crate) session: &'a str,
    pub(crate) reader: Reader,
    pub(crate) connection: &'a Arc<Follower>,
    pub(crate) readonly: bool,
}

impl Core {
    /// Applies a write from outside: all of the keys that may be written, or none when one does not fit.
    ///
    /// # Errors
    /// When another connection speaks for the page now.
    pub(crate) fn write(self: &Arc<Self>, by: By<'_>, mut writes: Map) -> Result<Ack, Close> {
        let mut forbidden = Map::new();
        let known: Vec<KeyName>;
        let mut before;
        {
            let mut inner = self.lock();
            if let Some(answered) = inner.answered(by)? {
                return Ok(answered);
            }
            known = writes.keys().filter_map(|key| Some(inner.head.slots.get_full(key.as_str())?.1.clone())).collect();
            let mut room = self.limits.keys.saturating_sub(inner.head.slots.len());
            writes.retain(|key, _| match inner.refuses(key, by.readonly(), &self.widget, &self.limits, &mut room) {
                Some(reason) => {
                    forbidden.insert(key.clone(), reason.into());
                    false
                }
                None => true,
            });
            before = inner.head.state.clone();
        }
        loop {
            let (next, reasons) = match self.widget.behaviour.apply(&before, &writes) {
                Ok(next) => (next, Map::new()),
                Err(reasons) => (Next::unchanged(before.clone()), reasons),
            };
            let mut refused = forbidden.clone();
            refused.extend(reasons);
            let mut told: Vec<KeyName> = known.iter().filter(|key| refused.contains_key(&***key)).cloned().collect();
            told.extend(next.altered);
            let told: Vec<(KeyName, u64)> = told.into_iter().map(|key| (key, 0)).collect();
            let mut truth = self.values(&next.state, &told, by.fetches());

            let mut inner = self.lock();
            if let Some(answered) = inner.answered(by)? {
                return Ok(answered);
            }
            if !same(&inner.head.state, &before) {
                before = inner.head.state.clone();
                continue;
            }
            if !next.keys.is_empty() {
                inner.commit(next.state, next.keys, by.origin(), &self.widget);
            }
            for (key, notice) in &mut truth.large {
                notice["rev"] = inner.head.slots.get(key.as_str()).map_or(0, |slot| slot.rev).into();
            }
            let ack = Ack { seq: by.seq(), rev: inner.head.rev, refused, truth };
            inner.answer(by, ack.clone(), &self.limits);
            drop(inner);
            self.notify_listeners();
            return Ok(ack);
        }
    }

    /// Takes in a custom message of a page. The second part says whether it is new; a repeated one
    /// gets its first answer and is not handled again.
    pub(crate) fn receive(&self, page: &Page<'_>, seq: u64) -> Result<(Ack, bool), Close> {
        let by = By::Page(page, seq);
        let mut inner = self.lock();
        if let Some(answered) = inner.answered(by)? {
            return Ok((answered, false));
        }
        let ack = Ack { seq, rev: inner.head.rev, ..Ack::default() };
        inner.answer(by, ack.clone(), &self.limits);
        Ok((ack, true))
    }
}

impl Inner {
    /// The first answer to this frame, if it was applied before.
    ///
    /// # Errors
    /// When another connection speaks for the session now.
    fn answered(&mut self, by: By<'_>) -> Result<Option<Ack>, Close> {
        let By::Page(page, seq) = by else { return Ok(None) };
        let rev = self.head.rev;
        let session = self.sessions.of(page.session, page.connection).ok_or_else(Close::taken_over)?;
        Ok(session.answered(seq, rev))
    }

    fn answer(&mut self, by: By<'_>, ack: Ack, limits: &Limits) {
        if let By::Page(page, _) = by
            && let Some(session) = self.sessions.of(page.session, page.connection)
        {
            session.answer(ack, limits.acks);
            self.sessions.note(page.session);
            self.mark();
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
        match self.head.slots.get(key) {
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
}
