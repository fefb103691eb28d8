//! What the benches share: sockets that cost little to read, processes of their own, a table.

#![allow(dead_code)] // each bench uses its part

pub mod again;
pub mod browser;
pub mod client;
pub mod models;
pub mod process;
pub mod reader;
pub mod socket;
pub mod stats;
pub mod table;

use std::error::Error;

/// A bench that cannot go on says why and fails.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The words behind `--` on the command line: only what has one of them in its name is measured. Without any
/// everything is.
pub fn wanted(name: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    words.peek().is_none() || words.any(|word| name.contains(&word))
}
