//! The custom messages of a model: a bounded log that every view reads at its own pace.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use crate::protocol::Payload;

/// Messages in the order they were sent. The oldest are dropped when there are too many; a view that
/// had not seen them is told how many it missed.
#[derive(Default)]
pub(super) struct MessageLog {
    entries: VecDeque<Logged>,
    bytes: usize,
    /// The number of the newest message; the first of an epoch is 1.
    newest: u64,
}

pub(super) struct Logged {
    /// The message goes out after the state of this rev, so "set, then send" keeps its order.
    pub(super) rev: u64,
    pub(super) payload: Payload,
}

/// What comes next for a reader that has seen some of the log.
pub(super) enum Next<'a> {
    Nothing,
    /// This many messages are gone; the reader continues behind `up_to`.
    Gap {
        count: u64,
        up_to: u64,
    },
    /// Those it has not seen, in order; at least one.
    Messages(Iter<'a, Logged>),
}

impl MessageLog {
    /// An empty log that goes on behind the messages of an earlier process.
    pub(super) fn after(newest: u64) -> MessageLog {
        MessageLog { newest, ..MessageLog::default() }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Appends a message and drops old ones; the newest stays, however large.
    pub(super) fn push(&mut self, rev: u64, payload: Payload, max_count: usize, max_bytes: usize) {
        self.newest += 1;
        self.bytes += payload.len();
        self.entries.push_back(Logged { rev, payload });
        while self.entries.len() > 1 && (self.entries.len() > max_count || self.bytes > max_bytes) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.payload.len();
            }
        }
    }

    /// What a reader that has seen everything up to `seen` gets next.
    pub(super) fn next(&self, seen: u64) -> Next<'_> {
        let before_first = self.newest - self.entries.len() as u64;
        if seen < before_first {
            return Next::Gap { count: before_first - seen, up_to: before_first };
        }
        match (seen - before_first) as usize {
            at if at < self.entries.len() => Next::Messages(self.entries.range(at..)),
            _ => Next::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(count: usize, max_count: usize, max_bytes: usize) -> MessageLog {
        let mut log = MessageLog::default();
        for i in 0..count {
            log.push(0, Payload::Text(format!("{i:02}").into()), max_count, max_bytes);
        }
        log
    }

    fn read(log: &MessageLog, mut seen: u64) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            match log.next(seen) {
                Next::Nothing => return read,
                Next::Gap { count, up_to } => {
                    read.push(format!("gap {count}"));
                    seen = up_to;
                }
                Next::Messages(logged) => {
                    for Logged { payload, .. } in logged {
                        seen += 1;
                        let Payload::Text(text) = payload else { unreachable!() };
                        read.push(format!("{seen}:{text}"));
                    }
                }
            }
        }
    }

    #[test]
    fn a_reader_gets_what_it_has_not_seen() {
        assert_eq!(read(&log(3, 10, 100), 1), ["2:01", "3:02"]);
        assert_eq!(read(&log(3, 10, 100), 3), [] as [&str; 0]);
        assert_eq!(read(&log(0, 10, 100), 0), [] as [&str; 0]);
    }

    #[test]
    fn what_was_dropped_is_announced() {
        assert_eq!(read(&log(5, 2, 100), 1), ["gap 2", "4:03", "5:04"]);
        assert_eq!(read(&log(5, 10, 5), 0), ["gap 3", "4:03", "5:04"]);
    }

    #[test]
    fn the_newest_message_stays_however_large() {
        assert_eq!(read(&log(2, 10, 1), 0), ["gap 1", "2:01"]);
    }
}
