//! The open sockets of a host: counted, and closed together at its end.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts sockets. An upgraded connection is no request any more, so a server that ends gracefully
/// does not wait for it by itself.
#[derive(Clone, Default)]
pub(crate) struct Sockets(Arc<Shared>);

struct Shared {
    count: watch::Sender<usize>,
    /// Those among them that may still change a model. The others only say goodbye.
    speaking: watch::Sender<usize>,
    closing: watch::Sender<bool>,
}

/// One open socket; dropped when it is closed.
pub(crate) struct Guard {
    sockets: Sockets,
    closing: watch::Receiver<bool>,
    speaking: bool,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared { count: watch::Sender::new(0), speaking: watch::Sender::new(0), closing: watch::Sender::new(false) }
    }
}

impl Sockets {
    /// A place among the open sockets; none once they are being closed.
    pub(crate) fn open(&self) -> Option<Guard> {
        self.0.count.send_modify(|count| *count += 1);
        self.0.speaking.send_modify(|count| *count += 1);
        let guard = Guard { sockets: self.clone(), closing: self.0.closing.subscribe(), speaking: true };
        (!*self.0.closing.borrow()).then_some(guard)
    }

    pub(crate) fn count(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Tells every socket to close.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Waits until no page can change a model any more.
    pub(crate) async fn silent(&self) {
        // The senders live in `self`, so this cannot fail before it is true, nor can the next.
        let _ = self.0.speaking.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits until all are closed.
    pub(crate) async fn closed(&self) {
        let _ = self.0.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Guard {
    /// Waits until the socket is told to close.
    pub(crate) async fn closing(&mut self) {
        // The sender lives in `self`, so this cannot fail before it is true.
        let _ = self.closing.wait_for(|closing| *closing).await;
    }
}

impl Guard {
    /// From now on this socket changes nothing.
    pub(crate) fn is_silent(&mut self) {
        if std::mem::take(&mut self.speaking) {
            self.sockets.0.speaking.send_modify(|count| *count -= 1);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.is_silent();
        self.sockets.0.count.send_modify(|count| *count -= 1);
    }
}
