//! cargo run --example progress
//!
//! A long task on tokio. A form starts it, a progress widget and a log follow it in every tab, a button cancels it, and
//! it goes on when all tabs are closed.

#[path = "page/mod.rs"]
mod page;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anywidget_host::{Host, Model, Result, Widget};
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::json;

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/progress")]
struct Progress {
    label: String,
    value: Option<u32>,
    total: u32,
    unit: String,
    status: String,
    started: Option<u64>,
    ended: Option<u64>,
    cancellable: bool,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/log")]
struct Log {
    label: String,
    first: u64,
    lines: Vec<String>,
}

#[derive(Deserialize)]
struct Start {
    files: u32,
}

const FORM: &str = r##"<form hx-post="/start" hx-target="#job">
  <label>Files <input type="number" name="files" value="60" min="1" max="500"></label>
  <button class="main">Start</button>
</form>
<div id="job" hx-get="/job" hx-trigger="load"></div>"##;

/// The two widgets, in whatever tab asks for them.
async fn job(State(host): State<Host>) -> Result<Html<String>> {
    let (progress, log) = models(&host).await?;
    Ok(Html(format!(r#"<div class="card">{}</div>{}"#, progress.view(), log.view())))
}

async fn start(State(host): State<Host>, Form(Start { files }): Form<Start>) -> Result<Html<String>> {
    let (progress, log) = models(&host).await?;
    let starts = progress.update(|job| {
        let starts = job.status != "running";
        if starts {
            let label = "Reading files".to_owned();
            *job = Progress { label, unit: "files".into(), total: files.clamp(1, 500), ..Progress::default() };
            (job.status, job.value, job.started, job.cancellable) = ("running".into(), Some(0), Some(now()), true);
        }
        starts
    });
    if starts {
        log.update(|log| *log = Log { label: "What it does".into(), ..Log::default() });
        tokio::spawn(work(progress, log));
    }
    job(State(host)).await
}

/// The task. It ends when it is done, or when its status is no longer that it runs.
async fn work(progress: Model<Progress>, log: Model<Log>) -> Result<()> {
    for n in 1..=progress.get().total {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if progress.get().status != "running" {
            break;
        }
        progress.update(|job| job.value = Some(n));
        let line = format!("read file {n}");
        log.send(json!({"type": "append", "n": n - 1, "lines": [line]}))?; // at once, for those who watch
        log.update(|log| log.lines.push(line.clone())); // for those who come later
    }
    progress.update(|job| {
        job.status = if job.status == "running" { "done".into() } else { job.status.clone() };
        (job.ended, job.cancellable) = (Some(now()), false);
    });
    Ok(())
}

async fn models(host: &Host) -> Result<(Model<Progress>, Model<Log>)> {
    let waiting = || Progress { label: "No job yet".into(), total: 1, status: "waiting".into(), ..Progress::default() };
    Ok((host.open("progress", waiting).await?, host.open("log", Log::default).await?))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let cancellable = Progress::widget().on_message(|job, message| {
        if message.content["type"].as_str() == Some("cancel") {
            job.update(|job| job.status = "cancelled".into());
        }
    });
    let host = Host::builder().widget(cancellable).widget(Log::widget()).build().await?;
    let index = get(async |State(host): State<Host>| page::page(&host, "A long task", FORM));
    page::serve(Router::new().route("/", index).route("/job", get(job)).route("/start", post(start)), host).await
}
