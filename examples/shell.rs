//! cargo run --example shell
//!
//! A published widget with its logic in Rust: moutils' terminal, a button that runs a command here. The arguments are
//! the path of moutils' `shell.js` (unless MOUTILS in the environment has it) and the commands, a terminal for each.
//!
//! Commands do not run unless `--allow-shell` is given. Even then a page cannot say what runs, it can only press the
//! button of a command that was given here, and only programs on this machine reach the server.

use std::process::Stdio;
use std::sync::Arc;

use anywidget_host::{Host, Model, Source, Widget};
use axum::response::Html;
use axum::{Router, routing::get, serve};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "the path of shell.js and a command are needed: `pip download --no-deps moutils==0.3.12`, unzip the \
    wheel, then `cargo run --example shell -- moutils/static/shell.js 'echo hi'`";
const OFF: &str = "Running commands is off. Start the example with --allow-shell to turn it on.\n";
const HEAD: &str = r#"<!doctype html><html lang="en"><title>Commands</title><link rel="icon" href="data:,">"#;

/// What a terminal shows. A page that could write these keys could run anything.
#[derive(Clone, Widget)]
struct Shell {
    #[widget(server)]
    command: String,
    #[widget(server)]
    working_directory: String,
    /// Held while the command runs: what two clicks print does not mix.
    #[serde(skip)]
    turn: Arc<Mutex<()>>,
}

/// Runs the command of a terminal. Every page that shows it sees what happens.
async fn run(shell: Model<Shell>) -> Result<()> {
    let state = shell.get();
    let _turn = state.turn.lock().await;
    let end = match stream(&shell, &state).await {
        Ok(code) => json!({"type": "completed", "returncode": code}),
        Err(error) => json!({"type": "error", "error": error.to_string()}),
    };
    Ok(shell.send(end)?)
}

/// Sends what the command prints line by line, stderr in its place among the rest, and gives its exit code.
async fn stream(shell: &Model<Shell>, state: &Shell) -> Result<i32> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec 2>&1\n{}", state.command)).current_dir(&state.working_directory);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut output = BufReader::new(child.stdout.take().ok_or("the command has no output")?);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).await? > 0 {
        shell.send(json!({"type": "output", "data": String::from_utf8_lossy(&line)}))?;
        line.clear();
    }
    Ok(child.wait().await?.code().unwrap_or(-1)) // a signal has no code
}

#[tokio::main]
async fn main() -> Result<()> {
    let (flags, args): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let allowed = flags.iter().any(|flag| flag == "--allow-shell");
    let args: Vec<String> = std::env::var("MOUTILS").into_iter().chain(args).collect();
    let (path, commands) = args.split_first().filter(|(_, commands)| !commands.is_empty()).ok_or(USAGE)?;
    let esm = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}; {USAGE}"))?;

    let widget = Widget::<Shell>::new("shell", Source::inline(esm)).on_message(move |shell, message| {
        let asked = message.content.as_str() == Some("execute_command");
        if asked && allowed {
            tokio::spawn(run(shell.clone()));
        }
        if asked && !allowed {
            // Only the page that asked is told.
            let told = message.reply(json!({"type": "output", "data": OFF}));
            drop(told.and_then(|()| message.reply(json!({"type": "completed", "returncode": 126}))));
        }
    });
    let host = Host::builder().widget(widget).build().await?;
    let mut page = HEAD.to_owned();
    for (n, command) in commands.iter().enumerate() {
        let shell = Shell { command: command.clone(), working_directory: ".".into(), turn: Arc::default() };
        page += &host.open(format!("shell-{n}"), || shell).await?.view().to_string();
    }
    let app = Router::new().route("/", get(async || Html(page))).merge(host.router());

    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}
