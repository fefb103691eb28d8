//! This test once more, as a process of its own: for what must not share memory with the pages that look at it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Set for the second process.
const VARIABLE: &str = "ANYWIDGET_HOST_TEST_AGAIN";
/// What it says is told apart from what a test harness says.
const MARK: &str = "again: ";

/// The second process, as the first one sees it. It is killed when this is dropped.
pub struct Again {
    child: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Whether this process is the second one.
pub fn is_second() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The orders for the second process. They end when the first one is gone.
pub fn orders() -> impl Iterator<Item = String> {
    std::io::stdin().lines().map_while(Result::ok)
}

/// Tells the first process something.
pub fn say(what: impl std::fmt::Display) {
    println!("{MARK}{what}");
}

impl Again {
    /// Runs the test of this name, with its modules, once more.
    pub fn start(test: &str) -> Again {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(VARIABLE, "1").kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Again { orders, lines: BufReader::new(stdout).lines(), child }
    }

    pub async fn order(&mut self, what: &str) {
        self.orders.write_all(format!("{what}\n").as_bytes()).await.unwrap();
    }

    /// What it says next.
    pub async fn line(&mut self, patience: Duration) -> String {
        loop {
            let line = match timeout(patience, self.lines.next_line()).await {
                Ok(line) => line.unwrap().expect("the second process ended; is the name of the test right?"),
                Err(_) => panic!("the second process said nothing for {patience:?}"),
            };
            // The harness does not end its own line before a test speaks.
            if let Some((_, said)) = line.split_once(MARK) {
                return said.to_owned();
            }
        }
    }

    /// Its resident memory in bytes, as Linux counts it.
    pub fn resident(&self) -> i64 {
        let id = self.child.id().expect("the second process runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<i64>().unwrap() * 1024
    }
}
