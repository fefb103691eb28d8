//! The open file: what holds from opening to closing it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::problem::{Problem, Result};
use super::worker::Work;
use super::{load, schema, write};
use crate::store::{Durability, Stored};

/// How long to wait for a process that is about to end and has the file.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// Pages of 4 KiB in `FILE-wal` before they are moved into the file, the only time that waits for the disk with
/// [`Durability::Applied`].
const CHECKPOINT_PAGES: u32 = 1_000;

/// What is left of `FILE-wal` after a large commit made it grow, in bytes.
const WAL_BYTES: u32 = 16 << 20;

/// Pages that may stand empty, waiting for the next values. More are given back when they are more than half
/// of the file: so many with each write.
const FREE_PAGES: i64 = 4_096;
const GIVEN_BACK: i64 = 512;

/// A file that this process has to itself.
pub(super) struct File {
    connection: Connection,
    /// How often a run ended without knowing what pages had seen.
    era: i64,
}

impl File {
    /// Opens or makes a file, and notes in it that it is open, on disk before anything else is.
    pub(super) fn open(path: &Path, durability: Durability) -> Result<File> {
        // An absolute path is never taken for a URI or for one of SQLite's special names.
        let path = std::path::absolute(path).map_err(|error| Problem::from(format!("is no path: {error}")))?;
        create(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        if connection.is_readonly("main")? {
            return Err("cannot be written: give this process the right to write to it and its folder".into());
        }
        connection.busy_timeout(LOCK_WAIT)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Otherwise some statements are planned again whenever they get other values.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let version = schema::version(&connection)?;
        settle(&connection)?;
        schema::migrate(&mut connection, version)?;
        let (mark, synchronous) = match durability {
            Durability::Applied => ("applied", "NORMAL"),
            Durability::Stored => ("stored", "FULL"),
        };
        let transaction = connection.transaction()?;
        transaction.execute("UPDATE meta SET era = era + (mark = 'applied'), mark = ?1", [mark])?;
        let era = transaction.query_row("SELECT era FROM meta", [], |row| row.get(0))?;
        transaction.commit()?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        Ok(File { connection, era })
    }

    pub(super) fn load(&self, id: &str) -> Result<Option<Stored>> {
        load::load(&self.connection, self.era, id)
    }

    /// Does all of these in one transaction; the result of each is its own. What fails leaves nothing behind.
    ///
    /// # Errors
    /// When none of them is written: the disk is full, say.
    pub(super) fn write(&mut self, works: &[&Work]) -> Result<Vec<Result<()>>> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut results = Vec::with_capacity(works.len());
        for work in works {
            let savepoint = transaction.savepoint()?;
            let result = match work {
                Work::Commit(batches) => batches.iter().try_for_each(|batch| write::write(&savepoint, self.era, batch)),
                Work::Touch(ids) => Ok(ids.iter().try_for_each(|id| write::touch(&savepoint, id))?),
            };
            match result {
                Ok(()) => savepoint.commit()?,
                Err(_) => drop(savepoint), // rolls back
            }
            if transaction.is_autocommit() {
                // SQLite has rolled everything back.
                return Err(result.err().unwrap_or_else(|| "ended a transaction by itself".into()));
            }
            results.push(result);
        }
        transaction.commit()?;
        if let Err(error) = self.give_back() {
            tracing::debug!(%error, "a store does not shrink");
        }
        Ok(results)
    }

    /// Notes that everything was written, on disk.
    pub(super) fn mark_closed(&mut self) -> Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.execute("UPDATE meta SET mark = 'closed'", [])?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Makes a file smaller that is mostly empty.
    fn give_back(&self) -> rusqlite::Result<()> {
        let pages = |sql| self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        let free = pages("PRAGMA freelist_count")?;
        if free > FREE_PAGES && free > pages("PRAGMA page_count")? / 2 {
            // It frees one page for each row that is read.
            self.connection.pragma(None, "incremental_vacuum", GIVEN_BACK, |_| Ok(()))?;
        }
        Ok(())
    }
}

/// Makes the file if there is none, for its owner only; SQLite would not say why it cannot.
fn create(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = path.parent().unwrap_or(path).display();
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match path.is_dir() {
            true => Err("is a folder: name a file in it".into()),
            false => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("cannot be made, because there is no folder {folder}: make it, or choose another path").into())
        }
        Err(error) => Err(format!(
            "cannot be made ({error}): give this process the right to write to {folder}, or choose another path"
        )
        .into()),
    }
}

/// Everything that SQLite lets one choose. Writes wait for the disk from here on.
fn settle(connection: &Connection) -> Result<()> {
    // It takes effect in a file without tables, before the journal is chosen.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let journal: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if journal != "wal" {
        return Err(format!("cannot be used here, its file system allows no WAL journal but {journal:?}").into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?; // macOS reports writes as done that are not
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
    Ok(())
}
