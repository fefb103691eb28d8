//! One batch into the file.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::load::{Entry, entry};
use super::packed::pack;
use super::problem::{Problem, Result};
use super::time::millis;
use crate::state::KeyName;
use crate::store::{Batch, StoredSession, StoredSlot};

/// Writes what is new of a model. What it wrote before an error has to be rolled back.
///
/// # Errors
/// When the file has another rev of it than expected, a value cannot be kept, or SQLite says no.
pub(super) fn write(connection: &Connection, era: i64, batch: &Batch) -> Result<()> {
    let before = entry(connection, &batch.id)?;
    let rev = before.as_ref().map(|entry| entry.rev);
    if rev != batch.expected {
        let named = |rev: Option<u64>| rev.map_or("nothing".to_owned(), |rev| format!("rev {rev}"));
        let what = format!(
            "it has {} where {} was expected: somebody else writes this model, so give each host a file of its own; \
             nothing of this was written",
            named(rev),
            named(batch.expected),
        );
        return Err(Problem::Conflict { model: batch.id.to_string(), what });
    }
    if batch.ended {
        connection.prepare_cached("DELETE FROM models WHERE id = ?1")?.execute([&*batch.id])?;
        return Ok(());
    }
    let model = match before {
        Some(before) => update(connection, era, batch, &before)?,
        None => insert(connection, era, batch)?,
    };
    put_aside(connection, model, &batch.aside)?;
    write_slots(connection, model, batch)?;
    forget(connection, model, &batch.forgotten)?;
    for session in &batch.sessions {
        write_session(connection, model, session, batch.answers_kept)?;
    }
    Ok(())
}

/// Notes that a model was in use until now.
pub(super) fn touch(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE models SET touched = ?2 WHERE id = ?1")?;
    statement.execute(params![id, millis(SystemTime::now())])?;
    Ok(())
}

fn insert(connection: &Connection, era: i64, batch: &Batch) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO models (id, widget, epoch, era, rev, messages, clients, touched)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.insert(params![
        &*batch.id,
        batch.widget,
        &*batch.epoch,
        era,
        batch.rev.cast_signed(),
        batch.messages.cast_signed(),
        batch.clients.cast_signed(),
        millis(SystemTime::now()),
    ])
}

fn update(connection: &Connection, era: i64, batch: &Batch, before: &Entry) -> rusqlite::Result<i64> {
    let same = *before.epoch == *batch.epoch;
    if !same {
        // Nobody comes back to the old history, or has to be told which of its keys are gone.
        connection.prepare_cached("DELETE FROM sessions WHERE model = ?1")?.execute([before.n])?;
        connection.prepare_cached("DELETE FROM slots WHERE model = ?1 AND value IS NULL")?.execute([before.n])?;
    }
    let sql = "UPDATE models SET widget = ?2, epoch = ?3, era = ?4, rev = ?5, messages = ?6, clients = ?7,
               touched = ?8 WHERE n = ?1";
    connection.prepare_cached(sql)?.execute(params![
        before.n,
        batch.widget,
        &*batch.epoch,
        if same { before.era } else { era }, // a history that was cut stays so
        batch.rev.cast_signed(),
        batch.messages.cast_signed(),
        batch.clients.cast_signed(),
        millis(SystemTime::now()),
    ])?;
    Ok(before.n)
}

fn put_aside(connection: &Connection, model: i64, keys: &[KeyName]) -> rusqlite::Result<()> {
    for key in keys {
        let sql = "INSERT OR REPLACE INTO aside (model, key, rev, value)
                   SELECT model, key, rev, value FROM slots WHERE model = ?1 AND key = ?2 AND value IS NOT NULL";
        connection.prepare_cached(sql)?.execute(params![model, key])?;
        connection.prepare_cached("DELETE FROM slots WHERE model = ?1 AND key = ?2")?.execute(params![model, key])?;
    }
    Ok(())
}

fn write_slots(connection: &Connection, model: i64, batch: &Batch) -> Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE slots SET rev = ?3, value = ?4 WHERE model = ?1 AND key = ?2")?;
    let mut insert =
        connection.prepare_cached("INSERT INTO slots (model, key, rev, value, place) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    // Looked up once, when there is a new key: it walks all keys of the model.
    let mut last_place = None;
    for StoredSlot { key, rev, value } in &batch.slots {
        let unkeepable = |what: String| Problem::Unkeepable { model: batch.id.to_string(), key: key.to_string(), what };
        let value = value.as_ref().map(pack).transpose().map_err(unkeepable)?;
        let rev = rev.cast_signed();
        let too_big = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::TooBig) => unkeepable("it is above 1 GB".to_owned()),
            _ => error.into(),
        };
        if update.execute(params![model, key, rev, value]).map_err(too_big)? > 0 {
            continue;
        }
        let place = match last_place {
            Some(place) => place + 1,
            None => next_place(connection, model)?,
        };
        last_place = Some(place);
        insert.execute(params![model, key, rev, value, place]).map_err(too_big)?;
    }
    Ok(())
}

fn next_place(connection: &Connection, model: i64) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(place), 0) + 1 FROM slots WHERE model = ?1")?;
    statement.query_row([model], |row| row.get(0))
}

fn forget(connection: &Connection, model: i64, secrets: &[String]) -> rusqlite::Result<()> {
    for secret in secrets {
        let sql = "DELETE FROM sessions WHERE model = ?1 AND secret = ?2";
        connection.prepare_cached(sql)?.execute(params![model, secret])?;
    }
    Ok(())
}

fn write_session(connection: &Connection, model: i64, session: &StoredSession, kept: usize) -> rusqlite::Result<()> {
    let sql = "INSERT INTO sessions (model, secret, client, seq, seen) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (model, secret)
               DO UPDATE SET client = excluded.client, seq = excluded.seq, seen = excluded.seen RETURNING n";
    let seq = session.seq.map(u64::cast_signed);
    let values = params![model, session.secret, session.client.cast_signed(), seq, millis(session.seen)];
    let n: i64 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    write_answers(connection, n, session, kept)
}

fn write_answers(connection: &Connection, n: i64, session: &StoredSession, kept: usize) -> rusqlite::Result<()> {
    let sql = "SELECT n, seq FROM answers WHERE session = ?1 ORDER BY n DESC LIMIT 1";
    let newest = connection
        .prepare_cached(sql)?
        .query_row([n], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
        .optional()?;
    // Frames are numbered upwards, so what is not above the newest is here already.
    let (mut last, had) = newest.map_or((0, None), |(last, seq)| (last, Some(seq)));
    let mut insert =
        connection.prepare_cached("INSERT INTO answers (session, n, seq, answer) VALUES (?1, ?2, ?3, ?4)")?;
    for (seq, answer) in session.answers.iter().filter(|(seq, _)| had.is_none_or(|had| *seq > had)) {
        last += 1;
        insert.execute(params![n, last, seq.cast_signed(), &answer[..]])?;
    }
    let gone = last.saturating_sub(i64::try_from(kept).unwrap_or(i64::MAX));
    connection.prepare_cached("DELETE FROM answers WHERE session = ?1 AND n <= ?2")?.execute([n, gone])?;
    Ok(())
}
