//! cargo bench --bench idle
//!
//! What the binary costs when nothing happens: time until it listens, resident memory, and resident memory per idle
//! session, fresh and after each has written once; and what an idle model costs. Beside it a bare axum server with the
//! sockets as axum makes them, and a map of mutexes.

mod support;

use std::time::Instant;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::process::Command;

use support::again::{Again, arguments, end_with_parent};
use support::models::{self, Keeper};
use support::socket::Socket;
use support::stats::median;
use support::table::{Table, Target, Unit};
use support::{Failure, process, wanted};

const SESSIONS: usize = 2_000;
const STARTS: usize = 20;
const MODELS: [usize; 2] = [100_000, 1_000_000];

/// What the program is told when it is to be the yardstick.
const ROLE: &str = "bare";

/// A server in a process of its own.
struct Server {
    process: Again,
    address: String,
    /// Where its sockets are.
    path: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if models::are_models().await? {
        return Ok(());
    }
    if arguments(ROLE).is_some() {
        return be_bare().await;
    }
    if wanted("sessions") {
        sessions().await?;
    }
    if wanted("models") {
        idle_models().await?;
    }
    Ok(())
}

async fn sessions() -> Result<(), Failure> {
    let mut table = Table::new("bare axum server");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        for (start, starts) in [(Server::ours as fn() -> _, &mut ours), (Server::bare, &mut bare)] {
            let began = Instant::now();
            Server::start(start()?).await?;
            starts.push(began.elapsed().as_secs_f64());
        }
    }
    table.row("process start until it listens", Unit::Time, median(ours), Some(median(bare)), Target::None);

    let ours = Server::start(Server::ours()?).await?;
    let bare = Server::start(Server::bare()?).await?;
    let (before, bare_before) = (ours.resident()?, bare.resident()?);
    table.row("resident, no page open", Unit::Bytes, before, Some(bare_before), Target::None);

    let mut sockets = ours.connect().await?;
    let bare_sockets = bare.connect().await?;
    let per_session = |now: f64, before: f64| (now - before) / SESSIONS as f64;
    let fresh = per_session(ours.resident()?, before);
    let bare_fresh = per_session(bare.resident()?, bare_before);
    let target = Target::Below(8192.0, Unit::Bytes);
    table.row(&format!("per idle session, of {SESSIONS}"), Unit::Bytes, fresh, Some(bare_fresh), target);

    // Each session writes once and hears of every other write: the buffers have been used.
    for socket in &mut sockets {
        socket.send(r#"{"type":"set","seq":1,"state":{"count":1}}"#).await?;
    }
    let mut buffer = vec![0; 64 << 10];
    for socket in &mut sockets {
        let mut answered = false;
        while !answered {
            socket.readable().await?;
            socket.read(&mut buffer, |frame| {
                answered |= frame.windows(12).any(|part| part == br#""type":"ack""#);
                Ok(())
            })?;
        }
    }
    let used = per_session(ours.resident()?, before);
    table.row("the same after each wrote once", Unit::Bytes, used, None, Target::None);
    drop(bare_sockets);
    table.print();
    Ok(())
}

async fn idle_models() -> Result<(), Failure> {
    let mut table = Table::new("a map of mutexes");
    for count in MODELS {
        let [host, map] = [models::measure(Keeper::Host, count).await?, models::measure(Keeper::Map, count).await?];
        let what = format!("per idle model, of {count}");
        let target = Target::Below(2048.0, Unit::Bytes);
        table.row(&what, Unit::Bytes, host.memory, Some(map.memory), target);
    }
    table.print();
    Ok(())
}

impl Server {
    fn ours() -> Result<(Again, &'static str), Failure> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anywidget-host"));
        Ok((Again::spawn(command.args(["--port", "0"]))?, "/anywidget/models/counter/ws"))
    }

    fn bare() -> Result<(Again, &'static str), Failure> {
        Ok((Again::start(ROLE, &[])?, "/"))
    }

    /// Waits until it listens.
    async fn start((mut process, path): (Again, &'static str)) -> Result<Server, Failure> {
        let line = process.line().await?;
        let address = line.trim().strip_prefix("listening on http://").ok_or("no address")?.to_owned();
        Ok(Server { process, address, path })
    }

    fn resident(&self) -> Result<f64, Failure> {
        process::resident(self.process.id()?)
    }

    /// Sockets that have been greeted.
    async fn connect(&self) -> Result<Vec<Socket>, Failure> {
        let mut sockets = Vec::with_capacity(SESSIONS);
        for session in 0..SESSIONS {
            let mut socket = Socket::open(&self.address, self.path).await?;
            socket.greet(session).await?;
            sockets.push(socket);
        }
        Ok(sockets)
    }
}

/// The yardstick: sockets that answer what they are told, as axum makes them.
async fn be_bare() -> Result<(), Failure> {
    end_with_parent();
    async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
        upgrade.on_upgrade(async |mut socket: WebSocket| {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().route("/", get(upgrade))).await?)
}
