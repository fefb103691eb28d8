//! The tables, and how a file of an older version gets them.

use rusqlite::Connection;

use super::problem::Result;

/// Says in the header of a SQLite file that it is one of ours: `AWHS`, an anywidget-host store.
const APPLICATION: i32 = 0x4157_4853;

/// Each makes the next version out of the one before; the first makes version 1 out of nothing. They are
/// never changed once they were released.
const STEPS: [fn(&Connection) -> rusqlite::Result<()>; 1] = [first];

/// The version of the schema that this crate reads and writes.
const VERSION: i32 = STEPS.len() as i32;

/// The version that a file has, 0 for a new one. Reads only.
///
/// # Errors
/// When it is not one of ours or newer than we are.
pub(super) fn version(connection: &Connection) -> Result<i32> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return match (application, version, tables) {
            (0, 0, 0) => Ok(0),
            _ => Err("is a SQLite file of another program: choose another path; it was left as it is".into()),
        };
    }
    match version {
        1..=VERSION => Ok(version),
        ..1 => Err(format!("is damaged (schema {version}): put a copy of it back, or choose another path").into()),
        _ => Err(format!(
            "was written by a newer anywidget-host (schema {version}), this one knows up to {VERSION}: \
             use that one, or choose another path"
        )
        .into()),
    }
}

/// Brings a file from this version to ours, all at once or not at all.
pub(super) fn migrate(connection: &mut Connection, from: i32) -> rusqlite::Result<()> {
    if from == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in STEPS.iter().skip(from as usize) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Unsigned numbers are kept as the signed ones with the same bits, because a page chooses `seq` and may choose
/// one above `i64::MAX`: SQL compares none of them. Large columns stand last, so that what is before them is
/// read without them.
fn first(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "
        -- What ended the last run: 'closed', or else the durability that it was killed with.
        CREATE TABLE meta (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            era INTEGER NOT NULL,
            mark TEXT NOT NULL CHECK (mark IN ('closed', 'applied', 'stored'))
        ) STRICT;
        INSERT INTO meta VALUES (1, 1, 'closed');

        -- The history of a model goes on while its era is that of the file.
        CREATE TABLE models (
            n INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            widget TEXT NOT NULL,
            epoch TEXT NOT NULL,
            era INTEGER NOT NULL,
            rev INTEGER NOT NULL,
            messages INTEGER NOT NULL,
            clients INTEGER NOT NULL,
            touched INTEGER NOT NULL
        ) STRICT;

        -- The order of the keys is that of their places; the value of a key that is gone is NULL.
        CREATE TABLE slots (
            model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
            key TEXT NOT NULL,
            rev INTEGER NOT NULL,
            place INTEGER NOT NULL,
            value BLOB,
            PRIMARY KEY (model, key)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE sessions (
            n INTEGER PRIMARY KEY,
            model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
            secret TEXT NOT NULL,
            client INTEGER NOT NULL,
            seq INTEGER,
            seen INTEGER NOT NULL,
            UNIQUE (model, secret)
        ) STRICT;

        -- Numbered per session, so that the oldest are found without counting.
        CREATE TABLE answers (
            session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            n INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            answer BLOB NOT NULL,
            PRIMARY KEY (session, n)
        ) STRICT, WITHOUT ROWID;

        -- Values that did not fit the state any more.
        CREATE TABLE aside (
            model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
            key TEXT NOT NULL,
            rev INTEGER NOT NULL,
            value BLOB NOT NULL,
            PRIMARY KEY (model, key, rev)
        ) STRICT, WITHOUT ROWID;
        ",
    )
}
