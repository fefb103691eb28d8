//! What can be typed behind `anywidget-host`.

use std::path::PathBuf;

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
    /// Where models live: memory
    #[arg(long, default_value = "memory", value_name = "STORE", value_parser = store)]
    pub(crate) store: Store,
    /// When a change counts as made: when it is applied, or when it is stored
    #[arg(long, value_enum, default_value = "applied")]
    pub(crate) durability: Durability,
    /// Send a strict Content-Security-Policy with the pages
    #[arg(long)]
    pub(crate) csp: bool,
}

#[derive(Clone)]
pub(crate) enum Store {
    Memory,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Durability {
    Applied,
    Stored,
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
    match text {
        "memory" => Ok(Store::Memory),
        text if text.starts_with("sqlite:") => Err("this version keeps models in memory only".into()),
        _ => Err("expected `memory`".into()),
    }
}
