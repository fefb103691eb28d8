//! A SQLite file, through the trait that the host uses: what comes back, when a history goes on, what is refused.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anywidget_host::store::{Batch, Store, Stored, StoredSession, StoredSlot};
use anywidget_host::{Blob, Durability, Error, Host, Map, Sqlite, Value};
use futures_util::future::{join_all, poll_immediate};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

/// Waits for a future without any runtime.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A folder of its own, and the path of a file in it that is not there yet.
struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place { path: folder.path().join("models.db"), _folder: folder }
    }

    fn open(&self, durability: Durability) -> Sqlite {
        Sqlite::open(&self.path, durability).unwrap()
    }

    /// A file with the model `m` at rev 1, closed.
    fn with_a_model() -> Place {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        commit(&store, batch("m", None, 1, [slot("count", 1, 7.into())])).unwrap();
        wait(store.close()).unwrap();
        place
    }

    /// The file as SQLite has it, while nobody else has it open.
    fn sql(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    fn refusal(&self) -> String {
        refusal(&self.path)
    }
}

/// What is said when this cannot be opened, without the path in front.
fn refusal(path: &Path) -> String {
    let error = Sqlite::open(path, Durability::Applied).expect_err("it opened");
    assert!(error.is_store());
    error.to_string().strip_prefix(&format!("{}: ", path.display())).expect("the path in front").to_owned()
}

fn slot(key: &str, rev: u64, value: Value) -> StoredSlot {
    StoredSlot { key: key.to_owned().into(), rev, value: Some(value) }
}

fn gone(key: &str, rev: u64) -> StoredSlot {
    StoredSlot { key: key.to_owned().into(), rev, value: None }
}

/// A batch of the history `first`.
fn batch<const N: usize>(id: &str, expected: Option<u64>, rev: u64, slots: [StoredSlot; N]) -> Batch {
    let mut batch = Batch::new(id, "counter", "first");
    batch.expected = expected;
    batch.rev = rev;
    batch.slots = slots.into();
    batch
}

fn session(secret: &str, client: u64, seq: Option<u64>, answers: impl IntoIterator<Item = u64>) -> StoredSession {
    let answers = answers.into_iter().map(|seq| (seq, format!("answer to {seq}").into())).collect();
    StoredSession {
        secret: secret.to_owned(),
        client,
        seq,
        seen: UNIX_EPOCH + Duration::from_millis(1_234_567),
        answers,
    }
}

fn commit(store: &Sqlite, batch: Batch) -> Result<(), Error> {
    wait(store.commit(vec![batch].into()))
}

fn load(store: &Sqlite, id: &str) -> Option<Stored> {
    wait(store.load(id)).unwrap()
}

fn rev(store: &Sqlite, id: &str) -> Option<u64> {
    load(store, id).map(|stored| stored.rev)
}

fn keys(stored: &Stored) -> Vec<&str> {
    stored.slots.iter().map(|slot| &*slot.key).collect()
}

/// A value in so many lists.
fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

mod what_comes_back {
    use super::*;

    #[test]
    fn values_of_every_kind() {
        let values = vec![
            Value::Null,
            true.into(),
            0.into(),
            (-1).into(),
            i64::MIN.into(),
            i64::MAX.into(),
            ((1i64 << 53) + 1).into(),
            u64::MAX.into(),
            3.0.into(),
            (-0.0).into(),
            0.1.into(),
            5e-324.into(),
            f64::NAN.into(),
            f64::INFINITY.into(),
            f64::NEG_INFINITY.into(),
            "".into(),
            "a\0b é 𝄞".into(),
            "long ".repeat(20_000).into(),
            Blob::default().into(),
            Blob::from((0..=255).cycle().take(70_000).collect::<Vec<u8>>()).into(),
            Value::Array(vec![]),
            Value::object(),
            json!({"z": [1, {"y": null}], "a": {"": "", "b": [[], {}]}}).into(),
            nested(1_024),
        ];
        let place = Place::new();
        let mut whole = batch("m", None, 1, []);
        whole.slots = values.iter().enumerate().map(|(n, value)| slot(&n.to_string(), 1, value.clone())).collect();
        let store = place.open(Durability::Applied);
        commit(&store, whole).unwrap();
        wait(store.close()).unwrap();

        let stored = load(&place.open(Durability::Applied), "m").unwrap();
        let back: Vec<Value> = stored.slots.into_iter().map(|slot| slot.value.unwrap()).collect();
        assert_eq!(back, values);
        // 3 and 3.0 are equal to a page, and so are 0 and -0; here they have to stay what they were.
        assert_eq!(format!("{back:?}"), format!("{values:?}"));
    }

    #[test]
    fn what_is_said_of_a_model() {
        let place = Place::new();
        let mut first = batch("a model/ü\0", None, u64::MAX - 1, [slot("k", u64::MAX - 1, 1.into()), gone("l", 3)]);
        first.messages = 1 << 63;
        first.clients = u64::MAX;
        first.sessions = vec![session("s", u64::MAX, Some(u64::MAX), [1, u64::MAX]), session("t", 2, None, [])];
        let store = place.open(Durability::Stored);
        commit(&store, first.clone()).unwrap();
        drop(store);

        let stored = load(&place.open(Durability::Stored), "a model/ü\0").unwrap();
        let mut expected = Stored::new("counter");
        expected.epoch = Some("first".to_owned());
        (expected.rev, expected.messages, expected.clients) = (u64::MAX - 1, 1 << 63, u64::MAX);
        (expected.slots, expected.sessions) = (first.slots, first.sessions);
        assert_eq!(stored, expected);
    }

    #[test]
    fn nothing_for_an_id_that_nobody_wrote() {
        let place = Place::with_a_model();
        assert_eq!(load(&place.open(Durability::Applied), "M"), None);
    }

    #[test]
    fn keys_in_their_order_whichever_is_written_last() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let slots = ["z", "b", "a"].map(|key| slot(key, 1, key.into()));
        commit(&store, batch("m", None, 1, slots)).unwrap();
        commit(&store, batch("m", Some(1), 2, [slot("c", 2, 1.into()), slot("b", 2, 2.into())])).unwrap();
        commit(&store, batch("m", Some(2), 3, [gone("z", 3)])).unwrap();
        commit(&store, batch("m", Some(3), 4, [slot("d", 4, 1.into()), slot("z", 4, 2.into())])).unwrap();
        let stored = load(&store, "m").unwrap();
        assert_eq!(keys(&stored), ["z", "b", "a", "c", "d"]);
        assert_eq!(stored.slots.iter().map(|slot| slot.rev).collect::<Vec<_>>(), [4, 2, 1, 2, 4]);
    }

    #[test]
    fn a_key_that_is_gone_is_told_as_gone_within_its_history() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        commit(&store, batch("m", None, 1, [slot("a", 1, 1.into()), slot("b", 1, 1.into())])).unwrap();
        commit(&store, batch("m", Some(1), 2, [gone("a", 2)])).unwrap();
        assert_eq!(load(&store, "m").unwrap().slots, [gone("a", 2), slot("b", 1, 1.into())]);

        let mut next = batch("m", Some(2), 3, [gone("c", 3)]);
        next.epoch = "second".into();
        commit(&store, next).unwrap();
        assert_eq!(load(&store, "m").unwrap().slots, [slot("b", 1, 1.into()), gone("c", 3)]);
    }

    #[test]
    fn the_newest_answers_of_each_session() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let write = |expected, rev, sessions: Vec<StoredSession>| {
            let mut batch = batch("m", expected, rev, []);
            (batch.sessions, batch.answers_kept) = (sessions, 4);
            commit(&store, batch).unwrap();
        };
        write(None, 1, vec![session("s", 1, Some(10), 1..=10), session("t", 2, Some(3), [3])]);
        write(Some(1), 1, vec![session("s", 1, Some(12), [12])]);
        // Written again, as after a failure that was none.
        write(Some(1), 1, vec![session("s", 1, Some(12), [12])]);
        let sessions = load(&store, "m").unwrap().sessions;
        assert_eq!(sessions, [session("s", 1, Some(12), [8, 9, 10, 12]), session("t", 2, Some(3), [3])]);
    }

    #[test]
    fn no_session_that_was_forgotten() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let mut first = batch("m", None, 1, []);
        first.sessions = ["s", "t"].map(|secret| session(secret, 1, Some(1), [1])).into();
        let mut other = first.clone();
        other.id = "other".into();
        wait(store.commit(vec![first, other].into())).unwrap();

        let mut next = batch("m", Some(1), 1, []);
        next.forgotten = vec!["s".to_owned(), "never was".to_owned()];
        commit(&store, next).unwrap();
        let secrets = |id| load(&store, id).unwrap().sessions.into_iter().map(|s| s.secret).collect::<Vec<_>>();
        assert_eq!(secrets("m"), ["t"]);
        assert_eq!(secrets("other"), ["s", "t"]);
    }

    #[test]
    fn nothing_of_a_model_that_ended() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let mut first = batch("m", None, 1, [slot("a", 1, 1.into()), slot("b", 1, 1.into())]);
        first.sessions = vec![session("s", 1, Some(1), [1])];
        commit(&store, first).unwrap();
        let mut next = batch("m", Some(1), 2, []);
        next.aside = vec!["b".into()];
        commit(&store, next).unwrap();

        let mut end = batch("m", Some(2), 3, [slot("a", 3, 1.into())]);
        end.ended = true;
        wait(store.commit(vec![end, batch("m", None, 1, [])].into())).unwrap();
        let again = load(&store, "m").unwrap();
        assert_eq!((again.rev, again.slots, again.sessions), (1, vec![], vec![]));
        wait(store.close()).unwrap();
        for table in ["slots", "sessions", "answers", "aside"] {
            let count = format!("SELECT count(*) FROM {table}");
            assert_eq!(place.sql().query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_kept_aside() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        let mut next = batch("m", Some(1), 2, [slot("count", 2, "seven".into())]);
        next.aside = vec!["count".into(), "never was".into()];
        commit(&store, next).unwrap();
        assert_eq!(load(&store, "m").unwrap().slots, [slot("count", 2, "seven".into())]);
        wait(store.close()).unwrap();
        let sql = "SELECT key, rev, value FROM aside";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let aside: (String, i64, Vec<u8>) = place.sql().query_row(sql, [], row).unwrap();
        assert_eq!(aside, ("count".to_owned(), 1, vec![7])); // 7 in MessagePack
    }

    #[test]
    fn a_time_before_1970() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let mut first = batch("m", None, 1, []);
        first.sessions = vec![session("s", 1, None, [])];
        first.sessions[0].seen = UNIX_EPOCH - Duration::from_millis(1_500);
        commit(&store, first.clone()).unwrap();
        assert_eq!(load(&store, "m").unwrap().sessions, first.sessions);
    }
}

mod when_a_history_goes_on {
    use super::*;

    /// A model with a session, as the next run finds it after `end` ended the first.
    fn after(durability: Durability, end: impl FnOnce(Sqlite)) -> Stored {
        let place = Place::new();
        let store = place.open(durability);
        let mut first = batch("m", None, 5, [slot("a", 5, 1.into())]);
        first.sessions = vec![session("s", 1, Some(1), [1])];
        commit(&store, first).unwrap();
        end(store);
        load(&place.open(Durability::Applied), "m").unwrap()
    }

    fn goes_on(stored: &Stored) -> bool {
        assert_eq!((stored.rev, &*stored.slots), (5, &[slot("a", 5, 1.into())][..]));
        assert_eq!(stored.epoch.is_some(), !stored.sessions.is_empty());
        stored.epoch.is_some()
    }

    #[test]
    fn after_an_end_that_was_noted() {
        assert!(goes_on(&after(Durability::Applied, |store| wait(store.close()).unwrap())));
        assert!(goes_on(&after(Durability::Stored, |store| wait(store.close()).unwrap())));
    }

    #[test]
    fn after_any_end_when_nothing_was_shown_that_is_not_stored() {
        assert!(goes_on(&after(Durability::Stored, drop)));
        assert!(!goes_on(&after(Durability::Applied, drop)));
    }

    #[test]
    fn never_again_once_it_was_cut() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let mut first = batch("m", None, 1, []);
        first.sessions = vec![session("s", 1, Some(1), [1])];
        let mut other = first.clone();
        other.id = "other".into();
        wait(store.commit(vec![first, other].into())).unwrap();
        drop(store);
        for _ in 0..2 {
            let store = place.open(Durability::Stored);
            assert_eq!(load(&store, "m").unwrap().epoch, None);
            wait(store.close()).unwrap();
        }

        let store = place.open(Durability::Stored);
        let mut next = batch("m", Some(1), 2, []);
        next.epoch = "second".into();
        commit(&store, next).unwrap();
        let stored = load(&store, "m").unwrap();
        assert_eq!((stored.epoch.as_deref(), &*stored.sessions), (Some("second"), &[][..]));
        assert_eq!(load(&store, "other").unwrap().epoch, None, "only what was written is of the new era");
    }

    #[test]
    fn a_killed_process_loses_nothing_that_it_acknowledged() {
        let place = Place::new();
        let mut writer = Other::start("writes until it is killed", &place.path);
        let told: u64 = loop {
            let told = writer.says().parse().unwrap();
            if told >= 20 {
                break told;
            }
        };
        writer.kill();
        let stored = load(&place.open(Durability::Stored), "m").unwrap();
        assert!(stored.rev >= told, "{} is kept of {told}", stored.rev);
        assert_eq!(stored.epoch.as_deref(), Some("first"));
        assert_eq!(stored.slots, [slot("count", stored.rev, stored.rev.into())]);
    }
}

mod commits {
    use super::*;

    #[test]
    fn are_written_whole_or_not_at_all() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        let batches = vec![batch("new", None, 1, []), batch("m", Some(9), 10, []), batch("newer", None, 1, [])];
        let error = wait(store.commit(batches.into())).unwrap_err();
        assert!(error.is_store());
        let said = "model \"m\": it has rev 1 where rev 9 was expected: somebody else writes this model";
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(["new", "m", "newer"].map(|id| rev(&store, id)), [None, Some(1), None]);
    }

    #[test]
    fn say_what_was_expected_when_there_is_nothing() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        let said = |expected, id| commit(&store, batch(id, expected, 2, [])).unwrap_err().to_string();
        assert!(said(Some(3), "new").contains("model \"new\": it has nothing where rev 3 was expected"));
        assert!(said(None, "m").contains("model \"m\": it has rev 1 where nothing was expected"));
    }

    #[test]
    fn that_wait_together_have_each_its_own_answer() {
        let place = Place::new();
        let store = place.open(Durability::Stored);
        let one = |n: u64| store.commit(vec![batch(&n.to_string(), (n % 10 == 3).then_some(1), 1, [])].into());
        let results = wait(join_all((0..600).map(one)));
        for (n, result) in results.iter().enumerate() {
            assert_eq!(result.is_err(), n % 10 == 3, "{n}");
            assert_eq!(rev(&store, &n.to_string()).is_some(), n % 10 != 3, "{n}");
        }
    }

    #[test]
    fn are_carried_out_when_nobody_waits_any_more() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        assert!(
            wait(poll_immediate(store.commit(vec![batch("m", None, 1, [])].into()))).is_none_or(|done| done.is_ok())
        );
        assert_eq!(rev(&store, "m"), Some(1));
    }

    #[test]
    fn go_on_after_one_that_could_not_be_kept() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        let error = commit(&store, batch("m", Some(1), 2, [slot("deep", 2, nested(1_025))])).unwrap_err().to_string();
        assert!(error.contains("cannot keep the value of \"deep\" of the model \"m\""), "{error}");
        commit(&store, batch("m", Some(1), 2, [slot("deep", 2, nested(1_024))])).unwrap();
        assert_eq!(rev(&store, "m"), Some(2));
    }

    #[test]
    fn of_a_model_leave_the_others_alone() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        wait(store.commit(["a", "b"].map(|id| batch(id, None, 1, [slot("k", 1, id.into())])).into())).unwrap();
        commit(&store, batch("a", Some(1), 2, [gone("k", 2), slot("l", 2, 1.into())])).unwrap();
        assert_eq!(load(&store, "b").unwrap().slots, [slot("k", 1, "b".into())]);
    }

    #[test]
    fn note_when_a_model_was_in_use() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        wait(store.commit(["a", "b"].map(|id| batch(id, None, 1, [])).into())).unwrap();
        wait(store.close()).unwrap();
        place.sql().execute("UPDATE models SET touched = 0", []).unwrap();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();

        let store = place.open(Durability::Applied);
        wait(store.touch(vec!["a".into(), "never was".into()])).unwrap();
        wait(store.close()).unwrap();
        let touched = |id| place.sql().query_row("SELECT touched FROM models WHERE id = ?1", [id], |row| row.get(0));
        assert!(touched("a").unwrap_or(0) >= before as i64);
        assert_eq!(touched("b"), Ok(0));
    }

    #[test]
    fn of_large_values_leave_no_large_file_when_the_model_is_gone() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        commit(&store, batch("large", None, 1, [slot("k", 1, Blob::from(vec![1; 40 << 20]).into())])).unwrap();
        let mut end = batch("large", Some(1), 2, []);
        end.ended = true;
        commit(&store, end).unwrap();
        for n in 0..30 {
            commit(&store, batch(&n.to_string(), None, 1, [])).unwrap();
        }
        wait(store.close()).unwrap();
        assert!(fs::metadata(&place.path).unwrap().len() < 20 << 20);
    }
}

mod opening {
    use super::*;

    #[test]
    fn is_for_one_process() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        let mut other = Other::start("opens", &place.path);
        let said = other.says();
        assert!(said.contains("models.db: is in use by another process"), "{said}");
        assert!(place.refusal().starts_with("is in use by another process, or was opened twice"));

        // What ends gives the file back at once: by close, and by drop.
        wait(store.close()).unwrap();
        assert_eq!(Other::start("opens", &place.path).says(), "opened");
        drop(store);
        drop(place.open(Durability::Applied));
        assert_eq!(rev(&place.open(Durability::Applied), "m"), Some(1));
    }

    #[test]
    fn is_over_when_it_was_dropped() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let large = vec![batch("m", None, 1, [slot("k", 1, Blob::from(vec![1; 20 << 20]).into())])];
        wait(poll_immediate(store.commit(large.into())));
        drop(store);
        assert!(!place.path.with_extension("db-wal").exists(), "what SQLite removes last");
        assert_eq!(rev(&place.open(Durability::Applied), "m"), Some(1));
    }

    #[test]
    fn a_closed_one_says_that_it_is_closed() {
        let place = Place::with_a_model();
        let store = place.open(Durability::Applied);
        wait(store.close()).unwrap();
        let error = wait(store.load("m")).unwrap_err();
        assert!(error.is_store() && error.to_string().ends_with("was closed: open it again to go on"), "{error}");
        assert!(wait(store.close()).is_err());
    }

    #[test]
    fn needs_a_place_for_the_file() {
        let place = Place::new();
        let folder = place.path.parent().unwrap();
        let missing = folder.join("nowhere/models.db");
        let said = refusal(&missing);
        let expected = format!("there is no folder {}: make it", missing.parent().unwrap().display());
        assert!(said.contains(&expected), "{said}");
        assert_eq!(refusal(folder), "is a folder: name a file in it");
        assert!(refusal(Path::new("")).starts_with("is no path"));
        fs::write(&place.path, "not a folder").unwrap();
        assert!(refusal(&place.path.join("models.db")).starts_with("cannot be made"));
    }

    #[test]
    fn needs_the_right_to_write_to_it() {
        let place = Place::with_a_model();
        let mut rights = fs::metadata(&place.path).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(&place.path, rights).unwrap();
        match fs::OpenOptions::new().append(true).open(&place.path) {
            Ok(_) => assert_eq!(rev(&place.open(Durability::Applied), "m"), Some(1)), // root may do everything
            Err(_) => assert!(place.refusal().starts_with("cannot be written: give this process the right to")),
        }
    }

    #[test]
    fn leaves_a_file_alone_that_is_not_sqlite() {
        let place = Place::new();
        for text in ["dear diary".to_owned(), "dear diary ".repeat(1_000)] {
            fs::write(&place.path, &text).unwrap();
            assert!(place.refusal().starts_with("is not a SQLite file"));
            assert_eq!(fs::read_to_string(&place.path).unwrap(), text);
        }
    }

    #[test]
    fn leaves_a_file_alone_of_another_program() {
        let tables = "CREATE TABLE diary (day); INSERT INTO diary VALUES (1)";
        for made in [tables, "PRAGMA application_id = 7", "PRAGMA user_version = 1"] {
            let place = Place::new();
            place.sql().execute_batch(made).unwrap();
            let before = fs::read(&place.path).unwrap();
            assert!(place.refusal().starts_with("is a SQLite file of another program"), "{made}");
            assert_eq!(fs::read(&place.path).unwrap(), before, "{made}");
        }
    }

    #[test]
    fn takes_an_empty_file() {
        let place = Place::new();
        fs::write(&place.path, "").unwrap();
        commit(&place.open(Durability::Applied), batch("m", None, 1, [])).unwrap();
        assert_eq!(rev(&place.open(Durability::Applied), "m"), Some(1));
    }

    #[test]
    fn leaves_a_file_alone_of_a_newer_version() {
        let place = Place::with_a_model();
        place.sql().pragma_update(None, "user_version", 2).unwrap();
        let before = fs::read(&place.path).unwrap();
        let said = place.refusal();
        assert!(said.starts_with("was written by a newer anywidget-host (schema 2), this one knows up to 1"), "{said}");
        assert_eq!(fs::read(&place.path).unwrap(), before);
    }

    #[test]
    fn sees_that_the_end_is_missing() {
        let place = Place::with_a_model();
        let whole = fs::read(&place.path).unwrap();
        for part in [whole.len() / 2, 5_000, 4_096, 50] {
            fs::write(&place.path, &whole[..part]).unwrap();
            assert!(place.refusal().starts_with("is damaged"), "{part} bytes");
        }
    }

    #[test]
    fn names_the_value_that_cannot_be_read() {
        let place = Place::with_a_model();
        place.sql().execute("UPDATE slots SET value = x'c1'", []).unwrap();
        let store = place.open(Durability::Applied);
        let error = wait(store.load("m")).unwrap_err().to_string();
        assert!(error.contains("has a damaged value of model \"m\", key \"count\""), "{error}");
        commit(&store, batch("new", None, 1, [])).unwrap();
    }

    #[test]
    fn survives_pages_that_are_garbage() {
        let place = Place::new();
        let store = place.open(Durability::Applied);
        let value = || Value::from("x".repeat(3_000));
        wait(store.commit((0..50).map(|n| batch(&n.to_string(), None, 1, [slot("k", 1, value())])).collect())).unwrap();
        wait(store.close()).unwrap();
        let mut bytes = fs::read(&place.path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0xa5);
        fs::write(&place.path, bytes).unwrap();
        let store = place.open(Durability::Applied);
        let errors: Vec<Error> = (0..50).filter_map(|n| wait(store.load(&n.to_string())).err()).collect();
        assert!(!errors.is_empty() && errors.iter().all(Error::is_store));
        assert!(errors[0].to_string().contains("damaged"), "{}", errors[0]);
    }

    #[cfg(unix)]
    #[test]
    fn makes_a_file_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let store = place.open(Durability::Applied);
        commit(&store, batch("m", None, 1, [])).unwrap();
        for path in [place.path.clone(), place.path.with_extension("db-wal")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn takes_names_that_mean_something_to_sqlite() {
        let place = Place::new();
        for name in [":memory:", "file:x?mode=memory", "per%20cent"] {
            let path = place.path.with_file_name(name);
            commit(&Sqlite::open(&path, Durability::Applied).unwrap(), batch(name, None, 1, [])).unwrap();
            assert_eq!(rev(&Sqlite::open(&path, Durability::Applied).unwrap(), name), Some(1), "{name}");
        }
    }
}

/// A hundred thousand models, in a process of its own: how much memory did it need at most, in bytes?
#[cfg(target_os = "linux")]
#[test]
fn many_models_take_little_memory() {
    let place = Place::new();
    let grown: u64 = Other::start("writes many", &place.path).says().parse().unwrap();
    let file = fs::metadata(&place.path).unwrap().len();
    assert!(file > 40 << 20, "{file} bytes in the file are no test");
    assert!(grown < 20 << 20, "{grown} bytes for a file of {file}");
}

/// This test program a second time, in one of the parts below. It speaks through stderr.
struct Other {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Other {
    fn start(part: &str, path: &Path) -> Other {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "the_other_process", "--nocapture"]);
        command.env("PART", part).env("FILE", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Other { child, lines }
    }

    fn says(&mut self) -> String {
        self.lines.next().expect("it says something").unwrap()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "started by other tests, as a second process"]
fn the_other_process() {
    let (Ok(part), Some(path)) = (std::env::var("PART"), std::env::var_os("FILE")) else {
        return; // a person runs all that is ignored
    };
    match part.as_str() {
        "opens" => match Sqlite::open(path, Durability::Applied) {
            Ok(_) => eprintln!("opened"),
            Err(error) => eprintln!("{error}"),
        },
        "writes until it is killed" => {
            let store = Sqlite::open(path, Durability::Stored).unwrap();
            for rev in 1.. {
                let expected = (rev > 1).then(|| rev - 1);
                commit(&store, batch("m", expected, rev, [slot("count", rev, rev.into())])).unwrap();
                eprintln!("{rev}");
            }
        }
        "writes many" => {
            let store = Sqlite::open(path, Durability::Applied).unwrap();
            let before = peak();
            let id = |n: u32| format!("model-{n}");
            for thousand in 0..100 {
                let batches = (0..1_000).map(|n| {
                    let value = Map::from([("text".to_owned(), "x".repeat(400).into()), ("n".to_owned(), n.into())]);
                    batch(&id(1_000 * thousand + n), None, 1, [slot("k", 1, value.into()), slot("l", 1, n.into())])
                });
                wait(store.commit(batches.collect())).unwrap();
            }
            for n in 0..100_000 {
                assert_eq!(load(&store, &id(n)).unwrap().slots.len(), 2);
            }
            wait(store.close()).unwrap();
            eprintln!("{}", peak() - before);
        }
        part => panic!("there is no part {part:?}"),
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1_024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

/// `cargo test --release --test store -- --ignored --nocapture speed`
#[test]
#[ignore = "prints how fast it is here, and asserts nothing"]
fn speed() {
    for (durability, models, commits) in [
        (Durability::Stored, 1, 1_000),
        (Durability::Stored, 100, 200),
        (Durability::Applied, 1, 20_000),
        (Durability::Applied, 100, 500),
    ] {
        let place = Place::new();
        let store = place.open(durability);
        let start = std::time::Instant::now();
        for rev in 1..=commits {
            let expected = (rev > 1).then(|| rev - 1);
            let one = |n: u64| {
                let mut batch = batch(&n.to_string(), expected, rev, [slot("count", rev, rev.into())]);
                batch.sessions = vec![session("a secret of a page", 1, Some(rev), [rev])];
                batch
            };
            wait(store.commit((0..models).map(one).collect())).unwrap();
        }
        let each = start.elapsed() / commits as u32;
        println!(
            "{durability:?}, {models} models in each commit: {each:?} a commit, {:.0}/s",
            1.0 / each.as_secs_f64()
        );
    }
}

mod the_durability {
    use super::*;

    #[tokio::test]
    async fn of_a_host_is_that_of_its_store() {
        let place = Place::new();
        let store = || Host::builder().store(place.open(Durability::Stored));
        let error = store().durability(Durability::Applied).build().await.unwrap_err();
        assert!(error.is_store());
        let said = "durability `applied`: is not that of the store, which was opened with `Durability::Stored`";
        assert!(error.to_string().starts_with(said), "{error}");
        store().build().await.unwrap().shutdown().await;
        store().durability(Durability::Stored).build().await.unwrap();
    }
}
