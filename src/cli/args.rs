//! What can be typed behind `anywidget-host`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Run anywidget front-end modules in any web page.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve widgets and reload their edits in open pages (what it does without a subcommand)
    Serve(Serve),
}

#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Widget folders, folders of widgets, or NAME.js files [default: the widgets that ship with it]
    pub(crate) path: Vec<PathBuf>,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// Where models are kept: `memory`, or `sqlite:FILE`, where they outlive the process
    #[arg(long, default_value = "memory", value_name = "STORE", value_parser = store)]
    pub(crate) store: Store,
    /// When a page's change is acknowledged: when it is applied, or when it is on disk, so that no kill can undo it
    #[arg(long, value_enum, default_value = "applied")]
    pub(crate) durability: Durability,
    /// Seconds that open requests, sockets and the store may take to end after Ctrl-C or SIGTERM
    #[arg(long, default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) shutdown_timeout: Duration,
    /// Send a strict Content-Security-Policy with the pages
    #[arg(long)]
    pub(crate) csp: bool,
}

#[derive(Clone)]
pub(crate) enum Store {
    Memory,
    Sqlite(PathBuf),
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Durability {
    Applied,
    Stored,
}

impl From<Durability> for anywidget_host::Durability {
    fn from(durability: Durability) -> anywidget_host::Durability {
        match durability {
            Durability::Applied => anywidget_host::Durability::Applied,
            Durability::Stored => anywidget_host::Durability::Stored,
        }
    }
}

impl Args {
    /// `serve` is what it does without a subcommand.
    pub(crate) fn into_serve(self) -> Serve {
        match self.command {
            Some(Command::Serve(serve)) => serve,
            None => self.serve,
        }
    }
}

fn store(text: &str) -> Result<Store, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(Store::Memory),
        Some(("sqlite", "")) => Err("name the file: sqlite:FILE".into()),
        Some(("sqlite", file)) => Ok(Store::Sqlite(file.into())),
        _ => Err("expected `memory` or `sqlite:FILE`".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    const MOST: f64 = 3_600.0;
    match text.parse() {
        Ok(seconds) if (0.0..=MOST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected a number of seconds up to {MOST}")),
    }
}
