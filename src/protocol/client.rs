//! What a page may say, parsed from an untrusted frame.

use crate::value::{Blob, Map, Value};

/// A frame from a page.
#[derive(Debug, PartialEq)]
pub(crate) enum ClientFrame {
    Hello(Hello),
    /// Change these keys.
    Set {
        seq: u64,
        state: Map,
    },
    /// A custom message of the widget.
    Message {
        seq: u64,
        content: Value,
        buffers: Vec<Blob>,
    },
    /// Asks for a full `hello`.
    Get,
    /// Something went wrong in the page.
    Error {
        phase: String,
        message: String,
        stack: String,
    },
}

/// The first frame of a connection.
#[derive(Debug, PartialEq)]
pub(crate) struct Hello {
    /// A secret of the page that names its session across connections.
    pub(crate) session: String,
    /// The epoch and rev the page has, if it has any state.
    pub(crate) since: Option<(String, u64)>,
    /// The number of the last custom message it has seen.
    pub(crate) messages: Option<u64>,
    pub(crate) fetches: Fetches,
}

/// Which values a page fetches by itself, so that none holds up its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetches {
    /// None: it gets everything in its frames.
    Nothing,
    /// Large ones.
    Large,
    /// Only very large ones: it is on the host's own machine, where a frame is twice as fast.
    VeryLarge,
}

/// Why a frame is not one of this protocol.
#[derive(Debug, PartialEq)]
pub(crate) enum Malformed {
    Frame(String),
    /// A `hello` of another version, which is told apart so that the page can say so.
    Version(String),
    /// A type we do not know: a page newer than this host may send what older ones can do without.
    Type(String),
}

/// The longest `session` or `epoch`, in characters.
const MAX_IDENTITY: usize = 64;

impl ClientFrame {
    /// Takes a decoded frame apart.
    ///
    /// # Errors
    /// Anything that `docs/protocol.md` does not allow; the message names the field.
    pub(crate) fn parse(frame: Value) -> Result<ClientFrame, Malformed> {
        let Value::Object(fields) = frame else {
            return Err(Malformed::Frame("a frame is a map with a type".into()));
        };
        let mut fields = Fields(fields);
        let kind = fields.text("type")?;
        match kind.as_str() {
            "hello" => fields.hello().map(ClientFrame::Hello),
            "set" => Ok(ClientFrame::Set { seq: fields.number("seq")?, state: fields.state()? }),
            "message" => Ok(ClientFrame::Message {
                seq: fields.number("seq")?,
                content: fields.0.swap_remove("content").unwrap_or_default(),
                buffers: fields.buffers()?,
            }),
            "get" => Ok(ClientFrame::Get),
            "error" => Ok(ClientFrame::Error {
                phase: fields.text("phase").unwrap_or_default(),
                message: fields.text("message")?,
                stack: fields.text("stack").unwrap_or_default(),
            }),
            other => Err(Malformed::Type(other.to_owned())),
        }
    }
}

/// The fields of a frame, taken out one by one.
struct Fields(Map);

impl Fields {
    fn hello(&mut self) -> Result<Hello, Malformed> {
        match self.0.swap_remove("version") {
            Some(version) if version.as_i64() == Some(super::VERSION as i64) => {}
            other => return Err(Malformed::Version(format!("{:?}", other.unwrap_or_default()))),
        }
        let session = self.identity("session")?.ok_or_else(|| wrong("session", "text"))?;
        let epoch = self.identity("epoch")?;
        let rev = self.optional_number("rev")?;
        let mut says = |name| matches!(self.0.swap_remove(name), Some(Value::Bool(true)));
        let fetches = match (says("fetches"), says("near")) {
            (false, _) => Fetches::Nothing,
            (true, false) => Fetches::Large,
            (true, true) => Fetches::VeryLarge,
        };
        Ok(Hello { session, since: epoch.zip(rev), messages: self.optional_number("messages")?, fetches })
    }

    fn text(&mut self, name: &str) -> Result<String, Malformed> {
        match self.0.swap_remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(wrong(name, "text")),
        }
    }

    fn identity(&mut self, name: &str) -> Result<Option<String>, Malformed> {
        match self.0.swap_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= MAX_IDENTITY => Ok(Some(text)),
            Some(_) => Err(wrong(name, "text of 1 to 64 characters")),
        }
    }

    fn optional_number(&mut self, name: &str) -> Result<Option<u64>, Malformed> {
        match self.0.swap_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.decode().map(Some).map_err(|_| wrong(name, "a whole number")),
        }
    }

    fn number(&mut self, name: &str) -> Result<u64, Malformed> {
        self.optional_number(name)?.ok_or_else(|| wrong(name, "a whole number"))
    }

    fn state(&mut self) -> Result<Map, Malformed> {
        match self.0.swap_remove("state") {
            Some(Value::Object(state)) => Ok(state),
            _ => Err(wrong("state", "a map")),
        }
    }

    fn buffers(&mut self) -> Result<Vec<Blob>, Malformed> {
        match self.0.swap_remove("buffers") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::Bytes(blob) => Ok(blob),
                    _ => Err(wrong("buffers", "a list of bytes")),
                })
                .collect(),
            Some(_) => Err(wrong("buffers", "a list of bytes")),
        }
    }
}

fn wrong(name: &str, expected: &str) -> Malformed {
    Malformed::Frame(format!("`{name}` must be {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(frame: serde_json::Value) -> Result<ClientFrame, Malformed> {
        ClientFrame::parse(frame.into())
    }

    #[test]
    fn a_hello_of_another_version_is_told_apart() {
        let error = parse(json!({"type": "hello", "version": 2, "session": "s"})).unwrap_err();
        assert_eq!(error, Malformed::Version("2".into()));
    }

    #[test]
    fn an_unknown_type_is_told_apart() {
        assert_eq!(parse(json!({"type": "dance"})).unwrap_err(), Malformed::Type("dance".into()));
    }

    #[test]
    fn a_rev_without_its_epoch_means_nothing() {
        let frame = parse(json!({"type": "hello", "version": 1, "session": "s", "rev": 3})).unwrap();
        assert_eq!(
            frame,
            ClientFrame::Hello(Hello { session: "s".into(), since: None, messages: None, fetches: Fetches::Nothing })
        );
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (frame, name) in [
            (json!([]), "a map"),
            (json!({"type": "set", "seq": -1, "state": {}}), "`seq`"),
            (json!({"type": "set", "seq": 1.5, "state": {}}), "`seq`"),
            (json!({"type": "set", "seq": 1, "state": []}), "`state`"),
            (json!({"type": "message", "content": 1}), "`seq`"),
            (json!({"type": "message", "seq": 1, "buffers": ["x"]}), "`buffers`"),
            (json!({"type": "hello", "version": 1, "session": "x".repeat(65)}), "`session`"),
            (json!({"type": "hello", "version": 1, "session": ""}), "`session`"),
        ] {
            match parse(frame.clone()) {
                Err(Malformed::Frame(message)) => assert!(message.contains(name), "{message}"),
                other => panic!("{frame} gave {other:?}"),
            }
        }
    }
}
