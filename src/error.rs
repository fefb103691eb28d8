//! What can go wrong on the host's side, and what a page is refused.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::Value;
use crate::value::ValueError;

/// An error of the host: a widget that cannot be loaded, a name that is taken.
///
/// Its message names the thing, what is wrong with it and what to do. Ask [`is_not_found`] and its
/// siblings when code has to decide.
///
/// [`is_not_found`]: Error::is_not_found
#[derive(Clone)]
pub struct Error(Arc<Kind>);

/// The result of what can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) enum Kind {
    /// A file or folder that should be there.
    Missing { path: PathBuf, what: String },
    /// A file that could not be read.
    Io { path: PathBuf, source: std::io::Error },
    /// A JSON file that does not parse.
    Json { path: PathBuf, source: serde_json::Error },
    /// A JSON file that parses and says something we cannot do.
    Manifest { path: PathBuf, what: String },
    /// Two things with one name.
    Duplicate { what: String },
    /// A widget type or name that was never registered.
    Unregistered { what: String },
    /// A store that cannot be opened, read or written.
    Store { place: String, what: String },
    /// A store that has another rev of a model than was expected.
    Conflict { place: String, model: String, what: String },
    /// A store that can never keep this value.
    Unkeepable { place: String, model: String, key: String, what: String },
    /// A value that cannot travel.
    Value { what: String, source: ValueError },
}

impl Error {
    /// Something that should exist does not: a file, a widget.
    pub fn is_not_found(&self) -> bool {
        matches!(&*self.0, Kind::Missing { .. } | Kind::Unregistered { .. })
    }

    /// A name or an id that exists already.
    pub fn is_duplicate(&self) -> bool {
        matches!(&*self.0, Kind::Duplicate { .. })
    }

    /// A `widget.json` (or `NAME.json`) that does not parse or asks for something impossible.
    pub fn is_manifest(&self) -> bool {
        matches!(&*self.0, Kind::Json { .. } | Kind::Manifest { .. })
    }

    /// A [`Store`](crate::store::Store) that could not be opened, read or written.
    pub fn is_store(&self) -> bool {
        matches!(&*self.0, Kind::Store { .. } | Kind::Conflict { .. } | Kind::Unkeepable { .. })
    }

    /// A [`Store`](crate::store::Store) that has another rev of a model than the host expected.
    pub fn is_conflict(&self) -> bool {
        matches!(&*self.0, Kind::Conflict { .. })
    }

    /// The error of a [`Store`](crate::store::Store): the place where it keeps things, and what is wrong there.
    ///
    /// ```
    /// use anywidget_host::Error;
    ///
    /// let error = Error::store("redis://localhost", "cannot be reached: is it running?");
    /// assert_eq!(error.to_string(), "redis://localhost: cannot be reached: is it running?");
    /// assert!(error.is_store());
    /// ```
    pub fn store(place: impl fmt::Display, what: impl fmt::Display) -> Error {
        Kind::Store { place: place.to_string(), what: what.to_string() }.into()
    }

    /// The error of a [`Store`](crate::store::Store) that has another rev of this model than
    /// [`expected`](crate::store::Batch::expected): somebody else has written it. The host looks at what that was
    /// and decides again.
    ///
    /// ```
    /// use anywidget_host::Error;
    ///
    /// let error = Error::conflict("redis://localhost", "global", "it has rev 7 where rev 6 was expected");
    /// assert_eq!(error.to_string(), r#"redis://localhost: model "global": it has rev 7 where rev 6 was expected"#);
    /// assert!(error.is_conflict() && error.is_store());
    /// ```
    pub fn conflict(place: impl fmt::Display, model: impl fmt::Display, what: impl fmt::Display) -> Error {
        Kind::Conflict { place: place.to_string(), model: model.to_string(), what: what.to_string() }.into()
    }

    /// The error of a [`Store`](crate::store::Store) that can never keep this value, however often it is asked: it
    /// is too large, say. The host [takes the value back](crate::store::Store::commit).
    ///
    /// ```
    /// use anywidget_host::Error;
    ///
    /// let error = Error::unkeepable("redis://localhost", "global", "points", "it is above 512 MB");
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"redis://localhost: cannot keep the value of "points" of the model "global": it is above 512 MB"#
    /// );
    /// assert!(error.is_store());
    /// ```
    pub fn unkeepable(
        place: impl fmt::Display,
        model: impl fmt::Display,
        key: impl fmt::Display,
        what: impl fmt::Display,
    ) -> Error {
        let (place, what) = (place.to_string(), what.to_string());
        Kind::Unkeepable { place, model: model.to_string(), key: key.to_string(), what }.into()
    }

    /// Which model of a commit it is about, and which of its keys, where the store has said so.
    pub(crate) fn model(&self) -> Option<(&str, Option<&str>)> {
        match &*self.0 {
            Kind::Conflict { model, .. } => Some((model, None)),
            Kind::Unkeepable { model, key, .. } => Some((model, Some(key))),
            _ => None,
        }
    }

    pub(crate) fn missing(path: &Path, what: impl Into<String>) -> Error {
        Kind::Missing { path: path.to_owned(), what: what.into() }.into()
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Error {
        Kind::Io { path: path.to_owned(), source }.into()
    }

    pub(crate) fn json(path: &Path, source: serde_json::Error) -> Error {
        Kind::Json { path: path.to_owned(), source }.into()
    }

    pub(crate) fn manifest(path: &Path, what: impl Into<String>) -> Error {
        Kind::Manifest { path: path.to_owned(), what: what.into() }.into()
    }

    pub(crate) fn duplicate(what: impl Into<String>) -> Error {
        Kind::Duplicate { what: what.into() }.into()
    }

    pub(crate) fn unregistered(what: impl Into<String>) -> Error {
        Kind::Unregistered { what: what.into() }.into()
    }

    pub(crate) fn value(what: impl Into<String>, source: ValueError) -> Error {
        Kind::Value { what: what.into(), source }.into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Error {
        Error(Arc::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Missing { path, what } => write!(f, "{}: {what}", path.display()),
            Kind::Io { path, source } => write!(f, "{}: cannot be read: {source}", path.display()),
            Kind::Json { path, source } => {
                let (line, column) = (source.line(), source.column());
                let what = source.to_string();
                let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
                write!(f, "{}:{line}:{column}: this JSON does not parse: {what}", path.display())
            }
            Kind::Manifest { path, what } => write!(f, "{}: {what}", path.display()),
            Kind::Duplicate { what } | Kind::Unregistered { what } => f.write_str(what),
            Kind::Store { place, what } => write!(f, "{place}: {what}"),
            Kind::Conflict { place, model, what } => write!(f, "{place}: model {model:?}: {what}"),
            Kind::Unkeepable { place, model, key, what } => {
                write!(f, "{place}: cannot keep the value of {key:?} of the model {model:?}: {what}")
            }
            Kind::Value { what, source } => write!(f, "{what} cannot travel: {source}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Io { source, .. } => Some(source),
            Kind::Json { source, .. } => Some(source),
            Kind::Value { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A handler may return it: status 500, with the message for whoever set the application up.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{self}\n")).into_response()
    }
}

/// What a page is told when it asked for something it cannot have: data, not an error of the host.
///
/// A `validate` returns one to refuse a write, a command to fail an `invoke`. There the page's promise
/// is rejected with an `Error` whose `name` is [`kind`](Refusal::kind).
///
/// ```
/// use anywidget_host::Refusal;
///
/// fn withdraw(balance: i64, amount: i64) -> Result<i64, Refusal> {
///     if amount > balance {
///         return Err(Refusal::new(format!("only {balance} left")).with_kind("Overdrawn"));
///     }
///     Ok(balance - amount)
/// }
/// assert_eq!(withdraw(5, 7).unwrap_err().to_string(), "only 5 left");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: String,
    message: String,
}

impl Refusal {
    /// A refusal of the kind `Refusal`, with a reason that a person can read.
    pub fn new(message: impl Into<String>) -> Refusal {
        Refusal { kind: "Refusal".to_owned(), message: message.into() }
    }

    /// Gives it another kind, for code in the page that has to tell refusals apart.
    pub fn with_kind(mut self, kind: impl Into<String>) -> Refusal {
        self.kind = kind.into();
        self
    }

    /// The refusal for any error, with its message.
    pub fn from_error(error: impl std::error::Error) -> Refusal {
        Refusal::new(error.to_string())
    }

    /// What sort of refusal it is.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// `{type, message}`, as a failed `invoke` carries it.
    pub(crate) fn into_value(self) -> Value {
        let mut value = Value::object();
        value["type"] = self.kind.into();
        value["message"] = self.message.into();
        value
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Refusal {
        Refusal::new(message)
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Refusal {
        Refusal::new(message)
    }
}
