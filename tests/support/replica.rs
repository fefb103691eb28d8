//! A page that comes back: what the protocol asks of one, and nothing is assumed of the connection.

use std::collections::{BTreeMap, VecDeque};

use anywidget_host::Value;
use futures_util::SinkExt;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;

use super::Site;
use super::page::{Frame, Next, Page};

/// A page with its copy of one model. It asserts what a page may rely on: revs without a hole, custom messages
/// without a gap or a repetition, answers in order and always the same.
pub struct Replica {
    model: String,
    session: String,
    /// The connection, until it is lost.
    page: Option<Page>,
    greeted: bool,
    epoch: Option<String>,
    pub rev: u64,
    /// The number of the last custom message.
    messages: Option<u64>,
    seq: u64,
    unanswered: VecDeque<Sent>,
    /// What the page shows, its own unanswered writes included.
    shown: BTreeMap<String, Value>,
    /// What came for keys with unanswered writes, and of which rev it is.
    aside: BTreeMap<String, (u64, Value)>,
    /// The first answer to each frame.
    answers: BTreeMap<u64, Frame>,
    /// The contents of all custom messages, in order.
    pub told: Vec<Value>,
    /// It goes from host to host, and one may have come less far than the other.
    pub moves: bool,
}

/// A frame that stays until its answer.
struct Sent {
    seq: u64,
    frame: Message,
    keys: Vec<String>,
}

impl Replica {
    /// A page that has no connection yet.
    pub fn of(model: &str) -> Replica {
        Replica {
            model: model.to_owned(),
            session: uuid::Uuid::new_v4().to_string(),
            page: None,
            greeted: false,
            epoch: None,
            rev: 0,
            messages: None,
            seq: 0,
            unanswered: VecDeque::new(),
            shown: BTreeMap::new(),
            aside: BTreeMap::new(),
            answers: BTreeMap::new(),
            told: Vec::new(),
            moves: false,
        }
    }

    /// Opens a connection and says nothing; one that there was is given back.
    pub async fn open(&mut self, site: &Site) -> Option<Page> {
        self.greeted = false;
        self.page.replace(site.connect(&self.model).await)
    }

    /// Says hello.
    pub async fn say_hello(&mut self) {
        let mut hello = json!({"type": "hello", "version": 1, "session": self.session, "messages": self.messages});
        if let Some(epoch) = &self.epoch {
            hello["epoch"] = json!(epoch);
            hello["rev"] = json!(self.rev);
        }
        self.say(Message::text(hello.to_string())).await;
    }

    /// Says hello and, once that is answered, sends again what is not. False when the connection is lost meanwhile.
    pub async fn greet(&mut self) -> bool {
        self.say_hello().await;
        while self.page.is_some() && !self.greeted {
            self.next().await;
        }
        for frame in self.unanswered.iter().map(|sent| sent.frame.clone()).collect::<Vec<_>>() {
            self.say(frame).await;
        }
        self.page.is_some()
    }

    /// Opens a connection, which must hold, and greets.
    pub async fn come_back(&mut self, site: &Site) {
        self.open(site).await;
        assert!(self.greet().await, "the connection is lost");
    }

    /// Writes keys and gives the `seq`; sent now or when there is a connection.
    pub async fn set(&mut self, state: Json) -> u64 {
        self.write(state.into(), |frame| Message::text(serde_json::to_string(&frame).unwrap())).await
    }

    /// The same as MessagePack.
    pub async fn set_binary(&mut self, state: Value) -> u64 {
        self.write(state, |frame| Message::binary(rmp_serde::to_vec(&frame).unwrap())).await
    }

    async fn write(&mut self, state: Value, encode: impl FnOnce(Value) -> Message) -> u64 {
        self.seq += 1;
        let mut frame = Value::from(json!({"type": "set", "seq": self.seq}));
        let keys: Vec<String> = state.as_object().unwrap().keys().cloned().collect();
        for key in &keys {
            self.shown.insert(key.clone(), state[key.as_str()].clone());
        }
        frame["state"] = state;
        self.submit(encode(frame), keys).await
    }

    /// Sends a custom message and gives its `seq`.
    pub async fn message(&mut self, content: Json) -> u64 {
        self.seq += 1;
        let frame = json!({"type": "message", "seq": self.seq, "content": content, "buffers": []});
        self.submit(Message::text(frame.to_string()), Vec::new()).await
    }

    async fn submit(&mut self, frame: Message, keys: Vec<String>) -> u64 {
        self.unanswered.push_back(Sent { seq: self.seq, frame: frame.clone(), keys });
        if self.greeted {
            self.say(frame).await;
        }
        self.seq
    }

    /// Sends a frame again though it was answered, and reads until it is answered again. That the answer is the
    /// same is asserted where it is taken in.
    pub async fn repeat(&mut self, seq: u64, frame: Message) {
        self.say(frame).await;
        loop {
            if let Next::Frame(frame) = self.next().await
                && (frame.kind(), &frame["seq"]) == ("ack", &seq.into())
            {
                return;
            }
        }
    }

    /// The frame that waits longest for its answer, as it is sent.
    pub fn oldest(&self) -> Message {
        self.unanswered.front().expect("a frame without an answer").frame.clone()
    }

    async fn say(&mut self, message: Message) {
        if let Some(page) = &mut self.page {
            let _ = page.socket.send(message).await; // what is lost is noticed when reading
        }
    }

    /// Takes in what comes next, and gives it. `Lost` and `Closed` are the end of the connection.
    pub async fn next(&mut self) -> Next {
        let next = self.page.as_mut().expect("a connection").next().await;
        match &next {
            Next::Frame(frame) => self.take_in(frame),
            Next::Heartbeat => self.say(Message::text("")).await,
            Next::Closed(..) | Next::Lost(_) => {
                self.page = None;
                self.greeted = false;
            }
        }
        next
    }

    /// The frames until the connection is lost.
    pub async fn until_lost(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while self.page.is_some() {
            if let Next::Frame(frame) = self.next().await {
                frames.push(frame);
            }
        }
        frames
    }

    /// Reads until every frame is answered. The connection must hold.
    pub async fn settle(&mut self) {
        while !self.unanswered.is_empty() {
            self.next().await;
        }
    }

    /// Reads until the page has this rev and so many custom messages. The connection must hold.
    pub async fn reach(&mut self, rev: u64, told: usize) {
        while self.rev < rev || self.told.len() < told {
            self.next().await;
        }
    }

    /// Ends the connection as a page does that goes away.
    pub async fn leave(&mut self) {
        self.greeted = false;
        if let Some(page) = self.page.take() {
            page.leave().await;
        }
    }

    /// The `seq` of the last frame.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What the page shows.
    pub fn state(&self) -> &BTreeMap<String, Value> {
        &self.shown
    }

    /// The first answer to a frame.
    pub fn answer(&self, seq: u64) -> &Frame {
        self.answers.get(&seq).unwrap_or_else(|| panic!("no answer to {seq}"))
    }

    fn take_in(&mut self, frame: &Frame) {
        let number = |name: &str| frame[name].as_i64().and_then(|number| u64::try_from(number).ok());
        match frame.kind() {
            "hello" => {
                let epoch = frame["epoch"].as_str().unwrap().to_owned();
                if self.moves && frame["full"] == true.into() {
                    (self.epoch, self.rev) = (None, 0);
                }
                assert!(self.epoch.as_ref().is_none_or(|known| *known == epoch), "another epoch: {frame:?}");
                assert_eq!(frame["full"], self.epoch.is_none().into(), "{frame:?}");
                assert!(number("rev").is_some_and(|rev| rev >= self.rev), "{} is behind us: {frame:?}", self.rev);
                self.epoch = Some(epoch);
                self.messages = self.messages.or(number("messages"));
                self.values(frame);
                self.greeted = true;
            }
            "set" => {
                assert!(number("base").is_some_and(|base| base <= self.rev), "a hole after {}: {frame:?}", self.rev);
                self.values(frame);
            }
            "message" => {
                if let Some(n) = number("n") {
                    assert_eq!(Some(n - 1), self.messages, "{frame:?}");
                    self.messages = Some(n);
                    assert!(number("rev").is_some_and(|rev| rev <= self.rev), "before its state: {frame:?}");
                }
                self.told.push(frame["content"].clone());
            }
            "ack" => self.answered(number("seq").unwrap(), frame),
            other => panic!("{other}: {frame:?}"),
        }
        if let Some(rev) = number("rev") {
            self.rev = self.rev.max(rev);
        }
    }

    fn is_pending(&self, key: &str) -> bool {
        self.unanswered.iter().any(|sent| sent.keys.iter().any(|pending| pending == key))
    }

    fn values(&mut self, frame: &Frame) {
        let rev = frame["rev"].as_i64().unwrap() as u64;
        for (key, value) in frame["state"].as_object().into_iter().flatten() {
            if self.is_pending(key) {
                self.aside.insert(key.clone(), (rev, value.clone()));
            } else {
                self.shown.insert(key.clone(), value.clone());
            }
        }
    }

    fn answered(&mut self, seq: u64, ack: &Frame) {
        if let Some(first) = self.answers.get(&seq) {
            assert_eq!(ack, first, "another answer than the first time");
            return;
        }
        let sent = self.unanswered.pop_front().unwrap_or_else(|| panic!("nothing waits for {ack:?}"));
        assert_eq!(sent.seq, seq, "answers come in order");
        self.answers.insert(seq, ack.clone());
        let rev = ack["rev"].as_i64().unwrap() as u64;
        for key in sent.keys.iter().filter(|key| !self.is_pending(key)).cloned().collect::<Vec<_>>() {
            let refused = ack["refused"].get(&key).is_some();
            if let Some((_, value)) = self.aside.remove(&key).filter(|(newer, _)| refused || *newer > rev) {
                self.shown.insert(key, value);
            }
        }
        for (key, value) in ack["state"].as_object().into_iter().flatten() {
            if !self.is_pending(key) {
                self.shown.insert(key.clone(), value.clone());
            }
        }
    }
}
