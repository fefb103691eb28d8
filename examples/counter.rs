//! cargo run --example counter
//!
//! A struct behind a widget: one counter for everybody, and one for each address.

use anywidget_host::{Host, Refusal, Result, Widget};
use axum::extract::{Path, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use tokio::net::TcpListener;

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/counter")]
struct Counter {
    count: i64,
}

/// One counter that all visitors share.
async fn shared(State(host): State<Host>) -> Result<Html<String>> {
    counter(&host, "shared").await
}

/// A counter of its own for each name.
async fn named(State(host): State<Host>, Path(name): Path<String>) -> Result<Html<String>> {
    counter(&host, &format!("named-{name}")).await
}

async fn counter(host: &Host, id: &str) -> Result<Html<String>> {
    let counter = host.open(id, Counter::default).await?;
    let head = r#"<!doctype html><html lang="en"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>Counter</title>"#;
    Ok(Html(format!("{head}<h1>{}</h1>{}", counter.get().count, counter.view())))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let widget = Counter::widget().validate(|next, _changed| match next.count {
        0..=100 => Ok(()),
        other => Err(Refusal::new(format!("{other} is not between 0 and 100"))),
    });
    let host = Host::builder().widget(widget).build().await?;
    let app = Router::new().route("/", get(shared)).route("/{name}", get(named)).merge(host.router()).with_state(host);

    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}
