//! A process of clients: the bench's own program, started once more with a plan as its arguments.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::again::{Again, arguments};
use super::{Failure, reader};

/// What the program is told when it is to be clients.
const ROLE: &str = "clients";

/// How long clients may take for one measurement.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the clients do.
pub struct Plan {
    pub address: String,
    pub path: String,
    pub sockets: usize,
    pub kind: Kind,
    /// The number of the frame after which a socket is done.
    pub last: u64,
}

/// What the numbers of frames mean.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Custom messages: `n` grows by one, nothing is missing.
    Flood,
    /// The same, and each says when it was sent.
    Messages,
    /// State, which says so too: `rev` grows, values between may be missing.
    State,
}

const KINDS: [(&str, Kind); 3] = [("flood", Kind::Flood), ("messages", Kind::Messages), ("state", Kind::State)];

/// Clients that are connected.
pub struct Clients {
    news: watch::Receiver<News>,
    /// Hears what they say; holds their process.
    hearing: JoinHandle<()>,
}

#[derive(Clone, Default)]
struct News {
    ready: bool,
    done: Option<Done>,
    failed: bool,
}

/// What the clients saw.
#[derive(Clone, Copy)]
pub struct Done {
    /// When the last frame had come, by [`reader::now`].
    pub at: f64,
    /// Frames of all sockets together.
    pub frames: f64,
    /// Bytes in them, without the heads of WebSocket frames.
    pub bytes: f64,
    /// Seconds from sending to reading.
    pub p50: f64,
    pub p99: f64,
}

/// Whether this process is one of clients; if so it has done its work.
pub fn is_client() -> Result<bool, Failure> {
    let Some(arguments) = arguments(ROLE) else { return Ok(false) };
    let [address, path, sockets, kind, last] = arguments.as_slice() else {
        return Err("clients need a plan".into());
    };
    let plan = Plan {
        address: address.clone(),
        path: path.clone(),
        sockets: sockets.parse()?,
        kind: KINDS.iter().find(|(name, _)| name == kind).ok_or("no such kind")?.1,
        last: last.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, reader::run(plan))?;
    Ok(true)
}

impl Clients {
    /// Starts the process and waits until all of its sockets are open and greeted.
    pub async fn start(plan: Plan) -> Result<Clients, Failure> {
        let kind = KINDS.iter().find(|(_, kind)| *kind == plan.kind).ok_or("no such kind")?.0;
        let (sockets, last) = (plan.sockets.to_string(), plan.last.to_string());
        let mut again = Again::start(ROLE, &[plan.address, plan.path, sockets, kind.to_owned(), last])?;
        let (sender, news) = watch::channel(News::default());
        let hearing = tokio::spawn(async move {
            while let Ok(line) = again.line().await {
                sender.send_modify(|news| news.hear(&line));
            }
            sender.send_modify(|news| news.failed = news.done.is_none());
        });
        let mut clients = Clients { news, hearing };
        clients.until("open sockets", |news| news.ready).await?;
        Ok(clients)
    }

    /// Waits until every socket has got the last frame.
    pub async fn done(mut self) -> Result<Done, Failure> {
        let done = self.until("the last frame", |news| news.done.is_some()).await?.done;
        timeout(PATIENCE, &mut self.hearing).await??; // until the process has ended
        done.ok_or_else(|| "the clients did not finish".into())
    }

    async fn until(&mut self, what: &str, condition: impl Fn(&News) -> bool) -> Result<News, Failure> {
        let reached = self.news.wait_for(|news| news.failed || condition(news));
        let news = timeout(PATIENCE, reached).await.map_err(|_| format!("clients waited too long for {what}"))??;
        if news.failed {
            return Err("the clients failed".into());
        }
        Ok(news.clone())
    }
}

impl News {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse().unwrap_or(f64::NAN);
        match *words.as_slice() {
            ["ready"] => self.ready = true,
            ["done", at, frames, bytes, p50, p99] => {
                let [at, frames, bytes, p50, p99] = [at, frames, bytes, p50, p99].map(number);
                self.done = Some(Done { at, frames, bytes, p50, p99 });
            }
            _ => {}
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}
