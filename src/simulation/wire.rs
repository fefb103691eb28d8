//! One connection: frames under way in both directions, and the host's end of it.

use std::collections::VecDeque;
use std::time::Instant;

use crate::protocol::{Close, Payload, decode, encode};
use crate::session::{Next, Session};
use crate::value::Value;

pub(super) struct Wire {
    up: VecDeque<Payload>,
    down: VecDeque<Payload>,
    /// The host's end; none when the host is gone, or has closed.
    session: Option<Session>,
    /// Why the host closed.
    close: Option<Close>,
}

impl Wire {
    pub(super) fn new(session: Session) -> Wire {
        Wire { up: VecDeque::new(), down: VecDeque::new(), session: Some(session), close: None }
    }

    /// The page gives a frame to the network.
    pub(super) fn push(&mut self, frame: &Value) {
        self.up.push_back(encode(frame));
    }

    /// Up to so many frames of the page arrive. Says how many.
    pub(super) fn carry_up(&mut self, most: usize, now: Instant) -> usize {
        let mut carried = 0;
        while carried < most
            && let Some(payload) = self.up.pop_front()
        {
            carried += 1;
            let Some(session) = &mut self.session else { continue };
            if let Err(close) = session.receive(&payload, now) {
                self.end(Some(close));
            }
        }
        carried
    }

    /// The host gives up to so many frames to the network. The answer is those frames.
    pub(super) fn serve(&mut self, most: usize, now: Instant) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Some(session) = self.session.as_mut().filter(|_| frames.len() < most) {
            match session.next(now) {
                Next::Send(payload) => {
                    frames.push(decode(&payload).expect("the host sends what can be read"));
                    self.down.push_back(payload);
                }
                Next::Forward(several) => {
                    for payload in several.payloads() {
                        frames.push(decode(&payload).expect("the host sends what can be read"));
                        self.down.push_back(payload);
                    }
                }
                Next::Close(close) => self.end(Some(close)),
                Next::Wait => break,
            }
        }
        if let Some(session) = &self.session {
            session.taken();
        }
        frames
    }

    /// The next frame arrives at the page.
    pub(super) fn carry_down(&mut self) -> Option<Value> {
        let payload = self.down.pop_front()?;
        Some(decode(&payload).expect("the host sends what can be read"))
    }

    /// Of what the page sent only so many frames will ever arrive, and nothing arrives at the page any more.
    pub(super) fn cut(&mut self, kept: usize) {
        self.up.truncate(kept);
        self.down.clear();
    }

    /// The host's end of it goes, with a reason or without.
    pub(super) fn end(&mut self, close: Option<Close>) {
        self.session = None;
        self.close = self.close.take().or(close);
    }

    /// Whether its session goes on over another connection.
    pub(super) fn is_taken_over(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.follower().evicted().is_some())
    }

    /// With which code the page is told that it is over, once it has all that came before.
    pub(super) fn over(&self) -> Option<u16> {
        let is_over = self.session.is_none() && self.down.is_empty();
        is_over.then(|| self.close.as_ref().map_or(1006, |close| close.code))
    }
}
