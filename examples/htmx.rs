//! cargo run --example htmx
//!
//! Widgets in an htmx page: fragments swapped in and out, requests that change the struct, a widget and a server that
//! make the page ask again.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Host, Model, Result, View, Widget};
use axum::{Router, extract::State, response::Html, routing};

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/counter")]
struct Counter {
    count: i64,
}

/// Everything that changes is a fragment that htmx asks for.
const BODY: &str = r##"<p class="row">
  <button hx-get="/counter" hx-target="#place">Show the counter</button>
  <button hx-get="/nothing" hx-target="#place">Take it away</button>
  <button hx-post="/reset/counter" hx-swap="none">Set it to 0 in Rust</button>
  <button hx-patch="/anywidget/models/counter" hx-vals='{"count": 10}' hx-swap="none">Set it to 10 by PATCH</button>
</p>
<div id="place"></div>
<p id="double" hx-get="/double" hx-trigger="load, anywidget:change:count from:body delay:100ms">…</p>
<p id="resets" hx-get="/resets" hx-trigger="counter-reset from:body">Not reset yet.</p>"##;

/// A fragment with the widget in it.
async fn counter(State(host): State<Host>) -> Result<View> {
    Ok(open(&host).await?.view())
}

/// A handler changes the struct, and every open view follows. Then it tells the pages.
async fn reset(counter: Model<Counter>) -> Result<()> {
    counter.set(Counter::default());
    counter.dispatch("counter-reset", "by a handler")
}

/// A part of the page that htmx refreshes when the widget says that it changed.
async fn double(State(host): State<Host>) -> Result<Html<String>> {
    let count = open(&host).await?.get().count;
    Ok(Html(format!("Twice {count} is <strong>{}</strong>.", 2 * count)))
}

async fn open(host: &Host) -> Result<Model<Counter>> {
    host.open("counter", Counter::default).await
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let host = Host::builder().widget(Counter::widget()).build().await?;
    open(&host).await?;
    let app = Router::new()
        .route("/", routing::get(async |State(host): State<Host>| page::page(&host, "Widgets and htmx", BODY)))
        .route("/counter", routing::get(counter))
        .route("/nothing", routing::get(async || "Nothing here."))
        .route("/reset/{id}", routing::post(reset))
        .route("/double", routing::get(double))
        .route("/resets", routing::get(async || "It was reset."));
    page::serve(app, host).await
}
