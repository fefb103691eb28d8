//! Drives a session over a WebSocket: reads, writes, waits, says goodbye.
//!
//! Everything it knows about the protocol is when to read, when to write and how to end; what the
//! frames mean is the session's business.

mod count;
mod metered;
mod upgrade;
mod writer;

use std::future::ready;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) use self::count::{Guard, Sockets};
use self::metered::Metered;
pub(crate) use self::upgrade::Upgrade;
use self::writer::{Failed, Writer};
use crate::protocol::{Close, Limits, Payload};
use crate::session::{Next, Reads, Session, random_fraction};

/// Frames handled in a row before the answers to them are sent.
const READ_AT_ONCE: usize = 64;

/// Bytes sent in a row before the page is heard again: a model that always has more must not make it mute.
const SENT_AT_ONCE: usize = 64 << 10;

/// How long a peer may take to see why it is closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// When pages come back after a shutdown: not before a server has had time to start again, and not all
/// at once.
const SHUTDOWN_PAUSE: Duration = Duration::from_millis(500);
const SHUTDOWN_SPREAD: Duration = Duration::from_millis(1_500);

/// What a connection ended with.
enum End {
    /// The peer is gone.
    Gone,
    /// We close, and the peer speaks WebSocket properly.
    Close(Close),
    /// We close in the middle of something unreadable.
    Abort(Close),
}

/// Runs a session until either side ends it. With a close instead of a session, the peer is told that.
///
/// Everything is borrowed and the farewell is boxed, because a future is as large as all it holds at
/// once, and this one lives as long as the page.
async fn drive<S>(
    socket: &mut WebSocketStream<Metered<S>>,
    mut session: Result<Session, Close>,
    limits: &Limits,
    guard: &mut Guard,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = match &mut session {
        Ok(session) => run(socket, session, limits, guard).await,
        Err(close) => End::Close(close.clone()),
    };
    drop(session); // from here on nothing of this connection is applied
    guard.is_silent();
    Box::pin(say_goodbye(socket, end)).await;
}

async fn run<S>(
    socket: &mut WebSocketStream<Metered<S>>,
    session: &mut Session,
    limits: &Limits,
    guard: &mut Guard,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let follower = session.follower().clone();
    let mut writer = Writer::default();
    let mut bytes_read = 0;
    let mut intake = Intake::default();
    loop {
        if socket.get_ref().read() != bytes_read {
            bytes_read = socket.get_ref().read();
            session.receiving(Instant::now());
        }
        let overdue = async {
            guard.closing().await;
            sleep(FAREWELL).await;
        };
        let sent = tokio::select! {
            biased;
            sent = send(socket.get_mut(), session, &mut writer, limits.write) => sent,
            () = overdue => return End::Abort(shutting_down()),
        };
        let more = match sent {
            Ok(Sent::All) => false,
            Ok(Sent::Much) => true,
            Ok(Sent::Last(close)) => return End::Close(close),
            Err(failed) => return failed.into(),
        };
        let mut deadline = session.deadline();
        let reads = session.reads(Instant::now());
        if let Reads::At(at) = reads {
            deadline = deadline.min(at);
        }
        let message = tokio::select! {
            biased; // what can be read comes before the end of a page that is silent
            () = guard.closing() => return End::Close(shutting_down()),
            message = socket.next(), if reads == Reads::Now => Some(message),
            () = ready(()), if more => None,
            () = follower.rung() => None,
            () = sleep_until(deadline.into()) => None,
        };
        if message.is_none() {
            session.listened(Instant::now());
        }
        let mut next = message;
        let mut read = 0;
        let mut pinged = false;
        while let Some(message) = next {
            if let Some(Ok(message)) = &message {
                pinged |= message.is_ping();
                intake.count(message);
            }
            if let Err(end) = take_in(message, session, limits) {
                return end;
            }
            for task in session.take_tasks() {
                tokio::spawn(task);
            }
            read += 1;
            let more =
                read < READ_AT_ONCE && session.reads(Instant::now()) == Reads::Now && follower.evicted().is_none();
            next = if more { socket.next().now_or_never() } else { None };
        }
        // A pong that is half written must not meet a frame of ours.
        if pinged {
            match timeout(limits.write, socket.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Gone,
                Err(_) => return End::Abort(Close::too_slow()),
            }
        }
        if intake.keeps_memory(socket.get_ref().read())
            && let Some(stream) = socket.get_mut().take()
        {
            let config = Some(*socket.get_config());
            *socket = WebSocketStream::from_raw_socket(Metered::new(stream, 0), Role::Server, config).await;
            (intake, bytes_read) = (Intake::default(), 0);
        }
    }
}

/// How far sending came.
enum Sent {
    All,
    /// There may be more.
    Much,
    /// All that comes before a close.
    Last(Close),
}

/// Feeds what is ready, then flushes once: many small frames, one write.
async fn send<S>(
    stream: &mut Metered<S>,
    session: &mut Session,
    writer: &mut Writer,
    patience: Duration,
) -> Result<Sent, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = 0;
    let sent = loop {
        if bytes >= SENT_AT_ONCE {
            break Sent::Much;
        }
        match session.next(Instant::now()) {
            Next::Wait => break Sent::All,
            Next::Close(close) => break Sent::Last(close),
            Next::Send(payload) => {
                bytes += payload.len() + 1;
                writer.feed(stream, payload, patience).await?;
            }
            Next::Forward(frames) => {
                bytes += frames.len();
                writer.forward(stream, frames, patience).await?;
            }
        }
    };
    writer.flush(stream, patience).await?;
    session.taken();
    Ok(sent)
}

fn shutting_down() -> Close {
    Close::shutting_down(SHUTDOWN_PAUSE + SHUTDOWN_SPREAD.mul_f64(random_fraction()))
}

impl From<Failed> for End {
    fn from(failed: Failed) -> End {
        match failed {
            Failed::Gone => End::Gone,
            Failed::Slow => End::Abort(Close::too_slow()),
        }
    }
}

/// What was read. tungstenite's buffer keeps the size of the largest frame it had, so after a large one
/// it is made anew, at a moment when nothing is in it.
#[derive(Default)]
struct Intake {
    /// Bytes of the messages so far, each taken for one frame. More frames would be more bytes, so when
    /// this is what came from the connection, nothing is left in the buffer.
    bytes: u64,
    largest: usize,
}

/// A frame above this leaves more behind than a new buffer costs, in bytes.
const LARGE: usize = 64 << 10;

impl Intake {
    fn count(&mut self, message: &Message) {
        let len = message.len();
        let head = match len {
            0..126 => 6,
            126..65_536 => 8,
            _ => 14,
        };
        self.bytes += (head + len) as u64;
        self.largest = self.largest.max(len);
    }

    fn keeps_memory(&self, read: u64) -> bool {
        self.largest > LARGE && self.bytes == read
    }
}

/// Hands one message to the session.
fn take_in(message: Option<Result<Message, Error>>, session: &mut Session, limits: &Limits) -> Result<(), End> {
    let now = Instant::now();
    let payload = match message {
        Some(Ok(Message::Text(text))) => Payload::Text(text),
        Some(Ok(Message::Binary(bytes))) => Payload::Binary(bytes),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
            session.heard(now);
            return Ok(());
        }
        Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
        Some(Err(Error::Capacity(_))) => return Err(End::Abort(Close::too_big(limits.frame_bytes))),
        Some(Err(error @ (Error::Protocol(_) | Error::Utf8(_)))) => return Err(End::Abort(Close::bad_frame(error))),
        Some(Err(_)) => return Err(End::Gone),
    };
    session.receive(&payload, now).map_err(End::Close)
}

/// Sends the close frame and makes sure that it arrives: a socket dropped with unread bytes in it
/// resets the connection, and a reset may overtake the frame.
async fn say_goodbye<S>(socket: &mut WebSocketStream<Metered<S>>, end: End)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let farewell = async {
        let (close, readable) = match end {
            // Flushes our half of the closing handshake, if there is one.
            End::Gone => return drop(socket.flush().await),
            End::Close(close) => (close, true),
            End::Abort(close) => (close, false),
        };
        let frame = CloseFrame { code: CloseCode::from(close.code), reason: close.reason.into_owned().into() };
        if socket.close(Some(frame)).await.is_err() {
            return;
        }
        if readable {
            while let Some(Ok(_)) = socket.next().await {}
        } else {
            let stream = socket.get_mut();
            let mut scratch = [0; 1024];
            let _ = stream.shutdown().await; // best effort: the peer may be gone
            while matches!(stream.read(&mut scratch).await, Ok(read) if read > 0) {}
        }
    };
    let _ = timeout(FAREWELL, farewell).await; // a peer that does not listen has had its chance
}
