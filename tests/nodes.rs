//! Several hosts on one store: what one of them writes, the others show.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use anywidget_host::{Durability, Host, Model, Source, State, Value, Widget};
use futures_util::StreamExt;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tokio::task::yield_now;

use support::replica::Replica;
use support::store::Shelf;
use support::{Server, eventually, soon};

#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}", name = "lamp")]
struct Lamp {
    level: i64,
    name: String,
}

async fn host(shelf: &Shelf, durability: Durability) -> Host {
    Host::builder().widget(Lamp::widget()).store(shelf.clone()).durability(durability).build().await.unwrap()
}

/// A host of its own with the one lamp.
async fn node(shelf: &Shelf, durability: Durability) -> (Server, Model<Lamp>) {
    let host = host(shelf, durability).await;
    let model = host.open("lamp", Lamp::default).await.unwrap();
    soon("the store", model.stored()).await;
    (Server::of(host).await, model)
}

async fn two(shelf: &Shelf, durability: Durability) -> [(Server, Model<Lamp>); 2] {
    [node(shelf, durability).await, node(shelf, durability).await]
}

/// Waits until both have one history and one state in it.
async fn converge<W: State + PartialEq>(ours: &Model<W>, theirs: &Model<W>) {
    let at = |model: &Model<W>| (model.epoch(), model.rev());
    eventually("one state", || at(ours) == at(theirs) && ours.get() == theirs.get()).await;
}

mod news {
    use super::*;

    #[tokio::test]
    async fn of_an_edit_reach_pages_and_streams_of_the_other_host() {
        for durability in [Durability::Applied, Durability::Stored] {
            let shelf = Shelf::shared();
            let [(here, ours), (there, theirs)] = two(&shelf, durability).await;
            let mut changes = theirs.changes();
            let (mut page, mut other) = (here.page("lamp").await, there.page("lamp").await);
            assert_eq!(page.hello["epoch"], other.hello["epoch"]);
            page.set_and_ack(json!({"level": 3})).await;
            let set = other.expect("set").await;
            assert_eq!((&set["base"], &set["rev"], &set["state"]), (&0.into(), &1.into(), &json!({"level": 3}).into()));
            let change = soon("a change", changes.next()).await.unwrap();
            assert_eq!((change.rev, change.keys, change.state.level), (1, vec!["level".into()], 3));
            assert_eq!((ours.rev(), theirs.rev()), (1, 1), "one numbering");

            // And back, from Rust.
            theirs.update(|lamp| lamp.name = "desk".into());
            assert_eq!(page.expect("set").await["state"], json!({"name": "desk"}).into());
            converge(&ours, &theirs).await;
        }
    }

    #[tokio::test]
    async fn of_a_key_that_is_gone_take_it_away() {
        let shelf = Shelf::shared();
        let open = async || {
            let host = Host::builder().store(shelf.clone()).build().await.unwrap();
            let bag = host.add(Widget::<Value>::new("bag", Source::data())).unwrap();
            soon("the store", bag.stored()).await;
            (host, bag)
        };
        let (_here, ours) = open().await;
        let (_there, theirs) = open().await;
        ours.set(json!({"a": 1, "b": 2}).into());
        converge(&ours, &theirs).await;
        ours.set(json!({"b": 2}).into());
        converge(&ours, &theirs).await;
        assert_eq!(*theirs.get(), json!({"b": 2}).into());
    }

    #[tokio::test]
    async fn that_do_not_fit_the_type_are_left_aside_and_the_rest_is_taken() {
        let shelf = Shelf::shared();
        let (server, model) = node(&shelf, Durability::Stored).await;
        let mut page = server.page("lamp").await;
        shelf.write("lamp", |stored| {
            stored.rev = 1;
            for slot in &mut stored.slots {
                (slot.rev, slot.value) = (1, Some("a text".into()));
            }
        });
        assert_eq!(page.expect("set").await["state"]["name"], "a text".into());
        assert_eq!(*model.get(), Lamp { level: 0, name: "a text".into() });
        // What this host does not understand stays where it is until somebody writes it here.
        model.update(|lamp| lamp.name = "desk".into());
        soon("the store", model.stored()).await;
        assert_eq!(shelf.has("lamp").unwrap().slots[0].value, Some("a text".into()));
        page.expect("set").await;
        page.set_and_ack(json!({"level": 4})).await;
        assert_eq!(shelf.has("lamp").unwrap().slots[0].value, Some(4.into()));
    }

    #[tokio::test]
    async fn of_the_end_end_the_model() {
        let shelf = Shelf::shared();
        let [(_here, ours), (there, theirs)] = two(&shelf, Durability::Stored).await;
        let mut page = there.page("lamp").await;
        ours.end("enough");
        page.expect("end").await;
        eventually("its leave", || there.host.models() == 0).await;
        assert!(shelf.has("lamp").is_none());
        theirs.update(|lamp| lamp.level = 5); // a handle that is left over

        let anew = there.host.open("lamp", Lamp::default).await.unwrap();
        soon("the store", anew.stored()).await;
        assert_eq!((anew.get().level, shelf.has("lamp").unwrap().rev), (0, 0));
    }

    #[tokio::test]
    async fn are_not_heard_when_nobody_has_the_model() {
        let shelf = Shelf::shared();
        let [(_here, ours), (there, theirs)] = two(&shelf, Durability::Stored).await;
        let followers = shelf.followers();
        drop((there, theirs));
        eventually("the end of following", || shelf.followers() < followers).await;
        ours.update(|lamp| lamp.level = 1);
        soon("the store", ours.stored()).await;
    }
}

mod writes_at_the_same_time {
    use super::*;

    /// The hosts hear nothing of each other until both have written.
    async fn unheard(
        durability: Durability,
        ours: impl FnMut(&mut Lamp),
        theirs: impl FnMut(&mut Lamp),
    ) -> (Shelf, [(Server, Model<Lamp>); 2]) {
        let shelf = Shelf::shared();
        let nodes = two(&shelf, durability).await;
        shelf.silence(true);
        nodes[0].1.update(ours);
        soon("the store", nodes[0].1.stored()).await;
        nodes[1].1.update(theirs);
        eventually("the conflict", || shelf.refused() == 1).await;
        // Its other models are stored meanwhile, and this one is not tried again before there are news.
        for id in ["other", "another"] {
            let other = nodes[1].0.host.open(id, Lamp::default).await.unwrap();
            soon("the store", other.stored()).await;
        }
        assert_eq!(shelf.refused(), 1);
        shelf.silence(false);
        for (_, model) in &nodes {
            soon("the store", model.stored()).await;
        }
        converge(&nodes[0].1, &nodes[1].1).await;
        (shelf, nodes)
    }

    #[tokio::test]
    async fn to_different_keys_are_both_kept() {
        for durability in [Durability::Applied, Durability::Stored] {
            let (shelf, [(_, ours), _]) =
                unheard(durability, |lamp| lamp.level = 1, |lamp| lamp.name = "desk".into()).await;
            assert_eq!(*ours.get(), Lamp { level: 1, name: "desk".into() });
            let values: Vec<_> = shelf.has("lamp").unwrap().slots.into_iter().map(|slot| slot.value).collect();
            assert_eq!(values, [Some(1.into()), Some("desk".into())]);
            assert_eq!(shelf.has("lamp").unwrap().rev, ours.rev());
        }
    }

    #[tokio::test]
    async fn to_one_key_end_with_the_one_that_is_stored_last() {
        for durability in [Durability::Applied, Durability::Stored] {
            let (shelf, [(_, ours), _]) = unheard(durability, |lamp| lamp.level = 1, |lamp| lamp.level = 2).await;
            assert_eq!(ours.get().level, 2);
            assert_eq!(shelf.has("lamp").unwrap().slots[0].value, Some(2.into()));
        }
    }

    #[tokio::test]
    async fn are_shown_to_pages_of_both_and_each_is_answered() {
        for durability in [Durability::Applied, Durability::Stored] {
            let shelf = Shelf::shared();
            let [(here, ours), (there, theirs)] = two(&shelf, durability).await;
            let (mut page, mut other) = (here.page("lamp").await, there.page("lamp").await);
            for model in [&ours, &theirs] {
                soon("the store", model.stored()).await;
            }
            shelf.silence(true);
            page.set_and_ack(json!({"level": 1})).await;
            soon("the store", ours.stored()).await;
            let seq = other.set(json!({"level": 2, "name": "desk"})).await;
            eventually("the conflict", || shelf.refused() == 1).await;
            shelf.silence(false);
            // Its own value is never taken back meanwhile, and comes with the answer or before it.
            let mut answered = false;
            let mut rev = 0;
            while !answered || rev < 2 {
                let frame = other.frame().await;
                answered |= frame.kind() == "ack" && frame["seq"] == seq.into();
                rev = rev.max(frame["rev"].as_i64().unwrap());
                let level = &frame["state"]["level"];
                assert!(*level == Value::Null || *level == 2.into(), "{frame:?}");
            }
            let set = page.expect("set").await;
            assert_eq!((&set["base"], &set["state"]), (&1.into(), &json!({"level": 2, "name": "desk"}).into()));
            converge(&ours, &theirs).await;
        }
    }

    #[tokio::test]
    async fn to_a_model_that_both_make_are_one_model() {
        let shelf = Shelf::shared();
        let hosts = [host(&shelf, Durability::Stored).await, host(&shelf, Durability::Stored).await];
        shelf.shut(true);
        let mut models = Vec::new();
        for host in &hosts {
            models.push(host.open("lamp", Lamp::default).await.unwrap());
        }
        models[0].update(|lamp| lamp.level = 1);
        models[1].update(|lamp| lamp.name = "desk".into());
        shelf.shut(false);
        for model in &models {
            soon("the store", model.stored()).await;
        }
        converge(&models[0], &models[1]).await;
        assert_eq!(*models[0].get(), Lamp { level: 1, name: "desk".into() });
    }

    #[tokio::test]
    async fn of_many_hosts_are_all_there_in_the_end() {
        let shelf = Shelf::shared();
        let hosts = [(); 3].map(|()| host(&shelf, Durability::Stored));
        let mut models = Vec::new();
        for host in hosts {
            let host = host.await;
            let bag = host.add(Widget::<Value>::new("bag", Source::data())).unwrap();
            models.push((host, bag));
        }
        let writers = models.iter().enumerate().map(|(n, (_, bag))| {
            let bag = bag.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    bag.update(|bag| bag[&format!("{n}")] = round.into());
                    bag.update(|bag| bag["last"] = (n as u64).into());
                    bag.stored().await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            soon("the writer", writer).await.unwrap();
        }
        converge(&models[0].1, &models[1].1).await;
        converge(&models[1].1, &models[2].1).await;
        let bag = models[0].1.get();
        assert_eq!(["0", "1", "2"].map(|key| bag[key].clone()), [(); 3].map(|()| 49.into()));
    }
}

mod a_page_that_moves {
    use super::*;

    #[tokio::test]
    async fn goes_on_where_it_was_and_its_repeated_frames_are_applied_once() {
        let shelf = Shelf::shared();
        let [(here, _ours), (there, theirs)] = two(&shelf, Durability::Stored).await;
        let (mut page, mut other) = (here.page("lamp").await, there.page("lamp").await);
        let message = page.message(json!("hello")).await;
        page.ack_of(message).await;
        let first = page.set_and_ack(json!({"level": 1, "nonsense": 2})).await;
        other.expect("set").await;
        let resume = page.resume();
        drop(page);
        other.set_and_ack(json!({"level": 9})).await;

        let mut page = there.page_that_says("lamp", resume).await;
        assert_eq!((&page.hello["full"], &page.hello["seq"]), (&false.into(), &2.into()), "{:?}", page.hello);
        assert_eq!(page.hello["state"]["level"], 9.into());
        page.send(json!({"type": "message", "seq": message, "content": "hello", "buffers": []})).await;
        page.ack_of(message).await;
        page.send(json!({"type": "set", "seq": 2, "state": {"level": 1, "nonsense": 2}})).await;
        assert_eq!(page.expect("ack").await, first, "the answer of the first time");
        assert_eq!(theirs.get().level, 9, "it was not applied again");
    }

    /// A page comes with a rev of one host, and what it lacks has numbers of both.
    #[tokio::test]
    async fn misses_nothing_of_what_either_host_wrote() {
        let shelf = Shelf::shared();
        let [(here, ours), (there, theirs)] = two(&shelf, Durability::Applied).await;
        let mut page = here.page("lamp").await;
        soon("the store", ours.stored()).await;
        shelf.silence(true);
        // The page knows rev 1 of its host, which is not stored before the other's rev 1 is.
        theirs.update(|lamp| lamp.name = "desk".into());
        soon("the store", theirs.stored()).await;
        page.set_and_ack(json!({"level": 3})).await;
        let mut resume = page.resume();
        resume["rev"] = json!(1);
        drop(page);
        let mut page = there.page_that_says("lamp", resume).await;
        let mut state = page.hello["state"].clone();
        shelf.silence(false);
        while (&state["level"], &state["name"]) != (&3.into(), &"desk".into()) {
            let set = page.expect("set").await;
            for (key, value) in set["state"].as_object().unwrap() {
                state[key] = value.clone();
            }
        }
        converge(&ours, &theirs).await;
    }

    /// The numbers of clients decide who is not told of a write.
    #[tokio::test]
    async fn is_no_client_of_the_other_host() {
        let shelf = Shelf::shared();
        let [(here, _ours), (there, _theirs)] = two(&shelf, Durability::Applied).await;
        let (page, other) = (here.page("lamp").await, there.page("lamp").await);
        assert_ne!(page.hello["client"], other.hello["client"]);
    }
}

/// A store that has lost what it said it had, as one does that was put back from a copy.
#[tokio::test(start_paused = true)]
async fn what_the_store_has_lost_is_written_again() {
    let shelf = Shelf::shared();
    let host = host(&shelf, Durability::Stored).await;
    let model = host.open("lamp", Lamp::default).await.unwrap();
    soon("the store", model.stored()).await;
    let before = shelf.has("lamp").unwrap();
    model.update(|lamp| lamp.level = 1);
    soon("the store", model.stored()).await;
    shelf.write("lamp", |stored| *stored = before);
    model.update(|lamp| lamp.name = "desk".into());
    soon("the store", model.stored()).await;
    let values: Vec<_> = shelf.has("lamp").unwrap().slots.into_iter().map(|slot| slot.value).collect();
    assert_eq!(values, [Some(1.into()), Some("desk".into())]);
}

/// What may happen to two hosts and three pages.
#[derive(Debug, Clone)]
enum Step {
    /// A host writes a key.
    Update(usize, usize),
    /// A page writes a key.
    Write(usize, usize),
    /// A page goes to a host.
    Move(usize, usize),
    /// The hosts hear nothing of each other, or everything.
    Silence(bool),
    /// The store answers nobody, or everybody.
    Shut(bool),
    /// Everybody does a little of what is to be done.
    Go,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2usize, 0..3usize).prop_map(|(node, key)| Step::Update(node, key)),
        3 => (0..3usize, 0..3usize).prop_map(|(page, key)| Step::Write(page, key)),
        2 => (0..3usize, 0..2usize).prop_map(|(page, node)| Step::Move(page, node)),
        1 => any::<bool>().prop_map(Step::Silence),
        1 => any::<bool>().prop_map(Step::Shut),
        3 => Just(Step::Go),
    ]
}

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}", name = "board")]
struct Board {
    a: u32,
    b: u32,
    c: u32,
}

async fn board(shelf: &Shelf, durability: Durability) -> (Server, Model<Board>) {
    let host = Host::builder().widget(Board::widget()).store(shelf.clone()).durability(durability);
    let host = host.build().await.unwrap();
    let model = host.open("board", Board::default).await.unwrap();
    soon("the store", model.stored()).await;
    (Server::of(host).await, model)
}

async fn play(steps: Vec<Step>, durability: Durability) {
    let shelf = Shelf::shared();
    let nodes = [board(&shelf, durability).await, board(&shelf, durability).await];
    let mut pages = [(); 3].map(|()| Replica::of("board"));
    for page in &mut pages {
        page.moves = true;
        page.come_back(&nodes[0].0).await;
    }
    for (n, step) in (1u32..).zip(steps) {
        match step {
            Step::Update(node, key) => nodes[node].1.update(|board| match key {
                0 => board.a = n,
                1 => board.b = n,
                _ => board.c = n,
            }),
            Step::Write(page, key) => drop(pages[page].set(json!({KEYS[key]: n})).await),
            Step::Move(page, node) => pages[page].come_back(&nodes[node].0).await,
            Step::Silence(silent) => shelf.silence(silent),
            Step::Shut(shut) => shelf.shut(shut),
            Step::Go => {
                for _ in 0..100 {
                    yield_now().await;
                }
            }
        }
    }
    shelf.silence(false);
    shelf.shut(false);
    for page in &mut pages {
        page.settle().await;
    }
    for (_, model) in &nodes {
        soon("the store", model.stored()).await;
    }
    converge(&nodes[0].1, &nodes[1].1).await;
    let (rev, state) = (nodes[0].1.rev(), nodes[0].1.state_json());
    for page in &mut pages {
        page.reach(rev, 0).await;
        assert_eq!(json!(page.state()), state, "a page");
    }
    let kept = shelf.has("board").unwrap();
    let kept = kept.slots.into_iter().map(|slot| (slot.key.to_string(), json!(slot.value)));
    assert_eq!(serde_json::Value::Object(kept.collect()), state, "the store");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever two hosts and the pages that go from one to the other do, and in whatever order they hear of it.
    #[test]
    fn in_the_end_all_are_equal(steps in vec(step(), 1..40), stored in any::<bool>()) {
        let durability = if stored { Durability::Stored } else { Durability::Applied };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps, durability));
    }
}
