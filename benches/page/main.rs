//! cargo bench --bench page
//!
//! What a page in Chromium sees: a click that Rust answers, messages and bytes as fast as the page takes them, ten
//! pages, thirty widgets, the gallery. Beside it, turn by turn in the same browser, a page and a socket written by
//! hand that do the same to the same elements.

mod bare;
mod ours;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::{Html, Response};
use futures_util::future::{join_all, try_join_all};
use tokio::process::Command;

use support::again::{Again, arguments, end_with_parent};
use support::browser::{Browser, Context, Page};
use support::stats::{median, percentile};
use support::table::{Table, Target, Unit};
use support::{Failure, process, wanted};

/// Turns of each side.
const ROUNDS: usize = 5;
/// Of the measurements that open new pages.
const PAGE_ROUNDS: usize = 7;

const CLICKS: usize = 200;
/// Between two clicks, in milliseconds: above 64 commits in 50 ms the host merges them, which is not to be measured here.
const PAUSE: usize = 4;
/// Clicks before the first that counts: the page's code is still being compiled.
const WARM_UP: usize = 50;

const ITEMS: u32 = 2_000;
const BLOBS: u32 = 60;
const PAGES: usize = 10;
const WIDGETS: usize = 30;

const BLOB_BYTES: usize = 1_000_000;
/// Messages with a blob that the page has not seen yet.
const ON_THE_WAY: usize = 2;
const TEXT: &str = "the quick brown fox jumps over the lazy dog";

/// How long before the first message a page begins to look for the last one.
const AHEAD: Duration = Duration::from_millis(50);

/// What the program is told when it is to be one of the servers.
const ROLES: [&str; 2] = ["ours", "bare"];

const MEASURE: &str = include_str!("measure.js");

/// Notes when there is something of a widget to be seen, or the counter by hand has its number.
const FIRST_WIDGET: &str = "new MutationObserver((_, observer) => {
    if (!document.querySelector('any-widget > div > *, .aw-counter-value:not(:empty)')) return;
    performance.mark('rendered');
    observer.disconnect();
}).observe(document, { childList: true, subtree: true, characterData: true });";

/// A server in a process of its own.
struct Server {
    process: Again,
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if arguments(ROLES[0]).is_some() {
        end_with_parent();
        return ours::run().await;
    }
    if arguments(ROLES[1]).is_some() {
        end_with_parent();
        return bare::run().await;
    }
    let browser = Browser::start().await?;
    eprintln!("{}", browser.version().await?);
    let measured = bench(&browser).await;
    browser.end().await?;
    measured
}

async fn bench(browser: &Browser) -> Result<(), Failure> {
    let ours = Server::start(Again::start(ROLES[0], &[])?).await?;
    let bare = Server::start(Again::start(ROLES[1], &[])?).await?;
    let mut table = Table::new("page by hand");
    if wanted("one page: echo items buffers blobs") {
        one_page(browser, [&ours, &bare], &mut table).await?;
    }
    if wanted("ten pages") {
        ten_pages(browser, [&ours, &bare], &mut table).await?;
    }
    if wanted("widgets") {
        widgets(browser, &mut table).await?;
    }
    if wanted("gallery") {
        gallery(browser, &bare, &mut table).await?;
    }
    table.print();
    Ok(())
}

async fn one_page(browser: &Browser, servers: [&Server; 2], table: &mut Table) -> Result<(), Failure> {
    let context = browser.context().await?;
    let pages = try_join_all(servers.map(|server| context.open(&server.url, MEASURE))).await?;
    for page in &pages {
        page.numbers(&format!("echo({WARM_UP}, 0)")).await?;
    }
    let mut echoes = [Vec::new(), Vec::new()];
    let mut rates = [(); 3].map(|()| [Vec::new(), Vec::new()]);
    let asked = [("items", ITEMS), ("buffers", BLOBS), ("blobs", BLOBS)];
    for _ in 0..ROUNDS {
        for (page, echoes) in pages.iter().zip(&mut echoes) {
            let mut times = page.numbers(&format!("echo({CLICKS}, {PAUSE})")).await?;
            times.sort_by(f64::total_cmp);
            echoes.push([0.5, 0.99].map(|share| percentile(&times, share) / 1e3));
        }
        for ((kind, count), rates) in asked.iter().zip(&mut rates) {
            for (page, rates) in pages.iter().zip(rates) {
                let times = page.numbers(&format!("ask('{kind}', {count})")).await?;
                rates.push(f64::from(*count) / (times[1] - times[0]) * 1e3);
            }
        }
    }
    for (at, share) in ["p50", "p99"].into_iter().enumerate() {
        let [a, b] = echoes.each_ref().map(|side| median(side.iter().map(|shares| shares[at])));
        table.row(&format!("click → Rust → DOM, {share}"), Unit::Time, a, Some(b), Target::AtMost(1.5));
    }
    let names = [
        format!("{ITEMS} messages to one view"),
        "1 MB buffers in messages".to_owned(),
        "1 MB blobs in the state".to_owned(),
    ];
    for (name, rates) in names.iter().zip(rates) {
        let [a, b] = rates.map(median);
        table.row(name, Unit::PerSecond, a, Some(b), Target::AtLeast(0.7));
    }
    context.close().await
}

async fn ten_pages(browser: &Browser, servers: [&Server; 2], table: &mut Table) -> Result<(), Failure> {
    let context = browser.context().await?;
    let mut sides = Vec::new();
    for server in servers {
        let mut pages = Vec::new();
        for _ in 0..PAGES {
            pages.push(context.open(&server.url, MEASURE).await?);
        }
        sides.push(pages);
    }
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (pages, rates) in sides.iter().zip(&mut rates) {
            let rate = delivered(pages).await?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let [a, b] = rates.map(median);
    let what = format!("{ITEMS} messages to each of {PAGES} pages");
    table.row(&what, Unit::PerSecond, a, Some(b), Target::AtLeast(0.7));
    context.close().await
}

/// Messages per second, of all pages together, when one of them asks.
async fn delivered(pages: &[Page]) -> Result<f64, Failure> {
    let (first, others) = pages.split_first().ok_or("no page")?;
    let expression = format!("await_('items', {ITEMS})");
    let ends = join_all(others.iter().map(|page| page.number(&expression)));
    let asked = async {
        // The others look before the first one asks.
        tokio::time::sleep(AHEAD).await;
        first.numbers(&format!("ask('items', {ITEMS})")).await
    };
    let (ends, asked) = tokio::join!(ends, asked);
    let asked = asked?;
    let mut last = asked[1];
    for end in ends {
        last = last.max(end?);
    }
    Ok(f64::from(ITEMS) * pages.len() as f64 / (last - asked[0]) * 1e3)
}

async fn widgets(browser: &Browser, table: &mut Table) -> Result<(), Failure> {
    /// Of one page: when all widgets were visible and connected, the heap, what the server holds more.
    type Seen = [f64; 4];
    let mut seen: [Vec<Seen>; 2] = [Vec::new(), Vec::new()];
    // Bytes are no part of the HTML, so widgets that have some wait for their sockets.
    let mut with_bytes = Vec::new();
    for _ in 0..PAGE_ROUNDS {
        for ((role, sockets), seen) in ROLES.into_iter().zip([WIDGETS, 1]).zip(&mut seen) {
            // A server that has served before has memory to spare; this one has only seen one widget.
            let server = Server::start(Again::start(role, &[])?).await?;
            let context = browser.context().await?;
            context.open(&server.url, MEASURE).await?.number("connected(1)").await?;
            context.close().await?;
            let resident = server.resident()?;
            let context = browser.context().await?;
            let page = context.open(&format!("{}many/{WIDGETS}", server.url), MEASURE).await?;
            let visible = page.number(&format!("visible({WIDGETS})")).await? / 1e3;
            let connected = page.number(&format!("connected({sockets})")).await? / 1e3;
            seen.push([visible, connected, page.heap().await?, server.resident()? - resident]);
            context.close().await?;
            if role == ROLES[0] {
                let context = browser.context().await?;
                let page = context.open(&format!("{}bytes/{WIDGETS}", server.url), MEASURE).await?;
                with_bytes.push(page.number(&format!("visible({WIDGETS})")).await? / 1e3);
                context.close().await?;
            }
        }
    }
    let rows = [
        ("all visible", Unit::Time),
        ("all sockets open (30; one)", Unit::Time),
        ("JavaScript heap", Unit::Bytes),
        ("host's memory", Unit::Bytes),
    ];
    let of = |at: usize| seen.each_ref().map(|side| median(side.iter().map(|seen| seen[at])));
    for (at, (name, unit)) in rows.into_iter().enumerate() {
        let [a, b] = of(at);
        table.row(&format!("{WIDGETS} widgets on a page: {name}"), unit, a, Some(b), Target::None);
    }
    let what = format!("{WIDGETS} widgets whose state has bytes: all visible");
    table.row(&what, Unit::Time, median(with_bytes), Some(of(0)[1]), Target::None);
    Ok(())
}

async fn gallery(browser: &Browser, bare: &Server, table: &mut Table) -> Result<(), Failure> {
    let binary = Again::spawn(Command::new(env!("CARGO_BIN_EXE_anywidget-host")).args(["--port", "0"]))?;
    let binary = Server::start(binary).await?;
    let addresses = [binary.url.clone(), format!("{}counter", bare.url)];
    let mut times = [Vec::new(), Vec::new()];
    let script = format!("{FIRST_WIDGET}\n{MEASURE}");
    for _ in 0..PAGE_ROUNDS {
        for (url, times) in addresses.iter().zip(&mut times) {
            let context: Context<'_> = browser.context().await?; // whose cache is empty
            let page = context.open(url, &script).await?;
            times.push(page.number("visible(1)").await? / 1e3);
            context.close().await?;
        }
    }
    let [a, b] = times.map(median);
    table.row("the gallery: first widget visible", Unit::Time, a, Some(b), Target::AtMost(2.0));
    Ok(())
}

impl Server {
    /// Waits until it listens.
    async fn start(mut process: Again) -> Result<Server, Failure> {
        let line = process.line().await?;
        let url = line.trim().strip_prefix("listening on ").ok_or("no address")?;
        Ok(Server { process, url: format!("{url}/") })
    }

    fn resident(&self) -> Result<f64, Failure> {
        process::resident(self.process.id()?)
    }
}

/// A document around views.
fn document(head: &str, body: &str) -> Html<String> {
    Html(format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ours</title><link rel="icon" href="data:,">{head}</head><body>{body}</body></html>"#
    ))
}

/// Pages that are isolated from others have a clock of 5 µs instead of 100.
async fn isolated(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-embedder-policy", HeaderValue::from_static("require-corp"));
    response
}

/// Bytes that begin with their number.
fn blob(n: u32) -> Vec<u8> {
    let mut bytes = vec![n as u8; BLOB_BYTES];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    bytes
}
