//! cargo run --example htmx
//!
//! Widgets in an htmx page: fragments swapped in and out, a button that changes the struct, a widget that
//! changes the page. htmx is taken from `node_modules` (`npm ci`).

use anywidget_host::{Host, Model, Result, View, Widget};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Router, serve};
use tokio::net::TcpListener;

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/counter")]
struct Counter {
    count: i64,
}

/// The page: everything that changes is a fragment that htmx asks for.
const PAGE: &str = r##"<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Widgets and htmx</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/page.css">
  <script src="/htmx.js" defer></script>
</head>
<body>
  <h1>Widgets and htmx</h1>
  <p>
    <button hx-get="/counter" hx-target="#place">Show the counter</button>
    <button hx-get="/nothing" hx-target="#place">Take it away</button>
    <button hx-post="/reset" hx-swap="none">Set it to 0 in Rust</button>
  </p>
  <div id="place"></div>
  <p id="double" hx-get="/double" hx-trigger="load, anywidget:change from:body">…</p>
</body>
</html>"##;

const CSS: &str = "body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
button { font: inherit; padding: .4rem .8rem; border-radius: .5rem; border: 1px solid color-mix(in srgb, currentcolor 30%, transparent); background: none; color: inherit; cursor: pointer }
button:hover { background: color-mix(in srgb, currentcolor 8%, transparent) }
#place { min-height: 4rem }";

/// A fragment with the widget in it.
async fn counter(State(host): State<Host>) -> Result<View> {
    Ok(open(&host).await?.view())
}

/// A handler changes the struct; every open view follows.
async fn reset(State(host): State<Host>) -> Result<()> {
    open(&host).await?.update(|counter| counter.count = 0);
    Ok(())
}

/// A part of the page that htmx refreshes when the widget says that it changed.
async fn double(State(host): State<Host>) -> Result<Html<String>> {
    let count = open(&host).await?.get().count;
    Ok(Html(format!("Twice {count} is <strong>{}</strong>.", 2 * count)))
}

async fn open(host: &Host) -> Result<Model<Counter>> {
    host.open("counter", Counter::default).await
}

/// htmx itself; an application has it among its static files.
async fn htmx() -> std::result::Result<impl IntoResponse, (StatusCode, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/htmx.org/dist/htmx.js");
    let missing = |error| (StatusCode::NOT_FOUND, format!("{path}: {error}; run `npm ci` once"));
    Ok(([("content-type", "text/javascript")], std::fs::read_to_string(path).map_err(missing)?))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().widget(Counter::widget()).build().await?;
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/page.css", get(async || ([("content-type", "text/css")], CSS)))
        .route("/htmx.js", get(htmx))
        .route("/counter", get(counter))
        .route("/nothing", get(async || "Nothing here."))
        .route("/reset", post(reset))
        .route("/double", get(double))
        .merge(host.router())
        .with_state(host);

    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}
