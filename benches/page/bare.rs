//! The page by hand: axum's WebSocket, a mutex, and a queue for each socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Router, serve};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::support::Failure;
use crate::{ON_THE_WAY, TEXT, blob, isolated};

const PAGE: &str = include_str!("bare.html");
const COUNTER: &str = include_str!("counter.html");

/// Frames that may wait for a socket.
const QUEUE: usize = 256;

#[derive(Clone)]
struct Room {
    counts: Arc<Mutex<HashMap<String, i64>>>,
    sockets: Arc<Mutex<Vec<mpsc::Sender<Message>>>>,
    seen: Arc<Semaphore>,
}

pub async fn run() -> Result<(), Failure> {
    let room = Room { counts: Arc::default(), sockets: Arc::default(), seen: Arc::new(Semaphore::new(0)) };
    let app = Router::new()
        .route("/", get(async |State(room): State<Room>| page(&room, ["bench".to_owned()])))
        .route("/many/{count}", get(many))
        .route("/counter", get(async || Html(COUNTER)))
        .route("/sockets", get(async |State(room): State<Room>| lock(&room.sockets).len().to_string()))
        .route("/ws", get(upgrade))
        .layer(axum::middleware::map_response(isolated))
        .with_state(room);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), app).await?)
}

async fn many(State(room): State<Room>, Path(count): Path<usize>) -> Html<String> {
    page(&room, (0..count).map(|at| format!("many-{at}")))
}

fn page(room: &Room, ids: impl IntoIterator<Item = String>) -> Html<String> {
    let mut counts = lock(&room.counts);
    let states: serde_json::Map<String, Value> =
        ids.into_iter().map(|id| (id.clone(), json!({"count": *counts.entry(id).or_default()}))).collect();
    Html(PAGE.replace("{{states}}", &Value::Object(states).to_string()))
}

async fn upgrade(State(room): State<Room>, upgrade: WebSocketUpgrade) -> Response {
    // axum's 128 KiB are filled with zeros before each look at the socket.
    upgrade.read_buffer_size(4 << 10).on_upgrade(move |socket| talk(socket, room))
}

async fn talk(mut socket: WebSocket, room: Room) {
    let (sender, mut queue) = mpsc::channel(QUEUE);
    lock(&room.sockets).push(sender.clone());
    loop {
        tokio::select! {
            Some(frame) = queue.recv() => {
                let mut next = Some(frame);
                while let Some(frame) = next {
                    if socket.feed(frame).await.is_err() { break; }
                    next = queue.try_recv().ok();
                }
                if socket.flush().await.is_err() { break; }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => room.hear(&text).await,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    lock(&room.sockets).retain(|other| !other.same_channel(&sender));
}

impl Room {
    async fn hear(&self, text: &str) {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return };
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        let count = message["count"].as_u64().unwrap_or(0) as u32;
        let room = self.clone();
        match message["kind"].as_str() {
            Some("click") => {
                let count = {
                    let mut counts = lock(&self.counts);
                    let count = counts.entry(id.clone()).or_default();
                    *count += 1;
                    *count
                };
                // The queue of the socket that asks may be full: nobody may wait for it here.
                tokio::spawn(async move { room.tell(json!({"id": id, "count": count}).to_string().into()).await });
            }
            Some("more") => self.seen.add_permits(1),
            Some("items") => drop(tokio::spawn(async move {
                for n in 1..=count {
                    room.tell(json!({"id": id, "n": n, "text": TEXT}).to_string().into()).await;
                }
            })),
            Some("buffers") => drop(tokio::spawn(room.blobs(count, ON_THE_WAY))),
            Some("blobs") => drop(tokio::spawn(room.blobs(count, 1))),
            _ => {}
        }
    }

    async fn blobs(self, count: u32, on_the_way: usize) {
        self.seen.forget_permits(usize::MAX >> 4);
        self.seen.add_permits(on_the_way);
        for n in 1..=count {
            let Ok(permit) = self.seen.acquire().await else { return };
            permit.forget();
            self.tell(Message::binary(blob(n))).await;
        }
    }

    /// To every socket, waiting for each.
    async fn tell(&self, frame: Message) {
        let sockets = lock(&self.sockets).clone();
        for socket in sockets {
            let _ = socket.send(frame.clone()).await; // it may have closed
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
