//! One client's state machine: frames in, frames and deadlines out. It knows no socket and no clock,
//! so tests and simulations run the real thing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::error::Refusal;
use crate::model::{By, Core, Cursor, Follower, Message, Page, Reader, Sender, Step};
use crate::protocol::{
    ClientFrame, Close, Draft, Frames, Hello, HostFrame, Limits, Malformed, Payload, decode, encode,
};
use crate::value::{Blob, Value};
use crate::widget::{Answer, Code, Request};

/// A connection of one page to one model, from its first frame on.
pub(crate) struct Session {
    core: Arc<Core>,
    follower: Arc<Follower>,
    readonly: bool,
    /// None until `hello`.
    identity: Option<Identity>,
    /// What the page has, as of the frames that were handed out.
    cursor: Cursor,
    /// What is for this page alone, in order.
    outbox: VecDeque<Outgoing>,
    /// The code the page was told of.
    code: Arc<Code>,
    /// Commands that began and nobody runs yet.
    tasks: Vec<BoxFuture<'static, ()>>,
    pulse: Pulse,
    pace: Pace,
    budget: Budget,
    /// It was just given the last there is. Whatever comes after that rings, so what there is goes out first: to look
    /// again at once would be to take the messages of a fast sender one by one, and its lock with each.
    has_all: bool,
    /// A close that waits until what goes before it is sent.
    closing: Option<Close>,
}

enum Outgoing {
    /// Waits until the page has the state of this rev, and, with durability `stored`, the store this tick.
    After(Due, Payload),
    /// The answer to `get`: everything, as of when its turn comes.
    Everything,
}

/// When an answer may go out.
#[derive(Clone, Copy)]
struct Due {
    rev: u64,
    tick: u64,
}

struct Identity {
    secret: String,
    reader: Reader,
}

/// What a connection does next.
pub(crate) enum Next {
    Send(Payload),
    /// Custom messages as everybody gets them.
    Forward(Frames),
    Close(Close),
    /// Nothing until a frame comes, the model rings, or [`Session::deadline`].
    Wait,
}

impl Session {
    pub(crate) fn new(core: Arc<Core>, readonly: bool, now: Instant) -> Session {
        let limits = core.limits.clone();
        Session {
            code: core.widget.code(),
            follower: Arc::new(Follower::default()),
            readonly,
            identity: None,
            cursor: Cursor::default(),
            outbox: VecDeque::new(),
            tasks: Vec::new(),
            pulse: Pulse::new(&limits, now),
            pace: Pace::default(),
            budget: Budget { frames: f64::from(limits.frame_burst), at: now },
            has_all: false,
            closing: None,
            core,
        }
    }

    /// Rings when there may be something to send.
    pub(crate) fn follower(&self) -> &Arc<Follower> {
        &self.follower
    }

    /// Takes in a frame. Its answers come out of [`next`](Session::next).
    ///
    /// # Errors
    /// When the connection has to end.
    pub(crate) fn receive(&mut self, payload: &Payload, now: Instant) -> Result<(), Close> {
        self.heard(now);
        self.budget.spend(&self.core.limits, now);
        if payload.len() == 0 {
            return Ok(()); // a heartbeat
        }
        let frame = decode(payload).map_err(Close::bad_frame)?;
        let frame = match ClientFrame::parse(frame) {
            Ok(frame) => frame,
            Err(Malformed::Frame(why)) => return Err(Close::bad_frame(why)),
            Err(Malformed::Version(theirs)) => return Err(Close::version(&theirs)),
            Err(Malformed::Type(kind)) if self.identity.is_some() => {
                let message = format!("this host does not know frames of the type {kind:?}; it is left out");
                self.put(self.at_once(), HostFrame::Error { message });
                return Ok(());
            }
            Err(Malformed::Type(kind)) => {
                return Err(Close::bad_frame(format_args!("the first frame is `hello`, not {kind:?}")));
            }
        };
        match (&self.identity, frame) {
            (None, ClientFrame::Hello(hello)) => self.hello(&hello)?,
            (None, _) => return Err(Close::bad_frame("the first frame is `hello`")),
            (Some(_), ClientFrame::Hello(_)) => return Err(Close::bad_frame("a second `hello`")),
            (Some(_), ClientFrame::Get) => self.outbox.push_back(Outgoing::Everything),
            (Some(identity), ClientFrame::Set { seq, state }) => {
                let page = page(identity, &self.follower, self.readonly);
                let ack = self.core.write(By::Page(&page, seq), state)?;
                self.put(self.due(ack.rev), HostFrame::Ack(ack));
            }
            (Some(identity), ClientFrame::Message { seq, content, buffers }) => {
                let page = page(identity, &self.follower, self.readonly);
                let (ack, new) = self.core.receive(&page, seq)?;
                if new {
                    self.message(content, buffers);
                }
                // Behind what the message has caused: an answer means that this is not lost either.
                self.put(self.due(ack.rev), HostFrame::Ack(ack));
            }
            (Some(_), ClientFrame::Error { phase, message, stack }) => {
                let (widget, model) = (self.core.widget.name.as_str(), &*self.core.id);
                let model = if widget == model { String::new() } else { format!(" (model {model})") };
                let (phase, message) = (printable(&phase), printable(&message));
                let stack = frames(&printable(&stack), &message);
                tracing::error!(
                    target: "anywidget_host::page",
                    "{widget}{model}: {phase}: {message}{stack}"
                );
            }
        }
        Ok(())
    }

    /// Notes that the page is alive: any frame, a WebSocket ping too.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.pulse.heard = now;
    }

    /// Notes that bytes of a frame are coming, which may be a long one on a slow line.
    pub(crate) fn receiving(&mut self, now: Instant) {
        if self.identity.is_some() {
            self.heard(now);
        }
    }

    /// Notes that nothing has come that could be read. Only then is silence silence: a connection that was busy
    /// with writing, or a machine that slept, has not listened.
    pub(crate) fn listened(&mut self, now: Instant) {
        self.pulse.listened = now;
    }

    /// What to send now. Ask again until it says to wait.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if let Some(close) = self.follower.evicted() {
            return Next::Close(close.clone());
        }
        if std::mem::take(&mut self.has_all) && self.outbox.is_empty() {
            return Next::Wait;
        }
        match self.frame(now) {
            Some(next) => {
                self.pulse.said = now;
                next
            }
            None if self.closing.is_some() => self.closing.clone().map_or(Next::Wait, Next::Close),
            None if self.pulse.is_dead(&self.core.limits, self.identity.is_some()) => Next::Close(Close::silent()),
            None if self.identity.is_some() && now >= self.pulse.beat_at() => {
                self.pulse.beat = now;
                Next::Send(Payload::heartbeat())
            }
            None => Next::Wait,
        }
    }

    /// Notes that the socket has taken all that was handed out.
    pub(crate) fn taken(&self) {
        self.follower.has(self.cursor);
        self.core.taken();
    }

    /// When to ask again though nothing happened.
    pub(crate) fn deadline(&self) -> Instant {
        let limits = &self.core.limits;
        let beat = if self.identity.is_some() { self.pulse.beat_at() } else { self.pulse.dead_at(limits, false) };
        let next = beat.min(self.pulse.dead_at(limits, self.identity.is_some()));
        self.pace.until.map_or(next, |until| next.min(until))
    }

    /// When the next frame may be read: at once, at a later moment, or not before something was sent.
    pub(crate) fn reads(&mut self, now: Instant) -> Reads {
        if self.outbox.len() >= self.core.limits.answers {
            return Reads::AfterSending;
        }
        match self.budget.wait(&self.core.limits, now) {
            Some(wait) => Reads::At(now + wait),
            None => Reads::Now,
        }
    }

    /// Commands that began since the last call. They go on without the connection.
    pub(crate) fn take_tasks(&mut self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut self.tasks)
    }

    fn hello(&mut self, hello: &Hello) -> Result<(), Close> {
        let welcome = self.core.connect(hello, &self.follower, self.readonly)?;
        self.cursor = welcome.cursor;
        self.code = self.core.widget.code();
        self.identity = Some(Identity {
            secret: hello.session.clone(),
            reader: Reader { client: welcome.client, fetches: hello.fetches },
        });
        self.put(self.at_once(), welcome.frame);
        Ok(())
    }

    /// Answers `get`: the whole state again, in the same session.
    fn everything(&mut self) -> Option<Payload> {
        let identity = self.identity.as_ref()?;
        let (session, fetches) = (identity.secret.clone(), identity.reader.fetches);
        let hello = Hello { session, since: None, messages: None, fetches };
        let welcome = self.core.connect(&hello, &self.follower, self.readonly).ok()?; // or it is evicted
        (self.cursor.rev, self.cursor.told) = (welcome.cursor.rev, welcome.cursor.told);
        Some(encode(&welcome.frame.into_value()))
    }

    fn put(&mut self, due: Due, frame: HostFrame) {
        self.outbox.push_back(Outgoing::After(due, encode(&frame.into_value())));
    }

    fn at_once(&self) -> Due {
        Due { rev: self.cursor.rev, tick: 0 }
    }

    /// For an answer that stands for all that was noted until now.
    fn due(&self, rev: u64) -> Due {
        Due { rev, tick: self.core.tick() }
    }

    fn is_due(&self, due: Due) -> bool {
        due.rev <= self.cursor.rev && due.tick <= self.cursor.tick
    }

    fn message(&mut self, mut content: Value, buffers: Vec<Blob>) {
        let sender = Sender::new(self.core.clone(), self.follower.clone());
        if self.readonly {
            return self.refuse(&sender, &mut content);
        }
        if is_command(&content) {
            self.tasks.push(Box::pin(invoke(sender, content, buffers)));
        } else {
            self.core.widget.behaviour.message(&self.core, &Message::new(content, buffers, sender));
        }
    }

    /// Says that this page may not send messages.
    fn refuse(&mut self, sender: &Sender, content: &mut Value) {
        let refusal = Refusal::new("this view is read-only").with_kind("Forbidden");
        if is_command(content) {
            sender.send(reply_to(content, Err(refusal)));
        } else {
            let message = format!("{refusal}: a message of it is left out");
            self.put(self.at_once(), HostFrame::Error { message });
        }
    }

    fn frame(&mut self, now: Instant) -> Option<Next> {
        let identity = self.identity.as_ref()?;
        let inbox = self.follower.take_inbox().into_iter();
        self.outbox.extend(inbox.map(|(rev, frame)| Outgoing::After(Due { rev, tick: 0 }, frame)));
        match self.outbox.front() {
            Some(Outgoing::After(due, _)) if !self.is_due(*due) => {}
            Some(_) => {
                return match self.outbox.pop_front()? {
                    Outgoing::After(due, frame) => {
                        self.cursor.told = self.cursor.told.max(due.rev);
                        Some(Next::Send(frame))
                    }
                    Outgoing::Everything => self.everything().map(Next::Send),
                };
            }
            None => {}
        }
        let code = self.core.widget.code();
        if !Arc::ptr_eq(&code, &self.code) {
            let news = (&code.esm, &code.css) != (&self.code.esm, &self.code.css);
            self.code = code;
            if news {
                return Some(Next::Send(encode(&HostFrame::Code(self.code.to_value()).into_value())));
            }
        }
        // The answer to the page's own frame never waits.
        let held = self.outbox.is_empty() && self.pace.holds(now);
        let rev = self.cursor.rev;
        match self.core.step(identity.reader, &mut self.cursor, held) {
            Step::Moved => self.frame(now),
            Step::Send(payload) => {
                if self.cursor.rev != rev {
                    self.pace.count(&self.core.limits, now);
                }
                Some(Next::Send(payload))
            }
            Step::Forward { frames, last } => {
                self.has_all = last && self.outbox.is_empty();
                Some(Next::Forward(frames))
            }
            Step::Idle | Step::Ended(_) if !self.outbox.is_empty() => match self.outbox.front() {
                Some(Outgoing::After(due, _)) if !self.is_due(*due) => None, // until the store has it
                _ => self.frame(now),
            },
            Step::Idle | Step::Held => None,
            Step::Ended(_) if self.closing.is_some() => None,
            Step::Ended(reason) => {
                self.closing = Some(Close::no_such_model(&self.core.id));
                Some(Next::Send(encode(&HostFrame::End { reason: reason.to_string() }.into_value())))
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(identity) = &self.identity {
            self.core.disconnect(&identity.secret, &self.follower);
        }
    }
}

fn page<'a>(identity: &'a Identity, connection: &'a Arc<Follower>, readonly: bool) -> Page<'a> {
    Page { session: &identity.secret, reader: identity.reader, connection, readonly }
}

/// When a connection may read its next frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Reads {
    Now,
    At(Instant),
    AfterSending,
}

fn is_command(content: &Value) -> bool {
    content["kind"].as_str() == Some("anywidget-command")
}

/// Runs a command and answers the page that asked.
async fn invoke(sender: Sender, mut content: Value, buffers: Vec<Blob>) {
    let name = content["name"].as_str().unwrap_or_default().to_owned();
    let request = Request::Value(std::mem::take(&mut content["msg"]));
    let answer = crate::widget::invoke(sender.core(), &name, request, buffers).await;
    sender.send(reply_to(&mut content, answer));
}

/// The message that settles the promise of a page.
fn reply_to(content: &mut Value, answer: Answer) -> Draft {
    let mut reply = Value::object();
    reply["id"] = std::mem::take(&mut content["id"]);
    reply["kind"] = "anywidget-command-response".into();
    match answer {
        Ok((response, buffers)) => {
            reply["response"] = response;
            Draft::of(reply, buffers)
        }
        Err(refusal) => {
            reply["error"] = refusal.into_value();
            Draft::of(reply, Vec::new())
        }
    }
}

/// When both sides were last heard of.
struct Pulse {
    heard: Instant,
    /// Until when it was known that nothing else came.
    listened: Instant,
    said: Instant,
    /// The last heartbeat of ours.
    beat: Instant,
    /// 25 s, give or take 20 %, so that a thousand pages do not answer at once.
    every: Duration,
}

/// Silence that counts as death, in heartbeats.
const DEAD_AFTER: f64 = 2.5;

impl Pulse {
    fn new(limits: &Limits, now: Instant) -> Pulse {
        let every = limits.heartbeat.mul_f64(0.8 + 0.4 * random_fraction());
        Pulse { heard: now, listened: now, said: now, beat: now, every }
    }

    /// A page that only listens has nothing to say, and one that only speaks hears nothing: either
    /// silence is a reason to ask.
    fn beat_at(&self) -> Instant {
        self.heard.min(self.said).max(self.beat) + self.every
    }

    fn dead_at(&self, limits: &Limits, greeted: bool) -> Instant {
        match greeted {
            true => self.heard + limits.heartbeat.mul_f64(DEAD_AFTER),
            false => self.heard + limits.hello,
        }
    }

    fn is_dead(&self, limits: &Limits, greeted: bool) -> bool {
        self.listened >= self.dead_at(limits, greeted)
    }
}

/// A number from 0 to 1, so that many connections do not do the same thing at the same moment.
pub(crate) fn random_fraction() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0
}

/// Merges state frames to a page that gets too many of them.
#[derive(Default)]
struct Pace {
    window: Option<Instant>,
    frames: u32,
    until: Option<Instant>,
}

impl Pace {
    /// Whether new state waits for its turn.
    fn holds(&mut self, now: Instant) -> bool {
        self.until = self.until.filter(|until| now < *until);
        self.until.is_some()
    }

    fn count(&mut self, limits: &Limits, now: Instant) {
        if self.window.is_none_or(|start| now.duration_since(start) >= limits.pace_window) {
            self.window = Some(now);
            self.frames = 0;
        }
        self.frames += 1;
        if self.frames > limits.pace_frames {
            self.until = Some(now + limits.pace_delay);
        }
    }
}

/// The frames a page may still send: a bucket that refills.
struct Budget {
    frames: f64,
    at: Instant,
}

impl Budget {
    fn spend(&mut self, limits: &Limits, now: Instant) {
        let rate = f64::from(limits.frames_per_second);
        let refill = now.duration_since(self.at).as_secs_f64() * rate;
        self.frames = (self.frames + refill).min(f64::from(limits.frame_burst)) - 1.0;
        self.at = now;
    }

    /// How long until the next frame may be read.
    fn wait(&self, limits: &Limits, now: Instant) -> Option<Duration> {
        let rate = f64::from(limits.frames_per_second);
        let missing = 1.0 - self.frames - now.duration_since(self.at).as_secs_f64() * rate;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / rate).max(Duration::from_millis(1)))
    }
}

/// Text from a page for the log: no control characters that would move a terminal, not without end.
fn printable(text: &str) -> String {
    const MOST: usize = 2_000;
    text.chars().take(MOST).map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A stack below its message, which most browsers repeat in its first line.
fn frames(stack: &str, message: &str) -> String {
    let repeats = |line: &&str| !message.is_empty() && line.ends_with(message.lines().next().unwrap_or_default());
    stack.lines().map(str::trim).skip_while(repeats).map(|line| format!("\n    {line}")).collect()
}
