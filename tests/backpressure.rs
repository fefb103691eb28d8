//! Pages that are slower than what they show, and pages that send too much: they cost little and disturb nobody.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::time::{Duration, Instant};

use anywidget_host::{Host, Limits, Model, Widget};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use support::{Server, soon};

#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct Feed {
    value: String,
    note: String,
}

/// Longer than any test, for limits that should not end one.
const NEVER: Duration = Duration::from_secs(24 * 3_600);

/// A value of 1 KiB that says which one it is.
fn kilobyte(n: u64) -> String {
    format!("{n:01024}")
}

async fn feed(limits: Limits) -> (Server, Model<Feed>) {
    let host = Host::builder().widget(Feed::widget()).limits(limits).build().await.unwrap();
    let model = host.open("feed", Feed::default).await.unwrap();
    (Server::narrow(host).await, model)
}

mod stalled {
    use super::*;

    /// Nothing here depends on how fast anything is: the stalled page is known to be stuck, because far more was
    /// sent to it than the buffers between it and the host take.
    #[tokio::test]
    async fn a_page_that_stops_reading_delays_nobody_and_gets_the_latest_values_in_one_frame() {
        const READERS: usize = 20;
        const COMMITS: u64 = 20_000;
        /// Commits of which each is in a frame of its own: far more kilobytes than all buffers take.
        const APART: u64 = 500;
        // Those behind them are merged, so that twenty readers are no work.
        let pace = Limits { pace_frames: APART as u32, pace_window: NEVER, ..Limits::default() };
        let (server, model) = feed(Limits { write: NEVER, heartbeat: NEVER, ..pace }).await;
        let mut stalled = server.page("feed").await;
        let mut first = server.page("feed").await;
        let mut readers = Vec::new();
        for _ in 1..READERS {
            let mut page = server.page("feed").await;
            readers.push(tokio::spawn(async move { page.sets_up_to(0, COMMITS).await.pop().unwrap() }));
        }
        for n in 1..=COMMITS {
            model.update(|feed| feed.value = kilobyte(n));
            match n {
                ..=APART => drop(first.sets_up_to(n - 1, n).await),
                _ if n % 10 == 0 => tokio::task::yield_now().await,
                _ => {}
            }
        }
        let mut last = vec![first.sets_up_to(APART, COMMITS).await.pop().unwrap()];
        for reader in readers {
            last.push(reader.await.unwrap());
        }
        for set in last {
            assert_eq!(set["state"], json!({"value": kilobyte(COMMITS)}).into());
        }

        let mut sets = stalled.sets_up_to(0, COMMITS).await;
        let last = sets.pop().unwrap();
        assert_eq!(last["state"], json!({"value": kilobyte(COMMITS)}).into());
        assert!(
            last["base"].as_i64().unwrap() < APART as i64,
            "not everything since is in one frame: {:?}",
            last["base"]
        );
        assert!((sets.len() as u64) < APART / 2, "{} frames were kept for a page that does not read", sets.len());
        stalled.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_page_that_stops_reading_does_not_hold_up_the_end_of_the_host() {
        let (server, model) = feed(Limits { write: NEVER, ..Limits::default() }).await;
        let page = server.page("feed").await;
        model.update(|feed| feed.value = "x".repeat(1 << 20));
        page.socket.get_ref().peek(&mut [0]).await.unwrap();
        soon("the end of the host", server.host.shutdown()).await;
    }
}

mod fast_producers {
    use super::*;

    const COMMITS: u64 = 10_000;

    /// 10,000 commits, in a second if this machine is fast enough.
    async fn produce(model: &Model<Feed>) {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        for n in 1..=COMMITS {
            if n % 10 == 1 {
                tick.tick().await;
            }
            model.update(|feed| feed.value = n.to_string());
            tokio::task::yield_now().await;
        }
    }

    /// Asserts that the frames of a page which reads are no more than `most` of the time that all took.
    async fn are_merged(limits: Limits, most: impl Fn(Duration) -> f64) {
        let (server, model) = feed(limits).await;
        let mut page = server.page("feed").await;
        let started = Instant::now();
        let (sets, ()) = tokio::join!(page.sets_up_to(0, COMMITS), produce(&model));
        let took = started.elapsed();
        println!("{} frames in {took:?}", sets.len());
        assert!((sets.len() as f64) <= most(took), "{} frames in {took:?}", sets.len());
        assert_eq!(sets.last().unwrap()["state"], json!({"value": COMMITS.to_string()}).into());
        page.expect_nothing().await;
    }

    /// So many frames at once in each window, then one for each delay that fits into it.
    #[tokio::test]
    async fn ten_thousand_commits_in_a_second_are_merged_as_the_protocol_says() {
        let most = |took: Duration| (took.as_secs_f64() / 0.050 + 1.0) * (65.0 + 50.0 / 8.0);
        are_merged(Limits::default(), most).await;
    }

    /// In a window without end only the delays count, so that this tells merged frames from others on slow machines.
    #[tokio::test]
    async fn after_the_first_frames_there_is_one_for_each_delay() {
        let limits = Limits { pace_window: NEVER, ..Limits::default() };
        are_merged(limits, |took| 66.0 + took.as_secs_f64() / 0.008).await;
    }

    /// Once the frames that go out at once are used up, all state waits for longer than the test, but for what
    /// goes with an answer.
    #[tokio::test]
    async fn answers_never_wait_for_their_turn() {
        let limits = Limits { pace_window: NEVER, pace_delay: NEVER, ..Limits::default() };
        let (server, model) = feed(limits.clone()).await;
        let mut page = server.page("feed").await;
        let mut answered = 0;
        let mut frames = 0;
        let asking = async {
            let mut rev = 0;
            while rev < COMMITS {
                let seq = page.set(json!({"note": answered.to_string()})).await;
                let ack = loop {
                    let frame = page.frame().await;
                    match frame.kind() {
                        "set" => frames += 1,
                        _ => break frame,
                    }
                };
                assert_eq!((ack.kind(), &ack["seq"]), ("ack", &seq.into()));
                rev = ack["rev"].as_i64().unwrap() as u64;
                answered += 1;
            }
        };
        tokio::join!(asking, produce(&model));
        assert!(answered > 1);
        assert!(frames <= answered + u64::from(limits.pace_frames) + 1, "{frames} frames beside {answered} answers");
    }

    /// The host has always more to send than the page has read.
    #[tokio::test]
    async fn a_page_is_heard_although_it_is_slower_than_what_it_is_sent() {
        let (server, model) = feed(Limits::default()).await;
        let mut page = server.page("feed").await;
        // Far more than what the buffers on the way take, so that the next commit is there before this frame has gone.
        let large = |n: u64| format!("{n}{}", "x".repeat(1 << 20));
        model.update(|feed| feed.value = large(0));
        soon("the first byte", page.socket.get_ref().peek(&mut [0])).await.unwrap();
        let seq = page.set(json!({"note": "hello?"})).await;
        let mut frames = 0;
        loop {
            frames += 1;
            model.update(|feed| feed.value = large(frames));
            let frame = page.frame().await;
            if frame.kind() == "ack" {
                break assert_eq!(frame["seq"], seq.into());
            }
            assert!(frames < 5, "{frames} frames came, and no answer");
        }
    }

    /// Rust sends custom messages without a pause. A page that writes meanwhile is heard.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_page_is_heard_however_many_messages_it_is_sent() {
        let (server, model) = feed(Limits::default()).await;
        let mut page = server.page("feed").await;
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let sender = std::thread::spawn(move || {
            while stopped.try_recv().is_err() {
                model.send("again").unwrap();
            }
        });
        for _ in 0..10 {
            let seq = page.set(json!({"note": "hello?"})).await;
            let heard = async {
                loop {
                    let frame = page.frame().await;
                    if frame.kind() == "ack" {
                        return assert_eq!(frame["seq"], seq.into());
                    }
                }
            };
            soon("an answer", heard).await;
        }
        stop.send(()).unwrap();
        sender.join().unwrap();
    }
}

mod floods {
    use super::*;

    /// Twice what may come at once: the host reads the second half at its own pace.
    #[tokio::test]
    async fn a_page_that_sends_too_much_is_read_slower_disturbs_nobody_and_loses_nothing() {
        let limits = Limits::default();
        let frames = u64::from(limits.frame_burst) + 5 * u64::from(limits.frames_per_second);
        let (server, model) = feed(limits.clone()).await;
        let (mut sink, mut stream) = server.page("feed").await.socket.split();
        let mut other = server.page("feed").await;
        let started = Instant::now();
        let flood = async {
            let writing = async {
                for seq in 1..=frames {
                    let frame = json!({"type": "set", "seq": seq, "state": {"value": seq.to_string()}});
                    sink.feed(Message::text(frame.to_string())).await.unwrap();
                }
                sink.flush().await.unwrap();
            };
            let reading = async {
                let mut seq = 0;
                while seq < frames {
                    let Message::Text(text) = stream.next().await.unwrap().unwrap() else { panic!("not a text") };
                    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] == "ack" {
                        seq += 1;
                        assert_eq!(frame["seq"], seq, "answers come in order, each once");
                    }
                }
            };
            tokio::join!(writing, reading);
        };
        let mut rounds = 0;
        let others = async {
            loop {
                let seq = other.set(json!({"note": rounds.to_string()})).await;
                while other.frame().await["seq"] != seq.into() {}
                rounds += 1;
            }
        };
        tokio::select! {
            () = flood => {}
            () = others => unreachable!("it goes on as long as the flood"),
        }
        // The hello was one of them.
        let slower = Duration::from_secs_f64(
            (frames + 1 - u64::from(limits.frame_burst)) as f64 / f64::from(limits.frames_per_second),
        );
        assert!(started.elapsed() >= slower, "{:?}", started.elapsed());
        assert!(rounds > 100, "another page was answered {rounds} times only");
        assert_eq!(model.get().value, frames.to_string());
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use futures_util::future::join_all;

    use super::support::Site;
    use super::support::again::{self, Again};
    use super::support::crowd::{Onlooker, needs_sockets};
    use super::*;

    const SESSIONS: usize = 1_000;
    const STALLED: usize = 100;
    const PER_SECOND: u64 = 1_000;
    /// Seconds of producing before memory is looked at for the first time.
    const WARM_UP: u64 = 10;
    /// One byte for each commit and stalled session would be more.
    const MOST: i64 = 4 << 20;

    /// The host and its producer are a process of their own, so that its memory is that of no page.
    ///
    /// `ANYWIDGET_HOST_TEST_SECONDS` says how long it is looked at, 60 without.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_thousand_sessions_a_hundred_of_them_stalled_leave_memory_where_it_was() {
        if again::is_second() {
            return be_the_host().await;
        }
        needs_sockets(SESSIONS as u64);
        let seconds: u64 = match std::env::var("ANYWIDGET_HOST_TEST_SECONDS") {
            Ok(seconds) => seconds.parse().expect("ANYWIDGET_HOST_TEST_SECONDS is a number"),
            Err(_) => 60,
        };
        let mut host = Again::start("memory::a_thousand_sessions_a_hundred_of_them_stalled_leave_memory_where_it_was");
        let address = host.line(Duration::from_secs(30)).await.parse().unwrap();
        let site = Site { address, base: "/anywidget".into() };
        let mut readers = Vec::new();
        for number in 0..SESSIONS {
            readers.push(Onlooker::of(&site, "feed", number).await);
        }

        // From here on the hundred are stuck in a frame that no buffer takes.
        let mut stalled = readers.split_off(SESSIONS - STALLED);
        host.order("stuff").await;
        host.line(Duration::from_secs(30)).await;
        readers = reach(readers, 1).await;
        for onlooker in &stalled {
            soon("the first byte", onlooker.is_sent_something()).await;
        }
        host.order("clear").await;
        host.line(Duration::from_secs(30)).await;

        let mut commits = 2;
        let mut measured = Vec::new();
        for span in [WARM_UP, seconds] {
            commits += span * PER_SECOND;
            host.order(&(span * PER_SECOND).to_string()).await;
            let produced = host.line(Duration::from_secs(60 + 10 * span));
            let (took, read) = tokio::join!(produced, reach(readers, commits));
            readers = read;
            assert!(readers.iter().all(|reader| reader.state == json!({"value": commits.to_string()})));
            measured.push(host.resident());
            let frames: u64 = readers.iter().map(|reader| reader.frames).sum();
            println!("{commits} commits ({took} s), {frames} frames: {} KiB", measured[measured.len() - 1] >> 10);
        }
        let grown = measured[1] - measured[0];
        println!("{SESSIONS} sessions, {STALLED} of them stalled: {grown} bytes more after {seconds} s");
        assert!(grown <= MOST, "{grown} bytes more after {seconds} s");

        for onlooker in &mut stalled {
            soon("the last value", onlooker.reach(commits)).await;
            assert_eq!(onlooker.state, json!({"note": "", "value": commits.to_string()}));
            assert_eq!(onlooker.frames, 2, "the one it was stuck in, and one with the latest values");
        }
    }

    /// Reads until all of them are told of this rev.
    async fn reach(readers: Vec<Onlooker>, rev: u64) -> Vec<Onlooker> {
        let reading = readers.into_iter().map(|mut reader| {
            tokio::spawn(async move {
                reader.reach(rev).await;
                reader
            })
        });
        join_all(reading).await.into_iter().map(Result::unwrap).collect()
    }

    async fn be_the_host() {
        // Five frames a second for each of them, so that other tests have some of the machine.
        let pace = Limits { pace_window: NEVER, pace_delay: Duration::from_millis(200), ..Limits::default() };
        let (server, model) = feed(Limits { write: NEVER, heartbeat: NEVER, ..pace }).await;
        again::say(server.address);
        let obey = move || {
            for order in again::orders() {
                let started = Instant::now();
                match &*order {
                    "stuff" => model.update(|feed| feed.note = "x".repeat(256 << 10)),
                    "clear" => model.update(|feed| feed.note = String::new()),
                    count => produce(&model, count.parse().unwrap()),
                }
                again::say(started.elapsed().as_secs_f64());
            }
        };
        tokio::task::spawn_blocking(obey).await.unwrap();
    }

    /// Makes so many commits, evenly over the time.
    fn produce(model: &Model<Feed>, count: u64) {
        let started = Instant::now();
        for n in 0..count {
            let due = started + Duration::from_secs(1).mul_f64(n as f64 / PER_SECOND as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let next = model.rev() + 1;
            model.update(|feed| feed.value = next.to_string());
        }
    }
}
