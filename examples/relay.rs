//! cargo run --example relay
//!
//! The smallest application for several visitors: what one page sends, every page gets. Without an argument they see each
//! other's cursors; `-- path/to/widget` serves that widget folder instead.

use anywidget_host::{Host, Model, Source, Value, Widget};
use axum::extract::State;
use axum::response::Html;
use axum::{Router, routing::get, serve};
use tokio::net::TcpListener;

/// Sends where its own cursor is, and shows where all are. A cursor that rests for a minute is gone.
const CURSORS: &str = r#"export default { render({ model, el, signal }) {
  const me = crypto.randomUUID(), dots = new Map();
  el.style.cssText = "position: relative; height: 90vh; overflow: hidden; cursor: none";
  el.addEventListener("pointermove", ({ clientX, clientY }) => {
    const { x, y, width, height } = el.getBoundingClientRect();
    model.send({ who: me, x: (clientX - x) / width, y: (clientY - y) / height });
  }, { signal });
  model.on("msg:custom", ({ who, x, y }) => {
    const { dot = el.appendChild(document.createElement("i")), leave } = dots.get(who) ?? {};
    dot.style.cssText = `position: absolute; left: ${100 * x}%; top: ${100 * y}%; width: 1rem; aspect-ratio: 1; border-radius: 50%;
      background: hsl(${parseInt(who.slice(0, 4), 16) % 360} 70% 50%); pointer-events: none; translate: -50% -50%`;
    clearTimeout(leave);
    dots.set(who, { dot, leave: setTimeout(() => { dot.remove(); dots.delete(who) }, 60_000) });
  });
} }"#;

/// The page, with the one model in it.
async fn page(State(model): State<Model<Value>>) -> Html<String> {
    let head =
        r#"<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>Relay</title>"#;
    Html(format!("{head}{}", model.view()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().build().await?;
    let widget = match std::env::args().nth(1) {
        None => Widget::<Value>::new("cursors", Source::inline(CURSORS)),
        Some(path) => {
            let folder = std::fs::canonicalize(&path).map_err(|error| format!("{path}: {error}"))?;
            let name = folder.file_name().ok_or("a widget's folder needs a name")?.to_string_lossy();
            Widget::new(name.clone(), Source::folder(&folder))
        }
    };
    // The content and the bytes go on as they came, to the sender as well.
    let model = host.add(widget.on_message(|model, message| {
        if let Err(error) = model.send_with(&message.content, message.buffers.clone()) {
            eprintln!("a message was not passed on: {error}");
        }
    }))?;
    let app = Router::new().route("/", get(page)).with_state(model).merge(host.router());

    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}
