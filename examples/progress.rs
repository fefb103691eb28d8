//! cargo run --example progress
//!
//! A long task: a form starts it, two widgets follow it in every tab, a button cancels it. It needs no tab to go on.

#[path = "page/mod.rs"]
mod page;

use std::time::Duration;

use anywidget_host::{Host, Model, Refusal, Result, Widget};
use axum::{Form, Router, extract::State, response::Html, routing};
use serde::Deserialize;
use serde_json::json;

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/progress")]
struct Progress {
    label: String,
    value: Option<u32>,
    total: u32,
    status: String,
    cancellable: bool,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/log")]
struct Log {
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

async fn job(State(host): State<Host>) -> Result<Html<String>> {
    let (progress, log) = models(&host).await?;
    Ok(Html(format!(r#"<div class="card">{}</div>{}"#, progress.view(), log.view())))
}

async fn start(State(host): State<Host>, Form(Start { files }): Form<Start>) -> Result<Html<String>> {
    let (progress, log) = models(&host).await?;
    let (label, total) = ("Reading files".to_owned(), files.clamp(1, 500));
    let new = Progress { label, status: "running".into(), value: Some(0), total, cancellable: true };
    let old =
        progress.update(|job| if job.status == "running" { job.clone() } else { std::mem::replace(job, new.clone()) });
    if old.status != "running" {
        log.set(Log::default());
        tokio::spawn(work(progress, log));
    }
    job(State(host)).await
}

/// The task. It ends when it is done, or when it finds that somebody cancelled it.
async fn work(progress: Model<Progress>, log: Model<Log>) -> Result<()> {
    for n in 1..=progress.get().total {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if !progress.get().cancellable {
            progress.update(|job| job.status = "cancelled".into());
            return Ok(());
        }
        progress.update(|job| job.value = Some(n));
        let line = format!("read file {n}");
        log.send(json!({"type": "append", "n": n - 1, "lines": [line]}))?; // at once, for those who watch
        log.update(|log| log.lines.push(line.clone())); // for those who come later
    }
    progress.update(|job| (job.status, job.cancellable) = ("done".into(), false));
    Ok(())
}

async fn models(host: &Host) -> Result<(Model<Progress>, Model<Log>)> {
    let waiting = || Progress { label: "No job yet".into(), total: 1, status: "waiting".into(), ..Progress::default() };
    Ok((host.open("progress", waiting).await?, host.open("log", Log::default).await?))
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let refusal = || Err(Refusal::new("only the task writes"));
    let cancellable = Progress::widget().validate(move |_, _| refusal()).on_message(|job, message| {
        if message.content["type"].as_str() == Some("cancel") {
            job.update(|job| job.cancellable = false);
        }
    });
    let log = Log::widget().validate(move |_, _| refusal());
    let host = Host::builder().widget(cancellable).widget(log).build().await?;
    let index = routing::get(async |State(host): State<Host>| page::page(&host, "A long task", FORM));
    page::serve(
        Router::new().route("/", index).route("/job", routing::get(job)).route("/start", routing::post(start)),
        host,
    )
    .await
}
