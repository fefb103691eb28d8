//! Pages that only look on, as cheap as they can be: a thousand of them fit into a test.

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::raw::masked;
use super::{Site, soon};

/// One connection that has said hello.
pub struct Onlooker {
    stream: TcpStream,
    /// What was read and is no whole frame yet.
    begun: Vec<u8>,
    /// The newest rev it was told of, and the state that came with it.
    pub rev: u64,
    pub state: Json,
    /// Frames that came behind the hello.
    pub frames: u64,
}

/// Panics when this process may not open so many sockets.
pub fn needs_sockets(count: u64) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    if let Some(Ok(most)) = line.split_whitespace().nth(3).map(str::parse::<u64>) {
        let needed = count + 100;
        assert!(most >= needed, "{count} sockets need more than {most} open files: run `ulimit -n {needed}` before");
    }
}

impl Onlooker {
    /// Opens a connection and waits for the host's hello.
    pub async fn of(site: &Site, model: &str, number: usize) -> Onlooker {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that one that does not read is soon one that cannot be written to.
        socket.set_recv_buffer_size(8 << 10).unwrap();
        let mut stream = socket.connect(site.address).await.unwrap_or_else(|error| panic!("socket {number}: {error}"));
        site.handshake(&mut stream, model).await;
        let hello = format!(r#"{{"type":"hello","version":1,"session":"onlooker {number}"}}"#);
        stream.write_all(&masked(0x81, hello.as_bytes())).await.unwrap();
        let mut onlooker = Onlooker { stream, begun: Vec::new(), rev: 0, state: Json::Null, frames: 0 };
        while onlooker.state.is_null() {
            soon("a hello", onlooker.read()).await;
        }
        onlooker.frames = 0;
        onlooker
    }

    /// Reads until it is told of this rev.
    pub async fn reach(&mut self, rev: u64) {
        while self.rev < rev {
            self.read().await;
        }
    }

    /// Waits until something is there to be read, and leaves it there.
    pub async fn is_sent_something(&self) {
        self.stream.peek(&mut [0]).await.unwrap();
    }

    async fn read(&mut self) {
        let mut buffer = [0; 4 << 10];
        let read = self.stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the host closed the connection at rev {}", self.rev);
        self.begun.extend(&buffer[..read]);
        let (mut at, mut last) = (0, None);
        while let Some((first, payload, end)) = frame(&self.begun, at) {
            assert_eq!(first, 0x81, "not a text frame: {:?}", String::from_utf8_lossy(&self.begun[payload]));
            self.frames += 1;
            (at, last) = (end, Some(payload));
        }
        if let Some(payload) = last.filter(|payload| !payload.is_empty()) {
            let mut frame: Json = serde_json::from_slice(&self.begun[payload]).unwrap();
            self.rev = frame["rev"].as_u64().unwrap();
            self.state = frame["state"].take();
        }
        self.begun.drain(..at);
    }
}

/// The frame at this place, if it is whole: its first byte, where its payload is, and its end.
fn frame(bytes: &[u8], at: usize) -> Option<(u8, std::ops::Range<usize>, usize)> {
    let (len, head) = match *bytes.get(at..)? {
        [_, len @ 0..126, ..] => (usize::from(len), 2),
        [_, 126, a, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 4),
        [_, 127, a, b, c, d, e, f, g, h, ..] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize, 10),
        _ => return None,
    };
    let payload = at + head..at + head + len;
    (payload.end <= bytes.len()).then(|| (bytes[at], payload.clone(), payload.end))
}
