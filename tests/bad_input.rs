//! What a page must not get away with: nothing here may panic, reach another page or leave a folder.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::fs;
use std::path::Path;

use anywidget_host::{Host, Limits, Model, Source, Value, Widget};
use futures_util::SinkExt;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::CloseFrame};

use support::page::{Next, Page};
use support::raw::{BINARY, CONTINUATION, FIN, PING, TEXT, masked};
use support::{Server, bytes, eventually, soon};

#[derive(Clone, Default, Widget)]
#[widget(esm = "export default { version: 1 }", css = "div { color: red }")]
struct Counter {
    count: i64,
    items: Vec<Value>,
}

async fn counter() -> (Server, Model<Counter>) {
    counter_with(Limits::default()).await
}

async fn counter_with(limits: Limits) -> (Server, Model<Counter>) {
    let host = Host::builder().widget(Counter::widget()).limits(limits).build().await.unwrap();
    let model = host.open("c", Counter::default).await.unwrap();
    (Server::of(host).await, model)
}

/// Asserts that a page and the model it shows still do what they should.
async fn works(page: &mut Page, model: &Model<Counter>) {
    let count = model.get().count + 1;
    let seq = page.set(json!({"count": count})).await;
    loop {
        let frame = page.frame().await;
        if frame.kind() == "ack" && frame["seq"] == seq.into() {
            assert!(!frame.has("refused"), "{frame:?}");
            break;
        }
    }
    assert_eq!(model.get().count, count);
}

/// A frame as the first thing a page says, or after its hello.
#[derive(Clone)]
enum Say {
    Text(String),
    Bytes(Vec<u8>),
}

impl Say {
    async fn to(self, page: &mut Page) {
        match self {
            Say::Text(text) => page.send_text(text).await,
            Say::Bytes(bytes) => page.send_bytes(bytes).await,
        }
    }
}

fn json_frames(frames: impl IntoIterator<Item = Json>) -> Vec<Say> {
    frames.into_iter().map(|frame| Say::Text(frame.to_string())).collect()
}

/// Asserts that each of these closes its connection with 4400 and a reason, and disturbs nobody.
async fn are_bad_frames(frames: Vec<Say>, after_hello: bool) {
    let (server, model) = counter().await;
    let mut healthy = server.page("c").await;
    for frame in frames {
        let mut page = server.connect("c").await;
        if after_hello {
            page.say_hello(json!({})).await;
            page.expect("hello").await;
        }
        let shown = match &frame {
            Say::Text(text) => text.chars().take(80).collect(),
            Say::Bytes(bytes) => format!("{:02x?}", &bytes[..bytes.len().min(40)]),
        };
        frame.to(&mut page).await;
        let (code, reason) = page.closed().await;
        assert_eq!(code, 4400, "{shown}: {reason}");
        assert!(reason.len() > 10, "{shown}: {reason:?}");
        works(&mut healthy, &model).await;
    }
}

mod frames {
    use super::*;

    #[tokio::test]
    async fn text_that_is_not_json_is_a_bad_frame() {
        let texts = ["{", "nonsense", "{\"type\":\"get\"} {}", "{\"type\":\"get\"", "\u{0}", "NaN", "'get'", " "];
        are_bad_frames(texts.map(|text| Say::Text(text.into())).into(), true).await;
    }

    #[tokio::test]
    async fn bytes_that_are_not_messagepack_are_a_bad_frame() {
        let frames: [&[u8]; 9] = [
            &[0xc1],                                 // never used
            &[0x82, 0xa4],                           // cut off
            b"\x81\xa4type\xa3get\xc0",              // something behind the value
            &[0xdd, 0xff, 0xff, 0xff, 0xff],         // a list of four billion
            &[0xdf, 0xff, 0xff, 0xff, 0xff],         // a map of four billion
            &[0xc6, 0xff, 0xff, 0xff, 0xff],         // four billion bytes
            &[0xdb, 0xff, 0xff, 0xff, 0xff],         // four billion characters
            b"\x81\x01\xa3get",                      // a key that is no text
            b"\x82\xa4type\xa3get\xa1x\xd4\x01\x00", // an extension type
        ];
        are_bad_frames(frames.map(|frame| Say::Bytes(frame.into())).into(), true).await;
    }

    #[tokio::test]
    async fn json_in_a_binary_frame_is_a_bad_frame() {
        are_bad_frames(vec![Say::Bytes(br#"{"type":"get"}"#.to_vec())], true).await;
    }

    #[tokio::test]
    async fn a_frame_of_another_shape_is_a_bad_frame() {
        let frames = json_frames([
            json!(null),
            json!(1),
            json!("get"),
            json!([]),
            json!([{"type": "get"}]),
            json!({}),
            json!({"type": null}),
            json!({"type": 1}),
            json!({"type": ["set"]}),
            json!({"type": "set"}),
            json!({"type": "set", "seq": 1}),
            json!({"type": "set", "seq": 1, "state": null}),
            json!({"type": "set", "seq": 1, "state": [1]}),
            json!({"type": "set", "seq": 1, "state": "count"}),
            json!({"type": "set", "seq": null, "state": {}}),
            json!({"type": "set", "seq": -1, "state": {}}),
            json!({"type": "set", "seq": 1.5, "state": {}}),
            json!({"type": "set", "seq": "1", "state": {}}),
            json!({"type": "set", "seq": 1e300, "state": {}}),
            json!({"type": "set", "seq": [], "state": {}}),
            json!({"type": "message", "content": 1}),
            json!({"type": "message", "seq": {}, "content": 1}),
            json!({"type": "message", "seq": 1, "content": 1, "buffers": "x"}),
            json!({"type": "message", "seq": 1, "content": 1, "buffers": ["x"]}),
            json!({"type": "message", "seq": 1, "content": 1, "buffers": [[1, 2]]}),
            json!({"type": "message", "seq": 1, "content": 1, "buffers": {"0": null}}),
            json!({"type": "error"}),
            json!({"type": "error", "message": 1}),
        ]);
        are_bad_frames(frames, true).await;
    }

    #[tokio::test]
    async fn the_first_frame_is_hello() {
        let frames = json_frames([
            json!({"type": "set", "seq": 1, "state": {"count": 9}}),
            json!({"type": "message", "seq": 1, "content": 1, "buffers": []}),
            json!({"type": "get"}),
            json!({"type": "error", "message": "x"}),
            json!({"type": "dance"}),
        ]);
        are_bad_frames(frames, false).await;
    }

    #[tokio::test]
    async fn what_comes_before_hello_is_not_applied() {
        let (server, model) = counter().await;
        let mut page = server.connect("c").await;
        page.send(json!({"type": "set", "seq": 1, "state": {"count": 9}})).await;
        assert_eq!(page.close_code().await, 4400);
        assert_eq!(model.get().count, 0);
    }

    #[tokio::test]
    async fn a_second_hello_is_a_bad_frame() {
        are_bad_frames(json_frames([json!({"type": "hello", "version": 1, "session": "again"})]), true).await;
    }

    #[tokio::test]
    async fn a_hello_with_wrong_fields_is_a_bad_frame() {
        let long = "x".repeat(65);
        let frames = json_frames([
            json!({"type": "hello", "version": 1}),
            json!({"type": "hello", "version": 1, "session": null}),
            json!({"type": "hello", "version": 1, "session": ""}),
            json!({"type": "hello", "version": 1, "session": 7}),
            json!({"type": "hello", "version": 1, "session": long}),
            json!({"type": "hello", "version": 1, "session": "s", "epoch": long, "rev": 1}),
            json!({"type": "hello", "version": 1, "session": "s", "epoch": 1, "rev": 1}),
            json!({"type": "hello", "version": 1, "session": "s", "epoch": "e", "rev": -1}),
            json!({"type": "hello", "version": 1, "session": "s", "epoch": "e", "rev": "1"}),
            json!({"type": "hello", "version": 1, "session": "s", "messages": 0.5}),
            json!({"type": "hello", "version": 1, "session": "s", "messages": "all"}),
        ]);
        are_bad_frames(frames, false).await;
    }

    #[tokio::test]
    async fn a_session_of_64_characters_is_fine() {
        let (server, _model) = counter().await;
        for session in ["x".repeat(64), "é".repeat(64)] {
            server.page_that_says("c", json!({"session": session})).await;
        }
    }

    #[tokio::test]
    async fn another_version_is_told_so() {
        let (server, _model) = counter().await;
        for version in [json!(2), json!(0), json!("1"), json!(null), json!(1.5), json!({})] {
            let mut page = server.connect("c").await;
            page.say_hello(json!({"version": version})).await;
            let (code, reason) = page.closed().await;
            assert_eq!(code, 4409, "{version}: {reason}");
        }
        let mut page = server.connect("c").await;
        page.send(json!({"type": "hello", "session": "no version"})).await;
        assert_eq!(page.close_code().await, 4409);
    }

    #[tokio::test]
    async fn another_subprotocol_is_told_so() {
        let (server, _model) = counter().await;
        let mut request = server.upgrade("c");
        request.headers_mut().insert("sec-websocket-protocol", "anywidget-host.v2".parse().unwrap());
        let mut page = server.connect_with(request).await.expect("an upgrade: a page cannot see a refused one");
        assert_eq!(page.close_code().await, 4409);
    }

    #[tokio::test]
    async fn of_several_subprotocols_ours_is_taken() {
        let (server, _model) = counter().await;
        let mut request = server.upgrade("c");
        request.headers_mut().insert("sec-websocket-protocol", "anywidget-host.v2, anywidget-host.v1".parse().unwrap());
        let mut page = server.connect_with(request).await.unwrap();
        page.say_hello(json!({})).await;
        page.expect("hello").await;
    }

    #[tokio::test]
    async fn nesting_bombs_are_bad_frames() {
        let mut deep_map = b"\x81\xa1x".repeat(50_000);
        deep_map.push(0xc0);
        let state = |value: &str| format!(r#"{{"type":"set","seq":1,"state":{{"items":{value}}}}}"#);
        let frames = vec![
            Say::Text("[".repeat(100_000)),
            Say::Text(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
            Say::Text(r#"{"a":"#.repeat(100_000)),
            Say::Text(state(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))),
            Say::Bytes(vec![0x91; 100_000]),
            Say::Bytes(deep_map),
        ];
        are_bad_frames(frames, true).await;
    }

    #[tokio::test]
    async fn a_hundred_levels_are_fine_both_ways() {
        let (server, model) = counter().await;
        let (mut page, mut other) = (server.page("c").await, server.page("c").await);
        let deep: Json = serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap();
        let ack = page.set_and_ack(json!({"items": deep})).await;
        assert!(!ack.has("refused"), "{ack:?}");
        assert_eq!(other.expect("set").await["state"]["items"], deep.into());
        let mut items = Value::Array(vec![bytes([1])]);
        for _ in 0..100 {
            items = Value::Array(vec![items]);
        }
        let mut state = Value::object();
        state["items"] = items.clone();
        let seq = page.set_binary(state).await;
        page.ack_of(seq).await;
        assert_eq!(other.expect("set").await["state"]["items"], items);
        assert_eq!(model.rev(), 2);
    }

    #[tokio::test]
    async fn a_key_that_comes_twice_does_no_harm() {
        let (server, model) = counter().await;
        let mut page = server.page("c").await;
        page.send_text(r#"{"type":"set","seq":1,"state":{"count":1,"count":2}}"#).await;
        page.ack_of(1).await;
        assert_eq!(model.get().count, 2);
    }

    #[tokio::test]
    async fn the_largest_seq_is_taken_and_nothing_after_it_is_applied() {
        let (server, model) = counter().await;
        let mut page = server.page("c").await;
        let mut frame = Value::from(json!({"type": "set", "state": {"count": 1}}));
        frame["seq"] = Value::Uint(u64::MAX);
        page.send_binary(frame).await;
        assert_eq!(page.expect("ack").await["seq"], Value::Uint(u64::MAX));
        page.set(json!({"count": 2})).await;
        page.ack_of(1).await;
        assert_eq!(model.get().count, 1);
    }

    #[tokio::test]
    async fn a_hello_from_the_far_future_is_answered_with_everything() {
        let (server, model) = counter().await;
        let mut page = server.connect("c").await;
        let mut hello = Value::from(json!({"type": "hello", "version": 1, "session": "s", "epoch": &*model.epoch()}));
        hello["rev"] = Value::Uint(u64::MAX);
        hello["messages"] = Value::Uint(u64::MAX);
        page.send_binary(hello).await;
        assert_eq!(page.expect("hello").await["full"], true.into());
        model.send("still here").unwrap();
        assert_eq!(page.expect("message").await["n"], 1.into());
    }
}

mod size {
    use super::*;

    async fn is_too_big(server: &Server, model: &Model<Counter>, message: Message) {
        let mut healthy = server.page("c").await;
        let mut page = server.page("c").await;
        // The host may close while it is being sent; the page must see why all the same.
        let _ = soon("sending", page.socket.send(message)).await;
        let (code, reason) = page.closed().await;
        assert_eq!(code, 4413);
        assert!(reason.contains("limit"), "{reason}");
        works(&mut healthy, model).await;
    }

    #[tokio::test]
    async fn a_frame_over_the_limit_is_too_big() {
        let (server, model) = counter_with(Limits { frame_bytes: 1_000, ..Limits::default() }).await;
        is_too_big(&server, &model, Message::text(" ".repeat(1_001))).await;
        is_too_big(&server, &model, Message::binary(vec![0; 100_000])).await;
        let mut page = server.page("c").await;
        page.send_text(format!("{:1000}", r#"{"type":"get"}"#)).await;
        page.expect("hello").await;
    }

    #[tokio::test]
    async fn seventeen_mebibytes_are_too_big_unless_allowed() {
        let (server, model) = counter().await;
        is_too_big(&server, &model, Message::text(" ".repeat(17 << 20))).await;
        is_too_big(&server, &model, Message::binary(vec![0; 17 << 20])).await;
        let (server, _model) = counter_with(Limits { frame_bytes: 32 << 20, ..Limits::default() }).await;
        let mut page = server.page("c").await;
        page.message(json!("x".repeat(17 << 20))).await;
        page.ack_of(1).await;
    }

    #[tokio::test]
    async fn sixteen_mebibytes_are_not_too_big() {
        let (server, model) = counter().await;
        let mut page = server.page("c").await;
        page.message(json!("x".repeat((16 << 20) - 100))).await;
        page.ack_of(1).await;
        works(&mut page, &model).await;
    }

    #[tokio::test]
    async fn a_message_in_many_fragments_is_too_big_as_well() {
        let (server, model) = counter().await;
        let mut healthy = server.page("c").await;
        let mut raw = server.raw("c").await;
        raw.send(&masked(TEXT, b"[")).await;
        let fragment = masked(CONTINUATION, &[b' '; 1 << 20]);
        for _ in 0..16 {
            raw.send(&fragment).await;
        }
        assert_eq!(raw.close_code().await, 4413);
        works(&mut healthy, &model).await;
    }

    #[tokio::test]
    async fn a_frame_that_only_promises_to_be_huge_is_too_big_at_once() {
        let (server, _model) = counter().await;
        for len in [(16 << 20) + 1, 1 << 40, u64::MAX >> 1] {
            let mut raw = server.raw("c").await;
            let mut head = vec![FIN | BINARY, 0x80 | 127];
            head.extend(u64::to_be_bytes(len));
            head.extend([0; 4]);
            raw.send(&head).await;
            assert_eq!(raw.close_code().await, 4413, "{len} bytes");
        }
    }
}

mod websocket {
    use super::*;

    #[tokio::test]
    async fn what_breaks_the_websocket_protocol_is_a_bad_frame() {
        let (server, model) = counter().await;
        let mut healthy = server.page("c").await;
        let long_ping = masked(FIN | PING, &[0; 126]);
        let mut unmasked = vec![FIN | TEXT, 2];
        unmasked.extend(b"{}");
        let interrupted = [masked(TEXT, b"{"), masked(FIN | TEXT, b"}")].concat();
        for (what, frame) in [
            ("unmasked", unmasked),
            ("not UTF-8", masked(FIN | TEXT, &[0xff, 0xfe, 0xfd])),
            ("a reserved bit", masked(FIN | 0x40 | TEXT, b"{}")),
            ("a reserved opcode", masked(FIN | 0x3, b"{}")),
            ("a reserved control opcode", masked(FIN | 0xb, b"")),
            ("a continuation of nothing", masked(FIN | CONTINUATION, b"{}")),
            ("a new message in the middle of another", interrupted),
            ("a ping in fragments", masked(PING, b"")),
            ("a ping that is too long", long_ping),
        ] {
            let mut raw = server.raw("c").await;
            raw.send(&frame).await;
            assert_eq!(raw.close_code().await, 4400, "{what}");
            works(&mut healthy, &model).await;
        }
    }

    #[tokio::test]
    async fn a_message_in_fragments_with_a_ping_between_is_fine() {
        let (server, _model) = counter().await;
        let mut raw = server.raw("c").await;
        raw.send(&masked(TEXT, br#"{"type":"hello","ver"#)).await;
        raw.send(&masked(FIN | PING, b"hi")).await;
        raw.send(&masked(FIN | CONTINUATION, br#"sion":1,"session":"s"}"#)).await;
        raw.send(&masked(FIN | TEXT, b"not json")).await;
        assert_eq!(raw.close_code().await, 4400, "of the last frame, so the first was understood");
    }

    #[tokio::test]
    async fn a_page_that_closes_gets_its_close_back() {
        let (server, _model) = counter().await;
        let mut page = server.page("c").await;
        let close = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
        soon("closing", page.socket.close(Some(close))).await.unwrap();
        assert!(matches!(page.next().await, Next::Closed(1001, _)));
        eventually("the end of the socket", || server.host.sockets() == 0).await;
    }

    #[tokio::test]
    async fn a_page_that_is_cut_off_leaves_nothing_behind() {
        let (server, model) = counter().await;
        for _ in 0..20 {
            drop(server.page("c").await);
            let mut raw = server.raw("c").await;
            raw.send(&[FIN | TEXT, 0x80 | 100]).await; // and never the rest
        }
        eventually("the end of every socket", || server.host.sockets() == 0).await;
        works(&mut server.page("c").await, &model).await;
    }

    #[tokio::test]
    async fn a_request_that_is_no_upgrade_is_told_so() {
        let (server, _model) = counter().await;
        let response = server.get("/anywidget/models/c/ws").await;
        assert_eq!(response.status, 426);
        assert_eq!(response.header("upgrade"), Some("websocket"));
    }

    #[tokio::test]
    async fn an_upgrade_without_key_or_of_another_websocket_version_is_refused() {
        let (server, _model) = counter().await;
        let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
        for more in [
            vec![("sec-websocket-version", "13")],
            vec![("sec-websocket-version", "8"), ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")],
        ] {
            let response = server.get_with("/anywidget/models/c/ws", &[&upgrade[1..], &more].concat()).await;
            assert_eq!(response.status, 426, "{more:?}");
        }
    }
}

mod access {
    use super::*;

    #[tokio::test]
    async fn an_unknown_model_is_404_by_http_and_4404_by_socket() {
        let (server, _model) = counter().await;
        for path in ["view", "state", "state/count"] {
            let response = server.get(&format!("/anywidget/models/nobody/{path}")).await;
            assert_eq!(response.status, 404, "{path}");
        }
        assert_eq!(server.get("/anywidget/models/c/state/nothing").await.status, 404);
        let mut page = server.connect("nobody").await;
        let (code, reason) = page.closed().await;
        assert_eq!(code, 4404);
        assert!(reason.contains("nobody"), "{reason}");
    }

    #[tokio::test]
    async fn a_long_id_does_not_break_the_close_frame() {
        let (server, _model) = counter().await;
        for id in ["x".repeat(2_000), "ü".repeat(500)] {
            assert_eq!(server.connect(&id).await.close_code().await, 4404);
        }
    }

    async fn with_origin(server: &Server, origin: &str) -> Result<Page, Error> {
        let mut request = server.upgrade("c");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        server.connect_with(request).await
    }

    #[tokio::test]
    async fn a_foreign_origin_is_refused() {
        let (server, _model) = counter().await;
        let port = server.address.port();
        for origin in [
            "http://evil.example".to_owned(),
            "null".to_owned(),
            "".to_owned(),
            "http://127.0.0.1".to_owned(),
            format!("http://127.0.0.1:{}", port ^ 1),
            format!("http://localhost:{port}"),
            format!("http://127.0.0.1:{port}.evil.example"),
            format!("http://evil.example/127.0.0.1:{port}"),
            format!("file://127.0.0.1:{port}"),
        ] {
            match with_origin(&server, &origin).await.map(drop) {
                Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{origin}"),
                other => panic!("{origin}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_own_origin_and_none_are_allowed() {
        let (server, model) = counter().await;
        let origin = format!("http://{}", server.address);
        let mut page = with_origin(&server, &origin).await.unwrap();
        page.say_hello(json!({})).await;
        page.expect("hello").await;
        works(&mut page, &model).await;
        works(&mut server.page("c").await, &model).await; // sends no Origin
    }

    #[tokio::test]
    async fn an_origin_can_be_allowed() {
        let host = Host::builder().widget(Counter::widget()).allow_origin("https://app.example").build().await.unwrap();
        host.open("c", Counter::default).await.unwrap();
        let server = Server::of(host).await;
        assert!(with_origin(&server, "https://app.example").await.is_ok());
        assert!(with_origin(&server, "https://app.example.evil").await.is_err());
    }

    /// L10: code comes from the host's registry only.
    #[tokio::test]
    async fn code_is_never_writable() {
        let (server, _counter) = counter().await;
        let open = server.host.add(Widget::<Value>::new("open", Source::inline("export default {}"))).unwrap();
        for model in ["c", "open"] {
            let mut page = server.page(model).await;
            let ack = page.set_and_ack(json!({"_esm": "alert(1)", "_css": "* {}"})).await;
            assert_eq!(support::keys(&ack["refused"]), ["_css", "_esm"].into(), "{ack:?}");
            assert_eq!(ack["rev"], 0.into());
            assert!(
                !server.page(model).await.hello["code"]
                    .as_object()
                    .unwrap()
                    .values()
                    .any(|url| url == &"alert(1)".into())
            );
        }
        assert_eq!(*open.get(), Value::object());
    }
}

mod fuzz {
    use super::*;

    /// A small generator of numbers, the same in every run.
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, end: usize) -> usize {
            (self.next() % end as u64) as usize
        }

        fn pick<T: Clone>(&mut self, from: &[T]) -> T {
            from[self.below(from.len())].clone()
        }

        fn json(&mut self, depth: usize) -> Json {
            match self.below(if depth == 0 { 6 } else { 8 }) {
                0 => Json::Null,
                1 => json!(self.next() as i64),
                2 => json!(f64::from_bits(self.next())),
                3 => json!(self.pick(&["", "count", "type", "set", "\u{0}", "é", "anywidget-command"])),
                4 => json!(self.below(2) == 0),
                5 => json!(self.below(100)),
                6 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
                _ => {
                    let names =
                        ["type", "seq", "state", "content", "buffers", "count", "items", "session", "id", "kind"];
                    (0..self.below(5)).map(|_| (self.pick(&names).to_owned(), self.json(depth - 1))).collect()
                }
            }
        }

        /// A frame that is almost right.
        fn frame(&mut self) -> Json {
            let mut frame = match self.below(7) {
                0 => json!({"type": "set", "seq": self.below(50), "state": {"count": self.below(9)}}),
                1 => json!({"type": "set", "seq": self.below(50), "state": self.json(3)}),
                2 => json!({"type": "message", "seq": self.below(50), "content": self.json(3), "buffers": []}),
                3 => json!({"type": "message", "seq": self.below(50), "content":
                    {"id": self.json(1), "kind": "anywidget-command", "name": self.json(1), "msg": self.json(2)}}),
                4 => json!({"type": "get"}),
                5 => json!({"type": "error", "phase": self.json(1), "message": "m\u{1b}[2J", "stack": self.json(1)}),
                _ => self.json(4),
            };
            if self.below(4) == 0 && frame.is_object() {
                let name = self.pick(&["type", "seq", "state", "buffers", "content"]);
                frame[name] = self.json(2);
            }
            frame
        }

        fn say(&mut self) -> Say {
            let frame = self.frame();
            let mut bytes = match self.below(2) {
                0 => rmp_serde::to_vec(&Value::from(frame.clone())).unwrap(),
                _ => frame.to_string().into_bytes(),
            };
            if self.below(3) == 0 {
                for _ in 0..=self.below(4) {
                    let at = self.below(bytes.len());
                    bytes[at] = self.next() as u8;
                }
            }
            if self.below(8) == 0 {
                bytes.truncate(self.below(bytes.len()));
            }
            match String::from_utf8(bytes) {
                Ok(text) if self.below(8) > 0 => Say::Text(text),
                Ok(text) => Say::Bytes(text.into_bytes()),
                Err(error) => Say::Bytes(error.into_bytes()),
            }
        }
    }

    /// A panic would end a connection without a close frame.
    #[tokio::test]
    async fn whatever_a_page_sends_it_is_answered_or_closed_with_a_reason() {
        const PAGES: usize = 400;
        let (server, model) = counter().await;
        let mut healthy = server.page("c").await;
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut closed = 0;
        for n in 0..PAGES {
            let mut page = server.connect("c").await;
            if dice.below(8) > 0 {
                page.say_hello(json!({})).await;
            }
            for _ in 0..dice.below(12) {
                let message = match dice.say() {
                    Say::Text(text) => Message::text(text),
                    Say::Bytes(bytes) => Message::binary(bytes),
                };
                if soon("sending", page.socket.send(message)).await.is_err() {
                    break; // closed already
                }
            }
            let _ = page.socket.send(Message::text("the end")).await;
            let (code, reason) = page.closed().await;
            assert!([4400, 4409].contains(&code), "page {n}: {code} {reason}");
            closed += 1;
            if n % 20 == 0 {
                works(&mut healthy, &model).await;
            }
        }
        assert_eq!(closed, PAGES);
        works(&mut healthy, &model).await;
        eventually("the end of every other socket", || server.host.sockets() == 1).await;
    }

    #[tokio::test]
    async fn random_bytes_instead_of_websocket_frames_disturb_nobody() {
        let (server, model) = counter().await;
        let mut healthy = server.page("c").await;
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        for _ in 0..100 {
            let mut raw = server.raw("c").await;
            let garbage: Vec<u8> = (0..dice.below(300)).map(|_| dice.next() as u8).collect();
            raw.send(&garbage).await;
        }
        works(&mut healthy, &model).await;
        eventually("the end of every other socket", || server.host.sockets() == 1).await;
    }
}

/// S7
mod files {
    use super::*;

    const SECRET: &str = "nobody may read this";

    /// A widget folder with secrets in it and beside it.
    fn folder() -> TempDir {
        let temp = TempDir::new().unwrap();
        let root = temp.path().join("thing");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("widget.js", "export default {}");
        write("widget.css", "div {}");
        write("widget.json", &json!({"description": SECRET, "state": {"count": 0}}).to_string());
        write("img/a b.svg", "<svg/>");
        write(".env", SECRET);
        write(".git/config", SECRET);
        write("img/.hidden", SECRET);
        write("img/widget.json", SECRET);
        write("state.sqlite", SECRET);
        write("state.db-wal", SECRET);
        write("../secret.txt", SECRET);
        write("../other/widget.js", SECRET);
        temp
    }

    async fn serve(temp: &TempDir) -> (Server, String) {
        let host = Host::builder().build().await.unwrap();
        host.folder(temp.path().join("thing")).unwrap();
        let server = Server::of(host).await;
        let esm = server.page("thing").await.hello["code"]["esm"].as_str().unwrap().to_owned();
        let root = esm.strip_suffix("widget.js").unwrap().to_owned();
        (server, root)
    }

    async fn is_not_served(server: &Server, path: &str) {
        let response = server.get(path).await;
        assert!([400, 404].contains(&response.status), "{path}: {}", response.status);
        assert!(!response.text().contains(SECRET), "{path}");
    }

    #[tokio::test]
    async fn what_belongs_to_the_widget_is_served() {
        let temp = folder();
        let (server, root) = serve(&temp).await;
        assert_eq!(server.get(&format!("{root}widget.js")).await.text(), "export default {}");
        assert_eq!(server.get(&format!("{root}img/a%20b.svg")).await.text(), "<svg/>");
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_served() {
        let temp = folder();
        let (server, root) = serve(&temp).await;
        for path in [
            "../secret.txt",
            "../../secret.txt",
            "../../../../../../../../etc/passwd",
            "..%2fsecret.txt",
            "..%2Fsecret.txt",
            "%2e%2e/secret.txt",
            "%2e%2e%2fsecret.txt",
            "%252e%252e%252fsecret.txt",
            "..%5csecret.txt",
            "..\\secret.txt",
            "img/../../secret.txt",
            "img/..%2f..%2fsecret.txt",
            "./widget.js/../../secret.txt",
            "/etc/passwd",
            "%2fetc%2fpasswd",
            "//etc/passwd",
            "..%00/secret.txt",
            "../other/widget.js",
            "%c0%ae%c0%ae/secret.txt",
        ] {
            is_not_served(&server, &format!("{root}{path}")).await;
        }
        for path in
            ["/anywidget/..%2fsecret.txt", "/anywidget/../secret.txt", "/anywidget/widgets/..%2f..%2f/x/secret.txt"]
        {
            is_not_served(&server, path).await;
        }
    }

    #[tokio::test]
    async fn dotfiles_manifests_and_stores_are_not_served() {
        let temp = folder();
        let (server, root) = serve(&temp).await;
        for path in [
            ".env",
            "%2eenv",
            ".git/config",
            "img/.hidden",
            "img/%2ehidden",
            "widget.json",
            "img/widget.json",
            "./widget.json",
            "img/../widget.json",
            "widget%2ejson",
            "state.sqlite",
            "state.db-wal",
            "",
            "img",
            "img/",
            "nothing.js",
        ] {
            is_not_served(&server, &format!("{root}{path}")).await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_served_if_it_stays_in_the_folder() {
        use std::os::unix::fs::symlink;
        let temp = folder();
        let thing = temp.path().join("thing");
        symlink("widget.js", thing.join("alias.js")).unwrap();
        symlink("img", thing.join("pictures")).unwrap();
        symlink("../secret.txt", thing.join("out.txt")).unwrap();
        symlink(temp.path().join("other"), thing.join("outside")).unwrap();
        symlink(Path::new(".env"), thing.join("env.txt")).unwrap();
        symlink("..", thing.join("loop")).unwrap();
        symlink(".", thing.join("self")).unwrap();
        let (server, root) = serve(&temp).await;
        assert_eq!(server.get(&format!("{root}alias.js")).await.text(), "export default {}");
        for path in ["out.txt", "outside/widget.js", "loop/secret.txt", "loop/other/widget.js", "self/../secret.txt"] {
            is_not_served(&server, &format!("{root}{path}")).await;
        }
    }

    /// A link must not be a way around the rule for names.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_to_what_is_not_served_is_not_served() {
        use std::os::unix::fs::symlink;
        let temp = folder();
        let thing = temp.path().join("thing");
        symlink(".env", thing.join("env.txt")).unwrap();
        symlink(".git", thing.join("git")).unwrap();
        symlink("widget.json", thing.join("manifest.txt")).unwrap();
        let (server, root) = serve(&temp).await;
        for path in ["env.txt", "git/config", "manifest.txt"] {
            is_not_served(&server, &format!("{root}{path}")).await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_becomes_a_link_out_is_not_served() {
        use std::os::unix::fs::symlink;
        let temp = folder();
        let large = temp.path().join("thing/large.bin");
        fs::write(&large, vec![b'x'; 2 << 20]).unwrap(); // too large to be kept in memory
        let (server, root) = serve(&temp).await;
        assert_eq!(server.get(&format!("{root}large.bin")).await.body.len(), 2 << 20);
        fs::remove_file(&large).unwrap();
        symlink("../secret.txt", &large).unwrap();
        is_not_served(&server, &format!("{root}large.bin")).await;
    }

    #[tokio::test]
    async fn a_hash_of_before_is_not_served() {
        let temp = folder();
        let (server, root) = serve(&temp).await;
        let (before, hash) = root.trim_end_matches('/').rsplit_once('/').unwrap();
        for other in ["0".repeat(hash.len()).as_str(), "latest", "%00", &hash[1..], &hash.to_uppercase()] {
            if other != hash {
                is_not_served(&server, &format!("{before}/{other}/widget.js")).await;
            }
        }
        is_not_served(&server, &format!("/anywidget/widgets/other/{hash}/widget.js")).await;
        is_not_served(&server, &format!("/anywidget/widgets/%2e%2e/{hash}/secret.txt")).await;
    }

    #[tokio::test]
    async fn a_bare_module_serves_itself_and_its_stylesheet() {
        let temp = TempDir::new().unwrap();
        for (name, text) in [
            ("clock.js", "export default {}"),
            ("clock.css", "div {}"),
            ("clock.json", SECRET),
            ("other.js", SECRET),
            ("other.css", SECRET),
            ("notes.txt", SECRET),
        ] {
            fs::write(temp.path().join(name), text).unwrap();
        }
        fs::write(temp.path().join("clock.json"), json!({"state": {"secret": SECRET}}).to_string()).unwrap();
        let host = Host::builder().build().await.unwrap();
        host.folder(temp.path().join("clock.js")).unwrap();
        let server = Server::of(host).await;
        let code = server.page("clock").await.hello["code"].clone();
        let (esm, css) = (code["esm"].as_str().unwrap(), code["css"].as_str().unwrap());
        assert_eq!(server.get(esm).await.text(), "export default {}");
        assert_eq!(server.get(css).await.text(), "div {}");
        for name in ["clock.json", "other.js", "other.css", "notes.txt", "../secret.txt"] {
            is_not_served(&server, &esm.replace("clock.js", name)).await;
            is_not_served(&server, &css.replace("clock.css", name)).await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_stylesheet_of_a_bare_module_that_links_out_is_not_served() {
        let temp = TempDir::new().unwrap();
        fs::create_dir(temp.path().join("widgets")).unwrap();
        fs::write(temp.path().join("secret.txt"), SECRET).unwrap();
        fs::write(temp.path().join("widgets/clock.js"), "export default {}").unwrap();
        std::os::unix::fs::symlink("../secret.txt", temp.path().join("widgets/clock.css")).unwrap();
        let host = Host::builder().build().await.unwrap();
        host.folder(temp.path().join("widgets/clock.js")).unwrap();
        let server = Server::of(host).await;
        let code = server.page("clock").await.hello["code"].clone();
        is_not_served(&server, &code["esm"].as_str().unwrap().replace("clock.js", "clock.css")).await;
        if let Some(css) = code["css"].as_str() {
            is_not_served(&server, css).await;
        }
    }

    #[tokio::test]
    async fn the_runtime_serves_only_itself() {
        let (server, _model) = counter().await;
        for path in ["types.d.ts", "..%2fCargo.toml", "../Cargo.toml", "nothing.js", "", "%2e%2e%2fsrc%2flib.rs"] {
            is_not_served(&server, &format!("/anywidget/{path}")).await;
        }
    }

    /// `$file` reads at build time, so it must not leave the folder either.
    #[tokio::test]
    async fn a_state_cannot_name_a_file_outside() {
        for name in ["../secret.txt", "/etc/passwd", "img/../../secret.txt"] {
            let temp = folder();
            let manifest = json!({"state": {"data": {"$file": name}}}).to_string();
            fs::write(temp.path().join("thing/widget.json"), manifest).unwrap();
            let host = Host::builder().build().await.unwrap();
            let error = host.folder(temp.path().join("thing")).unwrap_err();
            assert!(error.is_manifest(), "{error}");
            assert!(error.to_string().contains("$file"), "{error}");
        }
    }
}
