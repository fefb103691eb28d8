//! A page's connection to one model, frame by frame.

use std::fmt;
use std::ops::Index;

use anywidget_host::Value;
use futures_util::{SinkExt, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, handshake::client::Request};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Site, soon};

/// One connection. It says nothing by itself: heartbeats are the test's to answer.
pub struct Page {
    pub socket: WebSocketStream<TcpStream>,
    /// The secret of this page.
    pub session: String,
    /// What the host answered to `hello`.
    pub hello: Frame,
    /// The `seq` of the last frame.
    seq: u64,
}

/// A frame from the host.
#[derive(Clone, PartialEq)]
pub struct Frame {
    pub value: Value,
    /// Whether it came as MessagePack.
    pub binary: bool,
}

/// What a connection brings next.
#[derive(Debug)]
pub enum Next {
    Frame(Frame),
    Heartbeat,
    /// A close frame: code and reason.
    Closed(u16, String),
    /// The connection ended without one.
    Lost(String),
}

impl Site {
    /// The request with which a page opens its socket.
    pub fn upgrade(&self, model: &str) -> Request {
        let id = utf8_percent_encode(model, NON_ALPHANUMERIC);
        let url = format!("ws://{}{}/models/{id}/ws", self.address, self.base);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "anywidget-host.v1".parse().unwrap());
        request
    }

    /// A connection that has said nothing yet.
    pub async fn connect(&self, model: &str) -> Page {
        self.connect_with(self.upgrade(model)).await.unwrap_or_else(|error| panic!("no socket for {model}: {error}"))
    }

    /// The connection that a request opens, or why the server refuses it.
    pub async fn connect_with(&self, request: Request) -> Result<Page, Error> {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a page that does not read is soon one that cannot be written to.
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, response) = soon("an upgrade", client_async_with_config(request, stream, Some(config))).await?;
        assert_eq!(response.status(), 101);
        let hello = Frame { value: Value::Null, binary: false };
        Ok(Page { socket, session: uuid::Uuid::new_v4().to_string(), hello, seq: 0 })
    }

    /// A page that shows this model for the first time.
    pub async fn page(&self, model: &str) -> Page {
        self.page_that_says(model, json!({})).await
    }

    /// A page whose `hello` has these fields, too (or instead).
    pub async fn page_that_says(&self, model: &str, fields: Json) -> Page {
        let mut page = self.connect(model).await;
        page.say_hello(fields).await;
        page.hello = page.expect("hello").await;
        page
    }
}

impl Page {
    /// Sends the first frame.
    pub async fn say_hello(&mut self, fields: Json) {
        let mut hello = json!({"type": "hello", "version": 1, "session": self.session});
        for (name, value) in fields.as_object().unwrap() {
            hello[name] = value.clone();
        }
        self.session = hello["session"].as_str().unwrap_or_default().to_owned();
        self.send(hello).await;
    }

    /// What this page says when it comes back.
    pub fn resume(&self) -> Json {
        json!({
            "session": self.session,
            "epoch": self.hello["epoch"].as_str().unwrap(),
            "rev": self.hello["rev"].as_i64().unwrap(),
        })
    }

    /// Sends a frame as JSON.
    pub async fn send(&mut self, frame: Json) {
        self.send_text(frame.to_string()).await;
    }

    /// Sends a frame as MessagePack.
    pub async fn send_binary(&mut self, frame: Value) {
        self.send_bytes(rmp_serde::to_vec(&frame).unwrap()).await;
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        soon("sending", self.socket.send(Message::text(text.into()))).await.unwrap();
    }

    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        soon("sending", self.socket.send(Message::binary(bytes))).await.unwrap();
    }

    /// The next `seq` of this page.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Sends a `set` and gives its `seq`.
    pub async fn set(&mut self, state: Json) -> u64 {
        let seq = self.next_seq();
        self.send(json!({"type": "set", "seq": seq, "state": state})).await;
        seq
    }

    /// Sends a `set` as MessagePack and gives its `seq`.
    pub async fn set_binary(&mut self, state: Value) -> u64 {
        let seq = self.next_seq();
        let mut frame = Value::from(json!({"type": "set", "seq": seq}));
        frame["state"] = state;
        self.send_binary(frame).await;
        seq
    }

    /// Sends a `set` and gives the answer, which must be the next frame.
    pub async fn set_and_ack(&mut self, state: Json) -> Frame {
        let seq = self.set(state).await;
        self.ack_of(seq).await
    }

    /// Sends a custom message and gives its `seq`.
    pub async fn message(&mut self, content: Json) -> u64 {
        let seq = self.next_seq();
        self.send(json!({"type": "message", "seq": seq, "content": content, "buffers": []})).await;
        seq
    }

    /// The next thing, whatever it is.
    pub async fn next(&mut self) -> Next {
        loop {
            let message = match soon("a frame", self.socket.next()).await {
                None => return Next::Lost("the end".into()),
                Some(Err(error)) => return Next::Lost(error.to_string()),
                Some(Ok(message)) => message,
            };
            return match message {
                Message::Text(text) if text.is_empty() => Next::Heartbeat,
                Message::Text(text) => {
                    let value: Json = serde_json::from_str(&text).expect("a text frame is JSON");
                    Next::Frame(Frame { value: value.into(), binary: false })
                }
                Message::Binary(bytes) => {
                    let value = rmp_serde::from_slice(&bytes).expect("a binary frame is MessagePack");
                    Next::Frame(Frame { value, binary: true })
                }
                Message::Close(Some(close)) => Next::Closed(close.code.into(), close.reason.to_string()),
                Message::Close(None) => Next::Lost("a close without a code".into()),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Frame {
        match self.next().await {
            Next::Frame(frame) => frame,
            other => panic!("expected a frame, found {other:?}"),
        }
    }

    /// The next frame, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.kind(), kind, "{frame:?}");
        frame
    }

    /// The next frame, which must answer this one of ours.
    pub async fn ack_of(&mut self, seq: u64) -> Frame {
        let ack = self.expect("ack").await;
        assert_eq!(ack["seq"], seq.into());
        ack
    }

    /// Sends something that is answered and asserts that the answer comes next: nothing else was on
    /// its way.
    pub async fn expect_nothing(&mut self) {
        let seq = self.message(json!("anything else?")).await;
        let frame = self.frame().await;
        assert_eq!((frame.kind(), &frame["seq"]), ("ack", &seq.into()), "{frame:?}");
    }

    /// Reads frames until the page has the state of this rev, which they must lead to without a hole.
    pub async fn sets_up_to(&mut self, mut from: u64, rev: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        while from < rev {
            let set = self.expect("set").await;
            assert_eq!(set["base"], from.into(), "{set:?}");
            from = set["rev"].as_i64().unwrap() as u64;
            frames.push(set);
        }
        assert_eq!(from, rev);
        frames
    }

    /// The code that the connection is closed with, after any frames.
    pub async fn close_code(&mut self) -> u16 {
        self.closed().await.0
    }

    /// The code and the reason that the connection is closed with, after any frames.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Next::Closed(code, reason) => return (code, reason),
                Next::Lost(error) => panic!("the connection ended without a close code: {error}"),
                Next::Frame(_) | Next::Heartbeat => {}
            }
        }
    }

    /// Ends the connection as a page does that goes away.
    pub async fn leave(mut self) {
        soon("closing", self.socket.close(None)).await.unwrap();
        while let Some(Ok(_)) = soon("the end", self.socket.next()).await {}
    }
}

impl Frame {
    pub fn kind(&self) -> &str {
        self.value["type"].as_str().unwrap_or("nothing")
    }

    /// Whether the frame has this field, be it null.
    pub fn has(&self, field: &str) -> bool {
        self.value.get(field).is_some()
    }
}

impl Index<&str> for Frame {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.value[field]
    }
}

impl PartialEq<Json> for Frame {
    fn eq(&self, other: &Json) -> bool {
        self.value == Value::from(other.clone())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.binary { "MessagePack" } else { "JSON" };
        write!(f, "{:?} ({kind})", self.value)
    }
}
