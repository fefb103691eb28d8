//! cargo bench --bench fanout
//!
//! One model, many sockets: custom messages as fast as the sockets take them, their latency at a steady pace, and
//! what a state that changes 100 times a second costs the host. Beside it, in the same run and turn by turn, a bare
//! axum loop that has nothing to do but to write frames that are ready. The clients are another process.
//!
//! A client that misses a message fails the bench.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anywidget_host::{Host, Model, Widget};
use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval_at};

use support::client::{Clients, Done, Kind, Plan, is_client};
use support::reader::now;
use support::stats::median;
use support::table::{Table, Target, Unit};
use support::{Failure, process, wanted};

const ROUNDS: usize = 5;

/// Sockets, and for each of them: messages as fast as possible, messages at a steady pace, messages per second then.
const CROWDS: [(usize, u64, u64, u64); 3] =
    [(1, 300_000, 1_000, 1_000), (100, 30_000, 500, 500), (1_000, 3_072, 100, 100)];

/// Messages between two flushes, of which the last but one is waited for: the model's log keeps 4,096, and who is
/// further behind than that gets a gap.
const BETWEEN_FLUSHES: u64 = 1_024;

/// Bytes a bare socket reads at once. tungstenite fills as many with zeros before each look at the socket, and its
/// 128 KiB would cost the yardstick more than the frames do.
const READ_BUFFER: usize = 2 << 10;

const COMMITS: u64 = 200;
const COMMITS_PER_SECOND: u64 = 100;

/// A state that changes: the page is told both, and the clients take the time from it.
#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct Ticker {
    count: u64,
    at: u64,
}

/// The library behind an address.
struct Ours {
    host: Host,
    address: String,
    runs: usize,
}

/// The yardstick behind an address.
struct Bare {
    address: String,
    /// Of the round that runs.
    board: Arc<Mutex<Arc<Board>>>,
}

/// What the bare loop's sockets have to send.
#[derive(Default)]
struct Board {
    frames: Vec<OnceLock<Utf8Bytes>>,
    /// How many of them are ready.
    ready: AtomicUsize,
    /// One for each socket.
    bells: Mutex<Vec<Arc<Notify>>>,
}

/// What one round of one side measured.
struct Round {
    frames_per_second: f64,
    cpu_per_frame: f64,
    bytes_per_frame: f64,
    /// All in all.
    frames: f64,
    p50: f64,
    p99: f64,
}

/// A number of a round, and what it is called.
type Named = (&'static str, fn(&Round) -> f64);

fn main() -> Result<(), Failure> {
    if is_client()? {
        return Ok(());
    }
    // A task among those of the sockets, as a handler is.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async { tokio::spawn(bench()).await? })
}

async fn bench() -> Result<(), Failure> {
    let mut ours = Ours::serve().await?;
    let bare = Bare::serve().await?;
    let mut table = Table::new("bare axum loop");
    for (sockets, flood, steady, per_second) in CROWDS {
        let name = if sockets == 1 { "1 socket".to_owned() } else { format!("{sockets} sockets") };
        if wanted(&format!("flood {sockets}")) {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                a.push(ours.flood(sockets, flood).await?);
                b.push(bare.flood(sockets, flood).await?);
            }
            same_frames(&a[0], &b[0])?;
            let rates = [&a, &b].map(|side| median(side.iter().map(|round| round.frames_per_second)));
            let what = format!("messages to {name}: frames delivered");
            table.row(&what, Unit::PerSecond, rates[0], Some(rates[1]), Target::AtLeast(0.7));
            let costs = [&a, &b].map(|side| median(side.iter().map(|round| round.cpu_per_frame)));
            let what = format!("messages to {name}: host CPU per frame");
            table.row(&what, Unit::Time, costs[0], Some(costs[1]), Target::None);
        }
        if sockets == 1 && wanted("flood 1 from a task") {
            let mut a = Vec::new();
            for _ in 0..ROUNDS {
                a.push(ours.flood_from_a_task(sockets, flood).await?);
            }
            let rate = median(a.iter().map(|round| round.frames_per_second));
            table.row("the same, sent from a task: frames delivered", Unit::PerSecond, rate, None, Target::None);
        }
        if wanted(&format!("steady {sockets}")) {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                a.push(ours.steady(sockets, steady, per_second).await?);
                b.push(bare.steady(sockets, steady, per_second, MESSAGE).await?);
            }
            same_frames(&a[0], &b[0])?;
            let named: [Named; 2] = [("p50", |round| round.p50), ("p99", |round| round.p99)];
            for (share, of) in named {
                let [a, b] = [&a, &b].map(|side| median(side.iter().map(of)));
                let what = format!("{per_second} messages/s to {name}: latency {share}");
                table.row(&what, Unit::Time, a, Some(b), Target::None);
            }
        }
    }
    if wanted("state 1000") {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(ours.state(1_000).await?);
            b.push(bare.steady(1_000, COMMITS, COMMITS_PER_SECOND, SET).await?);
        }
        const SHARE: f64 = (1_000 * COMMITS) as f64;
        let named: [(Named, Unit); 4] = [
            (("host CPU per frame", |round| round.cpu_per_frame), Unit::Time),
            (("host CPU per commit and socket", |round| round.cpu_per_frame * round.frames / SHARE), Unit::Time),
            (("frames per commit and socket", |round| round.frames / SHARE), Unit::Share),
            (("latency p99", |round| round.p99), Unit::Time),
        ];
        for ((name, of), unit) in named {
            let [a, b] = [&a, &b].map(|side| median(side.iter().map(of)));
            let what = format!("{COMMITS_PER_SECOND} commits/s to 1000 sockets: {name}");
            table.row(&what, unit, a, Some(b), Target::None);
        }
    }
    table.print();
    Ok(())
}

impl Ours {
    async fn serve() -> Result<Ours, Failure> {
        let host = Host::builder().widget(Ticker::widget()).build().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(axum::serve(listener, host.router::<()>()).into_future());
        Ok(Ours { host, address, runs: 0 })
    }

    /// A new model and its clients.
    async fn gather(&mut self, sockets: usize, kind: Kind, last: u64) -> Result<(Model<Ticker>, Clients), Failure> {
        self.runs += 1;
        let model = self.host.open(format!("run-{}", self.runs), Ticker::default).await?;
        let path = format!("/anywidget/models/{}/ws", model.id());
        let plan = Plan { address: self.address.clone(), path, sockets, kind, last };
        Ok((model, Clients::start(plan).await?))
    }

    /// The sender never waits but for the sockets, so it has a thread of its own.
    async fn flood(&mut self, sockets: usize, count: u64) -> Result<Round, Failure> {
        let (model, clients) = self.gather(sockets, Kind::Flood, count).await?;
        let start = Start::now();
        let (sender, runtime) = (model.clone(), Handle::current());
        spawn_blocking(move || runtime.block_on(flood(sender, count))).await??;
        let round = start.round(clients.done().await?);
        model.end("measured");
        Ok(round)
    }

    /// The sender is a task among those of the sockets, as a handler is. tokio leaves the socket that a task wakes to the
    /// task's own thread, so with one socket the two take turns.
    async fn flood_from_a_task(&mut self, sockets: usize, count: u64) -> Result<Round, Failure> {
        let (model, clients) = self.gather(sockets, Kind::Flood, count).await?;
        let start = Start::now();
        flood(model.clone(), count).await?;
        let round = start.round(clients.done().await?);
        model.end("measured");
        Ok(round)
    }

    async fn steady(&mut self, sockets: usize, count: u64, per_second: u64) -> Result<Round, Failure> {
        let (model, clients) = self.gather(sockets, Kind::Messages, count).await?;
        let start = Start::now();
        let mut ticks = Ticks::new(per_second);
        for _ in 0..count {
            ticks.next().await;
            model.send(Content::new(micros()))?;
        }
        let round = start.round(clients.done().await?);
        model.end("measured");
        Ok(round)
    }

    async fn state(&mut self, sockets: usize) -> Result<Round, Failure> {
        let (model, clients) = self.gather(sockets, Kind::State, COMMITS).await?;
        let start = Start::now();
        let mut ticks = Ticks::new(COMMITS_PER_SECOND);
        for _ in 0..COMMITS {
            ticks.next().await;
            model.update(|state| {
                state.count += 1;
                state.at = micros();
            });
        }
        let round = start.round(clients.done().await?);
        model.end("measured");
        Ok(round)
    }
}

/// Sends as fast as the sockets take it.
async fn flood(model: Model<Ticker>, count: u64) -> anywidget_host::Result<()> {
    let mut before = model.flush();
    for n in 1..=count {
        model.send(Content::new(0))?;
        if n % BETWEEN_FLUSHES == 0 {
            std::mem::replace(&mut before, model.flush()).await;
        }
    }
    Ok(())
}

/// The comparison is one only if both write the same.
fn same_frames(ours: &Round, bare: &Round) -> Result<(), Failure> {
    let [ours, bare] = [ours, bare].map(|round| round.bytes_per_frame);
    match (ours - bare).abs() < 0.5 {
        true => Ok(()),
        false => Err(format!("our frames have {ours:.1} bytes, those of the bare loop {bare:.1}").into()),
    }
}

impl Bare {
    async fn serve() -> Result<Bare, Failure> {
        let board = Arc::new(Mutex::new(Arc::<Board>::default()));
        let boards = board.clone();
        let upgrade = async move |upgrade: WebSocketUpgrade| -> Response {
            let board = lock(&boards).clone();
            upgrade.read_buffer_size(READ_BUFFER).on_upgrade(move |socket| write(socket, board))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tokio::spawn(axum::serve(listener, Router::new().route("/", get(upgrade))).into_future());
        Ok(Bare { address, board })
    }

    async fn gather(
        &self,
        sockets: usize,
        kind: Kind,
        frames: Vec<OnceLock<Utf8Bytes>>,
    ) -> Result<(Arc<Board>, Clients), Failure> {
        let last = frames.len() as u64;
        let board = Arc::new(Board { frames, ..Board::default() });
        *lock(&self.board) = board.clone();
        let plan = Plan { address: self.address.clone(), path: "/".to_owned(), sockets, kind, last };
        Ok((board, Clients::start(plan).await?))
    }

    async fn flood(&self, sockets: usize, count: u64) -> Result<Round, Failure> {
        let frames = (1..=count).map(|n| OnceLock::from(message(n, 0))).collect();
        let (board, clients) = self.gather(sockets, Kind::Flood, frames).await?;
        let start = Start::now();
        board.ready(count as usize);
        Ok(start.round(clients.done().await?))
    }

    async fn steady(&self, sockets: usize, count: u64, per_second: u64, frame: Frame) -> Result<Round, Failure> {
        let frames = (0..count).map(|_| OnceLock::new()).collect();
        let (board, clients) = self.gather(sockets, frame.kind, frames).await?;
        let start = Start::now();
        let mut ticks = Ticks::new(per_second);
        for n in 1..=count {
            ticks.next().await;
            board.frames[n as usize - 1].get_or_init(|| (frame.write)(n, micros()));
            board.ready(n as usize);
        }
        Ok(start.round(clients.done().await?))
    }
}

impl Board {
    /// Lets the sockets send this many.
    fn ready(&self, count: usize) {
        self.ready.store(count, Ordering::Release);
        lock(&self.bells).iter().for_each(|bell| bell.notify_one());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bare loop: feed what is ready, flush once, wait for more.
async fn write(mut socket: WebSocket, board: Arc<Board>) {
    let bell = Arc::new(Notify::new());
    lock(&board.bells).push(bell.clone());
    if socket.send(Message::text("{}")).await.is_err() {
        return;
    }
    let mut sent = 0;
    loop {
        let ready = board.ready.load(Ordering::Acquire);
        for frame in board.frames[sent..ready].iter().filter_map(OnceLock::get) {
            if socket.feed(Message::Text(frame.clone())).await.is_err() {
                return;
            }
        }
        sent = ready;
        if socket.flush().await.is_err() {
            return;
        }
        tokio::select! {
            () = bell.notified() => {}
            // The hello of the client, and its end.
            read = socket.next() => if !matches!(read, Some(Ok(Message::Text(_)))) { return },
        }
    }
}

/// What the library sends; the bare loop has the frames that come of it.
#[derive(serde::Serialize)]
struct Content {
    at: u64,
    text: &'static str,
}

const TEXT: &str = "the quick brown fox jumps over the lazy dog";

impl Content {
    fn new(at: u64) -> Content {
        Content { at, text: TEXT }
    }
}

/// A frame of the bare loop, byte by byte what the library makes of the same.
struct Frame {
    kind: Kind,
    /// From its number and its time.
    write: fn(u64, u64) -> Utf8Bytes,
}

const MESSAGE: Frame = Frame { kind: Kind::Messages, write: message };
const SET: Frame = Frame { kind: Kind::State, write: set };

fn message(n: u64, at: u64) -> Utf8Bytes {
    format!(r#"{{"type":"message","content":{{"at":{at},"text":"{TEXT}"}},"buffers":[],"rev":0,"n":{n}}}"#).into()
}

fn set(rev: u64, at: u64) -> Utf8Bytes {
    let base = rev - 1;
    format!(r#"{{"type":"set","base":{base},"rev":{rev},"state":{{"count":{rev},"at":{at}}}}}"#).into()
}

/// When a measurement began and what the host had used until then.
struct Start {
    at: f64,
    cpu: f64,
}

impl Start {
    fn now() -> Start {
        Start { cpu: process::own_cpu(), at: now() }
    }

    fn round(self, done: Done) -> Round {
        let cpu = process::own_cpu() - self.cpu;
        Round {
            frames_per_second: done.frames / (done.at - self.at),
            cpu_per_frame: cpu / done.frames,
            bytes_per_frame: done.bytes / done.frames,
            frames: done.frames,
            p50: done.p50,
            p99: done.p99,
        }
    }
}

/// A steady pace.
struct Ticks(tokio::time::Interval);

impl Ticks {
    fn new(per_second: u64) -> Ticks {
        let every = Duration::from_secs(1) / per_second as u32;
        Ticks(interval_at(Instant::now() + every, every))
    }

    async fn next(&mut self) {
        self.0.tick().await;
    }
}

/// Microseconds since 1970, which JSON carries.
fn micros() -> u64 {
    (now() * 1e6) as u64
}
