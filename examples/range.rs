//! cargo run --example range
//!
//! A rule that corrects: a hand may drag the range anywhere, but what counts ends at 70. While it drags, the
//! page follows the hand; when it rests, the page shows what the rule has made of it.

use anywidget_host::{Host, Result, Widget};
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use tokio::net::TcpListener;

#[derive(Clone, Widget)]
#[widget(path = "widgets/slider")]
struct Range {
    low: f64,
    high: f64,
    #[widget(server)]
    max: f64,
}

impl Default for Range {
    fn default() -> Range {
        Range { low: 0.0, high: 40.0, max: 100.0 }
    }
}

async fn page(State(host): State<Host>) -> Result<Html<String>> {
    let range = host.open("range", Range::default).await?;
    let head = r#"<!doctype html><html lang="en"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>Range</title>"#;
    Ok(Html(format!("{head}{}", range.view())))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let widget = Range::widget().validate(|next, _changed| {
        next.high = next.high.min(70.0);
        next.low = next.low.min(next.high);
        Ok(())
    });
    let host = Host::builder().widget(widget).build().await?;
    let app = Router::new().route("/", get(page)).merge(host.router()).with_state(host);

    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}
