//! A real server on a free port, pages that speak to it over real sockets, and a plain HTTP client.

#![allow(dead_code)] // each test binary uses its part
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

pub mod again;
pub mod binary;
pub mod crowd;
pub mod http;
pub mod page;
pub mod proxy;
pub mod raw;
pub mod replica;
pub mod store;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use anywidget_host::{Blob, Host, State, Value, Widget};
use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// How long anything may take before a test gives up on it.
pub const SOON: Duration = Duration::from_secs(30);

/// The result of something that happens soon, or a panic that says what did not.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {SOON:?}"),
    }
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(what, holds).await;
}

/// Bytes as a value.
pub fn bytes(bytes: impl Into<Vec<u8>>) -> Value {
    Blob::from(bytes.into()).into()
}

/// The keys of an object, in alphabetical order.
pub fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str).collect()
}

/// An address that serves a host.
pub struct Site {
    pub address: SocketAddr,
    /// Where the host is mounted.
    pub base: String,
}

/// A host that is being served, until this is dropped.
pub struct Server {
    pub host: Host,
    site: Site,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves a host on a free port.
    pub async fn of(host: Host) -> Server {
        let app = host.router();
        Server::mounted("/anywidget", host, app).await
    }

    /// Serves a host that only knows this widget.
    pub async fn with<W: State>(widget: Widget<W>) -> Server {
        Server::of(Host::builder().widget(widget).build().await.unwrap()).await
    }

    /// Serves a host through buffers so small that a page which does not read is soon one that cannot be written to.
    pub async fn narrow(host: Host) -> Server {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 << 10).unwrap(); // the connections inherit it
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let app = host.router();
        Server::listening(socket.listen(1_024).unwrap(), "/anywidget", host, app)
    }

    /// Serves an app in which the host's routes are below `base`.
    pub async fn mounted(base: &str, host: Host, app: Router) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Server::listening(listener, base, host, app)
    }

    fn listening(listener: TcpListener, base: &str, host: Host, app: Router) -> Server {
        let site = Site { address: listener.local_addr().unwrap(), base: base.to_owned() };
        let task = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Server { host, site, task }
    }
}

impl Deref for Server {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
