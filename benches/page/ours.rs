//! The library's side: the server in a process of its own.

use std::sync::Arc;

use anywidget_host::{Blob, Host, Message, Model, Widget};
use axum::extract::{Path, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::support::Failure;
use crate::{ON_THE_WAY, TEXT, blob, document, isolated};

/// As many as wait for a socket of the page by hand.
const BETWEEN_FLUSHES: u32 = 256;

#[derive(Clone, Default, Widget)]
#[widget(path = "benches/page/widget")]
struct Bench {
    count: i64,
    blob: Blob,
}

/// The same without bytes.
#[derive(Clone, Default, Widget)]
#[widget(path = "benches/page/widget", name = "small")]
struct Small {
    count: i64,
}

#[derive(Serialize)]
struct Item {
    n: u32,
    text: &'static str,
}

pub async fn run() -> Result<(), Failure> {
    let seen = Arc::new(Semaphore::new(0));
    let widget = Bench::widget().on_message(move |model, message| hear(model, message, &seen));
    let host = Host::builder().widget(widget).widget(Small::widget()).watch(false).build().await?;
    let app = Router::new()
        .route("/", get(one))
        .route("/many/{count}", get(many::<Small>))
        .route("/bytes/{count}", get(many::<Bench>))
        .route("/sockets", get(async |State(host): State<Host>| host.sockets().to_string()))
        .merge(host.router())
        .layer(axum::middleware::map_response(isolated))
        .with_state(host);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(serve(listener, app).await?)
}

async fn one(State(host): State<Host>) -> anywidget_host::Result<Html<String>> {
    let model = host.open("bench", Bench::default).await?;
    Ok(document(&host.preloads(), &model.view().to_string()))
}

async fn many<W: anywidget_host::State + Default>(
    State(host): State<Host>,
    Path(count): Path<usize>,
) -> anywidget_host::Result<Html<String>> {
    let mut views = String::new();
    for at in 0..count {
        let id = format!("{}-{at}", std::any::type_name::<W>().rsplit(':').next().unwrap_or_default());
        views += &host.open(id, W::default).await?.view().to_string();
    }
    Ok(document(&host.preloads(), &views))
}

fn hear(model: &Model<Bench>, message: &Message, seen: &Arc<Semaphore>) {
    let count = message.content["count"].as_f64().unwrap_or(0.0) as u32;
    let (model, seen) = (model.clone(), seen.clone());
    match message.content["kind"].as_str() {
        Some("click") => model.update(|state| state.count += 1),
        Some("more") => seen.add_permits(1),
        Some("items") => drop(tokio::spawn(items(model, count))),
        Some("buffers") => drop(tokio::spawn(async move {
            seen.forget_permits(usize::MAX >> 4);
            seen.add_permits(ON_THE_WAY);
            for n in 1..=count {
                let Ok(permit) = seen.acquire().await else { return };
                permit.forget();
                if model.send_with("bytes", [blob(n).into()]).is_err() {
                    return;
                }
            }
        })),
        Some("blobs") => drop(tokio::spawn(async move {
            seen.forget_permits(usize::MAX >> 4);
            seen.add_permits(1);
            for n in 1..=count {
                let Ok(permit) = seen.acquire().await else { return };
                permit.forget();
                let bytes: Blob = blob(n).into();
                model.update(|state| state.blob = bytes.clone());
            }
        })),
        _ => {}
    }
}

/// Streams messages no faster than the sockets take them.
async fn items(model: Model<Bench>, count: u32) {
    for n in 1..=count {
        if model.send(Item { n, text: TEXT }).is_err() {
            return;
        }
        if n % BETWEEN_FLUSHES == 0 {
            model.flush().await;
        }
    }
}
