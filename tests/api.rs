//! The Rust API, seen from both ends: what an application calls, and what a page gets of it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anywidget_host::{
    Access, Blob, Change, Host, Key, KeyName, Model, Refusal, Shared, Source, State, Value, ValueError, Widget,
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

use support::page::{Frame, Page};
use support::{Server, bytes, eventually, keys, soon};

#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}")]
struct Counter {
    count: i64,
    note: String,
}

/// A served host with one counter whose id is `c`.
async fn counter(widget: Widget<Counter>) -> (Server, Model<Counter>) {
    let server = Server::with(widget).await;
    let model = server.host.open("c", Counter::default).await.unwrap();
    (server, model)
}

mod derive {
    use super::*;

    async fn hello_of<W: State + Default>(widget: Widget<W>) -> Frame {
        let server = Server::with(widget).await;
        server.host.open("x", W::default).await.unwrap();
        server.page("x").await.hello
    }

    #[tokio::test]
    async fn keys_follow_serde() {
        #[derive(Clone, Default, Serialize, Deserialize, Widget)]
        #[widget(esm = "export default {}")]
        #[serde(rename_all = "camelCase", default)]
        struct Chart {
            line_width: f64,
            #[serde(rename = "type")]
            kind: String,
            #[serde(skip)]
            cache: Vec<u8>,
            #[widget(server)]
            row_count: u32,
            r#loop: bool,
        }
        let hello = hello_of(Chart::widget()).await;
        assert_eq!(hello["state"], json!({"lineWidth": 0.0, "type": "", "rowCount": 0, "loop": false}).into());
        assert_eq!(hello["readonly"], json!(["rowCount"]).into());
    }

    #[tokio::test]
    async fn serde_need_not_be_derived() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Plain {
            #[serde(rename = "b")]
            a: i64,
        }
        assert_eq!(hello_of(Plain::widget()).await["state"], json!({"b": 0}).into());
    }

    #[tokio::test]
    async fn a_struct_may_be_generic() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Boxed<T>
        where
            T: Clone + Default + PartialEq + Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
        {
            inner: T,
        }
        assert_eq!(hello_of(Boxed::<Vec<i64>>::widget()).await["state"], json!({"inner": []}).into());
        assert_eq!(hello_of(Boxed::<Option<String>>::widget()).await["state"], json!({"inner": null}).into());
        let both = Host::builder().widget(Boxed::<bool>::widget()).widget(Boxed::<i64>::widget().name("other"));
        let host = both.build().await.unwrap();
        host.open("a", Boxed::<bool>::default).await.unwrap();
        host.open("b", Boxed::<i64>::default).await.unwrap();
    }

    #[tokio::test]
    async fn fields_may_have_any_serialisable_type() {
        #[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(tag = "shape", rename_all = "lowercase")]
        enum Shape {
            #[default]
            Point,
            Circle {
                radius: f32,
            },
        }
        #[derive(Clone, Default, PartialEq, Debug, Widget)]
        #[widget(esm = "export default {}")]
        struct Drawing {
            shape: Shape,
            by_page: BTreeMap<u32, (i64, Option<char>)>,
            pixels: Blob,
            rows: Shared<Vec<f64>>,
        }
        let server = Server::with(Drawing::widget()).await;
        let model = server.host.open("d", Drawing::default).await.unwrap();
        let mut page = server.page("d").await;
        let mut state = Value::from(json!({
            "shape": {"shape": "circle", "radius": 1.5}, "by_page": {"7": [-1, "x"], "8": [2, null]}, "rows": [1, 2.5]
        }));
        state["pixels"] = bytes([1, 2]);
        let seq = page.set_binary(state.clone()).await;
        assert!(!page.ack_of(seq).await.has("refused"));
        assert_eq!(
            *model.get(),
            Drawing {
                shape: Shape::Circle { radius: 1.5 },
                by_page: [(7, (-1, Some('x'))), (8, (2, None))].into(),
                pixels: Blob::from(vec![1, 2]),
                rows: vec![1.0, 2.5].into(),
            }
        );
        assert_eq!(server.page("d").await.hello["state"], state);
    }

    #[tokio::test]
    async fn a_folder_gives_its_name_its_code_and_its_stylesheet() {
        #[derive(Clone, Default, Widget)]
        #[widget(path = "widgets/counter")]
        struct Shipped {
            count: i64,
        }
        let server = Server::with(Shipped::widget()).await;
        let model = server.host.open("x", Shipped::default).await.unwrap();
        assert_eq!(model.widget().name, "counter");
        let code = server.page("x").await.hello["code"].clone();
        let source = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/widgets/counter/widget.js")).unwrap();
        assert_eq!(server.get(code["esm"].as_str().unwrap()).await.body, source);
        assert!(code["css"].as_str().unwrap().ends_with("/widget.css"));
    }

    #[tokio::test]
    async fn a_widget_is_called_like_its_struct_unless_it_is_named() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct FormField {
            value: String,
        }
        #[derive(Clone, Default, Widget)]
        #[widget(name = "colour", esm = "export default {}")]
        struct Named {
            value: String,
        }
        let host = Host::builder().widget(FormField::widget()).widget(Named::widget()).build().await.unwrap();
        assert_eq!(host.create(FormField::default()).await.unwrap().widget().name, "form-field");
        assert_eq!(host.create(Named::default()).await.unwrap().widget().name, "colour");
    }

    #[tokio::test]
    async fn the_trait_can_be_written_by_hand() {
        #[derive(Clone, Default)]
        struct ByHand(i64);
        impl State for ByHand {
            fn keys(&self) -> Vec<Key> {
                vec![Key { name: "n".into(), access: Access::Everyone }]
            }
            fn read(&self, _key: &str) -> Result<Value, ValueError> {
                Value::encode(self.0)
            }
            fn write(&mut self, _key: &str, value: Value) -> Result<(), ValueError> {
                self.0 = value.decode()?;
                Ok(())
            }
            fn changes(&self, before: &ByHand) -> Vec<KeyName> {
                if self.0 == before.0 { vec![] } else { vec!["n".into()] }
            }
        }
        let server = Server::with(Widget::<ByHand>::new("by-hand", Source::data())).await;
        let model = server.host.open("x", ByHand::default).await.unwrap();
        let mut page = server.page("x").await;
        page.set_and_ack(json!({"n": 4})).await;
        assert_eq!(model.get().0, 4);
        model.update(|state| state.0 = 5);
        assert_eq!(page.expect("set").await["state"], json!({"n": 5}).into());
    }
}

mod state {
    use super::*;

    #[tokio::test]
    async fn an_update_is_one_commit_of_what_differs() {
        let (server, model) = counter(Counter::widget()).await;
        let mut page = server.page("c").await;
        let result = model.update(|state| {
            state.count += 1;
            state.count += 1;
            "done"
        });
        assert_eq!((result, model.rev(), model.get().count), ("done", 1, 2));
        assert_eq!(page.expect("set").await["state"], json!({"count": 2}).into());
        model.update(|state| state.count += 0);
        assert_eq!(model.rev(), 1);
        page.expect_nothing().await;
    }

    #[tokio::test]
    async fn set_replaces_the_state_and_sends_what_differs() {
        let (server, model) = counter(Counter::widget()).await;
        let mut page = server.page("c").await;
        model.set(Counter { count: 0, note: "hi".into() });
        assert_eq!(page.expect("set").await["state"], json!({"note": "hi"}).into());
    }

    #[tokio::test]
    async fn what_get_gave_does_not_change() {
        let (_server, model) = counter(Counter::widget()).await;
        let before = model.get();
        model.update(|state| state.count = 7);
        assert_eq!((before.count, model.get().count), (0, 7));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn updates_from_many_threads_are_all_applied() {
        let (server, model) = counter(Counter::widget()).await;
        let mut page = server.page("c").await;
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let model = model.clone();
                std::thread::spawn(move || (0..250).for_each(|_| model.update(|state| state.count += 1)))
            })
            .collect();
        let sets = page.sets_up_to(0, 2_000).await;
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!((model.get().count, model.rev()), (2_000, 2_000));
        assert_eq!(sets.last().unwrap()["state"], json!({"count": 2_000}).into());
    }

    /// A field that counts how often it is compared and written.
    #[derive(Clone, Default)]
    struct Heavy {
        compared: Arc<AtomicUsize>,
        written: Arc<AtomicUsize>,
    }

    impl PartialEq for Heavy {
        fn eq(&self, _: &Heavy) -> bool {
            self.compared.fetch_add(1, Ordering::SeqCst);
            true
        }
    }

    impl Serialize for Heavy {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.written.fetch_add(1, Ordering::SeqCst);
            serializer.serialize_str("heavy")
        }
    }

    impl<'de> Deserialize<'de> for Heavy {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Heavy, D::Error> {
            Ok(Heavy::default())
        }
    }

    #[tokio::test]
    async fn a_commit_does_not_touch_the_keys_that_it_does_not_change() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Loaded {
            n: i64,
            heavy: Shared<Heavy>,
        }
        let server = Server::with(Loaded::widget()).await;
        let heavy = Heavy::default();
        let (compared, written) = (heavy.compared.clone(), heavy.written.clone());
        let model = server.host.open("x", || Loaded { n: 0, heavy: heavy.into() }).await.unwrap();
        let mut pages = [server.page("x").await, server.page("x").await];
        let before = written.load(Ordering::SeqCst);
        for n in 1..=20 {
            model.update(|state| state.n = n);
            for page in &mut pages {
                assert_eq!(page.expect("set").await["state"], json!({"n": n}).into());
            }
        }
        assert_eq!((compared.load(Ordering::SeqCst), written.load(Ordering::SeqCst) - before), (0, 0));
    }

    #[tokio::test]
    async fn a_blob_is_shared_all_the_way() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Image {
            pixels: Blob,
            n: i64,
        }
        let server = Server::with(Image::widget()).await;
        let pixels = Blob::from(vec![7; 1 << 20]);
        let model = server.host.open("x", || Image { pixels: pixels.clone(), n: 0 }).await.unwrap();
        model.update(|state| state.n = 1);
        assert_eq!(model.get().pixels.as_ptr(), pixels.as_ptr());
        assert_eq!(model.get().read("pixels").unwrap().as_bytes().unwrap().as_ptr(), pixels.as_ptr());
    }

    #[tokio::test]
    async fn a_field_that_cannot_be_written_is_null_for_pages_and_harms_nothing() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Odd {
            map: BTreeMap<Vec<u8>, i64>, // lists cannot be keys
            n: i64,
        }
        let server = Server::with(Odd::widget()).await;
        let model = server.host.open("x", || Odd { map: [(vec![1], 2)].into(), n: 3 }).await.unwrap();
        let mut page = server.page("x").await;
        assert_eq!(page.hello["state"], json!({"map": null, "n": 3}).into());
        model.update(|state| state.n = 4);
        assert_eq!(page.expect("set").await["state"], json!({"n": 4}).into());
    }
}

mod models {
    use super::*;

    #[tokio::test]
    async fn opening_an_id_again_gives_the_same_model() {
        let (server, model) = counter(Counter::widget()).await;
        model.update(|state| state.count = 5);
        let again = server.host.open("c", || panic!("it exists")).await.map(|model: Model<Counter>| model.get().count);
        assert_eq!(again.unwrap(), 5);
        assert_eq!(server.host.models(), 1);
    }

    #[tokio::test]
    async fn a_created_model_has_an_id_of_its_own() {
        let (server, _) = counter(Counter::widget()).await;
        let mut ids = BTreeSet::new();
        for count in 0..20 {
            let model = server.host.create(Counter { count, ..Counter::default() }).await.unwrap();
            assert_eq!(model.id().len(), 36, "a UUID");
            assert_eq!(model.reference(), format!("anywidget:{}", model.id()));
            assert_eq!(server.page(model.id()).await.hello["state"]["count"], count.into());
            ids.insert(model.id().to_owned());
        }
        assert_eq!(ids.len(), 20);
    }

    #[tokio::test]
    async fn an_id_belongs_to_one_widget() {
        #[derive(Clone, Default, Debug, Widget)]
        #[widget(esm = "export default {}")]
        struct Other {
            n: i64,
        }
        let host = Host::builder().widget(Counter::widget()).widget(Other::widget()).build().await.unwrap();
        host.open("c", Counter::default).await.unwrap();
        let error = host.open("c", Other::default).await.unwrap_err();
        assert!(error.is_duplicate(), "{error}");
        assert!(error.to_string().contains("\"c\""), "{error}");
    }

    #[tokio::test]
    async fn a_type_without_a_widget_is_told_what_to_do() {
        let host = Host::builder().build().await.unwrap();
        let error = host.open("c", Counter::default).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(error.to_string().contains("Counter") && error.to_string().contains("widget("), "{error}");
    }

    #[tokio::test]
    async fn two_widgets_of_one_name_are_refused() {
        let error = Host::builder().widget(Counter::widget()).widget(Counter::widget()).build().await.unwrap_err();
        assert!(error.is_duplicate(), "{error}");
        assert!(error.to_string().contains("\"counter\""), "{error}");
        let host = Host::builder().widget(Counter::widget()).build().await.unwrap();
        assert!(host.add(Widget::<Value>::new("counter", Source::data())).unwrap_err().is_duplicate());
    }

    #[tokio::test]
    async fn an_ended_model_frees_its_id() {
        let (server, model) = counter(Counter::widget()).await;
        model.update(|state| state.count = 5);
        model.end("over");
        assert_eq!(server.get("/anywidget/models/c/state").await.status, 404);
        let again = server.host.open("c", Counter::default).await.unwrap();
        assert_eq!(again.get().count, 0);
        assert_ne!(again.epoch(), model.epoch());
        model.update(|state| state.count = 9); // an old handle is harmless
        assert_eq!(again.get().count, 0);
    }

    #[tokio::test]
    async fn ended_models_do_not_stay_in_the_registry() {
        let (server, _) = counter(Counter::widget()).await;
        for _ in 0..100 {
            server.host.create(Counter::default()).await.unwrap().end("over");
        }
        assert_eq!(server.host.models(), 1);
    }

    #[tokio::test]
    async fn a_model_tells_its_state_as_json() {
        let (_server, model) = counter(Counter::widget()).await;
        assert_eq!(model.state_json(), json!({"count": 0, "note": ""}));
    }

    #[tokio::test]
    async fn a_view_goes_into_any_page() {
        let (server, model) = counter(Counter::widget()).await;
        let html = format!("<h1>Count</h1>{}", model.view());
        assert!(html.starts_with("<h1>Count</h1><link rel=\"modulepreload\""), "{html}");
        let view = model.view();
        let app = axum::Router::new().route("/", axum::routing::get(async move || view)).merge(server.host.router());
        let served = Server::mounted("/anywidget", server.host.clone(), app).await;
        let response = served.get("/").await;
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.text(), model.view().to_string());
        assert_eq!(server.host.view("c").unwrap().to_string(), model.view().to_string());
        assert!(server.host.view("nobody").is_none());
    }

    #[tokio::test]
    async fn a_message_that_cannot_travel_is_an_error() {
        let (_server, model) = counter(Counter::widget()).await;
        let error = model.send(BTreeMap::from([(vec![1], 2)])).unwrap_err();
        assert!(error.to_string().contains("custom message"), "{error}");
    }
}

mod observers {
    use super::*;

    #[tokio::test]
    async fn every_commit_is_told_in_order_with_its_keys() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().on_change(move |_, change: &Change<Counter>| {
            tell.send((change.rev, change.keys.clone(), change.state.count)).unwrap();
        });
        let (server, model) = counter(widget).await;
        let mut page = server.page("c").await;
        model.update(|state| state.count = 1);
        page.expect("set").await;
        page.set_and_ack(json!({"count": 2, "note": "x"})).await;
        model.update(|state| state.note.clear());
        let mut next = || told.try_recv().unwrap();
        assert_eq!(next(), (1, vec!["count".into()], 1));
        assert_eq!(next(), (2, vec!["count".into(), "note".into()], 2));
        assert_eq!(next(), (3, vec!["note".into()], 2));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_order_holds_when_many_threads_write() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().on_change(move |_, change| tell.send(change.rev).unwrap());
        let (_server, model) = counter(widget).await;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let model = model.clone();
                std::thread::spawn(move || (0..200).for_each(|_| model.update(|state| state.count += 1)))
            })
            .collect();
        for rev in 1..=800 {
            assert_eq!(soon("the next commit", told.recv()).await, Some(rev));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[tokio::test]
    async fn several_observers_are_called_in_the_order_they_were_given() {
        let (tell, mut told) = unbounded_channel();
        let again = tell.clone();
        let widget = Counter::widget()
            .on_change(move |_, _| tell.send("first").unwrap())
            .on_change(move |_, _| again.send("second").unwrap());
        let (_server, model) = counter(widget).await;
        model.update(|state| state.count = 1);
        assert_eq!([told.try_recv().unwrap(), told.try_recv().unwrap()], ["first", "second"]);
    }

    #[tokio::test]
    async fn what_an_observer_writes_is_a_commit_of_its_own_that_comes_after() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().on_change(move |model, change| {
            if change.has("count") {
                model.update(|state| state.note = format!("is {}", state.count));
            }
            tell.send((change.rev, change.keys.clone())).unwrap();
        });
        let (server, model) = counter(widget).await;
        let mut page = server.page("c").await;
        model.update(|state| state.count = 5);
        assert_eq!(told.try_recv().unwrap(), (1, vec!["count".into()]));
        assert_eq!(told.try_recv().unwrap(), (2, vec!["note".into()]));
        page.sets_up_to(0, 2).await;
        assert_eq!(server.page("c").await.hello["state"], json!({"count": 5, "note": "is 5"}).into());
    }

    /// S4
    #[tokio::test]
    async fn an_observer_that_writes_the_same_key_does_not_loop() {
        let widget =
            Counter::widget().on_change(|model, _| model.update(|state| state.note = state.note.trim().to_owned()));
        let (server, model) = counter(widget).await;
        let (mut page, mut other) = (server.page("c").await, server.page("c").await);
        let seq = page.set(json!({"note": "  hi  "})).await;
        let (first, second) = (page.frame().await, page.frame().await);
        let (set, ack) = if first.kind() == "set" { (first, second) } else { (second, first) };
        assert_eq!((&ack["seq"], &ack["rev"]), (&seq.into(), &1.into()));
        assert_eq!((&set["rev"], &set["state"]), (&2.into(), &json!({"note": "hi"}).into()));
        page.expect_nothing().await;
        let sets = other.sets_up_to(0, 2).await;
        assert_eq!(sets.last().unwrap()["state"], json!({"note": "hi"}).into());
        assert_eq!(model.rev(), 2);
    }

    #[tokio::test]
    async fn an_observer_that_never_stops_is_stopped() {
        let widget = Counter::widget().on_change(|model, _| model.update(|state| state.count += 1));
        let (server, model) = counter(widget).await;
        model.update(|state| state.note = "go".into());
        let first = model.get().count;
        assert!((1..100).contains(&first), "{first}");
        let mut page = server.page("c").await;
        page.set(json!({"note": "again"})).await;
        let ack = loop {
            let frame = page.frame().await;
            if frame.kind() == "ack" {
                break frame;
            }
        };
        assert!(!ack.has("refused"));
        assert!(model.get().count > first, "it is called for the next change all the same");
    }

    #[tokio::test]
    async fn an_observer_that_panics_is_called_for_the_next_change() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().on_change(move |_, change| {
            assert_ne!(change.state.count, 1, "thrown by the test");
            tell.send(change.state.count).unwrap();
        });
        let (_server, model) = counter(widget).await;
        catch_unwind(AssertUnwindSafe(|| model.update(|state| state.count = 1))).unwrap_err();
        assert_eq!(model.get().count, 1, "the commit was made");
        model.update(|state| state.count = 2);
        assert_eq!(told.try_recv().unwrap(), 2);
    }

    #[tokio::test]
    async fn a_rule_that_panics_refuses_the_write_and_costs_nobody_a_connection() {
        let widget = Counter::widget()
            .validate(|next, _| if next.count == 13 { panic!("thrown by the test") } else { Ok(()) })
            .on_message(|_, message| {
                if message.content == "panic".into() {
                    panic!("thrown by the test")
                }
            });
        let (server, model) = counter(widget).await;
        let mut page = server.page("c").await;
        let ack = page.set_and_ack(json!({"count": 13})).await;
        assert_eq!(ack["refused"], json!({"count": "validate failed on the host"}).into());
        assert_eq!(ack["state"], json!({"count": 0}).into(), "the true value");
        let seq = page.message(json!("panic")).await;
        page.ack_of(seq).await;
        page.set_and_ack(json!({"count": 14})).await;
        assert_eq!(model.get().count, 14);
    }

    #[tokio::test]
    async fn validation_sees_what_differs() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().validate(move |next, changed| {
            tell.send((next.clone(), changed.to_vec())).unwrap();
            Ok(())
        });
        let (server, model) = counter(widget).await;
        model.update(|state| state.count = 1); // from Rust: not asked
        let mut page = server.page("c").await;
        page.set_and_ack(json!({"count": 1, "note": "x"})).await;
        let (next, changed) = told.try_recv().unwrap();
        assert_eq!((next, changed), (Counter { count: 1, note: "x".into() }, vec!["note".into()]));
        assert!(told.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_page_that_writes_while_rust_writes_loses_nothing() {
        let widget = Counter::widget().validate(|next, _| {
            next.count = next.count.min(1_000_000);
            Ok(())
        });
        let (server, model) = counter(widget).await;
        let mut page = server.page("c").await;
        let rust = model.clone();
        let thread = std::thread::spawn(move || (0..1_000).for_each(|_| rust.update(|state| state.count += 1)));
        for n in 0..100 {
            let seq = page.set(json!({"note": n.to_string()})).await;
            while page.frame().await["seq"] != seq.into() {}
        }
        thread.join().unwrap();
        assert_eq!(*model.get(), Counter { count: 1_000, note: "99".into() });
        assert_eq!(model.rev(), 1_100);
    }
}

mod commands {
    use super::*;

    /// Sends an `invoke` as the browser runtime does.
    async fn invoke(page: &mut Page, id: &str, name: &str, msg: Json) {
        page.message(json!({"id": id, "kind": "anywidget-command", "name": name, "msg": msg})).await;
    }

    /// The reply to an `invoke`, past its ack.
    async fn reply(page: &mut Page) -> Frame {
        loop {
            let frame = page.frame().await;
            if frame.kind() == "message" {
                assert!(!frame.has("n"), "for one page only: {frame:?}");
                assert_eq!(frame["content"]["kind"], "anywidget-command-response".into());
                return frame;
            }
        }
    }

    async fn answer(widget: Widget<Counter>, name: &str, msg: Json) -> Value {
        let (server, _model) = counter(widget).await;
        let mut page = server.page("c").await;
        invoke(&mut page, "i", name, msg).await;
        let content = reply(&mut page).await["content"].clone();
        assert_eq!(content["id"], "i".into());
        content
    }

    async fn add(counter: Model<Counter>, amount: i64) -> Result<i64, Refusal> {
        Ok(counter.update(|state| {
            state.count += amount;
            state.count
        }))
    }

    #[tokio::test]
    async fn a_command_is_answered() {
        let content = answer(Counter::widget().command("add", add), "add", json!(3)).await;
        assert_eq!(content["response"], 3.into());
        assert_eq!(content.get("error"), None);
    }

    #[tokio::test]
    async fn arguments_and_answers_are_typed() {
        #[derive(Deserialize)]
        struct Range {
            from: i64,
            to: Option<i64>,
        }
        async fn sum(_: Model<Counter>, range: Range) -> Result<Vec<i64>, Refusal> {
            Ok((range.from..range.to.unwrap_or(range.from + 2)).collect())
        }
        let content = answer(Counter::widget().command("sum", sum), "sum", json!({"from": 3})).await;
        assert_eq!(content["response"], json!([3, 4]).into());
    }

    #[tokio::test]
    async fn a_command_may_take_and_give_nothing() {
        async fn reset(counter: Model<Counter>, (): ()) -> Result<(), Refusal> {
            counter.set(Counter::default());
            Ok(())
        }
        let (server, _model) = counter(Counter::widget().command("reset", reset)).await;
        let mut page = server.page("c").await;
        page.message(json!({"id": 7, "kind": "anywidget-command", "name": "reset"})).await; // undefined is left out
        let content = reply(&mut page).await["content"].clone();
        assert_eq!(content, json!({"id": 7, "kind": "anywidget-command-response", "response": null}).into());
    }

    #[tokio::test]
    async fn a_refusal_has_its_kind_and_message() {
        async fn withdraw(_: Model<Counter>, _amount: i64) -> Result<i64, Refusal> {
            Err(Refusal::new("only 5 left").with_kind("Overdrawn"))
        }
        let content = answer(Counter::widget().command("withdraw", withdraw), "withdraw", json!(7)).await;
        assert_eq!(content["error"], json!({"type": "Overdrawn", "message": "only 5 left"}).into());
        assert_eq!(content.get("response"), None);
    }

    #[tokio::test]
    async fn a_plain_text_error_will_do() {
        async fn fail(_: Model<Counter>, (): ()) -> Result<(), &'static str> {
            Err("not today")
        }
        let content = answer(Counter::widget().command("fail", fail), "fail", json!(null)).await;
        assert_eq!(content["error"]["message"], "not today".into());
    }

    #[tokio::test]
    async fn an_unknown_command_is_named() {
        for name in ["dance", ""] {
            let content = answer(Counter::widget().command("add", add), name, json!(1)).await;
            assert_eq!(content["error"]["type"], "UnknownCommand".into());
            assert!(content["error"]["message"].as_str().unwrap().contains(&format!("{name:?}")), "{content:?}");
        }
    }

    #[tokio::test]
    async fn a_wrong_argument_is_named() {
        let content = answer(Counter::widget().command("add", add), "add", json!("three")).await;
        assert_eq!(content["error"]["type"], "InvalidArgument".into());
        assert!(content["error"]["message"].as_str().unwrap().contains("three"), "{content:?}");
    }

    /// The page's promise is rejected at once and not after a timeout.
    #[tokio::test]
    async fn a_command_that_panics_is_answered_with_an_error() {
        async fn explode(_: Model<Counter>, (): ()) -> Result<(), Refusal> {
            panic!("thrown by the test")
        }
        let content = answer(Counter::widget().command("explode", explode), "explode", json!(null)).await;
        assert!(content["error"]["message"].as_str().is_some(), "{content:?}");
        assert!(!format!("{content:?}").contains("thrown by the test"), "what is inside stays inside: {content:?}");
    }

    #[tokio::test]
    async fn a_command_that_panics_disturbs_nobody() {
        async fn explode(_: Model<Counter>, (): ()) -> Result<(), Refusal> {
            panic!("thrown by the test")
        }
        let (server, _model) = counter(Counter::widget().command("explode", explode).command("add", add)).await;
        let mut page = server.page("c").await;
        invoke(&mut page, "1", "explode", json!(null)).await;
        invoke(&mut page, "2", "add", json!(1)).await;
        while reply(&mut page).await["content"]["id"] != "2".into() {}
    }

    #[tokio::test]
    async fn buffers_go_both_ways() {
        async fn reverse(_: Model<Counter>, n: i64, buffers: Vec<Blob>) -> Result<(i64, Vec<Blob>), Refusal> {
            let reversed = buffers.iter().rev().map(|blob| Blob::from(blob.iter().rev().copied().collect::<Vec<u8>>()));
            Ok((n + 1, reversed.collect()))
        }
        let (server, _model) = counter(Counter::widget().command_with("reverse", reverse)).await;
        let mut page = server.page("c").await;
        let mut frame = Value::from(json!({
            "type": "message", "seq": 1, "content": {"id": "i", "kind": "anywidget-command", "name": "reverse", "msg": 1}
        }));
        frame["buffers"] = Value::Array(vec![bytes([1, 2, 3]), bytes([])]);
        page.send_binary(frame).await;
        let reply = reply(&mut page).await;
        assert_eq!(reply["content"]["response"], 2.into());
        assert_eq!(reply["buffers"], Value::Array(vec![bytes([]), bytes([3, 2, 1])]));
    }

    #[tokio::test]
    async fn the_reply_goes_to_the_page_that_asked() {
        let (server, model) = counter(Counter::widget().command("add", add)).await;
        let (mut page, mut other) = (server.page("c").await, server.page("c").await);
        invoke(&mut page, "i", "add", json!(2)).await;
        reply(&mut page).await;
        assert_eq!(other.expect("set").await["state"]["count"], 2.into());
        other.expect_nothing().await;
        assert_eq!(model.get().count, 2);
    }

    #[tokio::test]
    async fn the_reply_comes_after_the_state_it_was_made_with() {
        let (server, _model) = counter(Counter::widget().command("add", add)).await;
        let mut page = server.page("c").await;
        for count in 1..50 {
            invoke(&mut page, "i", "add", json!(1)).await;
            let mut seen = Value::Null;
            let reply = loop {
                let frame = page.frame().await;
                match frame.kind() {
                    "set" => seen = frame["state"]["count"].clone(),
                    "message" => break frame,
                    _ => {}
                }
            };
            assert_eq!((&seen, &reply["content"]["response"]), (&count.into(), &count.into()));
        }
    }

    #[tokio::test]
    async fn a_slow_command_holds_up_nothing() {
        let gate = Arc::new(tokio::sync::Notify::new());
        let wait = gate.clone();
        let widget = Counter::widget()
            .command("wait", move |_, (): ()| {
                let gate = wait.clone();
                async move {
                    gate.notified().await;
                    Ok::<_, Refusal>("waited")
                }
            })
            .command("add", add);
        let (server, _model) = counter(widget).await;
        let mut page = server.page("c").await;
        invoke(&mut page, "slow", "wait", json!(null)).await;
        invoke(&mut page, "quick", "add", json!(1)).await;
        assert_eq!(reply(&mut page).await["content"]["id"], "quick".into());
        gate.notify_one();
        assert_eq!(reply(&mut page).await["content"]["response"], "waited".into());
    }

    #[tokio::test]
    async fn a_command_whose_page_has_gone_runs_to_its_end() {
        let (started, mut starts) = unbounded_channel();
        let gate = Arc::new(tokio::sync::Notify::new());
        let wait = gate.clone();
        let widget = Counter::widget().command("work", move |model: Model<Counter>, (): ()| {
            let (gate, started) = (wait.clone(), started.clone());
            async move {
                started.send(()).unwrap();
                gate.notified().await;
                model.update(|state| state.count = 1);
                Ok::<_, Refusal>(())
            }
        });
        let (server, model) = counter(widget).await;
        let mut page = server.page("c").await;
        invoke(&mut page, "i", "work", json!(null)).await;
        soon("the command", starts.recv()).await.unwrap();
        page.leave().await;
        eventually("the end of the socket", || server.host.sockets() == 0).await;
        gate.notify_one();
        eventually("the end of the command", || model.get().count == 1).await;
    }

    #[tokio::test]
    async fn a_repeated_invoke_runs_once() {
        let (server, model) = counter(Counter::widget().command("add", add)).await;
        let mut page = server.page("c").await;
        let frame = json!({
            "type": "message", "seq": 1, "buffers": [],
            "content": {"id": "i", "kind": "anywidget-command", "name": "add", "msg": 1}
        });
        page.send(frame.clone()).await;
        reply(&mut page).await;
        let mut again = server.page_that_says("c", page.resume()).await;
        again.send(frame).await;
        again.ack_of(1).await;
        again.expect_nothing().await;
        assert_eq!(model.get().count, 1);
    }

    /// B8
    #[tokio::test]
    async fn commands_are_no_custom_messages() {
        let (tell, mut told) = unbounded_channel();
        let widget = Counter::widget().command("add", add).on_message(move |_, message| {
            tell.send(message.content.clone()).unwrap();
        });
        let (server, _model) = counter(widget).await;
        let mut page = server.page("c").await;
        invoke(&mut page, "i", "add", json!(1)).await;
        let seq = page.message(json!("plain")).await;
        while page.frame().await["seq"] != seq.into() {}
        assert_eq!(told.try_recv().unwrap(), "plain".into());
    }

    #[tokio::test]
    async fn a_message_can_be_answered_with_buffers() {
        let widget = Counter::widget().on_message(|_, message| {
            message.reply_with(json!({"got": message.buffers.len()}), message.buffers.clone()).unwrap();
        });
        let (server, _model) = counter(widget).await;
        let mut page = server.page("c").await;
        let mut frame = Value::from(json!({"type": "message", "seq": 1, "content": null}));
        frame["buffers"] = Value::Array(vec![bytes([5])]);
        page.send_binary(frame).await;
        let reply = loop {
            let frame = page.frame().await;
            if frame.kind() == "message" {
                break frame;
            }
        };
        assert_eq!(
            (&reply["content"], &reply["buffers"]),
            (&json!({"got": 1}).into(), &Value::Array(vec![bytes([5])]))
        );
    }
}

mod changes {
    use super::*;

    #[tokio::test]
    async fn they_are_a_stream_from_now_on() {
        let (server, model) = counter(Counter::widget()).await;
        model.update(|state| state.count = 1);
        let mut changes = model.changes();
        model.update(|state| state.count = 2);
        let change = soon("a change", changes.next()).await.unwrap();
        assert_eq!((change.rev, change.keys.clone(), change.state.count), (2, vec!["count".into()], 2));
        assert!(change.has("count") && !change.has("note"));
        let mut page = server.page("c").await;
        page.set_and_ack(json!({"note": "from a page"})).await;
        let change = soon("a change", changes.next()).await.unwrap();
        assert_eq!((change.rev, &*change.state.note), (3, "from a page"));
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_of_several_at_once() {
        let (_server, model) = counter(Counter::widget()).await;
        let mut changes = model.changes();
        for count in 1..=100 {
            model.update(|state| state.count = count);
        }
        model.update(|state| state.note = "end".into());
        let change = soon("a change", changes.next()).await.unwrap();
        assert_eq!((change.rev, change.state.count, &*change.state.note), (101, 100, "end"));
        assert_eq!(change.keys.iter().map(|key| &**key).collect::<BTreeSet<_>>(), BTreeSet::from(["count", "note"]));
    }

    #[tokio::test]
    async fn they_wake_a_waiting_reader() {
        let (_server, model) = counter(Counter::widget()).await;
        let mut changes = model.changes();
        let reader = tokio::spawn(async move { changes.next().await.map(|change| change.state.count) });
        tokio::task::yield_now().await;
        model.update(|state| state.count = 4);
        assert_eq!(soon("the change", reader).await.unwrap(), Some(4));
    }

    #[tokio::test]
    async fn they_end_with_the_model() {
        let (_server, model) = counter(Counter::widget()).await;
        let mut changes = model.changes();
        model.update(|state| state.count = 4);
        model.end("over");
        assert_eq!(soon("the last change", changes.next()).await.map(|change| change.rev), Some(1));
        assert!(soon("the end", changes.next()).await.is_none());
    }
}

mod folders {
    use super::*;

    /// A folder named `thing` with these files.
    fn folder(files: &[(&str, &str)]) -> TempDir {
        let temp = TempDir::new().unwrap();
        fs::create_dir(temp.path().join("thing")).unwrap();
        for (name, text) in files {
            fs::write(temp.path().join("thing").join(name), text).unwrap();
        }
        temp
    }

    async fn served(temp: &TempDir) -> (Server, Model<Value>) {
        let host = Host::builder().build().await.unwrap();
        let model = host.folder(temp.path().join("thing")).unwrap();
        (Server::of(host).await, model)
    }

    #[tokio::test]
    async fn its_name_is_the_id_and_its_manifest_the_state() {
        let manifest = r#"{
            "title": "A thing", "description": "It does things.",
            "state": {"n": 1, "big": 9007199254740993, "pixels": {"$bytes": "AQID"}, "data": {"$file": "points.bin"},
                      "odd": [{"$number": "NaN"}, {"$number": "-Infinity"}], "plain": {"$other": 1, "x": {"$bytes": 5}}}
        }"#;
        let temp = folder(&[("widget.js", "export default {}"), ("widget.json", manifest), ("points.bin", "abc")]);
        let (server, model) = served(&temp).await;
        assert_eq!((model.id(), model.widget().name), ("thing", "thing"));
        assert_eq!((model.widget().title, model.widget().description), (Some("A thing"), Some("It does things.")));
        let hello = server.page("thing").await.hello;
        let state = &hello["state"];
        assert_eq!((&state["n"], &state["big"]), (&1.into(), &Value::Int(9_007_199_254_740_993)));
        assert_eq!((&state["pixels"], &state["data"]), (&bytes([1, 2, 3]), &bytes(*b"abc")));
        assert_eq!(state["odd"], Value::Array(vec![f64::NAN.into(), f64::NEG_INFINITY.into()]));
        assert_eq!(state["plain"], json!({"$other": 1, "x": {"$bytes": 5}}).into());
    }

    #[tokio::test]
    async fn declared_keys_are_fixed() {
        let temp = folder(&[("widget.js", "export default {}"), ("widget.json", r#"{"state": {"a": 1}}"#)]);
        let (server, model) = served(&temp).await;
        let mut page = server.page("thing").await;
        let ack = page.set_and_ack(json!({"a": "any type", "b": 2})).await;
        assert_eq!(keys(&ack["refused"]), BTreeSet::from(["b"]));
        assert_eq!(*model.get(), json!({"a": "any type"}).into());
    }

    #[tokio::test]
    async fn without_declared_keys_they_come_into_being() {
        for files in [&[("widget.js", "")][..], &[("widget.js", ""), ("widget.json", r#"{"title": "x"}"#)]] {
            let (server, model) = served(&folder(files)).await;
            let mut page = server.page("thing").await;
            assert!(!page.set_and_ack(json!({"b": 2})).await.has("refused"));
            assert_eq!(*model.get(), json!({"b": 2}).into());
        }
    }

    #[tokio::test]
    async fn an_empty_declared_state_has_no_keys_at_all() {
        let (server, _model) = served(&folder(&[("widget.js", ""), ("widget.json", r#"{"state": {}}"#)])).await;
        assert!(server.page("thing").await.set_and_ack(json!({"b": 2})).await.has("refused"));
    }

    #[tokio::test]
    async fn a_folder_with_only_a_manifest_is_data() {
        let (server, _model) = served(&folder(&[("widget.json", r#"{"state": {"a": 1}}"#)])).await;
        let hello = server.page("thing").await.hello;
        assert_eq!((&hello["code"]["esm"], &hello["state"]), (&Value::Null, &json!({"a": 1}).into()));
    }

    #[tokio::test]
    async fn the_manifest_may_name_other_files() {
        let temp = folder(&[
            ("widget.json", r#"{"esm": "./dist.js", "css": "https://cdn.example/x.css"}"#),
            ("dist.js", "export {}"),
        ]);
        let (server, _model) = served(&temp).await;
        let code = server.page("thing").await.hello["code"].clone();
        assert_eq!(server.get(code["esm"].as_str().unwrap()).await.text(), "export {}");
        assert_eq!(code["css"], "https://cdn.example/x.css".into());
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_folder_is_said() {
        for (files, parts) in [
            (&[][..], &["thing", "widget.js"][..]),
            (&[("widget.js", ""), ("widget.json", "{\n  \"state\": {,}\n}")], &["widget.json:2:13"]),
            (&[("widget.js", ""), ("widget.json", r#"{"esm": "dist.js"}"#)], &["widget.json", "esm", "dist.js"]),
            (&[("widget.js", ""), ("widget.json", r#"{"css": "../x.css"}"#)], &["widget.json", "css", "../x.css"]),
            (
                &[("widget.js", ""), ("widget.json", r#"{"state": {"a": {"$bytes": "?"}}}"#)],
                &["widget.json", "$bytes", "base64"],
            ),
            (
                &[("widget.js", ""), ("widget.json", r#"{"state": {"a": {"$number": "one"}}}"#)],
                &["widget.json", "$number", "one"],
            ),
            (&[("widget.js", ""), ("widget.json", r#"{"state": {"a": {"$file": "none.bin"}}}"#)], &["none.bin"]),
            (&[("widget.js", ""), ("widget.json", r#"{"state": [1]}"#)], &["widget.json:1:"]),
        ] {
            let temp = folder(files);
            let host = Host::builder().build().await.unwrap();
            let error = host.folder(temp.path().join("thing")).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
            assert_eq!(host.models(), 0);
        }
    }

    #[tokio::test]
    async fn one_folder_is_one_widget() {
        let temp = folder(&[("widget.js", "")]);
        let host = Host::builder().build().await.unwrap();
        host.folder(temp.path().join("thing")).unwrap();
        assert!(host.folder(temp.path().join("thing")).unwrap_err().is_duplicate());
        assert!(host.folder(temp.path().join("nothing")).unwrap_err().is_not_found());
    }

    #[tokio::test]
    async fn a_host_can_be_built_with_folders() {
        let temp = folder(&[("widget.js", ""), ("widget.json", r#"{"state": {"n": 1}}"#)]);
        let host = Host::builder().folder(temp.path().join("thing")).build().await.unwrap();
        assert_eq!(host.get::<Value>("thing").unwrap().get()["n"], 1.into());
        assert!(host.get::<Value>("other").is_none());
        assert!(host.get::<Counter>("thing").is_none(), "its states are of another type");
        let error = Host::builder().folder(temp.path().join("nothing")).build().await.unwrap_err();
        assert!(error.is_not_found());
    }

    #[tokio::test]
    async fn an_error_is_a_response() {
        use axum::response::IntoResponse;
        let host = Host::builder().build().await.unwrap();
        let error = host.open("c", Counter::default).await.unwrap_err();
        assert!(error.to_string().contains("Counter"), "{error}");
        assert_eq!(error.into_response().status(), 500);
    }

    #[tokio::test]
    async fn a_folder_may_hear_messages_and_pass_them_on_to_every_page() {
        let temp = folder(&[("widget.js", ""), ("widget.json", r#"{"state": {"n": 1}}"#)]);
        let host = Host::builder().build().await.unwrap();
        let widget = Widget::<Value>::new("heard", Source::folder(temp.path().join("thing")))
            .on_message(|model, message| model.send_with(&message.content, message.buffers.clone()).unwrap());
        let model = host.add(widget).unwrap();
        let server = Server::of(host).await;
        let mut sender = server.page("heard").await;
        let mut other = server.page("heard").await;
        let content = json!([{"x": 1.5, "who": null}, "text"]);
        let mut sent = Value::from(json!({"type": "message", "seq": 1, "content": content}));
        sent["buffers"] = Value::Array(vec![bytes([]), bytes([0, 255])]);
        sender.send_binary(sent.clone()).await;
        for page in [&mut sender, &mut other] {
            let got = loop {
                let frame = page.frame().await;
                if frame.kind() == "message" {
                    break frame;
                }
            };
            assert_eq!((&got["content"], &got["buffers"]), (&sent["content"], &sent["buffers"]));
        }
        assert_eq!(model.get()["n"], 1.into(), "the state is what it was");
    }

    #[tokio::test]
    async fn a_widget_without_a_struct_may_have_rules() {
        let temp = folder(&[("widget.js", ""), ("widget.json", r#"{"state": {"n": 1}}"#)]);
        let host = Host::builder().build().await.unwrap();
        let widget =
            Widget::<Value>::new("ruled", Source::folder(temp.path().join("thing"))).validate(
                |next, _| match next["n"].as_i64() {
                    Some(_) => Ok(()),
                    None => Err("n is a whole number".into()),
                },
            );
        let model = host.add(widget).unwrap();
        let server = Server::of(host).await;
        let mut page = server.page("ruled").await;
        let ack = page.set_and_ack(json!({"n": "x"})).await;
        assert_eq!(
            (&ack["refused"], &ack["state"]),
            (&json!({"n": "n is a whole number"}).into(), &json!({"n": 1}).into())
        );
        assert_eq!(model.get()["n"], 1.into());
    }
}
