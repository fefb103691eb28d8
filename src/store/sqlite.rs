//! Models in a SQLite file.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Batch, Durability, Store, Stored};
use crate::error::{Error, Result};

/// Models in a SQLite file.
#[derive(Debug)]
pub struct Sqlite {}

impl Sqlite {
    /// Opens it.
    ///
    /// # Errors
    /// Always, until it is there.
    pub fn open(file: impl AsRef<Path>, _durability: Durability) -> Result<Sqlite> {
        Err(Error::store(format!("{}: not yet", file.as_ref().display())))
    }
}

impl Store for Sqlite {
    fn load<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    fn commit(&self, _batches: Arc<[Batch]>) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn touch(&self, _ids: Vec<Arc<str>>) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
