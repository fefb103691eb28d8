//! A server that is killed in the middle of traffic, again and again: with `--durability stored` every acknowledged
//! write is there afterwards, once, and the pages go on where they were.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value as Json, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use support::binary::Binary;

const WRITERS: usize = 16;
/// Frames of one writer that wait for their answers.
const IN_FLIGHT: usize = 4;

/// `CRASH_SEED=…` repeats a run's moments.
fn seed() -> u64 {
    match std::env::var("CRASH_SEED") {
        Ok(seed) => seed.parse().expect("CRASH_SEED is a number"),
        Err(_) => u64::from(std::process::id()),
    }
}

/// SplitMix64, by Steele, Lea and Flood.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// What all writers know together.
#[derive(Default)]
struct World {
    /// The highest rev that anybody was shown.
    shown: AtomicU64,
    acked: AtomicU64,
    resent: AtomicU64,
    over: AtomicBool,
}

/// A page that writes its own key, and after each kill goes on as a page does.
struct Writer {
    key: String,
    session: String,
    epoch: Option<String>,
    rev: u64,
    seq: u64,
    /// Sent and not acknowledged: number and value.
    unacked: VecDeque<(u64, u64)>,
    /// The first ack of each frame.
    acks: HashMap<u64, Json>,
    acked: u64,
    world: Arc<World>,
}

type Socket = WebSocketStream<TcpStream>;

impl Writer {
    fn new(n: usize, world: Arc<World>) -> Writer {
        let key = format!("w{n}");
        let session = uuid::Uuid::new_v4().to_string();
        let (unacked, acks) = (VecDeque::new(), HashMap::new());
        Writer { key, session, epoch: None, rev: 0, seq: 0, unacked, acks, acked: 0, world }
    }

    /// Writes until the world is over and everything of it is acknowledged.
    async fn run(mut self, mut server: watch::Receiver<Option<SocketAddr>>) -> Writer {
        loop {
            let known = *server.borrow_and_update();
            let Some(address) = known else {
                drop(server.changed().await);
                continue;
            };
            if self.connection(address).await.is_some() {
                return self;
            }
            // Killed: on to the next one, or to the same if it was only this connection.
            drop(tokio::time::timeout(Duration::from_millis(20), server.changed()).await);
        }
    }

    /// One connection. None when it was lost, which is no failure.
    async fn connection(&mut self, address: SocketAddr) -> Option<()> {
        let shown = self.world.shown.load(Ordering::Acquire);
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let mut request = format!("ws://{address}/anywidget/models/ledger/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "anywidget-host.v1".parse().unwrap());
        let (mut socket, _) = client_async(request, stream).await.ok()?;
        let mut hello = json!({"type": "hello", "version": 1, "session": self.session});
        if let Some(epoch) = &self.epoch {
            hello["epoch"] = json!(epoch);
            hello["rev"] = json!(self.rev);
        }
        socket.send(Message::text(hello.to_string())).await.ok()?;
        let hello = receive(&mut socket).await?;
        self.check_hello(&hello, shown);
        for (seq, value) in self.unacked.clone() {
            self.world.resent.fetch_add(1, Ordering::Relaxed);
            self.send(&mut socket, seq, value).await?;
        }
        loop {
            let over = self.world.over.load(Ordering::Acquire);
            while !over && self.unacked.len() < IN_FLIGHT {
                self.seq += 1;
                self.unacked.push_back((self.seq, self.seq));
                self.send(&mut socket, self.seq, self.seq).await?;
            }
            if over && self.unacked.is_empty() {
                return Some(());
            }
            let frame = receive(&mut socket).await?;
            self.show(&frame["rev"]);
            if frame["type"] == "ack" {
                self.check_ack(frame);
            }
        }
    }

    async fn send(&self, socket: &mut Socket, seq: u64, value: u64) -> Option<()> {
        let state = Map::from_iter([(self.key.clone(), json!(value))]);
        let frame = json!({"type": "set", "seq": seq, "state": state});
        socket.send(Message::text(frame.to_string())).await.ok()
    }

    /// What a restarted server says must not be older than what anybody knows.
    fn check_hello(&mut self, hello: &Json, shown: u64) {
        assert_eq!(hello["type"], "hello", "{hello}");
        if let Some(epoch) = &self.epoch {
            assert_eq!(hello["epoch"], **epoch, "the history goes on");
            assert_eq!(hello["full"], false, "what was shown is not sent again");
            // A server that was killed before the first write was stored has never heard of this page.
            let known = hello["seq"].as_u64().unwrap_or(0);
            assert!(known >= self.acked, "{}: acknowledged up to {}, {hello}", self.key, self.acked);
        }
        assert!(hello["rev"].as_u64() >= Some(shown), "somebody was shown rev {shown}: {hello}");
        if let Some(value) = hello["state"].get(&self.key) {
            assert!(value.as_u64() >= Some(self.acked), "{} lost {}: {hello}", self.key, self.acked);
        }
        self.epoch = Some(hello["epoch"].as_str().unwrap().to_owned());
        self.show(&hello["rev"]);
    }

    fn check_ack(&mut self, ack: Json) {
        let seq = ack["seq"].as_u64().unwrap();
        assert_eq!(ack.get("refused"), None, "{ack}");
        let first = self.acks.entry(seq).or_insert_with(|| ack.clone());
        assert_eq!(*first, ack, "a repeated frame gets its first answer");
        if self.unacked.front().is_some_and(|(first, _)| *first == seq) {
            self.unacked.pop_front();
            self.acked = seq;
            self.world.acked.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn show(&mut self, rev: &Json) {
        let rev = rev.as_u64().unwrap_or(0);
        self.rev = self.rev.max(rev);
        self.world.shown.fetch_max(rev, Ordering::AcqRel);
    }
}

/// The next frame; none when the connection is gone.
async fn receive(socket: &mut Socket) -> Option<Json> {
    loop {
        let next = tokio::time::timeout(support::SOON, socket.next()).await.expect("a frame or an end");
        match next?.ok()? {
            Message::Text(text) if text.is_empty() => {}
            Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
            Message::Binary(_) | Message::Close(_) => return None,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

async fn crash_loop(kills: u32) {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut random = Random(seed);
    let files = tempfile::tempdir().unwrap();
    let folder = files.path().join("ledger");
    std::fs::create_dir(&folder).unwrap();
    let state: Map<String, Json> = (0..WRITERS).map(|n| (format!("w{n}"), json!(0))).collect();
    std::fs::write(folder.join("widget.json"), json!({"state": state}).to_string()).unwrap();
    let store = format!("sqlite:{}", files.path().join("state.db").display());
    let folder = folder.to_str().unwrap().to_owned();
    let serve = async || Binary::serve([folder.as_str(), "--store", &store, "--durability", "stored"]).await;

    let world = Arc::new(World::default());
    let (address, server) = watch::channel(None);
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(Writer::new(n, world.clone()).run(server.clone()))).collect();
    for _ in 0..kills {
        let mut binary = serve().await;
        address.send_replace(Some(binary.address));
        // Some are killed before anybody is connected, some in the middle of traffic.
        tokio::time::sleep(Duration::from_millis(random.below(150))).await;
        address.send_replace(None);
        binary.signal("KILL").await;
        binary.end().await;
        assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer failed");
    }
    let last = serve().await;
    address.send_replace(Some(last.address));
    world.over.store(true, Ordering::Release);
    let mut sent = 0;
    let state = async || last.get("/anywidget/models/ledger/state").await.json();
    for writer in writers {
        let writer = writer.await.unwrap();
        assert_eq!(state().await[&writer.key], json!(writer.seq), "the last write of {}", writer.key);
        sent += writer.seq;
    }
    let hello = last.page("ledger").await.hello;
    assert_eq!(hello["rev"], sent.into(), "each write was applied once");
    let (acked, resent) = (world.acked.load(Ordering::Relaxed), world.resent.load(Ordering::Relaxed));
    println!("{kills} kills, {sent} writes, {acked} acknowledgements checked, {resent} frames sent again");
    assert_eq!(acked, sent);
    assert!(resent > 0, "no kill met a frame that was on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_in_a_hundred_kills() {
    crash_loop(100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn no_acknowledged_write_is_lost_in_a_thousand_kills() {
    crash_loop(1_000).await;
}
