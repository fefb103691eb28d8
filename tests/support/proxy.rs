//! A TCP proxy that does to connections what networks do: it delays, cuts, swallows and holds them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{Site, soon};

/// A way to a site, until this is dropped. What is on its way goes on.
pub struct Proxy {
    site: Site,
    links: mpsc::UnboundedReceiver<Link>,
    task: JoinHandle<()>,
}

/// One connection through a proxy, as a test handles it.
pub struct Link {
    to_host: Rules,
    to_page: Rules,
}

type Rules = Arc<watch::Sender<Rule>>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    ToHost,
    ToPage,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// Both sides see an end, as if the other one had closed.
    Fin,
    /// Both sides see a reset.
    Reset,
}

/// What happens to bytes in one direction.
#[derive(Clone, Copy, Default)]
struct Rule {
    flow: Flow,
    /// How much later they arrive.
    delay: Duration,
    /// How many of them still pass, and how the connection ends then.
    cut: Option<(usize, Cut)>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Flow {
    #[default]
    Passes,
    /// Nothing is read, so that the sender's buffers fill.
    Held,
    /// Everything is read and nothing arrives.
    Swallowed,
}

impl Proxy {
    /// A proxy in front of a site.
    pub async fn to(site: &Site) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Site { address: listener.local_addr().unwrap(), base: site.base.clone() };
        let (sender, links) = mpsc::unbounded_channel();
        let task = tokio::spawn(accept(listener, site.address, sender));
        Proxy { site: front, links, task }
    }

    /// The connection that was opened next.
    pub async fn link(&mut self) -> Link {
        soon("a connection through the proxy", self.links.recv()).await.expect("the proxy runs")
    }
}

impl Deref for Proxy {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    /// Ends the connection when so many more bytes have passed; with 0 when the next one comes, which does not
    /// pass any more.
    pub fn cut_after(&self, way: Way, bytes: usize, cut: Cut) {
        self.rule(way, |rule| rule.cut = Some((bytes, cut)));
    }

    /// What is sent from now on arrives so much later.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.rule(way, |rule| rule.delay = delay);
    }

    /// Nothing passes until it is released.
    pub fn hold(&self, way: Way) {
        self.rule(way, |rule| rule.flow = Flow::Held);
    }

    /// All that was held passes, and what comes.
    pub fn release(&self, way: Way) {
        self.rule(way, |rule| rule.flow = Flow::Passes);
    }

    /// Everything from now on is lost, the end of the connection as well.
    pub fn swallow(&self, way: Way) {
        self.rule(way, |rule| rule.flow = Flow::Swallowed);
    }

    /// Waits until the connection is over on both sides.
    pub async fn over(&self) {
        soon("the end of a connection", self.to_host.closed()).await;
    }

    fn rule(&self, way: Way, change: impl FnOnce(&mut Rule)) {
        match way {
            Way::ToHost => self.to_host.send_modify(change),
            Way::ToPage => self.to_page.send_modify(change),
        }
    }
}

async fn accept(listener: TcpListener, host: SocketAddr, links: mpsc::UnboundedSender<Link>) {
    loop {
        let (page, _) = listener.accept().await.unwrap();
        let link = Link { to_host: Rules::default(), to_page: Rules::default() };
        let (to_host, to_page) = (link.to_host.clone(), link.to_page.clone());
        tokio::spawn(async move {
            let host = TcpStream::connect(host).await.unwrap();
            carry(page, host, &to_host, &to_page).await;
        });
        let _ = links.send(link); // the test may be over
    }
}

/// Carries bytes both ways until both have ended or a rule ends them.
async fn carry(mut page: TcpStream, mut host: TcpStream, host_rules: &Rules, page_rules: &Rules) {
    page.set_nodelay(true).unwrap();
    host.set_nodelay(true).unwrap();
    let ended = {
        let ((from_page, to_page), (from_host, to_host)) = (page.split(), host.split());
        tokio::try_join!(pump(from_page, to_host, host_rules), pump(from_host, to_page, page_rules))
    };
    match ended {
        Ok(_) => {}
        Err(Cut::Reset) => {
            for stream in [page, host] {
                stream.set_zero_linger().unwrap();
            }
        }
        // Bytes that nobody reads would make a reset of the end.
        Err(Cut::Fin) => drop(tokio::join!(drain(&mut page), drain(&mut host))),
    }
}

async fn drain(stream: &mut TcpStream) {
    let mut scratch = [0; 4096];
    let _ = stream.shutdown().await; // it may be closed already
    while matches!(stream.read(&mut scratch).await, Ok(read) if read > 0) {}
}

/// Carries bytes one way as the rules say, until their end. An error is how the connection ends at once.
async fn pump(from: ReadHalf<'_>, mut to: WriteHalf<'_>, rules: &Rules) -> Result<(), Cut> {
    let mut news = rules.subscribe();
    let mut late: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0; 16 << 10];
    let (mut open, mut cut) = (true, None);
    loop {
        let rule = *news.borrow_and_update();
        let due = late.front().map(|(due, _)| *due);
        if due.is_none() {
            if let Some(cut) = cut {
                return Err(cut);
            }
            if !open {
                if rule.flow != Flow::Swallowed {
                    let _ = to.shutdown().await; // it may be closed already
                }
                return Ok(());
            }
        }
        tokio::select! {
            biased; // a rule that was given before bytes came counts for them
            _ = news.changed() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let bytes = late.pop_front().map(|(_, bytes)| bytes).unwrap_or_default();
                to.write_all(&bytes).await.map_err(|_| Cut::Reset)?;
            }
            _ = from.readable(), if open && cut.is_none() && rule.flow != Flow::Held => {
                let most = match rule.cut {
                    Some((0, cut)) => return Err(cut),
                    Some((left, _)) => left.min(buffer.len()),
                    None => buffer.len(),
                };
                let bytes = match from.try_read(&mut buffer[..most]) {
                    Ok(read) => &buffer[..read],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(_) if rule.flow == Flow::Swallowed => &[],
                    Err(_) => return Err(Cut::Reset), // as the sender ended it
                };
                open = !bytes.is_empty();
                if rule.flow == Flow::Swallowed {
                    continue;
                }
                if rule.delay.is_zero() && late.is_empty() {
                    to.write_all(bytes).await.map_err(|_| Cut::Reset)?;
                } else {
                    late.push_back((Instant::now() + rule.delay, bytes.to_vec()));
                }
                cut = spend(rules, bytes.len());
            }
        }
    }
}

/// Counts bytes that passed; says how the connection ends if those were the last.
fn spend(rules: &Rules, bytes: usize) -> Option<Cut> {
    let mut end = None;
    rules.send_if_modified(|rule| {
        if let Some((left, cut)) = &mut rule.cut {
            *left -= bytes;
            end = (*left == 0).then_some(*cut);
        }
        false
    });
    end
}
