//! The wire protocol, frame by frame, over real sockets. `docs/protocol.md` says what is tested here.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anywidget_host::{Blob, Host, Limits, Model, Refusal, Source, Value, Widget};
use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use support::page::{Next, Page};
use support::{Server, bytes, eventually, keys, soon};

/// Its level is clamped, its lumens follow from the level, and it does not go without a name.
#[derive(Clone, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}")]
struct Lamp {
    name: String,
    level: i64,
    #[widget(server)]
    lumens: i64,
}

impl Lamp {
    fn new() -> Lamp {
        Lamp { name: "desk".into(), level: 1, lumens: 8 }
    }

    fn rules() -> Widget<Lamp> {
        Lamp::widget().validate(|next, _changed| {
            if next.name.is_empty() {
                return Err(Refusal::new("a lamp needs a name"));
            }
            next.level = next.level.clamp(0, 100);
            next.lumens = 8 * next.level;
            Ok(())
        })
    }
}

async fn lamp() -> (Server, Model<Lamp>) {
    lamp_with(Limits::default()).await
}

async fn lamp_with(limits: Limits) -> (Server, Model<Lamp>) {
    let host = Host::builder().widget(Lamp::rules()).limits(limits).build().await.unwrap();
    let model = host.open("lamp", Lamp::new).await.unwrap();
    (Server::of(host).await, model)
}

/// A model whose keys are not declared.
async fn open_model(limits: Limits) -> (Server, Model<Value>) {
    let host = Host::builder().limits(limits).build().await.unwrap();
    let model = host.add(Widget::new("open", Source::inline("export default {}"))).unwrap();
    (Server::of(host).await, model)
}

/// Waits until the host has noticed that every page is gone.
async fn no_sockets(server: &Server) {
    eventually("the end of every socket", || server.host.sockets() == 0).await;
}

mod hello {
    use super::*;

    #[tokio::test]
    async fn a_new_page_is_told_everything() {
        let (server, model) = lamp().await;
        let page = server.page("lamp").await;
        let hello = &page.hello;
        assert_eq!(
            keys(&hello.value),
            BTreeSet::from([
                "type",
                "version",
                "client",
                "epoch",
                "rev",
                "full",
                "state",
                "seq",
                "messages",
                "readonly",
                "heartbeat",
                "code"
            ])
        );
        assert_eq!(hello["messages"], 0.into());
        assert_eq!(hello["version"], 1.into());
        assert!(hello["client"].as_i64().is_some_and(|client| client > 0), "{hello:?}");
        assert_eq!(hello["epoch"].as_str(), Some(&*model.epoch()));
        assert_eq!(hello["rev"], 0.into());
        assert_eq!(hello["full"], true.into());
        assert_eq!(hello["state"], json!({"name": "desk", "level": 1, "lumens": 8}).into());
        assert_eq!(hello["seq"], Value::Null);
        assert_eq!(hello["readonly"], json!(["lumens"]).into());
        assert_eq!(hello["heartbeat"], 25_000.into());
        assert!(!hello.binary);
    }

    #[tokio::test]
    async fn the_epoch_is_at_most_64_characters() {
        let (server, _model) = lamp().await;
        let page = server.page("lamp").await;
        assert!((1..=64).contains(&page.hello["epoch"].as_str().unwrap().chars().count()));
    }

    #[tokio::test]
    async fn the_code_is_where_the_host_serves_it() {
        let (server, _model) = lamp().await;
        let page = server.page("lamp").await;
        let esm = page.hello["code"]["esm"].as_str().unwrap();
        assert!(esm.starts_with("/anywidget/widgets/lamp/"), "{esm}");
        assert_eq!(server.get(esm).await.text(), "export default {}");
        assert_eq!(page.hello["code"]["css"], Value::Null);
    }

    #[tokio::test]
    async fn a_model_without_code_has_null_for_it() {
        let host = Host::builder().build().await.unwrap();
        host.add(Widget::<Value>::new("data", Source::data())).unwrap();
        let page = Server::of(host).await.page("data").await;
        assert_eq!(page.hello["code"], json!({"esm": null, "css": null}).into());
    }

    #[tokio::test]
    async fn the_upgrade_takes_the_subprotocol() {
        let (server, _model) = lamp().await;
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let (_, response) = tokio_tungstenite::client_async(server.upgrade("lamp"), stream).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "anywidget-host.v1");
    }

    #[tokio::test]
    async fn each_session_is_another_client_and_stays_it() {
        let (server, _model) = lamp().await;
        let (one, two) = (server.page("lamp").await, server.page("lamp").await);
        assert_ne!(one.hello["client"], two.hello["client"]);
        let again = server.page_that_says("lamp", one.resume()).await;
        assert_eq!(again.hello["client"], one.hello["client"]);
    }

    #[tokio::test]
    async fn a_page_that_has_everything_is_told_nothing() {
        let (server, model) = lamp().await;
        model.update(|lamp| lamp.level = 2);
        let page = server.page("lamp").await;
        let again = server.page_that_says("lamp", page.resume()).await;
        assert_eq!(again.hello["full"], false.into());
        assert_eq!(again.hello["state"], json!({}).into());
        assert_eq!(again.hello["rev"], 1.into());
    }

    #[tokio::test]
    async fn a_page_that_is_behind_is_told_what_is_newer() {
        let (server, model) = lamp().await;
        model.update(|lamp| lamp.name = "hall".into());
        let page = server.page("lamp").await;
        for level in 2..5 {
            model.update(|lamp| lamp.level = level);
        }
        let again = server.page_that_says("lamp", page.resume()).await;
        assert_eq!(again.hello["full"], false.into());
        assert_eq!(again.hello["state"], json!({"level": 4}).into());
        assert_eq!(again.hello["rev"], 4.into());
    }

    #[tokio::test]
    async fn a_page_that_is_ahead_is_told_everything() {
        let (server, model) = lamp().await;
        let epoch = model.epoch();
        let page = server.page_that_says("lamp", json!({"epoch": &*epoch, "rev": 1})).await;
        assert_eq!((&page.hello["full"], &page.hello["rev"]), (&true.into(), &0.into()));
        assert_eq!(keys(&page.hello["state"]), BTreeSet::from(["name", "level", "lumens"]));
    }

    #[tokio::test]
    async fn a_page_of_another_epoch_is_told_everything() {
        let (server, _model) = lamp().await;
        let page = server.page_that_says("lamp", json!({"epoch": "long ago", "rev": 0})).await;
        assert_eq!(page.hello["full"], true.into());
        assert_eq!(keys(&page.hello["state"]), BTreeSet::from(["name", "level", "lumens"]));
    }

    #[tokio::test]
    async fn a_resumed_page_gets_its_own_values_too() {
        // The ack may have been lost with the connection.
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        let before = page.resume();
        page.set_and_ack(json!({"level": 7})).await;
        let again = server.page_that_says("lamp", before).await;
        assert_eq!(again.hello["state"], json!({"level": 7, "lumens": 56}).into());
    }

    #[tokio::test]
    async fn seq_is_null_then_zero_then_the_last_one() {
        let (server, _model) = lamp().await;
        let page = server.page("lamp").await;
        assert_eq!(page.hello["seq"], Value::Null);
        let mut page = {
            let resume = page.resume();
            page.leave().await;
            server.page_that_says("lamp", resume).await
        };
        assert_eq!(page.hello["seq"], 0.into());
        page.send(json!({"type": "set", "seq": 17, "state": {"level": 2}})).await;
        page.ack_of(17).await;
        page.send(json!({"type": "message", "seq": 40, "content": 1, "buffers": []})).await;
        page.ack_of(40).await;
        let again = server.page_that_says("lamp", page.resume()).await;
        assert_eq!(again.hello["seq"], 40.into());
    }

    #[tokio::test]
    async fn the_session_away_longest_is_forgotten_when_there_are_too_many() {
        let (server, _model) = lamp_with(Limits { sessions: 2, ..Limits::default() }).await;
        for session in ["first", "second", "third"] {
            let page = server.page_that_says("lamp", json!({"session": session})).await;
            assert_eq!(page.hello["seq"], Value::Null);
            page.leave().await;
            no_sockets(&server).await;
        }
        let third = server.page_that_says("lamp", json!({"session": "third"})).await;
        assert_eq!(third.hello["seq"], 0.into());
        let first = server.page_that_says("lamp", json!({"session": "first"})).await;
        assert_eq!(first.hello["seq"], Value::Null);
    }

    #[tokio::test]
    async fn sessions_that_were_away_too_long_do_not_pile_up() {
        let (server, _model) = lamp_with(Limits { session_memory: Duration::ZERO, ..Limits::default() }).await;
        for n in 0..200 {
            server.page_that_says("lamp", json!({"session": format!("session {n}")})).await.leave().await;
            no_sockets(&server).await;
        }
        let first = server.page_that_says("lamp", json!({"session": "session 0"})).await;
        assert_eq!(first.hello["seq"], Value::Null);
    }

    #[tokio::test]
    async fn an_id_may_hold_any_characters() {
        let (server, _model) = lamp().await;
        let id = "käse/100% \"<&>'?#";
        server.host.open(id, Lamp::new).await.unwrap();
        let page = server.page(id).await;
        assert_eq!(page.hello["state"]["name"], "desk".into());
    }
}

mod writing {
    use super::*;

    #[tokio::test]
    async fn a_set_is_acknowledged_and_other_pages_get_it() {
        let (server, model) = lamp().await;
        let (mut writer, mut other) = (server.page("lamp").await, server.page("lamp").await);
        let seq = writer.set(json!({"name": "hall"})).await;
        assert_eq!(writer.frame().await, json!({"type": "ack", "seq": seq, "rev": 1}));
        let client = writer.hello["client"].as_i64().unwrap();
        assert_eq!(
            other.frame().await,
            json!({
                "type": "set", "base": 0, "rev": 1, "state": {"name": "hall"},
                "origin": {"client": client, "seq": seq}
            })
        );
        assert_eq!(model.get().name, "hall");
    }

    /// S1
    #[tokio::test]
    async fn the_writer_gets_no_echo() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        for name in ["a", "b", "c"] {
            page.set_and_ack(json!({"name": name})).await;
        }
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_page_is_told_what_another_wrote_between_two_writes_of_its_own() {
        let (server, _model) = lamp().await;
        let (mut one, mut two) = (server.page("lamp").await, server.page("lamp").await);
        one.set_and_ack(json!({"name": "mine"})).await;
        two.expect("set").await;
        two.set_and_ack(json!({"level": 5})).await;
        let set = one.expect("set").await;
        assert_eq!((&set["base"], &set["rev"]), (&1.into(), &2.into()));
        assert_eq!(set["state"], json!({"level": 5, "lumens": 40}).into());
        one.set_and_ack(json!({"name": "mine again"})).await;
        one.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_change_in_rust_reaches_every_page_without_an_origin() {
        let (server, model) = lamp().await;
        let mut pages = [server.page("lamp").await, server.page("lamp").await];
        model.update(|lamp| lamp.level = 3);
        for page in &mut pages {
            assert_eq!(page.frame().await, json!({"type": "set", "base": 0, "rev": 1, "state": {"level": 3}}));
        }
    }

    #[tokio::test]
    async fn a_set_that_changes_nothing_is_acknowledged_and_goes_nowhere() {
        let (server, model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        let ack = page.set_and_ack(json!({"level": 1, "name": "desk"})).await;
        assert_eq!(ack, json!({"type": "ack", "seq": 1, "rev": 0}));
        other.expect_nothing().await;
        assert_eq!(model.rev(), 0);
    }

    #[tokio::test]
    async fn several_keys_of_one_set_are_one_commit() {
        let (server, model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        page.set_and_ack(json!({"name": "hall", "level": 2})).await;
        let set = other.expect("set").await;
        assert_eq!(set["state"], json!({"name": "hall", "level": 2, "lumens": 16}).into());
        assert_eq!(set["rev"], 1.into());
        assert_eq!(model.rev(), 1);
    }

    /// S3
    #[tokio::test]
    async fn a_partial_set_keeps_the_other_keys() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.set_and_ack(json!({"name": "hall"})).await;
        page.set_and_ack(json!({"level": 9})).await;
        assert_eq!(*model.get(), Lamp { name: "hall".into(), level: 9, lumens: 72 });
    }

    /// S1: what follows from a write by an observer comes back to the writer.
    #[tokio::test]
    async fn a_change_derived_from_a_write_comes_back() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Doubler {
            n: i64,
            twice: i64,
        }
        let widget = Doubler::widget().on_change(|model, change| {
            let n = change.state.n;
            model.update(|state| state.twice = 2 * n);
        });
        let server = Server::with(widget).await;
        server.host.open("d", Doubler::default).await.unwrap();
        let (mut page, mut other) = (server.page("d").await, server.page("d").await);

        page.set(json!({"n": 4})).await;
        let (first, second) = (page.frame().await, page.frame().await);
        let set = if first.kind() == "set" { &first } else { &second };
        let ack = if first.kind() == "ack" { &first } else { &second };
        assert_eq!(ack["rev"], 1.into());
        assert_eq!((&set["rev"], &set["state"]), (&2.into(), &json!({"twice": 8}).into()));
        assert!(!set.has("origin"), "not of one client: {set:?}");
        page.expect_nothing().await;

        let sets = other.sets_up_to(0, 2).await;
        let last = |key| sets.iter().filter_map(|set| set["state"].get(key)).next_back().cloned();
        assert_eq!((last("n"), last("twice")), (Some(4.into()), Some(8.into())));
    }

    /// S2
    #[tokio::test]
    async fn a_clamped_value_comes_back_in_the_ack() {
        let (server, model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        let ack = page.set_and_ack(json!({"level": 500, "name": "hall"})).await;
        assert_eq!(ack["state"], json!({"level": 100, "lumens": 800}).into());
        assert!(!ack.has("refused"), "{ack:?}");
        assert_eq!(other.expect("set").await["state"], json!({"level": 100, "lumens": 800, "name": "hall"}).into());
        assert_eq!(model.get().level, 100);
    }

    #[tokio::test]
    async fn a_value_clamped_back_to_what_it_was_comes_back_too() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.set_and_ack(json!({"level": 100})).await;
        let ack = page.set_and_ack(json!({"level": 200})).await;
        assert_eq!((&ack["rev"], &ack["state"]), (&1.into(), &json!({"level": 100}).into()));
        assert_eq!(model.rev(), 1);
    }

    #[tokio::test]
    async fn what_validation_derived_comes_in_the_ack() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        let ack = page.set_and_ack(json!({"level": 3})).await;
        assert_eq!(ack["state"], json!({"lumens": 24}).into());
        page.expect_nothing().await;
    }

    /// S2
    #[tokio::test]
    async fn a_refused_value_comes_back_with_the_reason() {
        let (server, model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        let ack = page.set_and_ack(json!({"name": ""})).await;
        assert_eq!(
            ack,
            json!({
                "type": "ack", "seq": 1, "rev": 0,
                "refused": {"name": "a lamp needs a name"}, "state": {"name": "desk"}
            })
        );
        other.expect_nothing().await;
        assert_eq!(*model.get(), Lamp::new());
    }

    #[tokio::test]
    async fn a_refusal_covers_the_whole_set() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let ack = page.set_and_ack(json!({"name": "", "level": 4})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["name", "level"]));
        assert_eq!(ack["state"], json!({"name": "desk", "level": 1}).into());
        assert_eq!(*model.get(), Lamp::new());
    }

    #[tokio::test]
    async fn an_unknown_key_is_refused_and_the_others_apply() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let ack = page.set_and_ack(json!({"colour": "red", "name": "hall"})).await;
        assert_eq!(ack["rev"], 1.into());
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["colour"]));
        assert!(ack["refused"]["colour"].as_str().unwrap().contains("colour"), "{ack:?}");
        assert_eq!(ack["state"], Value::Null, "there is no true value of a key that does not exist");
        assert_eq!(model.get().name, "hall");
    }

    #[tokio::test]
    async fn a_key_of_the_server_is_refused_with_its_value_and_the_others_apply() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let ack = page.set_and_ack(json!({"lumens": 9999, "name": "hall"})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["lumens"]));
        assert_eq!(ack["state"], json!({"lumens": 8}).into());
        assert_eq!(*model.get(), Lamp { name: "hall".into(), ..Lamp::new() });
    }

    #[tokio::test]
    async fn a_wrong_type_applies_nothing_and_names_every_key() {
        let (server, model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        let ack = page.set_and_ack(json!({"level": "bright", "name": "hall", "colour": 1})).await;
        assert_eq!(ack["rev"], 0.into());
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["level", "name", "colour"]));
        let reason = ack["refused"]["level"].as_str().unwrap();
        assert!(reason.contains("bright") && reason.contains("i64"), "{reason}");
        assert_eq!(ack["state"], json!({"level": 1, "name": "desk"}).into());
        other.expect_nothing().await;
        assert_eq!(*model.get(), Lamp::new());
    }

    #[tokio::test]
    async fn a_whole_float_fits_an_integer_and_a_fraction_does_not() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let ack = page.set_and_ack(json!({"level": 3.0})).await;
        assert!(!ack.has("refused"), "{ack:?}");
        assert_eq!(model.get().level, 3);
        let ack = page.set_and_ack(json!({"level": 3.5})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["level"]));
        assert_eq!(model.get().level, 3);
    }

    #[tokio::test]
    async fn the_last_writer_wins_and_every_page_ends_equal() {
        let (server, model) = lamp().await;
        let (mut one, mut two) = (server.page("lamp").await, server.page("lamp").await);
        one.set_and_ack(json!({"name": "one"})).await;
        let ack = two.set(json!({"name": "two"})).await;
        assert_eq!(two.expect("set").await["state"], json!({"name": "one"}).into(), "before its own ack");
        two.ack_of(ack).await;
        assert_eq!(one.expect("set").await["state"], json!({"name": "two"}).into());
        assert_eq!(model.get().name, "two");
    }

    #[tokio::test]
    async fn the_ack_comes_after_every_commit_up_to_its_rev() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        for level in 2..50 {
            model.update(|lamp| lamp.level = level);
        }
        let seq = page.set(json!({"name": "hall"})).await;
        let mut rev = 0;
        let ack = loop {
            let frame = page.frame().await;
            if frame.kind() == "ack" {
                break frame;
            }
            assert_eq!(frame["base"], rev.into());
            rev = frame["rev"].as_i64().unwrap();
        };
        assert_eq!((&ack["seq"], &ack["rev"]), (&seq.into(), &49.into()));
        assert!(rev >= 48, "the ack of rev 49 came when only {rev} was sent");
    }

    #[tokio::test]
    async fn frames_sent_in_one_go_are_answered_in_order() {
        const FRAMES: u64 = 3_000;
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        for n in 1..=FRAMES {
            page.set(json!({"name": format!("name {n}")})).await;
        }
        for seq in 1..=FRAMES {
            assert_eq!(page.ack_of(seq).await["rev"], seq.into());
        }
        assert_eq!(model.get().name, "name 3000");
    }

    #[tokio::test]
    async fn a_page_that_reads_no_answers_is_not_read_either_and_loses_nothing() {
        let (server, model) = lamp_with(Limits { answers: 4, ..Limits::default() }).await;
        let mut page = server.page("lamp").await;
        for n in 1..=500 {
            page.set(json!({"name": format!("name {n}")})).await;
        }
        for seq in 1..=500 {
            page.ack_of(seq).await;
        }
        assert_eq!(model.get().name, "name 500");
    }

    #[tokio::test]
    async fn an_empty_set_is_acknowledged() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        assert_eq!(page.set_and_ack(json!({})).await, json!({"type": "ack", "seq": 1, "rev": 0}));
    }

    #[tokio::test]
    async fn get_is_answered_by_everything() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.set_and_ack(json!({"level": 2})).await;
        page.send(json!({"type": "get"})).await;
        let hello = page.expect("hello").await;
        assert_eq!(hello["full"], true.into());
        assert_eq!(hello["state"], json!({"name": "desk", "level": 2, "lumens": 16}).into());
        assert_eq!((&hello["rev"], &hello["seq"]), (&1.into(), &1.into()));
        assert_eq!(hello["client"], page.hello["client"]);
        page.set_and_ack(json!({"level": 3})).await; // the session goes on
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_session_is_never_told_to_others() {
        let (server, _model) = lamp().await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        page.set_and_ack(json!({"name": "hall"})).await;
        let set = other.expect("set").await;
        assert!(!format!("{set:?}{:?}", other.hello).contains(&page.session), "{set:?}");
    }
}

mod coming_back {
    use super::*;

    #[tokio::test]
    async fn a_repeated_set_gets_its_first_answer_and_is_not_applied() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let first = page.set_and_ack(json!({"level": 500})).await;
        model.update(|lamp| lamp.level = 7);
        page.expect("set").await;
        page.send(json!({"type": "set", "seq": 1, "state": {"level": 500}})).await;
        assert_eq!(page.frame().await, first);
        assert_eq!(model.get().level, 7);
        assert_eq!(model.rev(), 2);
    }

    #[tokio::test]
    async fn frames_sent_again_over_a_new_socket_are_applied_once() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let refused = page.set_and_ack(json!({"name": ""})).await;
        let applied = page.set_and_ack(json!({"level": 2})).await;
        let resume = page.resume();
        page.leave().await;
        model.update(|lamp| lamp.level = 3);

        let mut page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.hello["seq"], 2.into());
        page.send(json!({"type": "set", "seq": 1, "state": {"name": ""}})).await;
        page.send(json!({"type": "set", "seq": 2, "state": {"level": 2}})).await;
        page.send(json!({"type": "set", "seq": 3, "state": {"name": "hall"}})).await;
        assert_eq!(page.frame().await, refused);
        assert_eq!(page.frame().await, applied);
        assert_eq!(page.frame().await["rev"], 3.into());
        assert_eq!(*model.get(), Lamp { name: "hall".into(), level: 3, lumens: 24 });
    }

    #[tokio::test]
    async fn a_repeated_message_is_handled_once() {
        let handled = Arc::new(AtomicUsize::new(0));
        let count = handled.clone();
        let widget = Lamp::rules().on_message(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let mut page = server.page("lamp").await;
        let seq = page.message(json!("hi")).await;
        let first = page.ack_of(seq).await;
        page.send(json!({"type": "message", "seq": seq, "content": "hi", "buffers": []})).await;
        assert_eq!(page.frame().await, first);
        let mut again = server.page_that_says("lamp", page.resume()).await;
        again.send(json!({"type": "message", "seq": seq, "content": "hi", "buffers": []})).await;
        assert_eq!(again.frame().await, first);
        assert_eq!(handled.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn gaps_in_seq_are_legal_and_an_older_seq_is_not_applied() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.send(json!({"type": "set", "seq": 1_000, "state": {"level": 2}})).await;
        page.ack_of(1_000).await;
        page.send(json!({"type": "set", "seq": 999, "state": {"level": 3}})).await;
        page.ack_of(999).await;
        assert_eq!(model.get().level, 2);
    }

    #[tokio::test]
    async fn a_session_that_says_hello_again_takes_over() {
        let (server, model) = lamp().await;
        let mut old = server.page("lamp").await;
        let mut new = server.page_that_says("lamp", old.resume()).await;
        // The host may close before it has read this; either way it is not applied.
        let late = json!({"type": "set", "seq": 1, "state": {"level": 66}}).to_string();
        let _ = old.socket.send(Message::text(late)).await;
        assert_eq!(old.close_code().await, 4408);
        new.expect_nothing().await;
        assert_eq!(*model.get(), Lamp::new());
        new.send(json!({"type": "set", "seq": 5, "state": {"level": 5}})).await;
        new.ack_of(5).await;
    }

    #[tokio::test]
    async fn the_end_of_a_socket_that_was_taken_over_does_not_touch_the_new_one() {
        let (server, _model) = lamp().await;
        let mut old = server.page("lamp").await;
        let mut new = server.page_that_says("lamp", old.resume()).await;
        assert_eq!(old.close_code().await, 4408);
        drop(old);
        eventually("the end of the old socket", || server.host.sockets() == 1).await;
        new.set_and_ack(json!({"level": 5})).await;
        new.expect_nothing().await;
    }

    #[tokio::test]
    async fn an_unacknowledged_set_of_a_session_that_is_not_known_is_applied_anew() {
        let (server, model) = lamp().await;
        let mut page = server.page_that_says("lamp", json!({"session": "from before", "epoch": "old", "rev": 9})).await;
        assert_eq!(page.hello["seq"], Value::Null);
        page.send(json!({"type": "set", "seq": 31, "state": {"level": 4}})).await;
        page.ack_of(31).await;
        assert_eq!(model.get().level, 4);
    }

    #[tokio::test]
    async fn a_model_that_ended_and_was_made_again_has_another_epoch() {
        let (server, model) = lamp().await;
        let page = server.page("lamp").await;
        let resume = page.resume();
        model.end("renovation");
        server.host.open("lamp", || Lamp { level: 9, ..Lamp::new() }).await.unwrap();
        let again = server.page_that_says("lamp", resume).await;
        assert_ne!(again.hello["epoch"], page.hello["epoch"]);
        assert_eq!(again.hello["full"], true.into());
        assert_eq!(again.hello["state"]["level"], 9.into());
    }
}

mod messages {
    use super::*;

    #[tokio::test]
    async fn a_message_reaches_every_page_with_its_number_and_rev() {
        let (server, model) = lamp().await;
        let mut pages = [server.page("lamp").await, server.page("lamp").await];
        model.update(|lamp| lamp.level = 2);
        model.send(json!({"hello": [1, 2]})).unwrap();
        model.send("again").unwrap();
        for page in &mut pages {
            page.expect("set").await;
            assert_eq!(
                page.frame().await,
                json!({"type": "message", "content": {"hello": [1, 2]}, "buffers": [], "rev": 1, "n": 1})
            );
            assert_eq!(
                page.frame().await,
                json!({"type": "message", "content": "again", "buffers": [], "rev": 1, "n": 2})
            );
        }
    }

    /// B2, B6: buffers travel as they are, empty ones too.
    #[tokio::test]
    async fn buffers_come_as_bytes() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        model.send_with("pixels", [Blob::from(vec![0, 255, 7]), Blob::default()]).unwrap();
        let message = page.expect("message").await;
        assert!(message.binary);
        assert_eq!(message["content"], "pixels".into());
        assert_eq!(message["buffers"], Value::Array(vec![bytes([0, 255, 7]), bytes([])]));
    }

    /// B1, B9
    #[tokio::test]
    async fn what_a_page_sends_arrives_as_it_is() {
        let contents = [json!("bare"), json!(null), json!([1, {"a": null}]), json!(2.5), json!(true), json!({})];
        let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
        let widget = Lamp::rules().on_message(move |_, message| {
            arrived.send((message.content.clone(), message.buffers.clone())).unwrap();
        });
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let mut page = server.page("lamp").await;
        for content in &contents {
            let seq = page.message(content.clone()).await;
            page.ack_of(seq).await;
            assert_eq!(arrivals.recv().await.unwrap(), (content.clone().into(), vec![]));
        }
        let mut frame = Value::from(json!({"type": "message", "seq": 100, "content": {"n": 1}}));
        frame["content"]["inside"] = bytes([1, 2, 3]);
        frame["buffers"] = Value::Array(vec![bytes([]), bytes([9; 70_000])]);
        page.send_binary(frame.clone()).await;
        page.ack_of(100).await;
        let (content, buffers) = arrivals.recv().await.unwrap();
        assert_eq!(content, frame["content"]);
        assert_eq!(buffers, [Blob::default(), Blob::from(vec![9; 70_000])]);
    }

    #[tokio::test]
    async fn a_message_may_leave_out_its_buffers() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.send(json!({"type": "message", "seq": 1, "content": 1})).await;
        page.ack_of(1).await;
        page.send(json!({"type": "message", "seq": 2, "content": 1, "buffers": null})).await;
        page.ack_of(2).await;
    }

    #[tokio::test]
    async fn a_page_that_has_seen_some_gets_the_rest() {
        let (server, model) = lamp().await;
        let page = server.page("lamp").await;
        for n in 1..=5 {
            model.send(n).unwrap();
        }
        let mut resume = page.resume();
        resume["messages"] = json!(2);
        let mut page = server.page_that_says("lamp", resume).await;
        for n in 3..=5 {
            let message = page.expect("message").await;
            assert_eq!((&message["n"], &message["content"]), (&n.into(), &n.into()));
        }
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_page_that_names_no_message_gets_none_of_before() {
        let (server, model) = lamp().await;
        let page = server.page("lamp").await;
        model.send("old").unwrap();
        let mut again = server.page_that_says("lamp", page.resume()).await;
        model.send("new").unwrap();
        let message = again.expect("message").await;
        assert_eq!((&message["n"], &message["content"]), (&2.into(), &"new".into()));
    }

    #[tokio::test]
    async fn a_page_that_has_seen_none_is_told_where_it_stands() {
        let (server, model) = lamp().await;
        model.send("before").unwrap();
        let page = server.page("lamp").await;
        assert_eq!(page.hello["messages"], 1.into());
        let mut resume = page.resume();
        resume["messages"] = json!(1);
        drop(page);
        model.send("while it was away").unwrap();
        let mut again = server.page_that_says("lamp", resume).await;
        assert_eq!(again.expect("message").await["content"], "while it was away".into());
    }

    #[tokio::test]
    async fn numbers_of_another_epoch_mean_nothing() {
        let (server, model) = lamp().await;
        for n in 1..=3 {
            model.send(n).unwrap();
        }
        let mut page = server.page_that_says("lamp", json!({"epoch": "other", "rev": 0, "messages": 1})).await;
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn messages_that_are_gone_are_announced() {
        let (server, model) = lamp_with(Limits { messages: 2, ..Limits::default() }).await;
        let page = server.page("lamp").await;
        for n in 1..=6 {
            model.send(n).unwrap();
        }
        let mut resume = page.resume();
        resume["messages"] = json!(1);
        let mut page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.frame().await, json!({"type": "gap", "count": 3}));
        assert_eq!(page.expect("message").await["n"], 5.into());
        assert_eq!(page.expect("message").await["n"], 6.into());
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn the_log_is_bounded_in_bytes_and_keeps_the_newest() {
        let (server, model) = lamp_with(Limits { message_bytes: 1_000, ..Limits::default() }).await;
        let page = server.page("lamp").await;
        for letter in ["a", "b", "c"] {
            model.send(letter.repeat(5_000)).unwrap();
        }
        let mut resume = page.resume();
        resume["messages"] = json!(0);
        let mut page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.frame().await, json!({"type": "gap", "count": 2}));
        assert_eq!(page.expect("message").await["content"], "c".repeat(5_000).into());
    }

    #[tokio::test]
    async fn a_reply_goes_to_one_page_and_has_no_number() {
        let widget = Lamp::rules().on_message(|_, message| message.reply(json!({"you said": "hi"})).unwrap());
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        page.message(json!("hi")).await;
        let (first, second) = (page.frame().await, page.frame().await);
        let reply = if first.kind() == "message" { first } else { second };
        assert_eq!(reply, json!({"type": "message", "content": {"you said": "hi"}, "buffers": [], "rev": 0}));
        server.host.open("lamp", Lamp::new).await.unwrap().send("to all").unwrap();
        assert_eq!(other.expect("message").await["content"], "to all".into());
    }

    #[tokio::test]
    async fn a_reply_is_lost_with_its_connection() {
        let widget = Lamp::rules().on_message(|_, message| message.reply("for you").unwrap());
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let mut page = server.page("lamp").await;
        page.message(json!("hi")).await;
        let mut resume = page.resume();
        page.leave().await;
        resume["messages"] = json!(0);
        let mut again = server.page_that_says("lamp", resume).await;
        server.host.open("lamp", Lamp::new).await.unwrap().send("to all").unwrap();
        assert_eq!(again.expect("message").await["content"], "to all".into());
    }

    /// B7: "set, then send" arrives as "set, then send", whoever it is sent by.
    #[tokio::test]
    async fn a_message_comes_after_the_state_it_was_sent_with() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        for level in 1..=200 {
            model.update(|lamp| lamp.level = 1_000 + level);
            model.send(level).unwrap();
        }
        let (mut rev, mut n) = (0, 0);
        while n < 200 {
            let frame = page.frame().await;
            match frame.kind() {
                "set" => rev = frame["rev"].as_i64().unwrap(),
                "message" => {
                    n += 1;
                    assert_eq!(frame["content"], n.into());
                    assert!(rev >= n, "message {n} of rev {:?} came at rev {rev}", frame["rev"]);
                    assert_eq!(frame["rev"], n.into());
                }
                other => panic!("{other}"),
            }
        }
    }

    /// B7, where the state is what came of the page's own write: it is in the answer.
    #[tokio::test]
    async fn a_message_about_the_pages_own_write_comes_after_the_answer_to_it() {
        let widget = Lamp::rules().on_change(|model, change| model.send(change.state.lumens).unwrap());
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let mut page = server.page("lamp").await;
        for level in 2..50 {
            let seq = page.set(json!({"level": level})).await;
            let (answer, message) = (page.frame().await, page.frame().await);
            assert_eq!((answer.kind(), &answer["seq"]), ("ack", &seq.into()));
            assert_eq!(answer["state"]["lumens"], (8 * level).into());
            assert_eq!((message.kind(), &message["content"]), ("message", &(8 * level).into()));
        }
    }

    /// B7, from the page's side.
    #[tokio::test]
    async fn a_message_is_handled_after_the_set_that_was_sent_before_it() {
        let (seen, mut levels) = tokio::sync::mpsc::unbounded_channel();
        let widget = Lamp::rules().on_message(move |model, _| seen.send(model.get().level).unwrap());
        let server = Server::with(widget).await;
        server.host.open("lamp", Lamp::new).await.unwrap();
        let mut page = server.page("lamp").await;
        for level in 2..50 {
            page.set(json!({"level": level})).await;
            page.message(json!("now")).await;
            assert_eq!(levels.recv().await.unwrap(), level);
        }
    }
}

mod heartbeats {
    use super::*;

    fn quick() -> Limits {
        Limits { heartbeat: Duration::from_millis(300), ..Limits::default() }
    }

    #[tokio::test]
    async fn a_silent_host_sends_empty_frames_and_a_page_that_answers_stays() {
        let (server, _model) = lamp_with(quick()).await;
        let mut page = server.page("lamp").await;
        assert_eq!(page.hello["heartbeat"], 300.into());
        for _ in 0..6 {
            // Twice as long as a page may be silent.
            assert!(matches!(page.next().await, Next::Heartbeat));
            page.send_text("").await;
        }
        page.set_and_ack(json!({"level": 2})).await;
    }

    #[tokio::test]
    async fn a_page_that_does_not_answer_is_closed() {
        let (server, _model) = lamp_with(quick()).await;
        let started = Instant::now();
        let mut page = server.page("lamp").await;
        assert_eq!(page.close_code().await, 4003);
        assert!(started.elapsed() >= Duration::from_millis(750), "after {:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_page_that_only_listens_is_asked_although_the_host_is_not_silent() {
        let (server, model) = lamp_with(quick()).await;
        let mut page = server.page("lamp").await;
        let mut level = 2;
        let asked = async {
            loop {
                model.update(|lamp| lamp.level = level);
                level += 1;
                match page.next().await {
                    Next::Heartbeat => return,
                    Next::Frame(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        soon("a heartbeat", asked).await;
    }

    #[tokio::test]
    async fn a_socket_without_hello_is_closed() {
        let limits = Limits { hello: Duration::from_millis(100), ..Limits::default() };
        let (server, _model) = lamp_with(limits).await;
        let mut page = server.connect("lamp").await;
        assert_eq!(page.close_code().await, 4003);
    }

    #[tokio::test]
    async fn an_empty_frame_of_the_page_is_not_answered() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.send_text("").await;
        page.send_bytes(Vec::new()).await;
        page.expect_nothing().await;
    }
}

mod pace {
    use super::*;

    #[tokio::test]
    async fn the_last_value_is_never_lost() {
        const COMMITS: i64 = 3_000;
        let (server, model) = lamp().await;
        let mut pages = [server.page("lamp").await, server.page("lamp").await];
        let writer = tokio::spawn(async move {
            for level in 1..=COMMITS {
                model.update(|lamp| lamp.level = 1_000 + level);
                tokio::task::yield_now().await;
            }
        });
        for page in &mut pages {
            let sets = page.sets_up_to(0, COMMITS as u64).await;
            assert_eq!(sets.last().unwrap()["state"], json!({"level": 1_000 + COMMITS}).into());
        }
        writer.await.unwrap();
    }

    /// Four frames go out at once, what comes after the fifth waits.
    fn slow() -> Limits {
        let pace_window = Duration::from_secs(3_600);
        Limits { pace_frames: 4, pace_window, pace_delay: Duration::from_millis(500), ..Limits::default() }
    }

    /// A model whose page has just been sent its fifth frame.
    async fn after_five_frames(limits: Limits) -> (Server, Model<Lamp>, Page) {
        let (server, model) = lamp_with(limits).await;
        let mut page = server.page("lamp").await;
        for rev in 1..=5 {
            model.update(|lamp| lamp.level = 10 + rev as i64);
            page.sets_up_to(rev - 1, rev).await;
        }
        (server, model, page)
    }

    #[tokio::test]
    async fn many_frames_are_merged_into_one() {
        let (_server, model, mut page) = after_five_frames(slow()).await;
        for level in 1..=20 {
            model.update(|lamp| lamp.level = 100 + level);
        }
        let set = page.expect("set").await;
        assert_eq!(set, json!({"type": "set", "base": 5, "rev": 25, "state": {"level": 120}}));
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn the_answer_to_the_pages_own_frame_does_not_wait() {
        let limits = Limits { pace_delay: Duration::from_secs(3_600), ..slow() };
        let (_server, model, mut page) = after_five_frames(limits).await;
        model.update(|lamp| lamp.level = 77);
        let seq = page.set(json!({"name": "hall"})).await;
        assert_eq!(page.expect("set").await["state"]["level"], 77.into());
        assert_eq!(page.ack_of(seq).await["rev"], 7.into());
    }

    /// A page takes the rev of an ack for its own: were the connection lost behind it, it would never
    /// ask for the commits before it again.
    #[tokio::test]
    async fn an_ack_does_not_overtake_state_because_get_comes_behind_it() {
        let limits = Limits { pace_delay: Duration::from_secs(3_600), ..slow() };
        let (_server, model, mut page) = after_five_frames(limits).await;
        model.update(|lamp| lamp.level = 77); // has to wait
        let set = json!({"type": "set", "seq": 1, "state": {"name": "hall"}}).to_string();
        page.socket.feed(Message::text(set)).await.unwrap();
        page.socket.feed(Message::text(json!({"type": "get"}).to_string())).await.unwrap();
        page.socket.flush().await.unwrap();
        let mut level = Value::Null;
        loop {
            let frame = page.frame().await;
            if let Some(told) = frame["state"].get("level") {
                level = told.clone();
            }
            if frame.kind() == "ack" {
                assert_eq!((&frame["rev"], &level), (&7.into(), &77.into()), "{frame:?}");
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_page_that_does_not_read_gets_one_frame_of_the_latest_values_when_it_wakes() {
        let (server, model) = open_model(Limits::default()).await;
        let mut page = server.page("open").await;
        // More than every buffer between the two takes.
        let large = Blob::from(vec![7; 24 << 20]);
        model.update(|state| state["large"] = large.clone().into());
        soon("the first byte", page.socket.get_ref().peek(&mut [0])).await.unwrap();
        for count in 1..=500 {
            model.update(|state| {
                state["count"] = count.into();
                state["twice"] = (2 * count).into();
            });
        }
        let first = page.expect("set").await;
        assert_eq!((&first["base"], &first["rev"]), (&0.into(), &1.into()));
        assert_eq!(first["state"]["large"], large.into());
        let second = page.expect("set").await;
        assert_eq!(second, json!({"type": "set", "base": 1, "rev": 501, "state": {"count": 500, "twice": 1000}}));
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_page_that_does_not_read_slows_nobody_else() {
        let (server, model) = open_model(Limits::default()).await;
        let stuck = server.page("open").await;
        let mut page = server.page("open").await;
        model.update(|state| state["large"] = Blob::from(vec![7; 24 << 20]).into());
        page.expect("set").await;
        for count in 1..=100 {
            model.update(|state| state["count"] = count.into());
            assert_eq!(page.expect("set").await["state"], json!({"count": count}).into());
        }
        drop(stuck);
    }

    #[tokio::test]
    async fn a_page_that_never_reads_is_closed() {
        let (server, model) = open_model(Limits { write: Duration::from_millis(200), ..Limits::default() }).await;
        let stuck = server.page("open").await;
        model.update(|state| state["large"] = Blob::from(vec![7; 24 << 20]).into());
        no_sockets(&server).await;
        drop(stuck);
    }

    #[tokio::test]
    async fn a_page_that_sends_too_much_is_read_slower() {
        let limits = Limits { frames_per_second: 100, frame_burst: 10, ..Limits::default() };
        let (server, _model) = lamp_with(limits).await;
        let mut page = server.page("lamp").await;
        let started = Instant::now();
        for level in 1..=60 {
            page.set(json!({"level": level})).await;
        }
        for seq in 1..=60 {
            page.ack_of(seq).await;
        }
        // 61 frames with hello, 10 of them at once.
        assert!(started.elapsed() >= Duration::from_millis(450), "{:?}", started.elapsed());
    }
}

mod encoding {
    use super::*;

    /// A page that has set one key of an open model, and another page's frame about it.
    async fn travels(value: Value, binary: bool) {
        let (server, model) = open_model(Limits::default()).await;
        let (mut page, mut other) = (server.page("open").await, server.page("open").await);
        let mut state = Value::object();
        state["key"] = value.clone();
        let seq = page.set_binary(state).await;
        let ack = page.ack_of(seq).await;
        assert!(!ack.has("refused"), "{ack:?}");
        assert_eq!(model.get()["key"], value);
        let set = other.expect("set").await;
        assert_eq!((&set["state"]["key"], set.binary), (&value, binary));
        let third = server.page("open").await;
        assert_eq!((&third.hello["state"]["key"], third.hello.binary), (&value, binary));
    }

    #[tokio::test]
    async fn what_json_can_say_goes_as_json() {
        for value in [
            json!(null),
            json!(true),
            json!(9_007_199_254_740_991_i64),
            json!(-9_007_199_254_740_991_i64),
            json!(0.1),
            json!(1e300),
            json!("\u{0}\u{7f}\u{2028}\"\\ 😀 é"),
            json!([[], {}, [null, {"": ""}]]),
        ] {
            travels(value.into(), false).await;
        }
    }

    #[tokio::test]
    async fn bytes_go_as_messagepack_wherever_they_are() {
        let mut nested = Value::from(json!({"a": [1, {"b": null}]}));
        nested["a"] = Value::Array(vec![bytes([1, 2]), Value::Null, Value::Array(vec![bytes([])])]);
        for value in [bytes([]), bytes([0, 128, 255]), bytes([3; 70_000]), nested] {
            travels(value, true).await;
        }
    }

    /// B10
    #[tokio::test]
    async fn numbers_that_json_would_lose_go_as_messagepack() {
        for value in [
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::Float(f64::NEG_INFINITY),
            Value::Int(9_007_199_254_740_992),
            Value::Int(-9_007_199_254_740_992),
            Value::Int(i64::MIN),
            Value::Int(i64::MAX),
            Value::Uint(u64::MAX),
            Value::Array(vec![Value::Float(f64::NAN), 1.into()]),
        ] {
            travels(value, true).await;
        }
    }

    #[tokio::test]
    async fn one_connection_mixes_both() {
        let (server, model) = open_model(Limits::default()).await;
        let mut page = server.page("open").await;
        let mut binary = Vec::new();
        for n in 0..6 {
            let value = if n % 2 == 0 { bytes([n]) } else { i32::from(n).into() };
            model.update(|state| state["key"] = value.clone());
            let set = page.expect("set").await;
            assert_eq!(set["state"]["key"], value);
            binary.push(set.binary);
        }
        assert_eq!(binary, [true, false, true, false, true, false]);
    }

    #[tokio::test]
    async fn a_page_may_send_any_frame_as_messagepack() {
        let (server, model) = lamp().await;
        let mut page = server.connect("lamp").await;
        page.send_binary(json!({"type": "hello", "version": 1, "session": "s"}).into()).await;
        page.expect("hello").await;
        page.set_binary(json!({"level": 4}).into()).await;
        page.ack_of(1).await;
        page.send_binary(json!({"type": "get"}).into()).await;
        assert_eq!(page.expect("hello").await["state"]["level"], 4.into());
        assert_eq!(model.get().level, 4);
    }

    #[tokio::test]
    async fn a_typed_field_takes_the_numbers_of_either_encoding() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Numbers {
            float: f64,
            small: f32,
            int: i64,
            uint: u64,
            bytes: Blob,
            list: Vec<u8>,
        }
        let server = Server::with(Numbers::widget()).await;
        let model = server.host.open("n", Numbers::default).await.unwrap();
        let mut page = server.page("n").await;
        let mut state = Value::object();
        state["float"] = Value::Float(f64::NAN);
        state["small"] = Value::Int(2);
        state["int"] = Value::Int(i64::MIN);
        state["uint"] = Value::Uint(u64::MAX);
        state["bytes"] = bytes([1, 2]);
        state["list"] = bytes([3, 4]);
        page.set_binary(state).await;
        let ack = page.expect("ack").await;
        assert!(!ack.has("refused"), "{ack:?}");
        let now = model.get();
        assert!(now.float.is_nan());
        assert_eq!((now.small, now.int, now.uint), (2.0, i64::MIN, u64::MAX));
        assert_eq!((&now.bytes[..], &now.list[..]), (&[1, 2][..], &[3, 4][..]));
        page.set_and_ack(json!({"float": 1, "int": 7, "uint": 7.0})).await;
        let now = model.get();
        assert_eq!((now.float, now.int, now.uint), (1.0, 7, 7));
    }

    /// Every width that MessagePack has for a number, as other encoders write them.
    #[tokio::test]
    async fn every_width_of_a_messagepack_number_is_read() {
        let (server, model) = open_model(Limits::default()).await;
        let mut page = server.page("open").await;
        for (encoded, value) in [
            (&[0x05][..], json!(5)),
            (&[0xcc, 0xff], json!(255)),
            (&[0xcd, 0x01, 0x00], json!(256)),
            (&[0xce, 0, 1, 0, 0], json!(65_536)),
            (&[0xcf, 0, 0, 0, 1, 0, 0, 0, 0], json!(4_294_967_296_u64)),
            (&[0xff], json!(-1)),
            (&[0xd0, 0x80], json!(-128)),
            (&[0xd1, 0xff, 0x00], json!(-256)),
            (&[0xd2, 0xff, 0xff, 0, 0], json!(-65_536)),
            (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], json!(-4_294_967_296_i64)),
            (&[0xca, 0x3f, 0xc0, 0, 0], json!(1.5)),
            (&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], json!(1.5)),
        ] {
            let seq = page.next_seq();
            // {"type": "set", "seq": seq, "state": {"key": …}}
            let mut frame = b"\x83\xa4type\xa3set\xa3seq".to_vec();
            frame.push(seq as u8);
            frame.extend(b"\xa5state\x81\xa3key");
            frame.extend(encoded);
            page.send_bytes(frame).await;
            page.ack_of(seq).await;
            assert_eq!(model.get()["key"], value.into());
        }
    }

    #[tokio::test]
    async fn a_set_of_one_commit_is_the_same_for_every_page() {
        let (server, model) = lamp().await;
        let mut pages = [server.page("lamp").await, server.page("lamp").await, server.page("lamp").await];
        model.update(|lamp| lamp.level = 2);
        let mut frames = Vec::new();
        for page in &mut pages {
            frames.push(page.frame().await);
        }
        assert!(frames.windows(2).all(|pair| pair[0] == pair[1]), "{frames:?}");
    }
}

mod open_keys {
    use super::*;

    #[tokio::test]
    async fn keys_come_into_being_by_being_set() {
        let (server, model) = open_model(Limits::default()).await;
        let (mut page, mut other) = (server.page("open").await, server.page("open").await);
        assert_eq!(page.hello["state"], json!({}).into());
        page.set_and_ack(json!({"a": 1, "b": {"c": []}})).await;
        assert_eq!(other.expect("set").await["state"], json!({"a": 1, "b": {"c": []}}).into());
        assert_eq!(*model.get(), json!({"a": 1, "b": {"c": []}}).into());
    }

    #[tokio::test]
    async fn there_are_limits_to_that() {
        let limits = Limits { keys: 2, key_bytes: 3, ..Limits::default() };
        let (server, model) = open_model(limits).await;
        let mut page = server.page("open").await;
        let ack = page.set_and_ack(json!({"long": 1, "a": 1, "b": 2, "c": 3})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["long", "c"]));
        let ack = page.set_and_ack(json!({"a": 10, "d": 4})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["d"]));
        assert_eq!(*model.get(), json!({"a": 10, "b": 2}).into());
    }

    #[tokio::test]
    async fn a_key_that_rust_takes_away_reads_as_null() {
        let (server, model) = open_model(Limits::default()).await;
        model.update(|state| state["a"] = 1.into());
        let mut page = server.page("open").await;
        model.update(|state| *state = Value::object());
        assert_eq!(page.expect("set").await["state"], json!({"a": null}).into());
    }
}

mod ending {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_model_is_told_with_its_reason() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        model.update(|lamp| lamp.level = 2);
        model.end("the lamp is gone");
        page.expect("set").await;
        assert_eq!(page.frame().await, json!({"type": "end", "reason": "the lamp is gone"}));
        assert_eq!(page.close_code().await, 4404);
        let mut late = server.connect("lamp").await;
        assert_eq!(late.close_code().await, 4404);
    }

    #[tokio::test]
    async fn a_shutdown_tells_pages_when_to_come_back() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        let host = server.host.clone();
        let ended = tokio::spawn(async move { host.shutdown().await });
        let (code, wait) = page.closed().await;
        assert_eq!(code, 4001);
        assert!(wait.parse::<u64>().is_ok_and(|ms| ms <= 15_000), "{wait:?}");
        soon("the shutdown", ended).await.unwrap();
        assert_eq!(server.host.sockets(), 0);
    }

    #[tokio::test]
    async fn a_shutdown_closes_sockets_that_have_not_said_hello() {
        let (server, _model) = lamp().await;
        let mut page = server.connect("lamp").await;
        eventually("an open socket", || server.host.sockets() == 1).await;
        let host = server.host.clone();
        let ended = tokio::spawn(async move { host.shutdown().await });
        assert_eq!(page.close_code().await, 4001);
        soon("the shutdown", ended).await.unwrap();
    }

    /// S9
    #[tokio::test]
    async fn a_thousand_pages_come_and_go() {
        let (server, model) = lamp().await;
        for _ in 0..1_000 {
            server.page("lamp").await.leave().await;
        }
        no_sockets(&server).await;
        assert_eq!(server.host.models(), 1);
        model.update(|lamp| lamp.level = 2);
        assert_eq!(server.page("lamp").await.hello["state"]["level"], 2.into());
    }

    #[tokio::test]
    async fn what_went_wrong_in_a_page_is_taken_and_not_answered() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.send(json!({"type": "error", "phase": "render", "message": "x is not a function", "stack": "at y"})).await;
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_frame_type_of_the_future_is_not_fatal() {
        let (server, _model) = lamp().await;
        let mut page = server.page("lamp").await;
        page.send(json!({"type": "dance"})).await;
        let error = page.expect("error").await;
        assert!(error["message"].as_str().unwrap().contains("dance"), "{error:?}");
        page.set_and_ack(json!({"level": 2})).await;
    }

    #[tokio::test]
    async fn fields_of_the_future_are_ignored() {
        let (server, model) = lamp().await;
        let mut page =
            server.page_that_says("lamp", json!({"colour": "red", "epoch": null, "rev": null, "messages": null})).await;
        page.send(json!({"type": "set", "seq": 1, "state": {"level": 2}, "urgent": true})).await;
        page.ack_of(1).await;
        assert_eq!(model.get().level, 2);
    }
}

mod large_values {
    use super::*;

    #[derive(Clone, Default, Widget)]
    #[widget(esm = "export default {}")]
    struct Picture {
        pixels: Blob,
        points: Vec<f64>,
        title: String,
    }

    /// Above 64 KiB.
    const LARGE: usize = 100_000;

    async fn picture() -> (Server, Model<Picture>) {
        let refuse_shouting = Picture::widget().validate(|next, _| match next.title.as_str() {
            "LOUD" => Err(Refusal::new("not so loud")),
            _ => Ok(()),
        });
        let host = Host::builder().widget(refuse_shouting).build().await.unwrap();
        let model = host.open("picture", Picture::default).await.unwrap();
        (Server::of(host).await, model)
    }

    fn fetches() -> serde_json::Value {
        json!({"fetches": true})
    }

    fn paint(model: &Model<Picture>, title: &str) {
        let pixels = Blob::from(vec![7; LARGE]);
        model.update(|picture| {
            picture.pixels = pixels.clone();
            picture.title = title.to_owned();
        });
    }

    #[tokio::test]
    async fn a_page_that_fetches_is_told_of_the_rev_and_the_size_and_gets_the_rest() {
        let (server, model) = picture().await;
        let mut page = server.page_that_says("picture", fetches()).await;
        paint(&model, "sea");
        let set = page.expect("set").await;
        assert_eq!(set["state"], json!({"title": "sea"}).into());
        assert_eq!(set["large"], json!({"pixels": {"rev": 1, "size": LARGE}}).into());
        assert!(!set.binary);
    }

    #[tokio::test]
    async fn a_page_on_the_same_machine_fetches_only_what_is_very_large() {
        let (server, model) = picture().await;
        let mut page = server.page_that_says("picture", json!({"fetches": true, "near": true})).await;
        paint(&model, "sea");
        assert_eq!(page.expect("set").await["state"]["pixels"], bytes(vec![7; LARGE]));
        model.update(|picture| picture.pixels = vec![8; (1 << 20) + 1].into());
        assert_eq!(page.expect("set").await["large"], json!({"pixels": {"rev": 2, "size": (1 << 20) + 1}}).into());
    }

    #[tokio::test]
    async fn any_other_page_gets_everything_in_its_frames() {
        let (server, model) = picture().await;
        let mut page = server.page("picture").await;
        let mut other = server.page_that_says("picture", fetches()).await;
        paint(&model, "sea");
        let set = page.expect("set").await;
        assert_eq!(set["state"]["pixels"], bytes(vec![7; LARGE]));
        assert!(!set.has("large"));
        assert!(other.expect("set").await.has("large"));
    }

    #[tokio::test]
    async fn hello_leaves_them_out_and_says_what_the_host_takes() {
        let (server, model) = picture().await;
        paint(&model, "sea");
        model.update(|picture| picture.title = "lake".into());
        let page = server.page_that_says("picture", fetches()).await;
        assert_eq!(page.hello["state"], json!({"points": [], "title": "lake"}).into());
        assert_eq!(page.hello["large"], json!({"pixels": {"rev": 1, "size": LARGE}}).into(), "the rev that wrote it");
        assert_eq!(page.hello["frame_bytes"], (16 << 20).into());
    }

    #[tokio::test]
    async fn the_truth_about_a_refused_value_is_left_out_as_well() {
        let (server, model) = picture().await;
        paint(&model, "sea");
        let mut page = server.page_that_says("picture", fetches()).await;
        let mut state = Value::from(json!({"title": "LOUD"}));
        state["pixels"] = bytes([1]);
        let seq = page.set_binary(state).await;
        let ack = page.ack_of(seq).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["pixels", "title"]));
        assert_eq!(ack["state"], json!({"title": "sea"}).into());
        assert_eq!(ack["large"], json!({"pixels": {"rev": 1, "size": LARGE}}).into());
    }

    #[tokio::test]
    async fn the_address_of_a_key_names_the_epoch_and_the_rev_that_wrote_it() {
        let (server, model) = picture().await;
        paint(&model, "sea");
        model.update(|picture| picture.title = "lake".into());
        let pixels = server.get("/anywidget/models/picture/state/pixels").await;
        assert_eq!(pixels.header("etag"), Some(format!("\"{}.1\"", model.epoch()).as_str()));
        assert_eq!(pixels.body, vec![7; LARGE]);
        let title = server.get("/anywidget/models/picture/state/title").await;
        assert_eq!(title.header("etag"), Some(format!("\"{}.2\"", model.epoch()).as_str()));
    }

    #[tokio::test]
    async fn what_json_cannot_carry_is_messagepack_for_those_who_ask() {
        let (server, model) = picture().await;
        model.update(|picture| picture.points = vec![f64::NAN; LARGE]);
        let asked = [("accept", "application/vnd.msgpack, application/json"), ("accept-encoding", "gzip")];
        let points = server.get_with("/anywidget/models/picture/state/points", &asked).await;
        assert_eq!(points.header("content-type"), Some("application/vnd.msgpack"));
        assert_eq!(points.header("content-encoding"), None, "its transfer can be measured");
        let values: Vec<f64> = rmp_serde::from_slice(&points.body).unwrap();
        assert!(values.len() == LARGE && values.iter().all(|value| value.is_nan()));
        let title = server.get_with("/anywidget/models/picture/state/title", &asked).await;
        assert_eq!(title.header("content-type"), Some("application/json"));
    }

    #[tokio::test]
    async fn bytes_of_a_frame_that_is_still_coming_are_a_sign_of_life() {
        let limits = Limits { heartbeat: Duration::from_millis(200), ..Limits::default() };
        let (server, model) = open_model(limits).await;
        let mut page = server.page("open").await;
        let frame = json!({"type": "set", "seq": 1, "state": {"text": "x".repeat(60)}}).to_string();
        let raw = support::raw::masked(0x81, frame.as_bytes());
        // Longer than 2.5 heartbeats in all, and never so long without a byte.
        for part in raw.chunks(4) {
            let stream = page.socket.get_mut();
            tokio::io::AsyncWriteExt::write_all(stream, part).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let answer = loop {
            match page.next().await {
                Next::Heartbeat => {}
                Next::Frame(frame) => break frame,
                other => panic!("expected an ack, found {other:?}"),
            }
        };
        assert_eq!(answer["seq"], 1.into());
        assert_eq!(model.get()["text"].as_str().map(str::len), Some(60));
    }

    #[tokio::test]
    async fn a_large_frame_arrives_whole() {
        let (server, model) = picture().await;
        let mut page = server.page("picture").await;
        let pixels: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        model.update(|picture| picture.pixels = pixels.clone().into());
        assert!(page.expect("set").await["state"]["pixels"] == bytes(pixels));
    }
}
