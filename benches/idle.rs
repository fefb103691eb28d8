//! cargo bench --bench idle
//!
//! What the binary costs when nothing happens: time until it listens, resident memory, and resident
//! memory per idle session, fresh and after each has written once.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

const SESSIONS: usize = 2_000;
const STARTS: usize = 20;

type Failure = Box<dyn Error>;

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Result<Server, Failure> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anywidget-host"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://").ok_or("no address")?.to_owned();
        Ok(Server { child, address })
    }

    /// Resident memory in KiB.
    fn resident(&self) -> Result<usize, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let _server = Server::start()?;
        starts.push(began.elapsed());
    }
    starts.sort();
    let server = Server::start()?;
    println!(
        "{:<44} {:>10.1?}  (worst {:.1?})",
        "process start until it listens, median of 20",
        starts[STARTS / 2],
        starts[STARTS - 1]
    );
    println!("{:<44} {:>7} KiB", "resident, no page open", server.resident()?);

    let before = server.resident()?;
    let mut sockets = Vec::with_capacity(SESSIONS);
    for session in 0..SESSIONS {
        let url = format!("ws://{}/anywidget/models/counter/ws", server.address);
        let stream = TcpStream::connect(&server.address).await?;
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        let hello = format!(r#"{{"type":"hello","version":1,"session":"bench-{session}"}}"#);
        socket.send(Message::text(hello)).await?;
        socket.next().await.ok_or("no answer to hello")??;
        sockets.push(socket);
    }
    let connected = server.resident()?;
    println!("{:<44} {:>7.2} KiB", format!("per idle session, of {SESSIONS}"), per_session(before, connected));

    // Each session wrote once and heard of every other write: the buffers have been used.
    for socket in &mut sockets {
        socket.send(Message::text(r#"{"type":"set","seq":1,"state":{"count":1}}"#)).await?;
    }
    for socket in &mut sockets {
        loop {
            let frame = socket.next().await.ok_or("closed")??;
            if frame.to_text()?.contains(r#""type":"ack""#) {
                break;
            }
        }
    }
    println!("{:<44} {:>7.2} KiB", "the same after each wrote once", per_session(before, server.resident()?));
    Ok(())
}

fn per_session(before: usize, after: usize) -> f64 {
    after.saturating_sub(before) as f64 / SESSIONS as f64
}
