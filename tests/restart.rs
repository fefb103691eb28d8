//! The binary with a store: what a person sees who ends it, starts it again, or gives it a file it cannot use.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use support::binary::{Binary, refusal};
use support::page::Next;

/// A widget folder and a place for a store.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(TempDir::new().unwrap());
        fs::create_dir(files.path("pad")).unwrap();
        files.state(json!({"text": "", "size": 1}));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn state(&self, state: serde_json::Value) {
        fs::write(self.path("pad/widget.json"), json!({"state": state}).to_string()).unwrap();
    }

    fn store(&self) -> String {
        format!("sqlite:{}", self.path("state.db").display())
    }

    async fn serve(&self, more: &[&str]) -> Binary {
        let (pad, store) = (self.path("pad"), self.store());
        let args = [&[pad.to_str().unwrap(), "--store", &store], more].concat();
        Binary::serve(args).await
    }

    async fn refused(&self, more: &[&str]) -> String {
        let (pad, store) = (self.path("pad"), self.store());
        let args = [&[pad.to_str().unwrap(), "--port", "0", "--store", &store], more].concat();
        let (code, error) = refusal(args).await;
        assert_eq!(code, 1, "{error}");
        error
    }
}

#[tokio::test]
async fn after_sigterm_everything_is_there_and_pages_go_on() {
    for durability in ["applied", "stored"] {
        let files = Files::new();
        let mut binary = files.serve(&["--durability", durability]).await;
        let mut page = binary.page("pad").await;
        let ack = page.set_and_ack(json!({"text": "hello"})).await;
        let mut resume = page.resume();
        resume["rev"] = json!(1);
        binary.signal("TERM").await;
        // Answered until the end: what was sent is in the store.
        let (code, wait) = page.closed().await;
        assert_eq!(code, 4001);
        assert!(wait.parse::<u64>().is_ok(), "{wait}");
        drop(page);
        assert_eq!(binary.end().await.code(), Some(0));

        let binary = files.serve(&["--durability", durability]).await;
        assert_eq!(binary.get("/anywidget/models/pad/state").await.json(), json!({"text": "hello", "size": 1}));
        let mut page = binary.page_that_says("pad", resume).await;
        assert_eq!((&page.hello["full"], &page.hello["seq"]), (&false.into(), &1.into()), "{durability}");
        page.send(json!({"type": "set", "seq": 1, "state": {"text": "hello"}})).await;
        assert_eq!(page.expect("ack").await, ack, "applied once");
    }
}

/// Values in pages may be newer than those in the file, so pages start from what there is.
#[tokio::test]
async fn after_a_kill_with_applied_pages_start_anew() {
    let files = Files::new();
    let mut binary = files.serve(&[]).await;
    let mut page = binary.page("pad").await;
    page.set_and_ack(json!({"text": "hello"})).await;
    let resume = page.resume();
    binary.signal("KILL").await;
    binary.end().await;

    let binary = files.serve(&[]).await;
    let page = binary.page_that_says("pad", resume.clone()).await;
    assert_ne!(page.hello["epoch"], resume["epoch"].clone().into());
    assert_eq!((page.hello["full"].clone(), page.hello["seq"].clone()), (true.into(), json!(null).into()));
    let shown = page.hello["state"].clone();
    assert_eq!(binary.get("/anywidget/models/pad/state").await.json(), serde_json::to_value(shown).unwrap());
}

#[tokio::test]
async fn after_a_kill_with_stored_pages_go_on() {
    let files = Files::new();
    let mut binary = files.serve(&["--durability", "stored"]).await;
    let mut page = binary.page("pad").await;
    page.set_and_ack(json!({"text": "hello"})).await;
    let resume = page.resume();
    binary.signal("KILL").await;
    binary.end().await;

    let binary = files.serve(&["--durability", "stored"]).await;
    let page = binary.page_that_says("pad", resume).await;
    assert_eq!((&page.hello["full"], &page.hello["rev"]), (&false.into(), &1.into()));
    assert_eq!(page.hello["state"], json!({"text": "hello"}).into());
}

/// The folder says what is there at first, the store what became of it.
#[tokio::test]
async fn an_edited_widget_json_adds_its_new_keys() {
    let files = Files::new();
    let mut binary = files.serve(&[]).await;
    binary.page("pad").await.set_and_ack(json!({"text": "hello"})).await;
    binary.signal("INT").await;
    binary.end().await;
    files.state(json!({"text": "other", "colour": "red"}));
    let mut binary = files.serve(&[]).await;
    assert_eq!(binary.get("/anywidget/models/pad/state").await.json(), json!({"text": "hello", "colour": "red"}));
    let line = binary.logs("size").await;
    assert!(line.contains("WARN") && line.contains("kept aside"), "{line}");
}

#[tokio::test]
async fn a_file_that_is_in_use_is_refused() {
    let files = Files::new();
    let first = files.serve(&[]).await;
    let error = files.refused(&[]).await;
    assert!(error.contains("state.db: ") && error.contains("another process"), "{error}");
    assert_eq!(first.get("/anywidget/models/pad/state").await.status, 200, "the first goes on");
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let files = Files::new();
    let text = "a text of somebody, which is no database at all: it only has the same name. ".repeat(20);
    fs::write(files.path("state.db"), &text).unwrap();
    let error = files.refused(&[]).await;
    assert!(error.contains("state.db: ") && error.contains("SQLite"), "{error}");
    assert_eq!(fs::read_to_string(files.path("state.db")).unwrap(), text);
}

#[tokio::test]
async fn a_store_that_is_not_named_right_is_refused_with_what_to_type() {
    for (args, part) in [
        (vec!["--durability", "stored"], "--store sqlite:FILE"),
        (vec!["--store", "sqlite:"], "sqlite:FILE"),
        (vec!["--store", "postgres:x"], "`memory` or `sqlite:FILE`"),
        (vec!["--store", "sqlite:/no/such/folder/state.db"], "no folder /no/such/folder"),
        (vec!["--shutdown-timeout", "soon"], "seconds"),
    ] {
        let (code, error) = refusal(args.iter().chain(&["--port", "0"])).await;
        assert!(code != 0 && error.contains(part), "{args:?}: {error}");
    }
}

#[tokio::test]
async fn a_page_that_does_not_answer_keeps_it_no_longer_than_it_may() {
    let files = Files::new();
    let mut binary = files.serve(&["--shutdown-timeout", "0.5"]).await;
    let mut page = binary.page("pad").await;
    page.set_and_ack(json!({"text": "hello"})).await;
    binary.signal("TERM").await;
    assert_eq!(binary.end().await.code(), Some(1)); // the page has not answered
    binary.logs("--shutdown-timeout").await;
    assert!(matches!(page.next().await, Next::Closed(4001, _)));
    let mut resume = page.resume();
    resume["rev"] = json!(1);
    let binary = files.serve(&[]).await;
    let page = binary.page_that_says("pad", resume).await;
    assert_eq!(page.hello["full"], false.into(), "the store was closed all the same");
    assert_eq!(page.hello["rev"], 1.into());
}
