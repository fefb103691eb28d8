//! "Coming back": a frame that comes again changes nothing.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::config;
use crate::protocol::Limits;
use crate::simulation::board::{Board, KEYS, SERVER_KEY};
use crate::simulation::disk::Disk;
use crate::simulation::ledger::Ledger;
use crate::simulation::process::Process;
use crate::simulation::wire::Wire;
use crate::simulation::world::limits;
use crate::store::Durability;
use crate::value::Value;

/// Answers that the host remembers in this test.
const REMEMBERED: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    /// A new `set`, with a value for each of these keys.
    Set(Vec<usize>),
    /// A new message.
    Message,
    /// An earlier frame once more: so many before the newest.
    Again(usize),
    /// Another connection takes the session over.
    Connect,
    /// Rust writes a key.
    Commit(usize),
    /// The process is killed, or ends.
    Restart { kill: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(0..=KEYS.len(), 0..3).prop_map(Step::Set),
        2 => Just(Step::Message),
        6 => (0..2 * REMEMBERED).prop_map(Step::Again),
        1 => Just(Step::Connect),
        2 => (0..KEYS.len()).prop_map(Step::Commit),
        1 => any::<bool>().prop_map(|kill| Step::Restart { kill }),
    ]
}

/// One session, which says what it is told to and not what a page would.
struct Speaker {
    disk: Disk,
    ledger: Ledger,
    process: Option<Process>,
    wire: Wire,
    now: Instant,
    newest: i64,
    /// Its frames, each with the first answer.
    said: Vec<(Value, Value)>,
}

fn start(disk: &Disk, ledger: &Ledger) -> Process {
    let limits = Limits { acks: REMEMBERED, ..limits() };
    let process = Process::start(disk, ledger, Some(Durability::Stored), limits);
    process.run();
    process
}

fn connect(process: &Process, now: Instant) -> Wire {
    let mut wire = Wire::new(process.accept(now));
    wire.push(&json!({ "type": "hello", "version": 1, "session": "speaker" }).into());
    wire.carry_up(1, now);
    process.run();
    wire.serve(usize::MAX, now);
    wire
}

impl Speaker {
    fn new() -> Speaker {
        let (disk, ledger, now) = (Disk::default(), Ledger::default(), Instant::now());
        disk.flow(true);
        let process = start(&disk, &ledger);
        let wire = connect(&process, now);
        Speaker { disk, ledger, process: Some(process), wire, now, newest: 0, said: Vec::new() }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a host is there between two steps")
    }

    fn fresh(&mut self) -> i64 {
        self.newest += 1;
        self.newest
    }

    /// Says a frame. The answer is the host's.
    fn say(&mut self, frame: &Value) -> Value {
        self.wire.push(frame);
        self.wire.carry_up(1, self.now);
        self.process().run();
        let frames = self.wire.serve(usize::MAX, self.now);
        let mut answers = frames.into_iter().filter(|frame| frame["type"].as_str() == Some("ack"));
        let answer = answers.next().expect("an answer");
        assert_eq!((answers.next(), &answer["seq"]), (None, &frame["seq"]), "one answer to {frame:?}");
        answer
    }

    fn say_new(&mut self, mut frame: Value) {
        frame["seq"] = (1 + 2 * self.said.len() as u64).into(); // gaps are legal
        let answer = self.say(&frame);
        self.said.push((frame, answer));
    }

    /// All that a frame could change.
    fn host(&self) -> (u64, Board, usize, u64) {
        let model = self.process().model();
        (model.rev(), (*model.get()).clone(), self.ledger.heard().len(), self.ledger.newest(&model.epoch()))
    }

    fn restart(&mut self, kill: bool) {
        if kill {
            self.disk.cut(0);
        }
        self.wire.end(None);
        self.process().run();
        if let Some(process) = self.process.take().filter(|_| !kill) {
            process.end();
        }
        self.process = Some(start(&self.disk, &self.ledger));
        self.wire = connect(self.process(), self.now);
    }
}

proptest! {
    #![proptest_config(config())]

    /// Design 3, "Resuming": "the host applies each `(session, seq)` once and answers a repeated one with the ack it gave
    /// the first time". Protocol, "Coming back": "A repeated frame older than those is answered with the present rev".
    #[test]
    fn a_frame_that_comes_again_changes_nothing_and_gets_its_first_answer(steps in vec(step(), 0..60)) {
        let mut speaker = Speaker::new();
        for step in steps {
            match step {
                Step::Set(keys) => {
                    let mut state = Value::object();
                    for key in keys {
                        state[KEYS.get(key).copied().unwrap_or(SERVER_KEY)] = speaker.fresh().into();
                    }
                    let mut frame = Value::from(json!({ "type": "set" }));
                    frame["state"] = state;
                    speaker.say_new(frame);
                }
                Step::Message => {
                    let id = speaker.fresh();
                    speaker.say_new(json!({ "type": "message", "content": { "id": id } }).into());
                }
                Step::Again(back) => {
                    let Some(at) = speaker.said.len().checked_sub(back + 1) else { continue };
                    let (frame, first) = speaker.said[at].clone();
                    let before = speaker.host();
                    let answer = speaker.say(&frame);
                    prop_assert_eq!(speaker.host(), before.clone(), "{:?} came again", frame);
                    let first = match back < REMEMBERED {
                        true => first,
                        false => json!({ "type": "ack", "seq": frame["seq"].as_i64(), "rev": before.0 }).into(),
                    };
                    prop_assert_eq!(answer, first, "the answer to {:?}, which came again", frame);
                }
                Step::Connect => speaker.wire = connect(speaker.process(), speaker.now),
                Step::Commit(key) => {
                    let value = speaker.fresh();
                    speaker.process().model().update(|board| board.0.insert(KEYS[key].to_owned(), value));
                }
                Step::Restart { kill } => speaker.restart(kill),
            }
        }
    }
}
