//! Models that outlive their host: what is kept, what comes back, and what may be seen before it is kept.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::time::Duration;

use anywidget_host::{Durability, Host, Limits, Model, State, Value, Widget};
use futures_util::FutureExt;
use serde_json::json;

use support::page::Page;
use support::store::Shelf;
use support::{Server, eventually, soon};

#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}", name = "lamp")]
struct Lamp {
    level: i64,
    name: String,
}

/// The same widget after an edit of its type: a name that went, a colour that came, a level that is a text.
#[derive(Clone, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}", name = "lamp")]
struct NewLamp {
    level: String,
    colour: String,
}

impl Default for NewLamp {
    fn default() -> NewLamp {
        NewLamp { level: "dim".into(), colour: "white".into() }
    }
}

async fn host(shelf: &Shelf, durability: Durability) -> Host {
    host_of(shelf, durability, Lamp::widget()).await
}

async fn host_of<W: State>(shelf: &Shelf, durability: Durability, widget: Widget<W>) -> Host {
    Host::builder().widget(widget).store(shelf.clone()).durability(durability).build().await.unwrap()
}

async fn lamp(shelf: &Shelf, durability: Durability) -> (Server, Model<Lamp>) {
    let host = host(shelf, durability).await;
    let model = host.open("lamp", Lamp::default).await.unwrap();
    (Server::of(host).await, model)
}

/// Everything is stored, as at a clean end; what is served meanwhile stays as it is.
async fn ended(server: Server) {
    soon("the end", server.host.shutdown()).await;
}

mod outlives {
    use super::*;

    #[tokio::test]
    async fn the_state_the_rev_and_the_epoch() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        model.update(|lamp| lamp.level = 3);
        model.update(|lamp| lamp.name = "desk".into());
        let (epoch, rev) = (model.epoch(), model.rev());
        ended(server).await;

        let (_server, again) = lamp(&shelf, Durability::Applied).await;
        assert_eq!(*again.get(), Lamp { level: 3, name: "desk".into() });
        assert_eq!((again.epoch(), again.rev()), (epoch, rev));
    }

    #[tokio::test]
    async fn a_page_resumes_across_a_restart_and_its_frames_are_applied_once() {
        let shelf = Shelf::default();
        let (server, _model) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page("lamp").await;
        let first = page.set_and_ack(json!({"level": 3, "nonsense": 1})).await;
        assert!(first.has("refused"));
        let mut resume = page.resume();
        resume["rev"] = json!(1);
        let client = page.hello["client"].clone();
        ended(server).await;

        let (server, again) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.hello["full"], false.into(), "{:?}", page.hello);
        assert_eq!(page.hello["state"], Value::object(), "nothing is newer");
        assert_eq!((&page.hello["seq"], &page.hello["client"]), (&1.into(), &client));
        page.send(json!({"type": "set", "seq": 1, "state": {"level": 3, "nonsense": 1}})).await;
        assert_eq!(page.expect("ack").await, first, "the answer of the first time");
        assert_eq!(again.rev(), 1);
        // A new page is a new client, though the numbers began before the restart.
        assert_ne!(server.page("lamp").await.hello["client"], client);
    }

    #[tokio::test]
    async fn a_page_may_be_there_before_the_program_opens_the_model() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        model.update(|lamp| lamp.level = 7);
        ended(server).await;

        let server = Server::of(host(&shelf, Durability::Applied).await).await;
        assert_eq!(server.host.models(), 0);
        assert_eq!(server.page("lamp").await.hello["state"], json!({"level": 7, "name": ""}).into());
        assert_eq!(server.get("/anywidget/models/lamp/state").await.json(), json!({"level": 7, "name": ""}));
        assert_eq!(server.host.open("lamp", Lamp::default).await.unwrap().get().level, 7);
        assert_eq!(server.connect("other").await.close_code().await, 4404);
    }

    #[tokio::test]
    async fn a_type_without_a_default_waits_for_the_program_or_says_how_it_begins() {
        #[derive(Clone, Widget)]
        #[widget(esm = "export default {}", name = "lamp")]
        struct Strict {
            level: i64,
            name: String,
        }
        let begin = || Strict { level: 1, name: "new".into() };
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        model.update(|lamp| lamp.level = 7);
        ended(server).await;

        let server = Server::of(host_of(&shelf, Durability::Applied, Strict::widget()).await).await;
        assert_eq!(server.connect("lamp").await.close_code().await, 4404);
        assert_eq!(server.host.open("lamp", begin).await.unwrap().get().level, 7);
        let widget = Strict::widget().initial(begin);
        let server = Server::of(host_of(&shelf, Durability::Applied, widget).await).await;
        assert_eq!(server.page("lamp").await.hello["state"]["level"], 7.into());
    }

    #[tokio::test]
    async fn the_numbers_of_messages_go_on_and_what_was_missed_is_counted() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        let page = server.page("lamp").await;
        let mut resume = page.resume();
        resume["messages"] = json!(0);
        for n in 0..3 {
            model.send(n).unwrap();
        }
        ended(server).await;

        let (server, again) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.expect("gap").await["count"], 3.into());
        again.send("four").unwrap();
        assert_eq!(page.expect("message").await["n"], 4.into());
    }

    #[tokio::test]
    async fn a_key_that_is_gone_stays_gone() {
        let shelf = Shelf::default();
        let open = async || {
            let host = Host::builder().store(shelf.clone()).build().await.unwrap();
            let widget = Widget::<Value>::new("bag", anywidget_host::Source::data());
            let model = host.add(widget).unwrap();
            (Server::of(host).await, model)
        };
        let (server, bag) = open().await;
        bag.set(json!({"b": 1, "a": 2, "c": 3}).into());
        bag.set(json!({"b": 1, "c": 3}).into());
        ended(server).await;
        let (_server, bag) = open().await;
        assert_eq!(*bag.get(), json!({"b": 1, "c": 3}).into());
    }
}

mod a_kill {
    use super::*;

    /// Pages have seen more than is kept, so the history ends, and they start from what there is.
    #[tokio::test]
    async fn with_applied_starts_a_new_history() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page("lamp").await;
        page.set_and_ack(json!({"level": 1})).await;
        soon("the store", model.stored()).await;
        shelf.shut(true);
        assert_eq!(page.set_and_ack(json!({"level": 2})).await["rev"], 2.into(), "acknowledged at once");
        let mut resume = page.resume();
        resume["rev"] = json!(2);
        drop(server);
        shelf.cut();

        let (server, again) = lamp(&shelf, Durability::Applied).await;
        assert_eq!(again.get().level, 1);
        assert_ne!(again.epoch(), model.epoch());
        let page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.hello["full"], true.into());
        assert_eq!(page.hello["seq"], Value::Null);
        assert_eq!(page.hello["state"]["level"], 1.into());
    }
}

mod stored {
    use super::*;

    /// No answer, no other page, no HTTP answer shows what is not on disk. Rust does.
    #[tokio::test]
    async fn nothing_is_seen_before_it_is_kept() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Stored).await;
        let (mut page, mut other) = (server.page("lamp").await, server.page("lamp").await);
        soon("the store", model.stored()).await;
        shelf.shut(true);
        let seq = page.set(json!({"level": 5})).await;
        let message = page.message(json!("hi")).await;
        eventually("the commit", || model.rev() == 1).await;
        model.send("after it").unwrap();
        assert_eq!(model.get().level, 5);
        assert_eq!(server.get("/anywidget/models/lamp/state").await.json()["level"], 0);
        assert_eq!(server.get("/anywidget/models/lamp/state/level").await.json(), 0);
        assert!(server.get("/anywidget/models/lamp/view").await.text().contains(r#"rev="0""#));
        assert_eq!(server.page("lamp").await.hello["rev"], 0.into());
        // Answered at once, if anything were on its way before it, it would come first.
        for page in [&mut page, &mut other] {
            page.send(json!({"type": "nonsense"})).await;
        }
        other.expect("error").await;

        shelf.shut(false);
        assert_eq!(page.ack_of(seq).await["rev"], 1.into());
        page.ack_of(message).await;
        page.expect("error").await;
        assert_eq!(page.expect("message").await["content"], "after it".into());
        assert_eq!(other.expect("set").await["state"], json!({"level": 5}).into());
        assert_eq!(other.expect("message").await["n"], 1.into());
        assert_eq!(server.get("/anywidget/models/lamp/state").await.json()["level"], 5);
    }

    #[tokio::test]
    async fn many_commits_are_kept_at_once_and_each_is_answered() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Stored).await;
        let mut page = server.page("lamp").await;
        soon("the store", model.stored()).await;
        shelf.shut(true);
        let before = shelf.commits();
        for level in 1..=100 {
            page.set(json!({"level": level})).await;
        }
        eventually("all commits", || model.rev() == 100).await;
        shelf.shut(false);
        for seq in 1..=100 {
            assert_eq!(page.ack_of(seq).await["rev"], seq.into());
        }
        let tries = shelf.commits() - before;
        assert!(tries <= 3, "{tries} commits for what was there at once");
        assert_eq!(shelf.has("lamp").unwrap().rev, 100);
    }

    #[tokio::test]
    async fn the_store_may_fail_for_a_while() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Stored).await;
        let mut page = server.page("lamp").await;
        soon("the store", model.stored()).await;
        shelf.fail(2);
        let ack = page.set_and_ack(json!({"level": 5})).await;
        assert_eq!(ack["rev"], 1.into());
        assert_eq!(shelf.has("lamp").unwrap().rev, 1);
    }

    #[tokio::test]
    async fn without_a_store_it_is_refused() {
        let error = Host::builder().durability(Durability::Stored).build().await.unwrap_err();
        assert!(error.is_store());
        assert!(error.to_string().contains("sqlite("), "{error}");
    }
}

mod the_end {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_for_it_waits_for_the_store() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        soon("the store", model.stored()).await;
        shelf.shut(true);
        shelf.hold_open(true);
        let before = shelf.commits();
        model.update(|lamp| lamp.level = 5);
        let host = server.host.clone();
        let mut first = Box::pin(async move { host.shutdown().await });
        assert!((&mut first).now_or_never().is_none(), "it comes to the store together with the commit");
        eventually("a commit that hangs", || shelf.commits() > before).await;
        let host = server.host.clone();
        let ends = [tokio::spawn(first), tokio::spawn(async move { host.shutdown().await })];
        turns().await;
        shelf.shut(false);
        eventually("the end of the store", || shelf.closes() > 0).await;
        turns().await;
        assert_eq!(ends.each_ref().map(|end| end.is_finished()), [false; 2]);
        shelf.hold_open(false);
        for end in ends {
            soon("the end", end).await.unwrap();
        }
        assert_eq!(shelf.closes(), 1);
        assert_eq!(shelf.has("lamp").unwrap().rev, 1);
    }

    /// Every task of this thread goes as far as it can.
    async fn turns() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

mod the_type_changed {
    use super::*;

    #[tokio::test]
    async fn new_fields_have_their_default_and_what_does_not_fit_is_kept_aside() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        model.update(|lamp| *lamp = Lamp { level: 3, name: "desk".into() });
        let page = server.page("lamp").await;
        let resume = page.resume();
        ended(server).await;

        let open = async || {
            let host = host_of(&shelf, Durability::Applied, NewLamp::widget()).await;
            let model = host.open("lamp", NewLamp::default).await.unwrap();
            (Server::of(host).await, model)
        };
        let (server, again) = open().await;
        assert_eq!(*again.get(), NewLamp::default());
        // Pages know other keys, so they start anew.
        let page = server.page_that_says("lamp", resume).await;
        assert_eq!(page.hello["full"], true.into());
        assert_eq!(page.hello["state"], json!({"level": "dim", "colour": "white"}).into());
        let (epoch, resume) = (again.epoch(), page.resume());
        ended(server).await;
        let kept = shelf.has("lamp").unwrap();
        let keys: Vec<&str> = kept.slots.iter().map(|slot| &*slot.key).collect();
        assert_eq!(keys, ["level", "colour"], "the new values are stored, the old ones are not among them");

        // From then on it is as if it had always been so.
        let (server, again) = open().await;
        assert_eq!(again.epoch(), epoch);
        assert_eq!(server.page_that_says("lamp", resume).await.hello["full"], false.into());
    }

    #[tokio::test]
    async fn a_model_of_another_widget_is_not_opened() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Table {
            rows: i64,
        }
        let shelf = Shelf::default();
        ended(lamp(&shelf, Durability::Applied).await.0).await;
        let host = host_of(&shelf, Durability::Applied, Table::widget()).await;
        let error = host.open("lamp", Table::default).await.unwrap_err();
        assert_eq!(error.to_string(), r#"the id "lamp" belongs to a model of "lamp", not of "table""#);
    }
}

mod life {
    use super::*;

    const SOON: Duration = Duration::from_millis(80);

    async fn short(shelf: &Shelf) -> Host {
        let host = Host::builder().widget(Lamp::widget()).store(shelf.clone());
        host.idle(SOON).orphan(SOON).build().await.unwrap()
    }

    async fn left(host: &Host) {
        eventually("an empty memory", || host.models() == 0).await;
    }

    #[tokio::test]
    async fn what_leaves_memory_was_stored_and_comes_back() {
        let shelf = Shelf::default();
        let host = short(&shelf).await;
        let lamp = host.open("lamp", Lamp::default).await.unwrap();
        lamp.update(|lamp| lamp.level = 9);
        let (epoch, rev) = (lamp.epoch(), lamp.rev());
        drop(lamp);
        left(&host).await;
        eventually("a note of its use", || shelf.touched() == ["lamp"]).await;
        let again = host.open("lamp", Lamp::default).await.unwrap();
        assert_eq!((again.get().level, again.epoch(), again.rev()), (9, epoch, rev));
    }

    #[tokio::test]
    async fn what_the_store_does_not_take_stays_in_memory() {
        let shelf = Shelf::default();
        let host = short(&shelf).await;
        let lamp = host.open("lamp", Lamp::default).await.unwrap();
        soon("the store", lamp.stored()).await;
        shelf.shut(true);
        lamp.update(|lamp| lamp.level = 9);
        drop(lamp);
        host.open("other", Lamp::default).await.unwrap();
        tokio::time::sleep(5 * SOON).await; // long enough for one that could leave
        assert_eq!(host.models(), 2);
        shelf.shut(false);
        left(&host).await;
        assert_eq!(host.open("lamp", Lamp::default).await.unwrap().get().level, 9);
    }

    #[tokio::test]
    async fn a_page_that_was_away_resumes_a_model_that_had_left() {
        let shelf = Shelf::default();
        let server = Server::of(short(&shelf).await).await;
        server.host.open("lamp", Lamp::default).await.unwrap();
        let mut page = server.page("lamp").await;
        let first = page.set_and_ack(json!({"level": 4})).await;
        let mut resume = page.resume();
        resume["rev"] = json!(1);
        page.leave().await;
        left(&server.host).await;
        let mut page: Page = server.page_that_says("lamp", resume).await;
        assert_eq!((&page.hello["full"], &page.hello["seq"]), (&false.into(), &1.into()));
        page.send(json!({"type": "set", "seq": 1, "state": {"level": 4}})).await;
        assert_eq!(page.expect("ack").await, first);
    }

    #[tokio::test]
    async fn what_nobody_ever_viewed_leaves_the_store_as_well() {
        let shelf = Shelf::default();
        let host = short(&shelf).await;
        let id = host.create(Lamp::default()).await.unwrap().id().to_owned();
        eventually("it in the store", || shelf.has(&id).is_some()).await;
        left(&host).await;
        eventually("it gone from the store", || shelf.has(&id).is_none()).await;
    }

    #[tokio::test]
    async fn an_ended_model_is_forgotten_and_its_id_is_free_at_once() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        model.update(|lamp| lamp.level = 3);
        soon("the store", model.stored()).await;
        shelf.shut(true);
        model.update(|lamp| lamp.level = 4);
        model.end("no more");
        assert_eq!(server.connect("lamp").await.close_code().await, 4404);
        let anew = server.host.open("lamp", Lamp::default).await.unwrap();
        assert_eq!((anew.get().level, anew.rev()), (0, 0));
        model.update(|lamp| lamp.level = 5); // a handle that is left over
        anew.update(|lamp| lamp.level = 8);
        shelf.shut(false);
        soon("the store", anew.stored()).await;
        let kept = shelf.has("lamp").unwrap();
        assert_eq!(kept.epoch.as_deref(), Some(&*anew.epoch()));
        assert_eq!(kept.slots[0].value, Some(8.into()));
    }

    #[tokio::test]
    async fn sessions_that_are_forgotten_leave_the_store() {
        let shelf = Shelf::default();
        let limits = Limits { sessions: 2, ..Limits::default() };
        let host = Host::builder().widget(Lamp::widget()).limits(limits).store(shelf.clone()).build().await.unwrap();
        let model = host.open("lamp", Lamp::default).await.unwrap();
        let server = Server::of(host).await;
        for _ in 0..4 {
            server.page("lamp").await.leave().await;
            eventually("the end of the socket", || server.host.sockets() == 0).await;
        }
        soon("the store", model.stored()).await;
        assert!(shelf.has("lamp").unwrap().sessions.len() <= 2);
    }
}

mod a_value_that_cannot_be_kept {
    use super::*;

    /// The key has again what the store has, for everybody, and everything else is kept.
    #[tokio::test]
    async fn is_taken_back_and_holds_up_nothing() {
        for durability in [Durability::Applied, Durability::Stored] {
            let shelf = Shelf::default();
            let (server, model) = lamp(&shelf, durability).await;
            model.update(|lamp| lamp.level = 5);
            let mut page = server.page("lamp").await;
            soon("the store", model.stored()).await;
            shelf.cannot_keep(13);
            shelf.shut(true); // so that all of it is one commit
            let other = server.host.open("other", Lamp::default).await.unwrap();
            let seq = page.set(json!({"level": 13, "name": "desk"})).await;
            eventually("the write", || model.rev() == 2).await;
            shelf.shut(false);
            soon("the store", other.stored()).await;
            // The answer is the usual one, and what the host has comes after it or before it.
            let (mut answered, mut level) = (false, Value::Null);
            while !answered || level == Value::Null {
                let frame = page.frame().await;
                answered |= frame.kind() == "ack" && frame["seq"] == seq.into();
                level = frame["state"].get("level").cloned().unwrap_or(level);
            }
            assert_eq!(level, 5.into());
            assert_eq!(*model.get(), Lamp { level: 5, name: "desk".into() });
            let values: Vec<_> = shelf.has("lamp").unwrap().slots.into_iter().map(|slot| slot.value).collect();
            assert_eq!(values, [Some(5.into()), Some("desk".into())]);
            assert!(shelf.refused() <= 2, "{} tries for one value", shelf.refused());
        }
    }

    /// There is nothing to go back to, so it is the model's own affair.
    #[tokio::test]
    async fn stays_in_memory_where_the_store_has_nothing() {
        let shelf = Shelf::default();
        shelf.cannot_keep(13);
        let host = host(&shelf, Durability::Stored).await;
        let model = host.open("lamp", || Lamp { level: 13, name: "desk".into() }).await.unwrap();
        soon("the store", model.stored()).await;
        let server = Server::of(host).await;
        let page = server.page("lamp").await;
        assert_eq!(page.hello["state"], json!({"level": 13, "name": "desk"}).into());
        let slots = shelf.has("lamp").unwrap().slots;
        assert_eq!(slots.iter().map(|slot| &*slot.key).collect::<Vec<_>>(), ["name"]);
        model.update(|lamp| lamp.level = 14);
        soon("the store", model.stored()).await;
        assert_eq!(shelf.has("lamp").unwrap().slots.len(), 2);

        // After a restart no page takes the value that is gone for the present one.
        shelf.cannot_keep(15);
        let mut resume = page.resume();
        drop(page);
        model.end("to begin anew");
        let model = server.host.open("lamp", || Lamp { level: 15, name: "desk".into() }).await.unwrap();
        soon("the store", model.stored()).await;
        resume["epoch"] = json!(*model.epoch());
        ended(server).await;
        let (server, _) = lamp(&shelf, Durability::Stored).await;
        let page = server.page_that_says("lamp", resume).await;
        assert_eq!((&page.hello["full"], &page.hello["state"]["level"]), (&true.into(), &0.into()));
    }

    #[tokio::test]
    async fn goes_away_again_where_keys_come_and_go() {
        let shelf = Shelf::default();
        shelf.cannot_keep(13);
        let host = Host::builder().store(shelf.clone()).build().await.unwrap();
        let bag = host.add(Widget::<Value>::new("bag", anywidget_host::Source::data())).unwrap();
        soon("the store", bag.stored()).await;
        bag.set(json!({"a": 1, "b": 13}).into());
        soon("the store", bag.stored()).await;
        assert_eq!(*bag.get(), json!({"a": 1}).into());
    }
}

mod a_model_that_cannot_be_written {
    use super::*;

    #[tokio::test]
    async fn holds_up_no_other_and_is_kept_when_it_can_be() {
        let shelf = Shelf::default();
        let host = host(&shelf, Durability::Stored).await;
        let mut models = Vec::new();
        for id in ["a", "b", "c", "d"] {
            models.push(host.open(id, Lamp::default).await.unwrap());
        }
        for model in &models {
            soon("the store", model.stored()).await;
        }
        shelf.stick(Some("b"));
        shelf.shut(true); // so that all of them are one commit
        for model in &models {
            model.update(|lamp| lamp.level = 1);
        }
        shelf.shut(false);
        for model in [&models[0], &models[2], &models[3]] {
            soon("the store", model.stored()).await;
        }
        assert_eq!(shelf.has("b").unwrap().rev, 0);
        // What was new then and what is new now are kept as one.
        models[1].update(|lamp| lamp.name = "desk".into());
        shelf.stick(None);
        soon("the store", models[1].stored()).await;
        let kept = shelf.has("b").unwrap();
        assert_eq!((kept.rev, &kept.slots[0].value, &kept.slots[1].value), (2, &Some(1.into()), &Some("desk".into())));
    }

    #[tokio::test]
    async fn keeps_what_its_pages_were_answered() {
        let shelf = Shelf::default();
        let (server, model) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page("lamp").await;
        soon("the store", model.stored()).await;
        shelf.fail(2);
        let first = page.set_and_ack(json!({"level": 1, "nonsense": 1})).await;
        let mut resume = page.resume();
        resume["rev"] = json!(1);
        ended(server).await;
        let (server, _) = lamp(&shelf, Durability::Applied).await;
        let mut page = server.page_that_says("lamp", resume).await;
        page.send(json!({"type": "set", "seq": 1, "state": {"level": 1, "nonsense": 1}})).await;
        assert_eq!(page.expect("ack").await, first);
    }
}
