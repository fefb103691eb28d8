//! Networks that fail: nothing that was written is lost or applied twice, and everybody ends equal.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anywidget_host::{Blob, Host, Limits, Model, Value, Widget};
use futures_util::future::join_all;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

use support::page::Next;
use support::proxy::{Cut, Link, Proxy, Way};
use support::replica::Replica;
use support::{Server, bytes, eventually, soon};

/// Each `set` with another note is one commit, each message one more. The level is clamped, so that answers carry
/// values.
#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}")]
struct Tally {
    note: String,
    level: i64,
    pixels: Blob,
    #[widget(server)]
    messages: u64,
    #[widget(server)]
    touched: u64,
}

const TOP: i64 = 100;

/// A host, its only model and a bad way to it.
struct World {
    server: Server,
    model: Model<Tally>,
    proxy: Proxy,
    /// The contents of all messages that were handled.
    handled: Arc<Mutex<Vec<Value>>>,
}

impl World {
    async fn new() -> World {
        World::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> World {
        let handled = Arc::new(Mutex::new(Vec::new()));
        let log = handled.clone();
        let widget = Tally::widget()
            .validate(|next, _| {
                next.level = next.level.clamp(0, TOP);
                Ok(())
            })
            .on_message(move |model, message| {
                log.lock().unwrap().push(message.content.clone());
                model.update(|tally| tally.messages += 1);
                model.send(&message.content).unwrap();
            });
        let host = Host::builder().widget(widget).limits(limits).build().await.unwrap();
        let model = host.open("tally", Tally::default).await.unwrap();
        let server = Server::of(host).await;
        let proxy = Proxy::to(&server).await;
        World { server, model, proxy, handled }
    }

    /// A commit of Rust's own.
    fn touch(&self) {
        self.model.update(|tally| tally.touched += 1);
    }

    /// Asserts that each of these messages was handled once, in this order.
    fn handled(&self, contents: impl IntoIterator<Item = Value>) {
        assert_eq!(*self.handled.lock().unwrap(), contents.into_iter().collect::<Vec<_>>());
    }

    /// Asserts that a page which reads on shows what one shows that comes now.
    async fn ends_equal(&self, page: &mut Replica) {
        page.settle().await;
        page.reach(self.model.rev(), 0).await;
        let mut fresh = Replica::of("tally");
        fresh.come_back(&self.server).await;
        assert_eq!(page.state(), fresh.state());
    }
}

/// How many bytes a frame of a page has on the wire.
fn length(frame: &Message) -> usize {
    support::raw::masked(0, &vec![0; frame.len()]).len()
}

/// A `set` whose answer tells the clamped level, and what it is.
fn write(offset: usize) -> serde_json::Value {
    json!({"note": format!("note {offset}"), "level": 500})
}

/// As [`write`], with bytes.
fn write_binary(offset: usize) -> Value {
    let mut state = Value::from(write(offset));
    state["pixels"] = bytes([offset as u8]);
    state
}

mod cut_at_every_byte {
    use super::*;

    /// Cuts a frame on its way to the host at each of its bytes in turn, with a commit of the host's own before the
    /// page is back: the frame is applied once, and its answer stays the same.
    async fn of_the_page(send: impl AsyncFn(&mut Replica, usize) -> u64) {
        for cut in [Cut::Fin, Cut::Reset] {
            let mut world = World::new().await;
            let mut page = Replica::of("tally");
            for offset in 0.. {
                page.come_back(&world.proxy).await;
                let before = world.model.rev();
                world.proxy.link().await.cut_after(Way::ToHost, offset, cut);
                let seq = send(&mut page, offset).await;
                let frame = page.oldest();
                page.until_lost().await;
                world.touch();

                page.come_back(&world.server).await;
                page.settle().await;
                assert_eq!(world.model.rev(), before + 2, "{cut:?} at byte {offset}");
                world.touch();
                page.repeat(seq, frame.clone()).await;
                assert_eq!(world.model.rev(), before + 3, "{cut:?} at byte {offset}");
                world.ends_equal(&mut page).await;
                if offset == length(&frame) {
                    break;
                }
            }
        }
    }

    #[tokio::test]
    async fn a_set_is_applied_once() {
        of_the_page(async |page, offset| page.set(write(offset)).await).await;
    }

    #[tokio::test]
    async fn a_set_in_messagepack_is_applied_once() {
        of_the_page(async |page, offset| page.set_binary(write_binary(offset)).await).await;
    }

    #[tokio::test]
    async fn a_message_is_handled_once() {
        of_the_page(async |page, offset| page.message(json!(offset)).await).await;
    }

    /// What a page sends as one burst: a `set`, a message, and another `set`.
    #[tokio::test]
    async fn frames_in_a_row_are_applied_in_order() {
        for cut in [Cut::Fin, Cut::Reset] {
            let mut world = World::new().await;
            let mut page = Replica::of("tally");
            page.come_back(&world.proxy).await;
            let mut sent = Vec::new();
            for offset in 0.. {
                let before = world.model.rev();
                world.proxy.link().await.cut_after(Way::ToHost, offset, cut);
                let first = page.set(json!({"note": "first"})).await;
                let burst = length(&page.oldest());
                let message = page.message(json!(offset)).await;
                let second = page.set(json!({"note": "second"})).await;
                sent.push(Value::from(offset as i64));
                page.until_lost().await;

                page.come_back(&world.proxy).await;
                page.settle().await;
                assert_eq!(world.model.rev(), before + 3, "{cut:?} at byte {offset}");
                assert_eq!(world.model.get().note, "second");
                world.handled(sent.iter().cloned());
                for (seq, rev) in [(first, before + 1), (message, before + 1), (second, before + 3)] {
                    assert_eq!(page.answer(seq)["rev"], rev.into(), "{cut:?} at byte {offset}");
                }
                if offset > 3 * burst {
                    break;
                }
            }
        }
    }

    /// Cuts what the host says at each byte in turn, until a frame of this type came whole before the cut. `cause`
    /// makes the host say it; `back` looks at the page when it is back.
    async fn of_the_host(
        kind: &str,
        cause: impl AsyncFn(&World, &mut Replica, usize),
        back: impl AsyncFn(&World, &mut Replica, usize),
    ) {
        for cut in [Cut::Fin, Cut::Reset] {
            let mut world = World::new().await;
            let mut page = Replica::of("tally");
            page.come_back(&world.proxy).await;
            for offset in 0.. {
                world.proxy.link().await.cut_after(Way::ToPage, offset, cut);
                cause(&world, &mut page, offset).await;
                let came = page.until_lost().await.iter().any(|frame| frame.kind() == kind);
                world.touch();
                page.come_back(&world.proxy).await;
                page.settle().await;
                back(&world, &mut page, offset).await;
                world.ends_equal(&mut page).await;
                if came {
                    assert!(offset > 20, "a frame of {offset} bytes");
                    break;
                }
            }
        }
    }

    #[tokio::test]
    async fn an_ack_comes_again_as_it_was() {
        let cause = async |_: &World, page: &mut Replica, offset| {
            page.set(write(offset)).await;
        };
        of_the_host("ack", cause, async |world, page, _| {
            // The cut was in the answer, so the write was applied before it; the touch came after.
            let (seq, rev) = (page.seq(), world.model.rev() - 1);
            let ack = json!({"type": "ack", "seq": seq, "rev": rev, "state": {"level": TOP}});
            assert_eq!(*page.answer(seq), ack);
        })
        .await;
    }

    #[tokio::test]
    async fn a_set_is_made_good() {
        let cause = async |world: &World, _: &mut Replica, offset| {
            world.model.update(|tally| tally.note = format!("note {offset}"));
        };
        of_the_host("set", cause, async |world, page, offset| {
            page.reach(world.model.rev(), 0).await;
            assert_eq!(page.state()["note"], format!("note {offset}").into());
        })
        .await;
    }

    #[tokio::test]
    async fn a_set_in_messagepack_is_made_good() {
        let cause = async |world: &World, _: &mut Replica, offset| {
            world.model.update(|tally| tally.pixels = vec![offset as u8; 10].into());
        };
        of_the_host("set", cause, async |world, page, offset| {
            page.reach(world.model.rev(), 0).await;
            assert_eq!(page.state()["pixels"], bytes(vec![offset as u8; 10]));
        })
        .await;
    }

    #[tokio::test]
    async fn a_message_comes_once() {
        let cause = async |world: &World, _: &mut Replica, offset| world.model.send(offset).unwrap();
        of_the_host("message", cause, async |world, page, offset| {
            page.reach(world.model.rev(), offset + 1).await;
            assert_eq!(page.told, (0..=offset as i64).map(Value::from).collect::<Vec<_>>());
        })
        .await;
    }

    /// A message of the page makes the host say three things: a `set`, a message to all, and the answer.
    #[tokio::test]
    async fn all_that_a_message_causes_comes_once() {
        let cause = async |_: &World, page: &mut Replica, offset| {
            page.message(json!(offset)).await;
        };
        of_the_host("ack", cause, async |world, page, offset| {
            page.reach(world.model.rev(), offset + 1).await;
            let contents: Vec<_> = (0..=offset as i64).map(Value::from).collect();
            assert_eq!(page.told, contents);
            assert_eq!(page.state()["messages"], (offset as u64 + 1).into());
            world.handled(contents);
        })
        .await;
    }

    /// Cuts the greeting of a page that has a write waiting, at each byte of one direction.
    async fn of_the_greeting(way: Way, page_of: impl AsyncFn(&World) -> Replica) {
        for cut in [Cut::Fin, Cut::Reset] {
            let mut world = World::new().await;
            for offset in 0.. {
                let mut page = page_of(&world).await;
                let before = world.model.rev();
                page.set(write(offset)).await;
                page.message(json!(offset)).await;
                page.open(&world.proxy).await;
                world.proxy.link().await.cut_after(way, offset, cut);
                let greeted = page.greet().await;
                page.until_lost().await;
                world.touch();

                page.come_back(&world.server).await;
                page.settle().await;
                assert_eq!(world.model.rev(), before + 3, "{cut:?} at byte {offset}");
                world.ends_equal(&mut page).await;
                world.handled((0..=offset as i64).map(Value::from));
                if greeted {
                    assert!(offset > 60, "a hello of {offset} bytes");
                    break;
                }
            }
        }
    }

    async fn a_new_page(_: &World) -> Replica {
        Replica::of("tally")
    }

    /// A page that was there, left, and missed something.
    async fn a_page_from_before(world: &World) -> Replica {
        let mut page = Replica::of("tally");
        page.come_back(&world.server).await;
        page.leave().await;
        world.touch();
        page
    }

    #[tokio::test]
    async fn the_first_hello_of_a_page_is_said_again() {
        of_the_greeting(Way::ToHost, a_new_page).await;
    }

    #[tokio::test]
    async fn the_hello_of_a_page_that_comes_back_is_said_again() {
        of_the_greeting(Way::ToHost, a_page_from_before).await;
    }

    #[tokio::test]
    async fn the_first_hello_of_the_host_is_asked_for_again() {
        of_the_greeting(Way::ToPage, a_new_page).await;
    }

    #[tokio::test]
    async fn what_a_hello_would_have_brought_comes_with_the_next() {
        of_the_greeting(Way::ToPage, a_page_from_before).await;
    }
}

mod half_open {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_millis(400);

    fn quick() -> Limits {
        Limits { heartbeat: HEARTBEAT, ..Limits::default() }
    }

    #[tokio::test]
    async fn a_page_that_is_not_heard_is_closed_after_two_and_a_half_heartbeats() {
        let mut world = World::with(quick()).await;
        let mut page = Replica::of("tally");
        let started = Instant::now();
        page.come_back(&world.proxy).await;
        world.proxy.link().await.swallow(Way::ToHost);
        let close = loop {
            // The page answers heartbeats, and nobody hears it.
            if let Next::Closed(code, _) = page.next().await {
                break code;
            }
        };
        assert_eq!(close, 4003);
        assert!(started.elapsed() >= HEARTBEAT * 5 / 2, "after {:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_connection_that_swallows_everything_ends_though_nothing_tells_of_it() {
        let mut world = World::with(quick()).await;
        let mut page = Replica::of("tally");
        page.come_back(&world.proxy).await;
        let link = world.proxy.link().await;
        link.swallow(Way::ToHost);
        link.swallow(Way::ToPage);
        page.set(write(1)).await;
        eventually("the end of the socket", || world.server.host.sockets() == 0).await;
        page.come_back(&world.server).await;
        world.ends_equal(&mut page).await;
        assert_eq!(world.model.get().note, "note 1");
    }

    #[tokio::test]
    async fn a_page_goes_on_over_another_connection_long_before_the_host_notices() {
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        page.come_back(&world.proxy).await;
        let link = world.proxy.link().await;
        link.swallow(Way::ToHost);
        let seq = page.set(write(1)).await;
        page.message(json!("hi")).await;
        assert_eq!(world.model.rev(), 0);

        let mut old = page.open(&world.server).await.unwrap();
        assert!(page.greet().await);
        page.settle().await;
        assert_eq!(page.answer(seq)["rev"], 1.into());
        assert_eq!(old.close_code().await, 4408, "the old one can still be told");
        world.ends_equal(&mut page).await;
        world.handled(["hi".into()]);
    }

    /// A page on a slow line takes long for a large frame. What it said meanwhile waits in the connection.
    #[tokio::test]
    async fn a_page_that_is_busy_with_a_large_frame_is_not_silent() {
        let world = World::with(quick()).await;
        let mut page = world.server.page("tally").await;
        world.model.update(|tally| tally.pixels = vec![7; 24 << 20].into());
        let seq = page.set(write(1)).await;
        let started = Instant::now();
        let stream = page.socket.get_mut();
        let mut head = [0; 10];
        stream.read_exact(&mut head).await.unwrap();
        let mut left = u64::from_be_bytes(head[2..].try_into().unwrap()) as usize;
        let mut part = vec![0; 1 << 20];
        while left > 0 {
            let most = left.min(part.len());
            left -= soon("some bytes", stream.read(&mut part[..most])).await.unwrap();
            if started.elapsed() < HEARTBEAT * 4 {
                tokio::time::sleep(HEARTBEAT / 10).await;
            }
        }
        loop {
            match page.next().await {
                Next::Heartbeat => page.send_text("").await,
                Next::Frame(ack) => break assert_eq!((ack.kind(), &ack["seq"]), ("ack", &seq.into())),
                other => panic!("{other:?}"),
            }
        }
    }
}

mod late {
    use super::*;

    #[tokio::test]
    async fn frames_of_an_older_connection_change_nothing() {
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        page.come_back(&world.proxy).await;
        let link = world.proxy.link().await;
        link.hold(Way::ToHost);
        page.set(json!({"note": "old"})).await;
        page.message(json!("once")).await;

        let mut old = page.open(&world.server).await.unwrap();
        assert!(page.greet().await);
        page.settle().await;
        page.set(json!({"note": "new"})).await;
        page.settle().await;
        let rev = world.model.rev();
        assert_eq!(old.close_code().await, 4408);
        link.release(Way::ToHost);
        drop(old);
        link.over().await;

        assert_eq!((world.model.rev(), world.model.get().note.as_str()), (rev, "new"));
        world.handled(["once".into()]);
        page.set(json!({"note": "newer"})).await;
        world.ends_equal(&mut page).await;
    }

    /// The host reads the old connection while it greets the new one.
    #[tokio::test(flavor = "multi_thread")]
    async fn frames_of_two_connections_at_the_same_moment_are_applied_once() {
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        page.come_back(&world.proxy).await;
        let mut link = world.proxy.link().await;
        for round in 0..50 {
            let before = world.model.rev();
            link.hold(Way::ToHost);
            for n in 0..5 {
                page.set(json!({"note": format!("{round}.{n}")})).await;
                page.message(json!([round, n])).await;
            }
            let old = page.open(&world.proxy).await;
            let next = world.proxy.link().await;
            let release = async {
                tokio::task::yield_now().await;
                link.release(Way::ToHost);
            };
            let (greeted, ()) = tokio::join!(page.greet(), release);
            assert!(greeted);
            page.settle().await;
            assert_eq!(world.model.rev(), before + 10);
            drop(old);
            link = next;
        }
        world.handled((0..50).flat_map(|round| (0..5).map(move |n| json!([round, n]).into())));
        world.ends_equal(&mut page).await;
    }

    /// The host is in the middle of a write when the session goes on elsewhere.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_write_that_is_being_validated_is_not_applied_for_an_older_connection() {
        let (entered, mut validating) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, waiting) = std::sync::mpsc::channel();
        let waiting = Mutex::new(waiting);
        let widget = Tally::widget().validate(move |next, _| {
            if next.note == "slow" {
                entered.send(()).unwrap();
                tokio::task::block_in_place(|| waiting.lock().unwrap().recv().unwrap());
            }
            Ok(())
        });
        let server = Server::with(widget).await;
        let model = server.host.open("tally", Tally::default).await.unwrap();
        let mut old = server.page("tally").await;
        old.set(json!({"note": "slow"})).await;
        soon("a validation", validating.recv()).await.unwrap();
        let mut new = server.page_that_says("tally", old.resume()).await;
        assert_eq!(new.hello["seq"], 0.into());
        go_on.send(()).unwrap();
        assert_eq!(old.close_code().await, 4408);
        assert_eq!((model.rev(), model.get().note.as_str()), (0, ""));
        new.set_and_ack(json!({"note": "new"})).await;
        assert_eq!((model.rev(), model.get().note.as_str()), (1, "new"));
    }

    /// The page gave a connection up before it was greeted. Its hello comes when the page is long on another one,
    /// which is where the session stays: a page does not come back after 4408.
    #[tokio::test]
    async fn the_hello_of_an_older_connection_does_not_take_the_session_back() {
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        let (mut links, mut older) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            older.extend(page.open(&world.proxy).await);
            links.push(world.proxy.link().await);
            links[links.len() - 1].hold(Way::ToHost);
            page.say_hello().await;
        }
        older.extend(page.open(&world.server).await);
        assert!(page.greet().await);
        page.set(json!({"note": "before"})).await;
        page.settle().await;
        for link in &links {
            link.release(Way::ToHost);
        }
        for (mut page, link) in older.into_iter().zip(&links) {
            assert_eq!(page.close_code().await, 4408);
            drop(page);
            link.over().await;
        }
        page.set(json!({"note": "after"})).await;
        world.ends_equal(&mut page).await;
        assert_eq!(world.model.get().note, "after");
    }

    #[tokio::test]
    async fn connections_that_deliver_in_reverse_order_change_nothing() {
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        let (mut links, mut older) = (Vec::new(), Vec::new());
        for n in 0..5 {
            older.extend(page.open(&world.proxy).await);
            assert!(page.greet().await);
            let link = world.proxy.link().await;
            link.hold(Way::ToHost);
            links.push(link);
            page.set(json!({"note": n.to_string()})).await;
            page.message(json!(n)).await;
        }
        older.extend(page.open(&world.server).await);
        assert!(page.greet().await);
        for link in links.iter().rev() {
            link.release(Way::ToHost);
        }
        page.settle().await;
        assert_eq!(world.model.rev(), 10);
        world.handled((0..5).map(Value::from));
        for (mut page, link) in older.into_iter().zip(links) {
            assert_eq!(page.close_code().await, 4408);
            drop(page);
            link.over().await;
        }
        assert_eq!(world.model.rev(), 10);
        world.ends_equal(&mut page).await;
    }
}

mod slow {
    use super::*;

    const DELAY: Duration = Duration::from_millis(30);

    /// A page whose every byte takes its time, both ways.
    async fn far_away(world: &mut World, page: &mut Replica) -> Link {
        page.open(&world.proxy).await;
        let link = world.proxy.link().await;
        link.delay(Way::ToHost, DELAY);
        link.delay(Way::ToPage, DELAY);
        assert!(page.greet().await);
        link
    }

    #[tokio::test]
    async fn writes_that_wait_for_no_answer_are_applied_in_order_and_all_end_equal() {
        const WRITES: usize = 200;
        let mut world = World::new().await;
        let (mut page, mut other) = (Replica::of("tally"), Replica::of("tally"));
        far_away(&mut world, &mut page).await;
        other.come_back(&world.server).await;
        for n in 0..WRITES {
            page.set(json!({"note": format!("mine {n}")})).await;
            if n % 10 == 0 {
                other.set(json!({"note": format!("theirs {n}")})).await;
                other.settle().await;
                world.touch();
            }
        }
        page.settle().await;
        assert_eq!(world.model.rev() as usize, WRITES + 2 * WRITES / 10);
        let revs: Vec<_> = (1..=WRITES as u64).map(|seq| page.answer(seq)["rev"].as_i64()).collect();
        assert!(revs.is_sorted_by(|a, b| a < b), "each answer is of its own commit: {revs:?}");
        world.ends_equal(&mut page).await;
        world.ends_equal(&mut other).await;
    }

    #[tokio::test]
    async fn two_pages_that_drag_the_same_thing_end_equal() {
        let mut world = World::new().await;
        let mut pages = [Replica::of("tally"), Replica::of("tally")];
        for page in &mut pages {
            far_away(&mut world, page).await;
        }
        for n in 0..100 {
            for page in &mut pages {
                page.set(json!({"level": n % TOP, "note": page.seq().to_string()})).await;
            }
        }
        for page in &mut pages {
            page.settle().await;
        }
        for page in &mut pages {
            world.ends_equal(page).await;
        }
    }

    /// A cut while writes and answers are on their way in both directions, again and again.
    #[tokio::test]
    async fn a_cut_in_the_middle_loses_none_of_the_writes_on_their_way() {
        const ROUNDS: usize = 20;
        const WRITES: usize = 20;
        let mut world = World::new().await;
        let mut page = Replica::of("tally");
        for round in 0..ROUNDS {
            let link = far_away(&mut world, &mut page).await;
            let (way, cut) = match round % 4 {
                0 => (Way::ToHost, Cut::Fin),
                1 => (Way::ToPage, Cut::Fin),
                2 => (Way::ToHost, Cut::Reset),
                _ => (Way::ToPage, Cut::Reset),
            };
            link.cut_after(way, 37 * (round + 1), cut);
            for n in 0..WRITES {
                page.set(json!({"note": format!("{round}.{n}")})).await;
                page.message(json!([round, n])).await;
            }
            page.until_lost().await;
        }
        far_away(&mut world, &mut page).await;
        page.settle().await;
        assert_eq!(world.model.rev() as usize, 2 * ROUNDS * WRITES);
        world.handled((0..ROUNDS).flat_map(|round| (0..WRITES).map(move |n| json!([round, n]).into())));
        page.reach(0, ROUNDS * WRITES).await;
        world.handled(page.told.clone());
        world.ends_equal(&mut page).await;
    }
}

mod storms {
    use super::*;

    #[tokio::test]
    async fn two_hundred_pages_that_are_cut_at_once_come_back_and_end_equal() {
        const PAGES: usize = 200;
        const ROUNDS: usize = 3;
        let mut world = World::new().await;
        let mut pages: Vec<Replica> = (0..PAGES).map(|_| Replica::of("tally")).collect();
        let mut links = Vec::new();
        for page in &mut pages {
            page.come_back(&world.proxy).await;
            links.push(world.proxy.link().await);
        }
        for round in 0..ROUNDS {
            let cut = [Cut::Fin, Cut::Reset][round % 2];
            for (at, link) in links.drain(..).enumerate() {
                // Some are cut in what they say, some in what they are told.
                link.cut_after([Way::ToHost, Way::ToPage][at % 2], at % 100, cut);
            }
            let writing = pages.iter_mut().enumerate().map(async |(at, page)| {
                page.set(json!({"note": format!("{round} {at}")})).await;
                page.message(json!([round, at])).await;
                page.until_lost().await;
            });
            join_all(writing).await;
            join_all(pages.iter_mut().map(async |page| page.come_back(&world.proxy).await)).await;
            for _ in 0..PAGES {
                links.push(world.proxy.link().await);
            }
            join_all(pages.iter_mut().map(Replica::settle)).await;
        }
        let all = ROUNDS * PAGES;
        assert_eq!(world.model.rev() as usize, 2 * all);
        assert_eq!(world.model.get().messages as usize, all);
        let mut handled = world.handled.lock().unwrap().clone();
        for page in &mut pages {
            page.reach(world.model.rev(), all).await;
            assert!(page.told == handled, "another order of messages");
        }
        world.ends_equal(&mut pages[0]).await;
        assert!(pages.iter().all(|page| page.state() == pages[0].state()));
        handled.sort_by_key(|content| format!("{content:?}"));
        handled.dedup();
        assert_eq!(handled.len(), all);
    }
}
