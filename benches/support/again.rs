//! This program once more, as a process of its own: for what must not share memory or processor time with the rest.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::Failure;

/// How long such a process may take until it says something.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running process, which ends when this is dropped.
pub struct Again {
    child: Child,
    /// Open as long as the process is wanted.
    _stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

/// The arguments behind `role` if this process was started for it.
pub fn arguments(role: &str) -> Option<Vec<String>> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == format!("--as-{role}")).then(|| arguments.collect())
}

/// Ends this process when the one that started it is gone.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
}

impl Again {
    pub fn start(role: &str, arguments: &[String]) -> Result<Again, Failure> {
        Again::spawn(Command::new(std::env::current_exe()?).arg(format!("--as-{role}")).args(arguments))
    }

    /// Any program that tells what it does line by line.
    pub fn spawn(command: &mut Command) -> Result<Again, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        Ok(Again { _stdin: child.stdin.take(), lines, child })
    }

    /// The next line it says.
    pub async fn line(&mut self) -> Result<String, Failure> {
        let line =
            timeout(PATIENCE, self.lines.next_line()).await.map_err(|_| "a process said nothing for three minutes")?;
        line?.ok_or_else(|| "a process ended before it had said everything".into())
    }

    pub fn id(&self) -> Result<u32, Failure> {
        self.child.id().ok_or_else(|| "a process ended early".into())
    }
}
