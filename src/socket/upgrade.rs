//! From an HTTP request to a WebSocket.
//!
//! axum's own upgrade hides the connection behind its socket. We need it: to set `TCP_NODELAY` whoever
//! accepted it (without, a round trip may take 40 ms more), and to empty it when a frame was too big, so
//! that the peer learns why it is closed. The handshake and the framing are tungstenite's.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::metered::Metered;
use crate::protocol::{Close, Limits, SUBPROTOCOL};
use crate::session::Session;
use crate::socket;

/// Bytes a connection reads at once; it has a buffer of this size as long as it lives.
const READ_BUFFER: usize = 2 << 10;

/// Bytes that wait for one write. tungstenite's buffer never shrinks, so a burst leaves it this big.
const WRITE_BUFFER: usize = 4 << 10;

/// How long the server may take to hand over the connection.
const HANDOVER: Duration = Duration::from_secs(10);

/// A request that asks for a WebSocket, checked.
pub(crate) struct Upgrade {
    accept: String,
    protocol: Option<HeaderValue>,
    connection: OnUpgrade,
}

impl Upgrade {
    /// Checks the request.
    ///
    /// # Errors
    /// A response that says what is missing.
    pub(crate) fn from_request(request: &mut Request<Body>) -> Result<Upgrade, Box<Response>> {
        let headers = request.headers();
        let refuse = |what: &'static str| {
            let upgrade = [(CONNECTION, "upgrade"), (UPGRADE, "websocket")];
            Box::new((StatusCode::UPGRADE_REQUIRED, upgrade, what).into_response())
        };
        if request.method() != Method::GET
            || !has_token(headers, CONNECTION, "upgrade")
            || !has_token(headers, UPGRADE, "websocket")
        {
            return Err(refuse("this address speaks WebSocket\n"));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(refuse("this host speaks WebSocket version 13\n"));
        }
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
            return Err(refuse("the Sec-WebSocket-Key header is missing\n"));
        };
        let accept = derive_accept_key(key.as_bytes());
        let offered = headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|offered| offered.to_str().ok());
        let protocol = offered.and_then(|offered| {
            let mut names = offered.split(',').map(str::trim);
            let first = names.clone().next()?;
            // A browser drops a socket whose offer is not taken; a page of another version must get
            // as far as the close code that tells it so.
            HeaderValue::from_str(names.find(|name| *name == SUBPROTOCOL).unwrap_or(first)).ok()
        });
        let Some(connection) = request.extensions_mut().remove::<OnUpgrade>() else {
            return Err(refuse("this server does not hand over its connections\n"));
        };
        Ok(Upgrade { accept, protocol, connection })
    }

    /// Whether the page speaks our version, as far as its offer tells.
    fn other_version(&self) -> Option<Close> {
        let offered = self.protocol.as_ref()?.to_str().ok()?;
        (offered != SUBPROTOCOL).then(|| Close::version(offered))
    }

    /// Answers the request and runs the session once the connection is ours. With a close instead of a
    /// session, the page is told that.
    pub(crate) fn respond(
        self,
        session: Result<Session, Close>,
        limits: std::sync::Arc<Limits>,
        mut guard: socket::Guard,
    ) -> Response {
        let session = match self.other_version() {
            Some(close) => Err(close),
            None => session,
        };
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        tokio::spawn(async move {
            let Ok(Ok(connection)) = tokio::time::timeout(HANDOVER, self.connection).await else { return };
            let config = config(&limits);
            match downcast::<TokioIo<TcpStream>>(connection) {
                Ok(parts) => {
                    // hyper's read buffer must not live as long as the socket.
                    let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
                    drop(parts.read_buf);
                    let _ = stream.set_nodelay(true); // a slower socket is no reason to fail
                    Box::pin(run(stream, read, config, session, &limits, &mut guard)).await;
                }
                Err(connection) => {
                    Box::pin(run(TokioIo::new(connection), Vec::new(), config, session, &limits, &mut guard)).await;
                }
            }
        });
        response
    }
}

async fn run<S>(
    stream: S,
    read: Vec<u8>,
    config: WebSocketConfig,
    session: Result<Session, Close>,
    limits: &Limits,
    guard: &mut socket::Guard,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let stream = Metered::new(stream, read.len());
    let mut socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
    socket::drive(&mut socket, session, limits, guard).await;
}

fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(limits.frame_bytes))
        .max_frame_size(Some(limits.frame_bytes))
}

fn has_token(headers: &HeaderMap, name: http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    let mut tokens = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tokens.any(|value| value.trim().eq_ignore_ascii_case(token))
}
