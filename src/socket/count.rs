//! The open sockets of a host, counted so that an end can wait for them.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts sockets. An upgraded connection is no request any more, so a server that ends gracefully
/// does not wait for it by itself.
#[derive(Clone)]
pub(crate) struct Sockets(Arc<watch::Sender<usize>>);

/// One open socket; dropped when it is closed.
pub(crate) struct Guard(Arc<watch::Sender<usize>>);

impl Default for Sockets {
    fn default() -> Sockets {
        Sockets(Arc::new(watch::Sender::new(0)))
    }
}

impl Sockets {
    pub(crate) fn open(&self) -> Guard {
        self.0.send_modify(|count| *count += 1);
        Guard(self.0.clone())
    }

    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until every socket is closed.
    pub(crate) async fn all_closed(&self) {
        // The sender lives in `self`, so this cannot fail before it is true.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
