//! What HTTP can change: keys by PATCH, commands by POST, for forms and programs, with the rules that views have.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use anywidget_host::{Blob, Host, Model, Permission, Refusal, Source, Value, View, Visitor, Widget};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use support::Server;
use support::http::Response;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const HTMX: (&str, &str) = ("hx-request", "true");

#[derive(Clone, Default, PartialEq, Debug, Widget)]
#[widget(esm = "export default {}")]
struct Lamp {
    name: String,
    level: i64,
    on: bool,
    warmth: Option<f64>,
    tags: Vec<String>,
    picture: Blob,
    #[widget(server)]
    lumens: i64,
}

#[derive(Deserialize)]
struct Dim {
    by: i64,
    note: String,
}

async fn dim(lamp: Model<Lamp>, dim: Dim) -> Result<String, Refusal> {
    if dim.by > 100 {
        return Err(Refusal::new("that is <too much>").with_kind("Overdone"));
    }
    Ok(lamp.update(|lamp| {
        lamp.level -= dim.by;
        format!("{}: <{}>", dim.note, lamp.level)
    }))
}

fn widget() -> Widget<Lamp> {
    let widget = Lamp::widget().validate(|next, _changed| match next.name.as_str() {
        "forbidden" => Err(Refusal::new("that name is <taken>")),
        _ => {
            next.level = next.level.clamp(0, 100);
            Ok(())
        }
    });
    widget
        .command("dim", dim)
        .command("reset", async |lamp: Model<Lamp>, (): ()| {
            lamp.set(Lamp::default());
            Ok::<(), Refusal>(())
        })
        .command("burn", async |_: Model<Lamp>, (): ()| -> Result<(), Refusal> { panic!("a test's own panic") })
        .command_with("echo", async |_: Model<Lamp>, words: Value, _: Vec<Blob>| {
            Ok::<_, Refusal>((words, vec![Blob::from(vec![1, 2])]))
        })
}

async fn lamp() -> (Server, Model<Lamp>) {
    let host = Host::builder().widget(widget()).build().await.unwrap();
    let model = host.open("lamp", || Lamp { level: 50, ..Lamp::default() }).await.unwrap();
    (Server::of(host).await, model)
}

async fn patch(server: &Server, headers: &[(&str, &str)], body: &str) -> Response {
    server.send("PATCH", "/anywidget/models/lamp", headers, body).await
}

async fn command(server: &Server, name: &str, headers: &[(&str, &str)], body: &str) -> Response {
    server.send("POST", &format!("/anywidget/models/lamp/commands/{name}"), headers, body).await
}

mod patching {
    use super::*;

    #[tokio::test]
    async fn a_form_s_texts_become_the_types_of_the_keys_and_every_view_follows() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        let answer = patch(&server, &[FORM], "name=12&level=7&on=true&warmth=1.5&tags=a").await;
        assert_eq!((answer.status, answer.json()), (200, json!({"rev": 1})));
        let expected = Lamp {
            name: "12".into(),
            level: 7,
            on: true,
            warmth: Some(1.5),
            tags: vec!["a".into()],
            ..Lamp::default()
        };
        assert_eq!(*model.get(), expected);
        let set = page.expect("set").await;
        assert_eq!(set["state"]["level"], 7.into());
        assert!(!set.has("origin"), "no page made it: {set:?}");

        assert_eq!(patch(&server, &[FORM], "tags=b&tags=c&warmth=&on=on").await.status, 200);
        let lamp = model.get();
        assert_eq!((&lamp.tags, lamp.warmth, lamp.on), (&vec!["b".into(), "c".into()], None, true));
    }

    #[tokio::test]
    async fn json_says_what_a_view_can_say() {
        let (server, model) = lamp().await;
        let body = json!({"name": "desk", "level": 9, "picture": {"$bytes": "AQID"}}).to_string();
        assert_eq!(patch(&server, &[JSON], &body).await.status, 200);
        let lamp = model.get();
        assert_eq!((&*lamp.name, lamp.level, &lamp.picture[..]), ("desk", 9, &[1, 2, 3][..]));
    }

    #[tokio::test]
    async fn what_came_out_otherwise_is_told() {
        let (server, _model) = lamp().await;
        let answer = patch(&server, &[JSON], r#"{"level": 900}"#).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"rev": 1, "state": {"level": 100}})));
    }

    #[tokio::test]
    async fn what_is_refused_is_named_with_its_reason() {
        let (server, model) = lamp().await;
        let answer = patch(&server, &[FORM], "level=bright&name=x").await;
        assert_eq!(answer.status, 422);
        let refused = &answer.json()["refused"];
        assert!(refused["level"].as_str().unwrap().contains("bright"), "{refused}");
        assert!(refused["name"].as_str().unwrap().contains("level was refused"), "all or nothing: {refused}");
        let answer = patch(&server, &[JSON], r#"{"lumens": 3, "colour": "red", "level": 3}"#).await;
        let refused = &answer.json()["refused"];
        assert_eq!(refused["lumens"], "only the server writes this key");
        assert!(refused["colour"].as_str().unwrap().contains("no key"));
        assert_eq!(model.get().level, 3, "the others are applied, as of a view's `set`");
    }

    #[tokio::test]
    async fn htmx_gets_nothing_to_swap_or_the_reasons_as_html() {
        let (server, _model) = lamp().await;
        let answer = patch(&server, &[FORM, HTMX, ("accept", "*/*")], "level=3").await;
        assert_eq!((answer.status, answer.text()), (204, ""));
        let answer = patch(&server, &[FORM, HTMX], "name=forbidden").await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.text(), r#"<ul role="alert"><li>name: that name is &lt;taken&gt;</li></ul>"#);
    }

    #[tokio::test]
    async fn a_widget_without_a_type_keeps_the_kinds_it_has() {
        let host = Host::builder().build().await.unwrap();
        let model = host.add(Widget::<Value>::new("bag", Source::data())).unwrap();
        model.set(json!({"n": 1, "text": "a", "yes": true, "list": [1], "none": null}).into());
        let server = Server::of(host).await;
        let patch = async |body| server.send("PATCH", "/anywidget/models/bag", &[FORM], body).await;
        assert_eq!(patch("n=2.5&text=3&yes=false&list=4&list=5&none=6&new=7").await.status, 200);
        let expected = json!({"n": 2.5, "text": "3", "yes": false, "list": [4, 5], "none": "6", "new": "7"});
        assert_eq!(*model.get(), expected.into());
        let answer = patch("n=many&text=b").await;
        assert_eq!((answer.status, answer.json()["refused"].clone()), (422, json!({"n": "expected a number"})));
        assert_eq!(model.get()["text"], "3".into());
    }

    #[tokio::test]
    async fn what_is_no_form_and_no_json_is_refused_in_words() {
        let (server, _model) = lamp().await;
        for (headers, body, status, part) in [
            (vec![JSON], "{", 400, "does not parse"),
            (vec![JSON], "[1]", 400, "an object"),
            (vec![JSON], r#"{"picture": {"$bytes": "?"}}"#, 400, "base64"),
            (vec![("content-type", "multipart/form-data; boundary=x")], "", 415, "multipart/form-data"),
            (vec![], "level=3", 415, "form-urlencoded"),
        ] {
            let answer = patch(&server, &headers, body).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text());
            assert!(answer.text().contains(part), "{}", answer.text());
        }
        let answer = server.send("PATCH", "/anywidget/models/none", &[FORM], "a=1").await;
        assert_eq!(answer.status, 404);
    }

    #[tokio::test]
    async fn another_site_changes_nothing() {
        let (server, model) = lamp().await;
        for header in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(patch(&server, &[FORM, header], "level=3").await.status, 403, "{header:?}");
            assert_eq!(command(&server, "reset", &[FORM, header], "").await.status, 403, "{header:?}");
        }
        assert_eq!((model.get().level, model.rev()), (50, 0));
        let own = format!("http://{}", server.address);
        assert_eq!(patch(&server, &[FORM, ("origin", &own)], "level=3").await.status, 200);
    }
}

mod commanding {
    use super::*;

    #[tokio::test]
    async fn a_form_or_json_is_the_argument() {
        let (server, model) = lamp().await;
        let answer = command(&server, "dim", &[FORM], "by=3&note=12").await;
        assert_eq!((answer.status, answer.json()), (200, json!("12: <47>")));
        let answer = command(&server, "dim", &[JSON], r#"{"by": 7, "note": "a"}"#).await;
        assert_eq!(answer.json(), json!("a: <40>"));
        assert_eq!(model.get().level, 40);
        assert_eq!(command(&server, "reset", &[], "").await.json(), json!(null));
        assert_eq!(*model.get(), Lamp::default());
    }

    #[tokio::test]
    async fn html_is_text_that_a_page_can_show() {
        let (server, _model) = lamp().await;
        let answer = command(&server, "dim", &[FORM, HTMX], "by=3&note=a").await;
        assert_eq!((answer.status, answer.text()), (200, "a: &lt;47&gt;"));
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!(command(&server, "reset", &[HTMX], "").await.status, 204);
        let answer = command(&server, "dim", &[FORM, HTMX], "by=101&note=a").await;
        assert_eq!((answer.status, answer.text()), (422, r#"<p role="alert">that is &lt;too much&gt;</p>"#));
    }

    #[tokio::test]
    async fn what_fails_says_how() {
        let (server, _model) = lamp().await;
        for (name, body, status, kind) in [
            ("dim", r#"{"by": 101, "note": ""}"#, 422, "Overdone"),
            ("dim", r#"{"by": "x", "note": ""}"#, 422, "InvalidArgument"),
            ("fly", "{}", 404, "UnknownCommand"),
            ("burn", "null", 500, "Panic"),
        ] {
            let answer = command(&server, name, &[JSON], body).await;
            assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (status, Some(kind)), "{name}");
        }
    }

    #[tokio::test]
    async fn buffers_of_an_answer_stand_beside_it() {
        let (server, _model) = lamp().await;
        let answer = command(&server, "echo", &[JSON], r#"{"a": 1}"#).await;
        assert_eq!(answer.json(), json!({"response": {"a": 1}, "buffers": [{"$bytes": "AQI="}]}));
    }
}

mod events {
    use super::*;

    /// An event stands in line with messages, so a page that was away gets it once.
    #[tokio::test]
    async fn every_page_is_told_once_behind_what_was_before_it() {
        let (server, model) = lamp().await;
        let mut page = server.page("lamp").await;
        model.update(|lamp| lamp.level = 1);
        model.dispatch("lamp-changed", json!({"level": 1})).unwrap();
        model.send("later").unwrap();
        page.expect("set").await;
        let event = page.expect("event").await;
        assert_eq!(event, json!({"type": "event", "name": "lamp-changed", "detail": {"level": 1}, "rev": 1, "n": 1}));
        assert_eq!(page.expect("message").await["n"], 2.into());
        let mut resume = page.resume();
        resume["messages"] = json!(0);
        page.leave().await;
        let mut again = server.page_that_says("lamp", resume).await;
        assert_eq!(again.expect("event").await["n"], 1.into());
    }
}

mod access {
    use super::*;

    async fn read_only() -> Server {
        let decide = |request: &anywidget_host::auth::Request<'_>| match request.headers.get("x-user") {
            Some(user) if user == "admin" => Permission::Write,
            Some(_) => Permission::Read,
            None => Permission::Nothing,
        };
        let host = Host::builder().widget(widget()).authorise(decide).build().await.unwrap();
        host.open("lamp", Lamp::default).await.unwrap();
        Server::of(host).await
    }

    #[tokio::test]
    async fn one_rule_decides_for_every_route() {
        let server = read_only().await;
        let (admin, guest) = (("x-user", "admin"), ("x-user", "guest"));
        for path in
            ["/anywidget/models/lamp/view", "/anywidget/models/lamp/state", "/anywidget/models/lamp/state/level"]
        {
            assert_eq!(server.get(path).await.status, 403, "{path}");
            assert_eq!(server.get_with(path, &[guest]).await.status, 200, "{path}");
        }
        assert_eq!(patch(&server, &[FORM], "level=1").await.status, 403);
        let answer = patch(&server, &[FORM, guest], "level=1").await;
        assert_eq!((answer.status, answer.json()["refused"]["level"].as_str()), (422, Some("this view is read-only")));
        assert_eq!(command(&server, "reset", &[guest], "").await.status, 403);
        assert_eq!(patch(&server, &[FORM, admin], "level=1").await.status, 200);
        assert_eq!(command(&server, "reset", &[admin], "").await.status, 200);
        assert_eq!(server.connect("lamp").await.close_code().await, 4403);
    }

    #[tokio::test]
    async fn a_socket_that_may_only_read_is_told_so() {
        let server = read_only().await;
        let mut request = server.upgrade("lamp");
        request.headers_mut().insert("x-user", "guest".parse().unwrap());
        let mut page = server.connect_with(request).await.unwrap();
        page.say_hello(json!({})).await;
        assert_eq!(page.expect("hello").await["readonly"], true.into());
        let ack = page.set_and_ack(json!({"level": 3})).await;
        assert_eq!(ack["refused"]["level"], "this view is read-only".into());
        let command = json!({"id": "1", "kind": "anywidget-command", "name": "reset", "msg": null});
        let seq = page.message(command).await;
        page.ack_of(seq).await;
        assert_eq!(page.expect("message").await["content"]["error"]["type"], "Forbidden".into());
        page.message(json!("hi")).await;
        assert!(page.expect("error").await["message"].as_str().unwrap().contains("read-only"));
    }
}

mod handlers {
    use super::*;

    async fn mine(State(host): State<Host>, visitor: Visitor) -> anywidget_host::Result<View> {
        Ok(host.open(visitor.own("lamp"), Lamp::default).await?.view())
    }

    async fn level(lamp: Model<Lamp>) -> String {
        lamp.update(|lamp| lamp.level += 1);
        lamp.get().level.to_string()
    }

    async fn app() -> Server {
        let host = Host::builder().widget(widget()).build().await.unwrap();
        host.add(Widget::<Value>::new("bag", Source::data())).unwrap();
        let app = Router::new().route("/mine", get(mine)).route("/lamps/{id}/level", get(level)).merge(host.router());
        let app = app.layer(axum::middleware::from_fn(Host::visitors)).with_state(host.clone());
        Server::mounted("/anywidget", host, app).await
    }

    fn model_of(html: &str) -> String {
        html.split_once("model=\"").unwrap().1.split('"').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_model_is_an_argument_by_its_path() {
        let server = app().await;
        server.host.open("desk lamp", Lamp::default).await.unwrap();
        assert_eq!(server.get("/lamps/desk%20lamp/level").await.text(), "1");
        assert_eq!(server.get("/lamps/none/level").await.status, 404);
        assert_eq!(server.get("/lamps/bag/level").await.status, 404, "of another type");
    }

    #[tokio::test]
    async fn each_visitor_has_a_model_of_their_own_that_no_other_can_reach() {
        let server = app().await;
        let first = server.get("/mine").await;
        let cookie = first.header("set-cookie").unwrap();
        for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age="] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let cookie = ("cookie", cookie.split(';').next().unwrap());
        let own = model_of(first.text());
        assert!(!first.text().contains(cookie.1.split_once('=').unwrap().1), "the secret is not in the page");

        let again = server.get_with("/mine", &[cookie]).await;
        assert_eq!((model_of(again.text()), again.header("set-cookie")), (own.clone(), None));
        let other = server.get("/mine").await;
        assert_ne!(model_of(other.text()), own);
        let theirs = ("cookie", other.header("set-cookie").unwrap().split(';').next().unwrap());

        let state = format!("/anywidget/models/{}/state", own.replace('@', "%40"));
        assert_eq!(server.get_with(&state, &[cookie]).await.status, 200);
        for stranger in [vec![], vec![theirs], vec![("cookie", "anywidget-visitor=nonsense")]] {
            assert_eq!(server.get_with(&state, &stranger).await.status, 403);
            let level = state.replace("/anywidget/models", "/lamps").replace("/state", "/level");
            assert_eq!(server.get_with(&level, &stranger).await.status, 403);
        }
        let mut request = server.upgrade(&own);
        request.headers_mut().insert("cookie", cookie.1.parse().unwrap());
        let mut page = server.connect_with(request).await.unwrap();
        page.say_hello(json!({})).await;
        page.expect("hello").await;
        assert_eq!(server.connect(&own).await.close_code().await, 4403);
    }

    #[tokio::test]
    async fn without_the_layer_a_visitor_is_an_error_that_says_what_to_add() {
        let host = Host::builder().widget(widget()).build().await.unwrap();
        let app = Router::new().route("/mine", get(mine)).with_state(host.clone());
        let answer = Server::mounted("/anywidget", host, app).await.get("/mine").await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("from_fn(Host::visitors)"), "{}", answer.text());
    }
}
