//! The command line, from arguments to a running server.

mod args;
mod discover;
mod gallery;
mod rust_colour;
mod rust_type;
mod serve;
mod snippet;
mod summary;

use std::io::IsTerminal;

use clap::Parser;

use self::args::Args;

/// Does what the command line says, until it is stopped.
///
/// # Errors
/// A sentence for the person who typed it.
pub(crate) fn run() -> Result<(), String> {
    let serve = Args::parse().into_serve();
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime does not start: {error}"))?;
    runtime.block_on(serve::run(serve))
}
