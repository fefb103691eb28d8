//! The HTTP surface: fragments, state, the browser runtime, widget files.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::collections::BTreeSet;
use std::fs;

use anywidget_host::{Blob, Host, Model, Source, Value, Widget};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use support::{Server, bytes, eventually};

const ESM: &str = "export default { render({ el }) { el.textContent = 'hi' } }";
const CSS: &str = "div { color: rebeccapurple }";

/// A model of an inline widget with this state.
async fn thing(state: Value) -> (Server, Model<Value>) {
    thing_called("thing", state).await
}

async fn thing_called(name: &str, state: Value) -> (Server, Model<Value>) {
    let host = Host::builder().build().await.unwrap();
    let model = host.add(Widget::new(name, Source::inline(ESM).with_css(CSS))).unwrap();
    model.set(state);
    (Server::of(host).await, model)
}

/// A fragment, taken apart as a browser would.
#[derive(Debug)]
struct Fragment {
    html: String,
    attributes: Vec<(String, String)>,
    seed: Json,
    /// What stands in the `<div>`.
    fallback: String,
}

impl Fragment {
    fn parse(html: &str) -> Fragment {
        let start = html.find("<any-widget ").expect("an element") + "<any-widget ".len();
        let mut rest = &html[start..];
        let mut attributes = Vec::new();
        while !rest.starts_with('>') {
            rest = rest.trim_start();
            let end = rest.find(['=', ' ', '>']).unwrap();
            let name = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').unwrap();
                value = unescaped(&quoted[..end]);
                rest = &quoted[end + 1..];
            }
            attributes.push((name, value));
        }
        let rest = rest.strip_prefix("><div>").expect("the placeholder comes first");
        let (fallback, rest) = rest.split_once("</div><script type=\"application/json\">").expect("then the seed");
        let (seed, rest) = rest.split_once("</script>").unwrap();
        assert!(rest.starts_with("</any-widget>"), "{rest}");
        let seed = serde_json::from_str(seed).unwrap();
        Fragment { html: html.to_owned(), attributes, seed, fallback: fallback.to_owned() }
    }

    fn of(model: &Model<Value>) -> Fragment {
        Fragment::parse(&model.view().to_string())
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// The tags of this name, each up to its `>`.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("<{name}");
    html.match_indices(&start).map(|(at, _)| &html[at..at + html[at..].find('>').unwrap() + 1]).collect()
}

mod fragment {
    use super::*;

    #[tokio::test]
    async fn it_names_the_model_its_history_and_its_code() {
        let (server, model) = thing(json!({"count": 3}).into()).await;
        let fragment = Fragment::of(&model);
        let hello = server.page("thing").await.hello;
        assert_eq!(fragment.attribute("model"), Some("thing"));
        assert_eq!(fragment.attribute("epoch"), hello["epoch"].as_str());
        assert_eq!(fragment.attribute("rev"), Some("1"));
        assert_eq!(fragment.attribute("esm"), hello["code"]["esm"].as_str());
        assert_eq!(fragment.attribute("css"), hello["code"]["css"].as_str());
        assert_eq!(fragment.attribute("shadow"), None);
        assert_eq!(fragment.seed, json!({"count": 3}));
        assert_eq!(fragment.fallback, "");
    }

    #[tokio::test]
    async fn it_preloads_the_module_and_ends_with_the_loader() {
        let (_server, model) = thing(Value::object()).await;
        let fragment = Fragment::of(&model);
        let esm = fragment.attribute("esm").unwrap();
        assert!(
            fragment.html.starts_with(&format!("<link rel=\"modulepreload\" href=\"{esm}\">")),
            "{}",
            fragment.html
        );
        assert!(
            fragment.html.ends_with("</any-widget>\n<script type=\"module\" src=\"/anywidget/loader.js\"></script>")
        );
    }

    #[tokio::test]
    async fn the_route_serves_the_same_html_and_forbids_keeping_it() {
        let (server, model) = thing(json!({"count": 3}).into()).await;
        let response = server.get("/anywidget/models/thing/view").await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.text(), model.view().to_string());
    }

    /// What pages under `default-src 'self'` cannot have.
    #[tokio::test]
    async fn nothing_in_it_needs_more_than_a_strict_policy() {
        let (_server, model) = thing(json!({"count": 3}).into()).await;
        let html = model.view().to_string();
        for script in tags(&html, "script") {
            assert!(script.contains("type=\"application/json\"") || script.contains(" src=\"/"), "{script}");
        }
        assert_eq!(tags(&html, "style"), [] as [&str; 0]);
        for inline in [" style=", " onload=", " onerror=", " onclick=", "javascript:", "blob:", "data:"] {
            assert!(!html.contains(inline), "{inline} in {html}");
        }
    }

    #[tokio::test]
    async fn a_model_without_code_names_none() {
        let host = Host::builder().build().await.unwrap();
        let model = host.add(Widget::<Value>::new("data", Source::data())).unwrap();
        let fragment = Fragment::of(&model);
        assert_eq!((fragment.attribute("esm"), fragment.attribute("css")), (None, None));
        assert_eq!(tags(&fragment.html, "link"), [] as [&str; 0]);
    }

    #[tokio::test]
    async fn code_from_elsewhere_is_named_by_its_url() {
        let host = Host::builder().build().await.unwrap();
        let source = Source::inline("https://cdn.example/w.js").with_css("https://cdn.example/w.css");
        let model = host.add(Widget::<Value>::new("far", source)).unwrap();
        let fragment = Fragment::of(&model);
        assert_eq!(fragment.attribute("esm"), Some("https://cdn.example/w.js"));
        assert_eq!(fragment.attribute("css"), Some("https://cdn.example/w.css"));
        assert!(tags(&fragment.html, "link")[0].contains("crossorigin"), "{}", fragment.html);
    }

    #[tokio::test]
    async fn a_view_may_have_a_fallback_and_a_shadow_root() {
        let (_server, model) = thing(Value::object()).await;
        let fragment = Fragment::parse(&model.view().fallback("<p>3 items</p>").shadow().to_string());
        assert_eq!(fragment.fallback, "<p>3 items</p>");
        assert_eq!(fragment.attribute("shadow"), Some(""));
    }

    #[tokio::test]
    async fn a_hostile_id_stays_in_its_attribute() {
        for id in [r#""><script>alert(1)</script>"#, "a' onload='x", "&quot;", "<!--", "../../secret", "ü b/c?d#e%41"]
        {
            let (server, model) = thing_called(id, json!({"a": 1}).into()).await;
            let fragment = Fragment::of(&model);
            assert_eq!(fragment.attribute("model"), Some(id));
            assert_eq!(tags(&fragment.html, "script").len(), 2, "{}", fragment.html);
            assert_eq!(fragment.seed, json!({"a": 1}));
            let esm = fragment.attribute("esm").unwrap();
            assert_eq!(server.get(esm).await.text(), ESM, "{esm}");
        }
    }

    #[tokio::test]
    async fn a_hostile_value_stays_in_the_seed() {
        let state = json!({
            "</script><script>alert(1)</script>": "</script><script>alert(1)</script>",
            "b": "<!--<script>", "c": "]]>", "d": "\u{2028}\u{2029}\u{0}", "e": "</SCRIPT\n>", "f": "&lt;"
        });
        let (_server, model) = thing(state.clone().into()).await;
        let fragment = Fragment::of(&model);
        assert_eq!(tags(&fragment.html, "script").len(), 2, "{}", fragment.html);
        assert!(!fragment.html.contains("<!--"));
        assert_eq!(fragment.seed, state);
    }
}

mod seed {
    use super::*;

    /// Asserts that this value stays out of the seed, and with it epoch and rev.
    async fn stays_out(value: Value) {
        let mut state = Value::from(json!({"small": 1}));
        state["other"] = value.clone();
        let (server, model) = thing(state).await;
        let fragment = Fragment::of(&model);
        assert_eq!(fragment.seed, json!({"small": 1}), "{value:?}");
        assert_eq!((fragment.attribute("epoch"), fragment.attribute("rev")), (None, None), "{value:?}");
        assert_eq!(server.page("thing").await.hello["state"]["other"], value);
    }

    #[tokio::test]
    async fn bytes_stay_out() {
        stays_out(bytes([])).await;
        stays_out(Value::Array(vec![json!({"a": 1}).into(), bytes([1])])).await;
    }

    #[tokio::test]
    async fn numbers_that_json_would_lose_stay_out() {
        stays_out(Value::Float(f64::NAN)).await;
        stays_out(Value::Array(vec![Value::Float(f64::NEG_INFINITY)])).await;
        stays_out(Value::Int(1 << 53)).await;
        stays_out(Value::Uint(u64::MAX)).await;
    }

    #[tokio::test]
    async fn values_above_16_kib_stay_out_and_those_up_to_it_do_not() {
        let text = |bytes: usize| Value::from("x".repeat(bytes - 2)); // in quotes
        stays_out(text((16 << 10) + 1)).await;
        let (_server, model) = thing(Value::object()).await;
        model.update(|state| {
            state["a"] = text(16 << 10);
            state["b"] = text(16 << 10);
        });
        let fragment = Fragment::of(&model);
        assert_eq!(fragment.seed.as_object().unwrap().len(), 2);
        assert!(fragment.attribute("epoch").is_some());
    }

    #[tokio::test]
    async fn the_largest_integer_of_javascript_is_in_it() {
        let (_server, model) = thing(json!({"n": 9_007_199_254_740_991_i64}).into()).await;
        assert_eq!(Fragment::of(&model).seed, json!({"n": 9_007_199_254_740_991_i64}));
        assert_eq!(Fragment::of(&model).attribute("rev"), Some("1"));
    }

    #[tokio::test]
    async fn it_follows_the_model() {
        let (server, model) = thing(json!({"n": 1}).into()).await;
        model.update(|state| state["n"] = 2.into());
        let fragment = Fragment::parse(server.get("/anywidget/models/thing/view").await.text());
        assert_eq!(fragment.seed, json!({"n": 2}));
        assert_eq!(fragment.attribute("rev"), Some("2"));
    }

    /// The page that has it needs no more than what is newer.
    #[tokio::test]
    async fn a_page_resumes_from_it() {
        let (server, model) = thing(json!({"n": 1, "m": 1}).into()).await;
        let fragment = Fragment::of(&model);
        model.update(|state| state["n"] = 2.into());
        let rev: u64 = fragment.attribute("rev").unwrap().parse().unwrap();
        let page = server.page_that_says("thing", json!({"epoch": fragment.attribute("epoch"), "rev": rev})).await;
        assert_eq!((&page.hello["full"], &page.hello["state"]), (&false.into(), &json!({"n": 2}).into()));
    }
}

mod state {
    use super::*;

    #[tokio::test]
    async fn the_state_is_a_bare_object() {
        let mut state = Value::from(json!({"count": 3, "list": [1, {"a": null}], "text": "é"}));
        state["pixels"] = bytes([1, 2, 3]);
        state["nested"] = Value::Array(vec![Value::Float(f64::NAN), Value::Float(f64::INFINITY), bytes([])]);
        let (server, _model) = thing(state).await;
        let response = server.get("/anywidget/models/thing/state").await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(
            response.json(),
            json!({
                "count": 3, "list": [1, {"a": null}], "text": "é", "pixels": {"$bytes": "AQID"},
                "nested": [{"$number": "NaN"}, {"$number": "Infinity"}, {"$bytes": ""}]
            })
        );
    }

    #[tokio::test]
    async fn one_key_is_its_value() {
        let (server, _model) =
            thing(json!({"count": 3, "text": "a \"b\"", "nothing": null, "a/b c": [1]}).into()).await;
        for (key, value) in
            [("count", json!(3)), ("text", json!("a \"b\"")), ("nothing", json!(null)), ("a%2Fb%20c", json!([1]))]
        {
            let response = server.get(&format!("/anywidget/models/thing/state/{key}")).await;
            assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")), "{key}");
            assert_eq!(response.json(), value, "{key}");
        }
    }

    #[tokio::test]
    async fn a_blob_is_its_raw_bytes() {
        let page = b"<script>alert(1)</script>";
        let mut state = Value::object();
        state["pixels"] = Blob::from(page.to_vec()).into();
        state["empty"] = bytes([]);
        let (server, _model) = thing(state).await;
        let response = server.get("/anywidget/models/thing/state/pixels").await;
        assert_eq!(response.body, page);
        assert_eq!(response.header("content-type"), Some("application/octet-stream"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(server.get("/anywidget/models/thing/state/empty").await.body, b"");
    }

    #[tokio::test]
    async fn state_and_blobs_are_compressed_for_those_who_can_read_it() {
        let mut state = Value::from(json!({"text": "ha".repeat(5_000)}));
        state["pixels"] = bytes([7; 10_000]);
        let (server, _model) = thing(state).await;
        for path in ["state", "state/pixels", "state/text", "view"] {
            let response =
                server.get_with(&format!("/anywidget/models/thing/{path}"), &[("accept-encoding", "gzip")]).await;
            assert_eq!(response.header("content-encoding"), Some("gzip"), "{path}");
            assert!(response.body.len() < 2_000, "{path}: {} bytes", response.body.len());
        }
    }

    #[tokio::test]
    async fn a_large_blob_arrives_whole() {
        let large: Vec<u8> = (0..5_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut state = Value::object();
        state["large"] = bytes(large.clone());
        let (server, _model) = thing(state).await;
        assert!(server.get("/anywidget/models/thing/state/large").await.body == large);
    }
}

/// How long what was compressed is, as gzip says at its end.
fn length_in(gzip: &[u8]) -> usize {
    assert_eq!(gzip[..2], [0x1f, 0x8b]);
    u32::from_le_bytes(*gzip.last_chunk().unwrap()) as usize
}

mod runtime {
    use super::*;

    /// The modules that a module imports, by their names.
    fn imports(source: &str) -> Vec<String> {
        let quoted = source.split('"').flat_map(|part| part.split('`'));
        let files = quoted.filter_map(|part| part.strip_prefix("./"));
        files.filter_map(|file| Some(file[..file.find(".js")?].to_owned() + ".js")).collect()
    }

    /// Every module that can be reached from the loader, with its text.
    async fn modules(server: &Server) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut waiting = vec!["loader.js".to_owned()];
        while let Some(name) = waiting.pop() {
            if found.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let response = server.get(&format!("/anywidget/{name}")).await;
            assert_eq!(response.status, 200, "{name}");
            assert_eq!(response.header("content-type"), Some("text/javascript; charset=utf-8"), "{name}");
            waiting.extend(imports(response.text()));
            found.push((name, response.text().to_owned()));
        }
        found
    }

    #[tokio::test]
    async fn the_loader_and_everything_it_imports_is_served() {
        let (server, _model) = thing(Value::object()).await;
        let names: BTreeSet<String> = modules(&server).await.into_iter().map(|(name, _)| name).collect();
        assert!(names.len() > 3, "{names:?}");
        assert!(names.contains("msgpack.js"), "{names:?}");
    }

    /// A page with one copy of it in the loader and another beside it would have two of everything.
    #[tokio::test]
    async fn what_the_loader_holds_is_handed_on_by_its_own_address() {
        let (server, _model) = thing(Value::object()).await;
        let loader = server.get("/anywidget/loader.js").await.text().to_owned();
        let (_, held) = loader.rsplit_once("export { ").unwrap();
        let held: Vec<&str> = held.trim_end().trim_end_matches(" };").split(", ").collect();
        for name in ["$codec", "$connection", "$host", "$model", "$session", "$styles", "$widget"] {
            assert!(held.contains(&name), "{held:?}");
            let module = server.get(&format!("/anywidget/{}.js", &name[1..])).await.text().to_owned();
            let (first, rest) = module.split_once('\n').unwrap();
            assert_eq!(first, format!("import {{ {name} }} from \"./loader.js\";"));
            assert!(rest.starts_with("export const { ") && rest.ends_with(&format!(" }} = {name};\n")), "{rest}");
        }
        assert!(!loader.lines().any(|line| line.starts_with("import ")), "the loader waits for no other module");
    }

    #[tokio::test]
    async fn preloads_name_modules_that_are_served() {
        let (server, _model) = thing(Value::object()).await;
        let known: BTreeSet<String> = modules(&server).await.into_iter().map(|(name, _)| name).collect();
        let preloads = server.host.preloads();
        let links = tags(&preloads, "link");
        assert!(links.iter().any(|link| link.contains("/anywidget/loader.js")), "{links:?}");
        for link in links {
            assert!(link.contains("rel=\"modulepreload\""), "{link}");
            let (_, file) = link.split_once("href=\"/anywidget/").unwrap();
            assert!(known.contains(file.split('"').next().unwrap()), "{link}");
        }
    }

    #[tokio::test]
    async fn it_is_kept_by_its_tag() {
        let (server, _model) = thing(Value::object()).await;
        for (name, _) in modules(&server).await {
            let path = format!("/anywidget/{name}");
            let first = server.get(&path).await;
            let tag = first.header("etag").expect("a tag").to_owned();
            assert_eq!(first.header("cache-control"), Some("no-cache"), "it may change with the next version");
            assert_eq!(first.header("x-content-type-options"), Some("nosniff"));
            let again = server.get_with(&path, &[("if-none-match", &tag)]).await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag.as_str())));
            let list = format!("\"other\", {tag}");
            assert_eq!(server.get_with(&path, &[("if-none-match", &list)]).await.status, 304);
            assert_eq!(server.get_with(&path, &[("if-none-match", "\"other\"")]).await.status, 200);
        }
    }

    #[tokio::test]
    async fn it_is_compressed_for_those_who_can_read_it() {
        let (server, _model) = thing(Value::object()).await;
        let path = "/anywidget/loader.js";
        let plain = server.get(path).await;
        assert_eq!(plain.header("content-encoding"), None);
        for encoding in ["br", "gzip"] {
            let response = server.get_with(path, &[("accept-encoding", encoding)]).await;
            assert_eq!(response.header("content-encoding"), Some(encoding));
            assert!(response.header("vary").unwrap().to_ascii_lowercase().contains("accept-encoding"));
            assert!(response.body.len() * 2 < plain.body.len(), "{encoding}: {} bytes", response.body.len());
        }
        let gzip = server.get_with(path, &[("accept-encoding", "gzip")]).await.body;
        assert_eq!(length_in(&gzip), plain.body.len());
    }

    /// Pages under `default-src 'self'` forbid all of these.
    #[tokio::test]
    async fn it_makes_no_code_from_text() {
        let (server, _model) = thing(Value::object()).await;
        for (name, source) in modules(&server).await {
            for forbidden in ["eval(", "new Function", "createObjectURL", "innerHTML", "document.write"] {
                assert!(!source.contains(forbidden), "{forbidden} in {name}");
            }
        }
    }
}

mod files {
    use super::*;

    struct Folder {
        temp: TempDir,
        server: Server,
        model: Model<Value>,
    }

    impl Folder {
        async fn new() -> Folder {
            let temp = TempDir::new().unwrap();
            let root = temp.path().join("clock");
            fs::create_dir_all(root.join("img")).unwrap();
            for (name, text) in [
                ("widget.js", ESM),
                ("widget.css", CSS),
                ("widget.json", r#"{"state": {"n": 1}}"#),
                ("img/face.svg", "<svg/>"),
                ("hand.wasm", "\0asm"),
                ("chunk.mjs", "export {}"),
                ("notes", "?"),
            ] {
                fs::write(root.join(name), text).unwrap();
            }
            let host = Host::builder().watch(true).build().await.unwrap();
            let model = host.folder(&root).unwrap();
            Folder { temp, server: Server::of(host).await, model }
        }

        fn code(&self) -> (String, String) {
            let fragment = Fragment::of(&self.model);
            let url = |name| fragment.attribute(name).unwrap().to_owned();
            (url("esm"), url("css"))
        }

        /// Writes a file and waits until pages are to load something else.
        async fn edit(&self, name: &str, text: &str) -> (String, String) {
            let before = self.code();
            fs::write(self.temp.path().join("clock").join(name), text).unwrap();
            eventually("other code", || self.code() != before).await;
            self.code()
        }
    }

    #[tokio::test]
    async fn files_are_served_for_ever() {
        let folder = Folder::new().await;
        let (esm, css) = folder.code();
        let beside = |name: &str| esm.replace("widget.js", name);
        for (path, kind, text) in [
            (esm.clone(), "text/javascript; charset=utf-8", ESM),
            (css, "text/css; charset=utf-8", CSS),
            (beside("img/face.svg"), "image/svg+xml", "<svg/>"),
            (beside("hand.wasm"), "application/wasm", "\0asm"),
            (beside("chunk.mjs"), "/javascript", "export {}"),
            (beside("notes"), "application/octet-stream", "?"),
        ] {
            let response = folder.server.get(&path).await;
            assert_eq!((response.status, response.text()), (200, text), "{path}");
            let sent = response.header("content-type").unwrap();
            assert!(sent.contains(kind), "{path}: {sent}");
            assert_eq!(response.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
            assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
    }

    /// R2 rests on it: the same code is the same module.
    #[tokio::test]
    async fn an_edit_of_the_stylesheet_changes_only_its_own_url() {
        let folder = Folder::new().await;
        let before = folder.code();
        let after = folder.edit("widget.css", "div { color: green }").await;
        assert_eq!(after.0, before.0);
        assert_ne!(after.1, before.1);
        assert_eq!(folder.server.get(&after.1).await.text(), "div { color: green }");
        assert_eq!(folder.server.get(&after.0).await.text(), ESM);
        assert_eq!(folder.server.get(&before.1).await.status, 404);
    }

    #[tokio::test]
    async fn an_edit_of_the_module_or_an_asset_changes_the_modules_url() {
        let folder = Folder::new().await;
        let before = folder.code();
        let edited = folder.edit("widget.js", "export default {}").await;
        assert_ne!(edited.0, before.0);
        assert_eq!(folder.server.get(&edited.0).await.text(), "export default {}");
        let again = folder.edit("img/face.svg", "<svg></svg>").await;
        assert_ne!(again.0, edited.0);
        assert_eq!(folder.server.get(&again.0.replace("widget.js", "img/face.svg")).await.text(), "<svg></svg>");
        let back = {
            folder.edit("widget.js", ESM).await;
            folder.edit("img/face.svg", "<svg/>").await
        };
        assert_eq!(back, before, "the same content has the same address");
    }

    #[tokio::test]
    async fn what_is_sent_compressed_again_is_the_same() {
        let folder = Folder::new().await;
        let (esm, css) = folder.edit("widget.css", &"div { color: green }\n".repeat(100)).await;
        let plain = folder.server.get(&css).await;
        let mut sent = Vec::new();
        for encoding in ["br", "gzip", "br", "gzip"] {
            let response = folder.server.get_with(&css, &[("accept-encoding", encoding)]).await;
            assert_eq!((response.status, response.header("content-encoding")), (200, Some(encoding)));
            assert!(response.header("vary").unwrap().to_ascii_lowercase().contains("accept-encoding"));
            for name in ["content-type", "cache-control", "etag"] {
                assert_eq!(response.header(name), plain.header(name), "{encoding}: {name}");
            }
            sent.push(response.body);
        }
        assert_ne!(sent[0], sent[1]);
        assert_eq!(sent[..2], sent[2..]);
        assert_eq!(length_in(&sent[1]), plain.body.len());
        // Neither goes to those who want it plain, or under another address.
        let again = folder.server.get(&css).await;
        assert_eq!((again.header("content-encoding"), &again.body), (None, &plain.body));
        let other = folder.server.get_with(&esm, &[("accept-encoding", "gzip")]).await;
        assert_eq!(length_in(&other.body), ESM.len());
    }

    /// Beside the module the stylesheet has an address that an edit does not change.
    #[tokio::test]
    async fn a_stylesheet_beside_the_module_is_sent_anew_after_an_edit() {
        let folder = Folder::new().await;
        let gzip = ("accept-encoding", "gzip");
        let text = |count| "div { color: green }\n".repeat(count);
        let (esm, _) = folder.edit("widget.css", &text(10)).await;
        let path = esm.replace("widget.js", "widget.css");
        let before = folder.server.get_with(&path, &[gzip]).await;
        assert_eq!((length_in(&before.body), before.header("cache-control")), (text(10).len(), Some("no-cache")));
        let tag = before.header("etag").unwrap();
        assert_eq!(folder.server.get_with(&path, &[gzip, ("if-none-match", tag)]).await.status, 304);
        folder.edit("widget.css", &text(20)).await;
        for _ in 0..2 {
            let after = folder.server.get_with(&path, &[gzip, ("if-none-match", tag)]).await;
            assert_eq!((after.status, length_in(&after.body)), (200, text(20).len()));
        }
    }

    /// R6: the edit has settled when a host that watches the same folder has seen it.
    #[tokio::test]
    async fn a_host_that_does_not_watch_ignores_edits() {
        let watching = Folder::new().await;
        let host = Host::builder().watch(false).build().await.unwrap();
        let model = host.folder(watching.temp.path().join("clock")).unwrap();
        let still = Folder { temp: TempDir::new().unwrap(), server: Server::of(host).await, model };
        let before = still.code();
        watching.edit("widget.js", "export default {}").await;
        watching.edit("widget.css", "p {}").await;
        assert_eq!(still.code(), before);
        assert_eq!(still.server.get(&before.0).await.text(), ESM);
        assert_eq!(still.server.get(&before.1).await.text(), CSS);
    }

    #[tokio::test]
    async fn source_given_inline_is_served() {
        let (server, model) = thing(Value::object()).await;
        let fragment = Fragment::of(&model);
        for (url, kind, text) in [
            (fragment.attribute("esm").unwrap(), "text/javascript; charset=utf-8", ESM),
            (fragment.attribute("css").unwrap(), "text/css; charset=utf-8", CSS),
        ] {
            let response = server.get(url).await;
            assert_eq!((response.text(), response.header("content-type")), (text, Some(kind)));
            assert!(response.header("cache-control").unwrap().contains("immutable"));
        }
    }

    #[tokio::test]
    async fn models_of_one_widget_share_their_code() {
        #[derive(Clone, Default, Widget)]
        #[widget(esm = "export default {}")]
        struct Counter {
            count: i64,
        }
        let host = Host::builder().widget(Counter::widget()).build().await.unwrap();
        let (a, b) = (host.create(Counter::default()).await.unwrap(), host.create(Counter::default()).await.unwrap());
        let esm =
            |model: &Model<Counter>| Fragment::parse(&model.view().to_string()).attribute("esm").unwrap().to_owned();
        assert_eq!(esm(&a), esm(&b));
    }

    #[tokio::test]
    async fn a_module_of_20_mb_is_served() {
        let temp = TempDir::new().unwrap();
        let script = temp.path().join("large.js");
        let source = format!("export default {{}} // {}", "x".repeat(20_000_000));
        fs::write(&script, &source).unwrap();
        let host = Host::builder().build().await.unwrap();
        let model = host.folder(&script).unwrap();
        let server = Server::of(host).await;
        let response = server.get(Fragment::of(&model).attribute("esm").unwrap()).await;
        assert!(response.text() == source);
    }
}

mod base {
    use super::*;

    async fn mounted(base: &str) -> (Server, Model<Value>) {
        let host = Host::builder().base(base).build().await.unwrap();
        let model = host.add(Widget::new("thing", Source::inline(ESM).with_css(CSS))).unwrap();
        let app = axum::Router::new().route("/", axum::routing::get(async || "my page")).merge(host.router());
        let base = format!("/{}", base.trim_matches('/'));
        (Server::mounted(base.trim_end_matches('/'), host, app).await, model)
    }

    #[tokio::test]
    async fn every_address_is_below_it() {
        for base in ["/live/widgets", "live/", "/"] {
            let (server, model) = mounted(base).await;
            let root = server.base.clone();
            let fragment = Fragment::of(&model);
            let esm = fragment.attribute("esm").unwrap();
            assert!(esm.starts_with(&format!("{root}/widgets/thing/")), "{esm}");
            assert_eq!(server.get(esm).await.text(), ESM);
            assert_eq!(server.get(fragment.attribute("css").unwrap()).await.text(), CSS);
            assert!(fragment.html.contains(&format!("src=\"{root}/loader.js\"")), "{}", fragment.html);
            assert_eq!(server.get(&format!("{root}/loader.js")).await.status, 200);
            assert_eq!(server.get(&format!("{root}/models/thing/state")).await.json(), json!({}));
            assert!(server.host.preloads().contains(&format!("href=\"{root}/loader.js\"")));
            let mut page = server.page("thing").await;
            assert_eq!(page.hello["code"]["esm"].as_str(), Some(esm));
            page.set_and_ack(json!({"a": 1})).await;
            assert_eq!(server.get("/").await.text(), "my page");
            assert_eq!(server.get("/anywidget/loader.js").await.status, 404);
        }
    }

    #[tokio::test]
    async fn two_hosts_live_in_one_server() {
        let hosts =
            [Host::builder().base("/a").build().await.unwrap(), Host::builder().base("/b").build().await.unwrap()];
        let app = axum::Router::new().merge(hosts[0].router()).merge(hosts[1].router());
        for (host, n) in hosts.iter().zip([1, 2]) {
            let model = host.add(Widget::<Value>::new("thing", Source::inline(ESM))).unwrap();
            model.update(|state| state["n"] = n.into());
        }
        let server = Server::mounted("/a", hosts[0].clone(), app).await;
        assert_eq!(server.get("/a/models/thing/state").await.json(), json!({"n": 1}));
        assert_eq!(server.get("/b/models/thing/state").await.json(), json!({"n": 2}));
    }
}
