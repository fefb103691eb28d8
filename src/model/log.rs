//! The custom messages of a model: a bounded log that every view reads at its own pace.
//!
//! They lie one behind the other as they go over the wire, so a view takes many at once, and all views take the
//! same bytes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::protocol::{Encoded, Frames, LONGEST_HEAD, Payload};

/// Messages in the order they were sent. The oldest are dropped when there are too many; a view that
/// had not seen them is told how many it missed.
#[derive(Default)]
pub(super) struct MessageLog {
    entries: VecDeque<Entry>,
    /// What readers share, in order.
    chunks: VecDeque<Chunk>,
    /// How many chunks were dropped.
    dropped: u64,
    /// The newest frames, which the next one joins. They are the chunk behind all others.
    tail: BytesMut,
    /// Bytes that were last reserved for a tail.
    reserved: usize,
    /// Bytes of all payloads.
    bytes: usize,
    /// The number of the newest message; the first of an epoch is 1.
    newest: u64,
}

/// Where a message is.
struct Entry {
    /// The message goes out after the state of this rev, so "set, then send" keeps its order.
    rev: u64,
    /// Which chunk, counted from the first of the epoch.
    chunk: u64,
    /// Its frame in a chunk of several.
    start: usize,
    end: usize,
    /// Bytes of its payload.
    len: usize,
}

enum Chunk {
    Frames(Bytes),
    /// One that is too large to be copied.
    One(Payload),
}

/// What comes next for a reader that has seen some of the log.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    Nothing,
    /// This many messages are gone; the reader continues behind `up_to`.
    Gap {
        count: u64,
        up_to: u64,
    },
    /// Some that it has not seen; the last of them is `up_to`.
    Frames {
        frames: Frames,
        up_to: u64,
    },
    /// The next one.
    One(Payload),
}

/// Bytes that are reserved for the first tail, and most for a later one: who says little holds little.
const FIRST_TAIL: usize = 1 << 10;
const LARGEST_TAIL: usize = 64 << 10;

/// A payload of this size is not copied.
const LARGE: usize = 16 << 10;

/// The tail becomes a chunk when a reader wants this much of it. Less is copied for the reader, or there
/// would be as many chunks as messages.
const WORTH_SHARING: usize = 4 << 10;

impl MessageLog {
    /// An empty log that goes on behind the messages of an earlier process.
    pub(super) fn after(newest: u64) -> MessageLog {
        MessageLog { newest, ..MessageLog::default() }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Appends a message and drops old ones; the newest stays, however large.
    pub(super) fn push(&mut self, rev: u64, message: Encoded, max_count: usize, max_bytes: usize) {
        self.newest += 1;
        self.append(rev, message);
        while self.entries.len() > 1 && (self.entries.len() > max_count || self.bytes > max_bytes) {
            self.drop_oldest();
        }
    }

    /// What comes behind the messages up to `seen`, of those up to `newest` whose state is not above `rev`.
    pub(super) fn next(&mut self, seen: u64, newest: u64, rev: u64) -> Next {
        if seen >= newest {
            return Next::Nothing;
        }
        let before_first = self.newest - self.entries.len() as u64;
        if newest < before_first {
            return Next::Nothing; // until all that is missing may be told of
        }
        if seen < before_first {
            return Next::Gap { count: before_first - seen, up_to: before_first };
        }
        let at = (seen - before_first) as usize;
        let Some(&Entry { rev: due, chunk, start, .. }) = self.entries.get(at) else { return Next::Nothing };
        if due > rev {
            return Next::Nothing;
        }
        if let Some(Chunk::One(payload)) = self.chunk(chunk) {
            return Next::One(payload.clone());
        }
        // Both only grow along the log.
        let behind = self.entries.partition_point(|entry| entry.chunk <= chunk && entry.rev <= rev);
        let behind = behind.min((newest - before_first) as usize);
        let range = start..self.entries[behind - 1].end;
        if chunk == self.tail_chunk() && range.len() >= WORTH_SHARING {
            self.share_tail();
        }
        let frames = match self.chunk(chunk) {
            Some(Chunk::Frames(frames)) => frames.slice(range),
            _ => Bytes::copy_from_slice(&self.tail[range]),
        };
        Next::Frames { frames: frames.into(), up_to: before_first + behind as u64 }
    }

    fn append(&mut self, rev: u64, message: Encoded) {
        let len = message.len();
        self.bytes += len;
        let large = len >= LARGE;
        if large || LONGEST_HEAD + len > self.tail.capacity() - self.tail.len() {
            self.share_tail();
        }
        let (chunk, start) = (self.tail_chunk(), self.tail.len());
        if large {
            self.chunks.push_back(Chunk::One(message.into()));
        } else {
            if self.tail.is_empty() {
                self.reserve(LONGEST_HEAD + len);
            }
            message.write(&mut self.tail);
        }
        self.entries.push_back(Entry { rev, chunk, start, end: self.tail.len(), len });
    }

    /// Makes room for a frame in an empty tail, and for some to follow.
    fn reserve(&mut self, frame: usize) {
        if self.tail.capacity() < frame {
            self.reserved = (2 * self.reserved).max(frame).clamp(FIRST_TAIL, LARGEST_TAIL);
            self.tail = BytesMut::with_capacity(self.reserved);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= oldest.len;
        }
        while self.entries.front().is_some_and(|first| first.chunk > self.dropped) && self.chunks.pop_front().is_some()
        {
            self.dropped += 1;
        }
    }

    fn chunk(&self, chunk: u64) -> Option<&Chunk> {
        self.chunks.get((chunk - self.dropped) as usize)
    }

    /// The chunk that the tail is or will be.
    fn tail_chunk(&self) -> u64 {
        self.dropped + self.chunks.len() as u64
    }

    fn share_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(Chunk::Frames(self.tail.split().freeze()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of so many bytes that says its number.
    fn push(log: &mut MessageLog, rev: u64, len: usize, max_count: usize, max_bytes: usize) {
        let text = format!("{:>len$}", log.newest() + 1);
        log.push(rev, text.into(), max_count, max_bytes);
    }

    fn log(count: usize, max_count: usize, max_bytes: usize) -> MessageLog {
        let mut log = MessageLog::default();
        for _ in 0..count {
            push(&mut log, 0, 2, max_count, max_bytes);
        }
        log
    }

    fn number(payload: &Payload) -> i64 {
        let Payload::Text(text) = payload else { unreachable!() };
        text.trim().parse().unwrap()
    }

    /// The numbers of everything behind `seen`; a gap as how many are missing, below zero.
    fn read(log: &mut MessageLog, mut seen: u64) -> Vec<i64> {
        let mut read = Vec::new();
        loop {
            match log.next(seen, log.newest(), u64::MAX) {
                Next::Nothing => return read,
                Next::Gap { count, up_to } => {
                    read.push(-(count as i64));
                    seen = up_to;
                }
                Next::Frames { frames, up_to } => {
                    read.extend(frames.payloads().iter().map(number));
                    assert_eq!(read.last(), Some(&(up_to as i64)));
                    seen = up_to;
                }
                Next::One(payload) => {
                    read.push(number(&payload));
                    seen += 1;
                }
            }
        }
    }

    #[test]
    fn a_reader_gets_what_it_has_not_seen() {
        assert_eq!(read(&mut log(3, 10, 100), 1), [2, 3]);
        assert_eq!(read(&mut log(3, 10, 100), 3), [] as [i64; 0]);
        assert_eq!(read(&mut log(0, 10, 100), 0), [] as [i64; 0]);
    }

    #[test]
    fn what_was_dropped_is_announced() {
        assert_eq!(read(&mut log(5, 2, 100), 1), [-2, 4, 5]);
        assert_eq!(read(&mut log(5, 10, 4), 0), [-3, 4, 5]);
        assert_eq!(read(&mut log(5, 10, 3), 0), [-4, 5]);
    }

    #[test]
    fn the_newest_message_stays_however_large() {
        assert_eq!(read(&mut log(2, 10, 1), 0), [-1, 2]);
        let mut log = log(2, 10, 1_000);
        push(&mut log, 0, LARGE, 10, 1_000);
        assert_eq!(read(&mut log, 0), [-2, 3]);
    }

    #[test]
    fn a_message_waits_for_the_state_of_its_rev_and_for_its_turn_to_be_seen() {
        let mut log = MessageLog::default();
        for rev in [1, 1, 2, 5] {
            push(&mut log, rev, 2, 10, 1_000);
        }
        let mut up_to = |seen, newest, rev| match log.next(seen, newest, rev) {
            Next::Frames { up_to, .. } => Some(up_to),
            _ => None,
        };
        assert_eq!(
            [(0, 0), (0, 1), (1, 2), (2, 4)].map(|(seen, rev)| up_to(seen, 4, rev)),
            [None, Some(2), Some(3), Some(3)]
        );
        assert_eq!([4, 5].map(|rev| up_to(3, 4, rev)), [None, Some(4)]);
        assert_eq!([0, 1, 3].map(|newest| up_to(0, newest, 5)), [None, Some(1), Some(3)]);
    }

    #[test]
    fn what_is_missing_is_told_when_all_of_it_may_be() {
        let mut log = log(5, 2, 100);
        assert_eq!(log.next(0, 2, 0), Next::Nothing);
        assert_eq!(log.next(0, 3, 0), Next::Gap { count: 3, up_to: 3 });
    }

    #[test]
    fn readers_in_any_place_get_whole_frames_of_every_size() {
        let mut log = MessageLog::default();
        let sizes = [3, 125, 126, 200, 5_000, LARGE - 1, LARGE, 70_000];
        let mut readers = [0; 5]; // the first reads each message, the second each other, and so on
        for n in 0..500 {
            push(&mut log, 0, sizes[n * n % sizes.len()], 300, usize::MAX);
            for (at, seen) in readers.iter_mut().enumerate() {
                if n % (at * at + 1) == 0 {
                    let expected: Vec<i64> = (*seen as i64 + 1..=n as i64 + 1).collect();
                    assert_eq!(read(&mut log, *seen), expected);
                    *seen = n as u64 + 1;
                }
            }
        }
        assert_eq!(read(&mut log, 0).len(), 301);
        assert!(log.chunks.len() <= 300, "chunks stay behind");
    }

    #[test]
    fn readers_far_behind_take_few_steps_and_the_same_bytes() {
        let mut log = MessageLog::default();
        for _ in 0..1_000 {
            push(&mut log, 0, 100, 4_096, 1 << 20);
        }
        let (mut seen, mut steps) = (0, 0);
        while let Next::Frames { frames, up_to } = log.next(seen, 1_000, 0) {
            let Next::Frames { frames: same, .. } = log.next(seen, 1_000, 0) else { unreachable!() };
            assert_eq!(frames.as_ref().as_ptr(), same.as_ref().as_ptr());
            (seen, steps) = (up_to, steps + 1);
        }
        assert!(seen == 1_000 && steps < 10, "{seen} messages in {steps} steps");
    }

    #[test]
    fn a_log_that_says_little_holds_little() {
        let mut log = MessageLog::default();
        for n in 0..3 {
            push(&mut log, 0, 60, 4_096, 1 << 20);
            assert_eq!(read(&mut log, n), [n as i64 + 1]);
        }
        assert!(log.tail.capacity() <= FIRST_TAIL && log.chunks.is_empty());
    }
}
