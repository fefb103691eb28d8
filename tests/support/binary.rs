//! The `anywidget-host` binary as a person starts it.

use std::ffi::OsStr;
use std::ops::Deref;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::{Site, soon};

/// A running server, killed when dropped.
pub struct Binary {
    child: Child,
    site: Site,
    log: Lines<BufReader<ChildStderr>>,
    /// What it wrote on stderr so far.
    pub logged: String,
}

/// The command, its output captured.
pub fn command<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anywidget-host"));
    command.args(args).env_remove("RUST_LOG").env("NO_COLOR", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What the binary says when it does not start: its exit code and stderr.
pub async fn refusal<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> (i32, String) {
    let output = soon("an end", command(args).output()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing on stdout");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

impl Binary {
    /// Starts the binary on a free port.
    pub async fn serve<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Binary {
        let mut command = command(args);
        command.args(["--port", "0"]);
        Binary::start(command).await
    }

    /// Starts a command and waits until it listens.
    pub async fn start(mut command: Command) -> Binary {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let Some(first) = soon("a line on stdout", stdout.next_line()).await.unwrap() else {
            let mut said = String::new();
            while let Ok(Some(line)) = log.next_line().await {
                said += &line;
            }
            panic!("the binary ended: {said}");
        };
        let address =
            first.strip_prefix("listening on http://").unwrap_or_else(|| panic!("the first line is {first:?}"));
        let site = Site { address: address.parse().unwrap(), base: "/anywidget".into() };
        Binary { child, site, log, logged: String::new() }
    }

    /// Waits for a line of the log that contains this, and gives it.
    pub async fn logs(&mut self, part: &str) -> String {
        loop {
            let line = match tokio::time::timeout(super::SOON, self.log.next_line()).await {
                Ok(line) => line.unwrap().unwrap_or_else(|| panic!("it ended without {part:?}:\n{}", self.logged)),
                Err(_) => panic!("nothing with {part:?} was logged, but:\n{}", self.logged),
            };
            self.logged += &line;
            self.logged += "\n";
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends it a signal: `INT` or `TERM`.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs");
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub async fn end(&mut self) -> ExitStatus {
        soon("the end of the binary", self.child.wait()).await.unwrap()
    }
}

impl Deref for Binary {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}
