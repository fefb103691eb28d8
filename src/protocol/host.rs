//! What a host says to a page.

use bytes::Bytes;

use super::codec::{MAX_DEPTH, from_msgpack, to_msgpack};
use crate::value::{Blob, Map, Value};

/// A frame to a page. Built where its facts are, encoded once.
#[derive(Debug)]
pub(crate) enum HostFrame {
    Hello {
        client: u64,
        epoch: String,
        rev: u64,
        /// The whole state, or only what is newer than the page's rev.
        full: bool,
        values: Values,
        /// The last `seq` applied for this session; none when the session is not known.
        seq: Option<u64>,
        /// The number of the custom message after which this connection goes on, so that a page which
        /// has seen none yet knows where it stands.
        messages: u64,
        readonly: Value,
        heartbeat_ms: u64,
        /// The largest frame the host takes, for pages that heed it: those that fetch large values.
        frame_bytes: Option<usize>,
        code: Value,
    },
    Set {
        base: u64,
        rev: u64,
        values: Values,
        origin: Option<Origin>,
    },
    Ack(Ack),
    /// `n` is missing in what is meant for one view.
    Message {
        content: Value,
        buffers: Vec<Blob>,
        rev: u64,
        n: Option<u64>,
    },
    /// A DOM event for every view. Numbered among the messages, so that none is raised twice.
    Event {
        name: String,
        detail: Value,
        rev: u64,
        n: u64,
    },
    Code(Value),
    Gap {
        count: u64,
    },
    Error {
        message: String,
    },
    End {
        reason: String,
    },
}

/// Values for one frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Values {
    pub(crate) state: Map,
    /// What the page fetches by itself: by key, the rev that wrote it and about how many bytes it has.
    pub(crate) large: Map,
}

/// The client and the frame of it that made a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client: u64,
    pub(crate) seq: u64,
}

/// The answer to one `set` or `message`. It is kept, so that a repeated frame gets the same one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ack {
    pub(crate) seq: u64,
    pub(crate) rev: u64,
    /// Keys that were not accepted, with the reason.
    pub(crate) refused: Map,
    /// True values of keys that were refused or altered.
    pub(crate) truth: Values,
}

impl HostFrame {
    /// A `hello` with its values put in.
    pub(crate) fn with_values(mut self, read: Values) -> HostFrame {
        if let HostFrame::Hello { values, .. } = &mut self {
            *values = read;
        }
        self
    }

    /// The frame as a map, ready for either encoding.
    pub(crate) fn into_value(self) -> Value {
        match self {
            HostFrame::Hello {
                client,
                epoch,
                rev,
                full,
                values,
                seq,
                messages,
                readonly,
                heartbeat_ms,
                frame_bytes,
                code,
            } => {
                let mut map = vec![
                    ("version", super::VERSION.into()),
                    ("client", client.into()),
                    ("epoch", epoch.into()),
                    ("rev", rev.into()),
                    ("full", full.into()),
                ];
                map.extend(values.into_fields());
                map.extend(frame_bytes.map(|bytes| ("frame_bytes", (bytes as u64).into())));
                map.extend([
                    ("seq", seq.into()),
                    ("messages", messages.into()),
                    ("readonly", readonly),
                    ("heartbeat", heartbeat_ms.into()),
                    ("code", code),
                ]);
                frame("hello", map)
            }
            HostFrame::Set { base, rev, values, origin } => {
                let mut map = vec![("base", base.into()), ("rev", rev.into())];
                map.extend(values.into_fields());
                map.extend(origin.map(|Origin { client, seq }| {
                    ("origin", Map::from([("client".to_owned(), client.into()), ("seq".to_owned(), seq.into())]).into())
                }));
                frame("set", map)
            }
            HostFrame::Ack(Ack { seq, rev, refused, truth }) => {
                let mut map = vec![("seq", seq.into()), ("rev", rev.into())];
                map.extend((!refused.is_empty()).then(|| ("refused", refused.into())));
                map.extend(truth.into_fields().filter(|(_, values)| values != &Value::object()));
                frame("ack", map)
            }
            HostFrame::Message { content, buffers, rev, n } => {
                let buffers: Value = buffers.into_iter().map(Value::Bytes).collect();
                let mut map = vec![("content", content), ("buffers", buffers), ("rev", rev.into())];
                map.extend(n.map(|n| ("n", n.into())));
                frame("message", map)
            }
            HostFrame::Event { name, detail, rev, n } => {
                frame("event", [("name", name.into()), ("detail", detail), ("rev", rev.into()), ("n", n.into())])
            }
            HostFrame::Code(Value::Object(code)) => {
                let mut map = Map::from([("type".to_owned(), "code".into())]);
                map.extend(code);
                map.into()
            }
            HostFrame::Code(_) => frame("code", []),
            HostFrame::Gap { count } => frame("gap", [("count", count.into())]),
            HostFrame::Error { message } => frame("error", [("message", message.into())]),
            HostFrame::End { reason } => frame("end", [("reason", reason.into())]),
        }
    }
}

impl Ack {
    /// As a store keeps it: the frame, always in MessagePack.
    pub(crate) fn to_bytes(&self) -> Bytes {
        // Without bytes a frame is repeated as one that is known, and answered with the present rev.
        to_msgpack(&HostFrame::Ack(self.clone()).into_value()).unwrap_or_default().into()
    }

    /// None for bytes that are not an ack.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Option<Ack> {
        let Ok(Value::Object(mut fields)) = from_msgpack(bytes, MAX_DEPTH) else { return None };
        let mut map = |name: &str| match fields.swap_remove(name) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let (refused, truth) = (map("refused"), Values { state: map("state"), large: map("large") });
        let number = |name: &str| u64::try_from(fields.get(name)?.as_i64()?).ok();
        Some(Ack { seq: number("seq")?, rev: number("rev")?, refused, truth })
    }
}

impl Values {
    fn into_fields(self) -> impl Iterator<Item = (&'static str, Value)> {
        let large = (!self.large.is_empty()).then(|| ("large", self.large.into()));
        [("state", self.state.into())].into_iter().chain(large)
    }
}

fn frame(kind: &'static str, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut map = Map::from([("type".to_owned(), kind.into())]);
    map.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    map.into()
}
