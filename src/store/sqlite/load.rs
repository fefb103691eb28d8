//! One model out of the file.

use rusqlite::{Connection, OptionalExtension};

use super::packed::unpack;
use super::problem::{Problem, Result};
use super::time::at;
use crate::store::{Stored, StoredSession, StoredSlot};

/// What the file says of a model itself.
pub(super) struct Entry {
    pub(super) n: i64,
    pub(super) widget: String,
    pub(super) epoch: String,
    pub(super) era: i64,
    pub(super) rev: u64,
    pub(super) messages: u64,
    pub(super) clients: u64,
}

pub(super) fn entry(connection: &Connection, id: &str) -> rusqlite::Result<Option<Entry>> {
    let sql = "SELECT n, widget, epoch, era, rev, messages, clients FROM models WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .query_row([id], |row| {
            Ok(Entry {
                n: row.get(0)?,
                widget: row.get(1)?,
                epoch: row.get(2)?,
                era: row.get(3)?,
                rev: row.get::<_, i64>(4)?.cast_unsigned(),
                messages: row.get::<_, i64>(5)?.cast_unsigned(),
                clients: row.get::<_, i64>(6)?.cast_unsigned(),
            })
        })
        .optional()
}

/// All that is kept of a model, for a run in this era.
///
/// # Errors
/// When it cannot be read, or a value of it cannot be understood.
pub(super) fn load(connection: &Connection, era: i64, id: &str) -> Result<Option<Stored>> {
    let Some(entry) = entry(connection, id)? else { return Ok(None) };
    let goes_on = entry.era == era;
    Ok(Some(Stored {
        slots: slots(connection, id, entry.n)?,
        sessions: if goes_on { sessions(connection, entry.n)? } else { Vec::new() },
        widget: entry.widget,
        epoch: goes_on.then_some(entry.epoch),
        rev: entry.rev,
        messages: entry.messages,
        clients: entry.clients,
    }))
}

fn slots(connection: &Connection, id: &str, model: i64) -> Result<Vec<StoredSlot>> {
    let mut statement = connection.prepare_cached("SELECT place, key, rev, value FROM slots WHERE model = ?1")?;
    let mut rows = statement.query([model])?;
    let mut slots = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(1)?;
        let value = row.get_ref(3)?.as_blob_or_null().map_err(rusqlite::Error::from)?.map(unpack).transpose();
        let value = value.map_err(|error| {
            Problem::from(format!(
                "has a damaged value of model {id:?}, key {key:?} ({error}): put a copy of the file back, \
                 or delete this row of `slots`"
            ))
        })?;
        let rev = row.get::<_, i64>(2)?.cast_unsigned();
        slots.push((row.get::<_, i64>(0)?, StoredSlot { key: key.into(), rev, value }));
    }
    // Sorted here: SQLite would copy the values for it.
    slots.sort_unstable_by_key(|(place, _)| *place);
    Ok(slots.into_iter().map(|(_, slot)| slot).collect())
}

fn sessions(connection: &Connection, model: i64) -> rusqlite::Result<Vec<StoredSession>> {
    let sql = "SELECT n, secret, client, seq, seen FROM sessions WHERE model = ?1 ORDER BY n";
    let mut statement = connection.prepare_cached(sql)?;
    let sessions = statement.query_map([model], |row| {
        Ok(StoredSession {
            answers: answers(connection, row.get(0)?)?,
            secret: row.get(1)?,
            client: row.get::<_, i64>(2)?.cast_unsigned(),
            seq: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
            seen: at(row.get(4)?),
        })
    })?;
    sessions.collect()
}

fn answers(connection: &Connection, session: i64) -> rusqlite::Result<Vec<(u64, bytes::Bytes)>> {
    let mut statement = connection.prepare_cached("SELECT seq, answer FROM answers WHERE session = ?1 ORDER BY n")?;
    let answers = statement
        .query_map([session], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, Vec<u8>>(1)?.into())))?;
    answers.collect()
}
