//! Why a socket is closed, in numbers a page acts on: it comes back after 4001, 4002 and 4003, and
//! after no other.

use std::borrow::Cow;
use std::time::Duration;

/// A WebSocket close: a code and a reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
}

/// A close frame holds 125 bytes, two of them the code.
const MAX_REASON: usize = 123;

impl Close {
    fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Close {
        let mut reason = reason.into();
        if reason.len() > MAX_REASON {
            let end = reason.floor_char_boundary(MAX_REASON);
            reason.to_mut().truncate(end);
        }
        Close { code, reason }
    }

    /// 4001: the server ends; the page comes back after `wait`.
    pub(crate) fn shutting_down(wait: Duration) -> Close {
        Close::new(4001, wait.as_millis().to_string())
    }

    /// 4002: the page does not take its frames.
    pub(crate) fn too_slow() -> Close {
        Close::new(4002, "the page did not read its frames in time")
    }

    /// 4003: nothing was heard, not even an answer to a heartbeat.
    pub(crate) fn silent() -> Close {
        Close::new(4003, "nothing was heard from the page")
    }

    /// 4400: a frame that is not of this protocol.
    pub(crate) fn bad_frame(why: impl std::fmt::Display) -> Close {
        Close::new(4400, format!("bad frame: {why}"))
    }

    /// 4403: the page may not see this model.
    pub(crate) fn forbidden() -> Close {
        Close::new(4403, "this model is not for this page")
    }

    /// 4404: there is no such model, or no more.
    pub(crate) fn no_such_model(id: &str) -> Close {
        Close::new(4404, format!("no such model: {id}"))
    }

    /// 4408: the same session said hello on another socket.
    pub(crate) fn taken_over() -> Close {
        Close::new(4408, "another connection goes on with this session; reload the page to go on here")
    }

    /// 4409: the page speaks another version.
    pub(crate) fn version(theirs: &str) -> Close {
        Close::new(4409, format!("this host speaks version {}, the page {theirs}: reload it", super::VERSION))
    }

    /// 4413: a frame above the limit.
    pub(crate) fn too_big(limit: usize) -> Close {
        Close::new(4413, format!("a frame is larger than the limit of {limit} bytes"))
    }
}
