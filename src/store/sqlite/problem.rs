//! What is wrong with the file, in words that say what to do.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::Error;

/// Why something could not be done. It is said behind the path of the file.
#[derive(Debug)]
pub(super) enum Problem {
    Sqlite(rusqlite::Error),
    /// It has another rev of this model than was expected.
    Conflict {
        model: String,
        what: String,
    },
    /// It can never keep this value.
    Unkeepable {
        model: String,
        key: String,
        what: String,
    },
    Other(String),
}

impl Problem {
    /// As the store says it.
    pub(super) fn said(self, path: &Path) -> Error {
        let place = path.display();
        match self {
            Problem::Conflict { model, what } => Error::conflict(place, model, what),
            Problem::Unkeepable { model, key, what } => Error::unkeepable(place, model, key, what),
            problem => Error::store(place, problem),
        }
    }
}

pub(super) type Result<T, E = Problem> = std::result::Result<T, E>;

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Problem {
        Problem::Sqlite(error)
    }
}

impl From<&str> for Problem {
    fn from(what: &str) -> Problem {
        Problem::Other(what.to_owned())
    }
}

impl From<String> for Problem {
    fn from(what: String) -> Problem {
        Problem::Other(what)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Problem::Sqlite(error) => error,
            Problem::Other(what) | Problem::Conflict { what, .. } | Problem::Unkeepable { what, .. } => {
                return f.write_str(what);
            }
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => f.write_str(
                "is in use by another process, or was opened twice by this one: a file is for one host, \
                 so end the other or choose another file",
            ),
            Some(ErrorCode::NotADatabase) => {
                f.write_str("is not a SQLite file, or an encrypted one: choose another path; it was left as it is")
            }
            Some(ErrorCode::DatabaseCorrupt) => {
                write!(f, "is damaged ({error}): put a copy of it back, or move it away to begin with nothing")
            }
            Some(ErrorCode::DiskFull) => f.write_str(
                "has no room to grow, the disk is full: nothing of this was written; make room and try again",
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                write!(
                    f,
                    "cannot be opened or written ({error}): this process needs the right to write to it and its folder"
                )
            }
            Some(ErrorCode::SystemIoFailure) => {
                write!(f, "cannot be read or written, the disk says no ({error}): nothing of this was written")
            }
            Some(ErrorCode::TooBig) => f.write_str("takes no value above 1 GB: nothing of this was written"),
            _ => write!(f, "cannot be used: {error}"),
        }
    }
}
