//! cargo run --example chat
//!
//! Answers word by word, from Ollama if it runs, else from a stand-in that says so. The history is in SQLite. `STORE=file`
//! names another file than `chat.db`, `MODEL=name` another model than `llama3.2`, `OLLAMA_HOST` another address.

#[path = "page/mod.rs"]
mod page;

use std::time::Duration;

use anywidget_host::{Host, Model, Result, Source, Visitor, Widget};
use axum::{Form, Router, extract::State, response::Html, routing};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Who said what.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Turn {
    role: String,
    content: String,
}

#[derive(Deserialize)]
struct Question {
    text: String,
}

#[derive(Clone, Default, Widget)]
struct Chat {
    #[widget(server)]
    turns: Vec<Turn>,
}

/// Swapped for an empty one when it was sent.
const FORM: &str = r#"<form hx-post="/ask" hx-target="this" hx-swap="outerHTML">
  <label class="grow">Your question <input name="text" required autofocus maxlength="2000" autocomplete="off"></label>
  <button class="main">Ask</button>
</form>"#;

async fn index(State(host): State<Host>, visitor: Visitor) -> Result<Html<String>> {
    let chat = host.open(visitor.own("chat"), Chat::default).await?.view();
    Ok(page::page(&host, "Chat", &format!("{chat}{FORM}")))
}

async fn ask(
    State(host): State<Host>,
    visitor: Visitor,
    Form(Question { text }): Form<Question>,
) -> Result<Html<&'static str>> {
    let chat = host.open(visitor.own("chat"), Chat::default).await?;
    let turn = |role: &str, content: &str| Turn { role: role.into(), content: content.into() };
    chat.update(|chat| chat.turns.extend([turn("user", &text), turn("assistant", "")]));
    let turns = chat.get().turns.clone();
    tokio::spawn(answer(chat, turns, text)); // goes on when the page is closed
    Ok(Html(FORM))
}

/// Writes the last of these turns.
async fn answer(chat: Model<Chat>, turns: Vec<Turn>, question: String) {
    let say = |words: &str| chat.update(|chat| chat.turns[turns.len() - 1].content += words);
    if ollama(&turns, say).await.is_none() {
        let answer = format!("Ollama does not answer, so a stand-in repeats: {question}");
        for word in answer.split_inclusive(' ') {
            sleep(Duration::from_millis(40)).await;
            say(word);
        }
    }
}

/// Streams an answer of an Ollama server; none when there is no such server. HTTP/1.0 ends it with the connection.
async fn ollama(turns: &[Turn], say: impl Fn(&str)) -> Option<()> {
    let model = std::env::var("MODEL").unwrap_or("llama3.2".into());
    let body = json!({"model": model, "messages": turns.split_last()?.1}).to_string();
    let head = format!("POST /api/chat HTTP/1.0\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    let address = std::env::var("OLLAMA_HOST").unwrap_or("127.0.0.1:11434".into());
    let connected =
        timeout(Duration::from_millis(300), TcpStream::connect(address.trim_start_matches("http://"))).await;
    let mut stream = connected.ok()?.ok()?;
    stream.write_all((head + &body).as_bytes()).await.ok()?;
    let mut lines = BufReader::new(stream).lines();
    lines.next_line().await.ok()??.contains(" 200 ").then_some(())?;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(part) = serde_json::from_str::<Json>(&line) {
            say(part["message"]["content"].as_str().unwrap_or_default());
        }
    }
    Some(())
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let code = Source::inline(include_str!("page/chat.js")).with_css(include_str!("page/chat.css"));
    let widget = Widget::<Chat>::new("chat", code).initial(Chat::default);
    let file = std::env::var("STORE").unwrap_or("chat.db".into());
    let host = Host::builder().widget(widget).sqlite(file).build().await?;
    page::serve(Router::new().route("/", routing::get(index)).route("/ask", routing::post(ask)), host).await
}
