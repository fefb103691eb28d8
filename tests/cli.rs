//! The binary, as a person at a terminal sees it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anywidget_host::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

use support::binary::{Binary, command, refusal};
use support::page::Page;
use support::{keys, soon};

/// A folder of files, made for one test.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let made = Files(TempDir::new().unwrap());
        files.iter().for_each(|(name, text)| made.write(name, text));
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The path of a file as it is typed.
    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// The tags of this name, each up to its `>`.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("<{name}");
    html.match_indices(&start).map(|(at, _)| &html[at..at + html[at..].find('>').unwrap() + 1]).collect()
}

fn models(html: &str) -> BTreeSet<&str> {
    tags(html, "any-widget")
        .iter()
        .map(|tag| tag.split_once("model=\"").unwrap().1.split('"').next().unwrap())
        .collect()
}

mod starting {
    use super::*;

    #[tokio::test]
    async fn the_first_line_says_where_it_listens() {
        let binary = Binary::serve([] as [&str; 0]).await; // reads that line
        assert_eq!(binary.address.ip().to_string(), "127.0.0.1");
        assert_ne!(binary.address.port(), 0);
        assert_eq!(binary.get("/").await.status, 200);
    }

    #[tokio::test]
    async fn that_line_is_all_there_is_on_stdout() {
        let mut child = command(["--port", "0"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        soon("the first line", lines.next_line()).await.unwrap().unwrap();
        let pid = child.id().unwrap();
        let sent =
            tokio::process::Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().await.unwrap();
        assert!(sent.success());
        assert_eq!(soon("the end", lines.next_line()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn without_a_path_it_serves_the_widgets_inside_it() {
        let binary = Binary::serve([] as [&str; 0]).await;
        let gallery = binary.get("/").await;
        let shipped = ["counter", "slider", "sketch", "plot", "table", "progress", "log", "fields", "sortable", "tabs"];
        assert_eq!(models(gallery.text()), BTreeSet::from(shipped));
        for name in shipped {
            assert_eq!(binary.get(&format!("/w/{name}")).await.status, 200);
            let hello = binary.page(name).await.hello;
            assert_eq!(binary.get(hello["code"]["esm"].as_str().unwrap()).await.status, 200);
        }
    }

    #[tokio::test]
    async fn serve_is_what_it_does_without_a_subcommand() {
        let files = Files::new(&[("clock/widget.js", "")]);
        let folder = files.arg("clock");
        for binary in [
            Binary::serve(["serve", &folder]).await,
            Binary::serve(["serve", "--host", "127.0.0.1", "--store", "memory", "--durability", "applied", &folder])
                .await,
            Binary::serve([&folder]).await,
        ] {
            assert_eq!(models(binary.get("/").await.text()), BTreeSet::from(["clock"]));
        }
    }

    #[tokio::test]
    async fn it_listens_where_it_is_told() {
        let binary = Binary::serve(["--host", "127.0.0.2"]).await;
        assert_eq!(binary.address.ip().to_string(), "127.0.0.2");
        assert_eq!(binary.get("/").await.status, 200);
    }

    #[tokio::test]
    async fn help_and_version_are_told() {
        let output = command(["--help"]).output().await.unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for part in ["--host", "--port", "--store", "--durability", "--csp", "serve"] {
            assert!(help.contains(part), "{part} in {help}");
        }
        let output = command(["--version"]).output().await.unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim(),
            format!("anywidget-host {}", env!("CARGO_PKG_VERSION"))
        );
    }
}

mod not_starting {
    use super::*;

    /// Asserts that it does not start, and says all of this.
    async fn says(args: &[&str], parts: &[&str]) {
        let (code, message) = refusal([args, &["--port", "0"]].concat()).await;
        assert_ne!(code, 0);
        for part in parts {
            assert!(message.contains(part), "{part:?} in {message}");
        }
        assert!(!message.contains("panicked"), "{message}");
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_and_what_to_do() {
        let binary = Binary::serve([] as [&str; 0]).await;
        let port = binary.address.port().to_string();
        let (code, message) = refusal(["--port", &port]).await;
        assert_ne!(code, 0);
        for part in [port.as_str(), "in use", "--port"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[tokio::test]
    async fn a_path_that_is_not_there_is_named() {
        says(&["/no/such/folder"], &["/no/such/folder", "no such file or folder"]).await;
        says(&["/no/such/widget.js"], &["/no/such/widget.js"]).await;
    }

    #[tokio::test]
    async fn a_path_without_a_widget_is_named_and_what_to_do() {
        let files = Files::new(&[("empty/notes.txt", "x"), (".hidden/widget.js", "")]);
        says(&[&files.arg("empty")], &[&files.arg("empty"), "widget.js"]).await;
        says(&[&files.arg("empty/notes.txt")], &["notes.txt", ".js"]).await;
    }

    #[tokio::test]
    async fn json_that_does_not_parse_is_named_with_its_line_and_column() {
        let files =
            Files::new(&[("clock/widget.js", ""), ("clock/widget.json", "{\n  \"state\": {\n    \"n\": 1,,\n  }\n}")]);
        says(&[&files.arg("clock")], &[&format!("{}:3:12", files.arg("clock/widget.json"))]).await;
        let files = Files::new(&[("clock.js", ""), ("clock.json", "[")]);
        says(&[&files.arg("clock.js")], &[&format!("{}:1:", files.arg("clock.json"))]).await;
    }

    #[tokio::test]
    async fn a_manifest_of_another_shape_is_named_with_its_line() {
        let files = Files::new(&[("clock/widget.js", ""), ("clock/widget.json", "{\n  \"title\": 5\n}")]);
        says(&[&files.arg("clock")], &[&format!("{}:2:", files.arg("clock/widget.json"))]).await;
    }

    #[tokio::test]
    async fn a_module_that_is_not_there_is_named() {
        let files = Files::new(&[("clock/widget.json", r#"{"esm": "dist/clock.js"}"#)]);
        says(&[&files.arg("clock")], &[&files.arg("clock/widget.json"), "esm", "dist/clock.js"]).await;
    }

    #[tokio::test]
    async fn two_widgets_of_one_name_are_named() {
        let files = Files::new(&[("a/clock/widget.js", ""), ("b/clock.js", "")]);
        says(&[&files.arg("a"), &files.arg("b")], &["clock", "two", "rename"]).await;
    }

    #[tokio::test]
    async fn every_problem_is_told_at_once() {
        let files = Files::new(&[("a/widget.json", "{"), ("b/widget.json", r#"{"esm": "x.js"}"#), ("c/widget.js", "")]);
        says(&[&files.arg(""), "/no/such/folder"], &["a/widget.json:1:", "x.js", "/no/such/folder"]).await;
    }

    #[tokio::test]
    async fn an_unknown_option_is_a_usage_error() {
        says(&["--colour"], &["--colour", "Usage"]).await;
        says(&["--store", "floppy"], &["floppy"]).await;
    }
}

mod paths {
    use super::*;

    #[tokio::test]
    async fn a_bare_module_has_a_stylesheet_and_a_state_beside_it() {
        let files = Files::new(&[
            ("clock.js", "export default {}"),
            ("clock.css", "div {}"),
            ("clock.json", r#"{"title": "The clock", "state": {"hour": 7}}"#),
        ]);
        let binary = Binary::serve([files.arg("clock.js")]).await;
        let hello = binary.page("clock").await.hello;
        assert_eq!(hello["state"], json!({"hour": 7}).into());
        for (url, text) in [(&hello["code"]["esm"], "export default {}"), (&hello["code"]["css"], "div {}")] {
            assert_eq!(binary.get(url.as_str().unwrap()).await.text(), text);
        }
        assert!(binary.get("/").await.text().contains("The clock"));
    }

    #[tokio::test]
    async fn a_folder_may_mix_folders_and_modules() {
        let files = Files::new(&[
            ("clock/widget.js", ""),
            ("data/widget.json", r#"{"state": {}}"#),
            ("knob.js", ""),
            ("knob.css", ""),
            ("notes.txt", ""),
            ("empty/notes.txt", ""),
            (".hidden/widget.js", ""),
            (".hidden.js", ""),
        ]);
        let binary = Binary::serve([files.arg("")]).await;
        let gallery = binary.get("/").await;
        assert_eq!(models(gallery.text()), BTreeSet::from(["clock", "data", "knob"]));
    }

    #[tokio::test]
    async fn several_paths_are_served_together() {
        let files = Files::new(&[("a/widget.js", ""), ("more/b/widget.js", ""), ("c.js", "")]);
        let binary = Binary::serve([files.arg("a"), files.arg("more"), files.arg("c.js")]).await;
        assert_eq!(models(binary.get("/").await.text()), BTreeSet::from(["a", "b", "c"]));
    }

    #[tokio::test]
    async fn a_folder_may_be_named_relative_to_where_one_is() {
        let files = Files::new(&[("clock/widget.js", "")]);
        for (inside, name) in [("clock", "."), ("clock", "../clock/"), ("", "clock")] {
            let mut command = command([name, "--port", "0"]);
            command.current_dir(files.path(inside));
            let binary = Binary::start(command).await;
            assert_eq!(models(binary.get("/").await.text()), BTreeSet::from(["clock"]), "{name} in {inside}");
        }
    }

    #[tokio::test]
    async fn a_name_may_hold_any_characters() {
        let name = "käse & <b>\"5%\" #1";
        let files = Files::new(&[(&format!("{name}/widget.js"), "export default {}")]);
        let binary = Binary::serve([files.arg(name)]).await;
        let gallery = binary.get("/").await;
        assert!(!gallery.text().contains("<b>"), "{}", gallery.text());
        let hello = binary.page(name).await.hello;
        assert_eq!(binary.get(hello["code"]["esm"].as_str().unwrap()).await.text(), "export default {}");
        let href = gallery.text().split("href=\"/w/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_eq!(binary.get(&format!("/w/{href}")).await.status, 200);
    }
}

mod pages {
    use super::*;

    #[tokio::test]
    async fn a_page_of_one_widget_has_nothing_else_in_its_body() {
        let files = Files::new(&[("clock/widget.js", "export default {}"), ("clock/widget.css", "")]);
        let binary = Binary::serve([files.arg("clock")]).await;
        let page = binary.get("/w/clock").await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        let html = page.text();
        assert_eq!(models(html), BTreeSet::from(["clock"]));
        assert_eq!(tags(html, "any-widget").len(), 1);
        let body = html.split_once("<body>").unwrap().1.split_once("</body>").unwrap().0;
        let names: BTreeSet<&str> = body
            .split('<')
            .skip(1)
            .filter_map(|tag| tag.split([' ', '>', '\n']).next())
            .filter(|name| !name.starts_with('/'))
            .collect();
        assert_eq!(names, BTreeSet::from(["link", "any-widget", "div", "script"]), "{body}");
        assert!(html.contains(r#"<link rel="icon" href="data:,">"#), "or the browser asks for a favicon");
        assert!(html.starts_with("<!doctype html>"));
    }

    #[tokio::test]
    async fn a_page_that_is_not_there_says_what_is() {
        let files = Files::new(&[("clock/widget.js", ""), ("knob.js", "")]);
        let binary = Binary::serve([files.arg("")]).await;
        let page = binary.get("/w/dial").await;
        assert_eq!(page.status, 404);
        for part in ["dial", "clock", "knob"] {
            assert!(page.text().contains(part), "{part} in {}", page.text());
        }
        assert_eq!(binary.get("/nowhere").await.status, 404);
    }

    #[tokio::test]
    async fn what_a_missing_page_repeats_is_not_html() {
        let binary = Binary::serve([] as [&str; 0]).await;
        let page = binary.get("/w/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
        assert_eq!(page.status, 404);
        assert!(page.header("content-type").unwrap().starts_with("text/plain") || !page.text().contains("<script>"));
    }

    #[tokio::test]
    async fn pages_have_no_policy_unless_it_is_asked_for() {
        let plain = Binary::serve([] as [&str; 0]).await;
        let strict = Binary::serve(["--csp"]).await;
        for path in ["/", "/w/counter"] {
            assert_eq!(plain.get(path).await.header("content-security-policy"), None);
            let page = strict.get(path).await;
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'self'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            for script in tags(page.text(), "script") {
                assert!(script.contains("application/json") || script.contains("src=\"/"), "{script}");
            }
            assert_eq!(tags(page.text(), "style"), [] as [&str; 0]);
            assert!(!page.text().contains(" style=\""), "{path}");
        }
    }

    #[tokio::test]
    async fn what_the_gallery_refers_to_is_served() {
        let binary = Binary::serve([] as [&str; 0]).await;
        let html = binary.get("/").await;
        let mut seen = 0;
        for attribute in ["href=\"/", "src=\"/", "esm=\"/", "css=\"/"] {
            for rest in html.text().split(attribute).skip(1) {
                let path = format!("/{}", rest.split('"').next().unwrap());
                assert_eq!(binary.get(&path).await.status, 200, "{path}");
                seen += 1;
            }
        }
        assert!(seen > 12, "{seen}");
    }

    #[tokio::test]
    async fn the_gallery_says_the_state_without_scripts() {
        let files = Files::new(&[
            ("a/widget.js", ""),
            (
                "a/widget.json",
                r#"{"state": {"<b>": "x<y", "count": 1, "half": 0.5, "raw": {"$bytes": "AAEC"}, "none": {"$number": "NaN"}}}"#,
            ),
        ]);
        let binary = Binary::serve([files.arg("a")]).await;
        let html = binary.get("/").await;
        let rows: Vec<String> = html.text().split("<dt class=\"g-key\">").skip(1).map(row).collect();
        assert_eq!(rows, ["<b>=\"x<y\"", "count=1", "half=0.5", "raw=bytes · 3 B", "none=NaN"]);
        assert!(!html.text().contains("<b>"), "{}", html.text());
    }

    /// `key=value` of what follows the start of a row.
    fn row(html: &str) -> String {
        let (key, rest) = html.split_once("</dt>").unwrap();
        let value = rest.split_once("</dd>").unwrap().0;
        format!("{}={}", text(key), text(value))
    }

    #[tokio::test]
    async fn the_gallery_links_to_each_card_if_there_are_several() {
        let files = Files::new(&[("a b/widget.js", ""), ("a b/widget.json", r#"{"title": "A & B"}"#), ("c.js", "")]);
        let several = Binary::serve([files.arg("")]).await.get("/").await;
        assert!(several.text().contains("href=\"#widget-a%20b\">A &amp; B</a>"), "{}", several.text());
        assert!(several.text().contains("id=\"widget-a b\""));
        assert!(several.text().contains("href=\"#widget-c\">c</a>"));
        let one = Binary::serve([files.arg("c.js")]).await.get("/").await;
        assert_eq!(tags(one.text(), "nav"), [] as [&str; 0]);
        assert!(one.text().contains("One widget from"));
    }

    #[tokio::test]
    async fn a_widget_may_ask_for_all_the_width() {
        let files =
            Files::new(&[("plot/widget.js", ""), ("plot/widget.json", r#"{"wide": true}"#), ("knob/widget.js", "")]);
        let html = Binary::serve([files.arg("")]).await.get("/").await;
        let wide = |tag: &&&str| tag.contains("g-card-wide");
        let cards = tags(html.text(), "article");
        let cards: Vec<&&str> = cards.iter().filter(wide).collect();
        assert!(cards.len() == 1 && cards[0].contains("widget-plot"), "{cards:?}");
    }

    /// What the gallery shows is what is compiled. `SNIPPETS=1` in the environment writes it anew.
    #[tokio::test]
    async fn the_rust_of_the_gallery_is_compiled_and_run_by_another_test() {
        let mut written = String::from(SNIPPETS_HEAD);
        for (folder, args) in [("widgets", vec![]), ("tests/widgets", vec!["tests/widgets"])] {
            let html = Binary::serve(args).await.get("/").await;
            for card in html.text().split("<article ").skip(1) {
                let name = card.split_once("id=\"widget-").unwrap().1.split('"').next().unwrap();
                written.push_str(&module(name, folder, card));
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery_snippets.rs");
        if std::env::var("SNIPPETS").is_ok_and(|set| set == "1") {
            fs::write(path, &written).unwrap();
        }
        let compiled = fs::read_to_string(path).unwrap();
        assert_eq!(compiled, written, "run `SNIPPETS=1 cargo test --test cli rust_of_the_gallery`, then `cargo test`");
    }

    const SNIPPETS_HEAD: &str = r#"//! The Rust that the gallery shows beside each widget, and beside one of odd keys and values, compiled and run.
//! Written by `SNIPPETS=1 cargo test --test cli rust_of_the_gallery`.

#![allow(clippy::unwrap_used, clippy::approx_constant)]

use anywidget_host::{Model, State, Value, View};

/// The model has the keys that its manifest declares, and their values but for so many.
fn check<W: State>(model: &Model<W>, html: View, manifest: &str, most_others: usize) {
    assert!(html.to_string().contains(&format!("<any-widget model=\"{}\"", model.id())));
    let manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let state = model.state_json();
    let keys = |state: &serde_json::Value| state.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&state), keys(&manifest["state"]));
    // 1 is 1.0, as in a page.
    let differs = |key: &String| Value::from(state[key].clone()) != Value::from(manifest["state"][key].clone());
    let others: Vec<String> = keys(&state).into_iter().filter(differs).collect();
    assert!(others.len() <= most_others, "{others:?} of {state}");
}
"#;

    /// The lines of a card as a module with a test.
    fn module(name: &str, folder: &str, card: &str) -> String {
        let mut parts =
            card.split("<code class=\"g-part\">").skip(1).map(|part| text(part.split_once("</code>").unwrap().0));
        let (declaration, statements) = (parts.next().unwrap(), parts.next().unwrap());
        let indented = |text: &str, by: &str| {
            text.lines()
                .map(|line| if line.is_empty() { "\n".into() } else { format!("{by}{line}\n") })
                .collect::<String>()
        };
        let variable = statements.split(" = host.open(").next().unwrap().rsplit("let ").next().unwrap();
        let long = statements.lines().find(|line| line.starts_with("// Starts with more"));
        let others = 1 + long.map_or(0, |line| 1 + line.matches(", ").count());
        let manifest = match Path::new(folder).join(name).is_dir() {
            true => format!("{folder}/{name}/widget.json"),
            false => format!("{folder}/{name}.json"),
        };
        format!(
            "\n#[rustfmt::skip]\nmod {name} {{\n{}\n    #[tokio::test]\n    async fn it_opens_and_changes() -> anywidget_host::Result<()> {{\n{}\n        crate::check(&{variable}, html, {manifest:?}, {others});\n        Ok(())\n    }}\n}}\n",
            indented(&declaration, "    "),
            indented(&statements, "        "),
        )
    }

    /// The text of a piece of HTML.
    fn text(html: &str) -> String {
        let text: String = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        text.replace("&amp;", "&")
    }

    #[tokio::test]
    async fn every_view_of_a_widget_is_in_step() {
        let binary = Binary::serve([] as [&str; 0]).await;
        let (mut one, mut two) = (binary.page("counter").await, binary.page("counter").await);
        one.set_and_ack(json!({"count": 5})).await;
        assert_eq!(two.expect("set").await["state"], json!({"count": 5}).into());
        assert_eq!(binary.get("/anywidget/models/counter/state").await.json(), json!({"count": 5}));
    }
}

mod ending {
    use super::*;

    async fn ends_cleanly(signal: &str) {
        let mut binary = Binary::serve([] as [&str; 0]).await;
        let mut pages = [binary.page("counter").await, binary.page("slider").await];
        binary.signal(signal).await;
        for page in &mut pages {
            let (code, wait) = page.closed().await;
            assert_eq!(code, 4001, "{wait}");
            assert!(wait.parse::<u64>().is_ok_and(|ms| ms <= 15_000), "milliseconds: {wait:?}");
        }
        assert_eq!(binary.end().await.code(), Some(0), "{signal}");
    }

    #[tokio::test]
    async fn ctrl_c_ends_it_cleanly() {
        ends_cleanly("INT").await;
    }

    #[tokio::test]
    async fn so_does_a_service_manager() {
        ends_cleanly("TERM").await;
    }

    #[tokio::test]
    async fn pages_that_come_back_are_not_sent_back_all_at_once() {
        let mut binary = Binary::serve([] as [&str; 0]).await;
        let mut pages = Vec::new();
        for _ in 0..12 {
            pages.push(binary.page("counter").await);
        }
        binary.signal("TERM").await;
        let mut waits = BTreeSet::new();
        for page in &mut pages {
            waits.insert(page.closed().await.1);
        }
        assert!(waits.len() > 3, "{waits:?}");
        binary.end().await;
    }

    #[tokio::test]
    async fn a_page_that_does_not_listen_does_not_keep_it_for_long() {
        let mut binary = Binary::serve([] as [&str; 0]).await;
        let silent = binary.connect("counter").await;
        let _idle = tokio::net::TcpStream::connect(binary.address).await.unwrap();
        binary.signal("INT").await;
        assert_eq!(binary.end().await.code(), Some(0));
        drop(silent);
    }
}

mod log {
    use super::*;

    #[tokio::test]
    async fn errors_of_pages_are_logged_as_errors() {
        let mut binary = Binary::serve([] as [&str; 0]).await;
        let mut page = binary.page("counter").await;
        page.send(json!({
            "type": "error", "phase": "render", "message": "x is not a function\u{1b}[2J", "stack": "at draw (widget.js:3)\nat go"
        }))
        .await;
        let line = binary.logs("x is not a function").await;
        assert!(line.contains("ERROR") && line.contains("render"), "{line}");
        binary.logs("at draw (widget.js:3)").await;
        binary.logs("at go").await;
        assert!(binary.logged.contains("counter"), "whose widget it is: {}", binary.logged);
        assert!(!binary.logged.contains('\u{1b}'), "nothing that moves a terminal: {:?}", binary.logged);
    }
}

mod hot_reload {
    use super::*;

    const ESM: &str = "export default { version: 1 }";

    struct Session {
        files: Files,
        binary: Binary,
        page: Page,
        /// The code the page has.
        code: Value,
    }

    impl Session {
        /// A page that shows a widget that is served from `path` among these files.
        async fn new(files: &[(&str, &str)], path: &str) -> Session {
            let files = Files::new(files);
            let binary = Binary::serve([files.arg(path)]).await;
            let page = binary.page("clock").await;
            let code = page.hello["code"].clone();
            Session { files, binary, page, code }
        }

        async fn of_folder() -> Session {
            Session::new(&[("clock/widget.js", ESM), ("clock/widget.css", "div {}")], "clock").await
        }

        /// The `code` frame that comes next.
        async fn reloads(&mut self) -> Value {
            let frame = self.page.expect("code").await;
            assert_eq!(keys(&frame.value), BTreeSet::from(["type", "esm", "css"]));
            let mut code = frame.value;
            code = json!({"esm": code["esm"].as_str(), "css": code["css"].as_str()}).into();
            assert_ne!(code, self.code);
            self.code = code.clone();
            code
        }

        /// Waits until the page is told to load this module.
        async fn reloads_to(&mut self, esm: &str) {
            loop {
                let code = self.reloads().await;
                if let Some(url) = code["esm"].as_str()
                    && self.binary.get(url).await.body == esm.as_bytes()
                {
                    return;
                }
            }
        }

        async fn text(&self, which: &str) -> String {
            self.binary.get(self.code[which].as_str().unwrap()).await.text().to_owned()
        }
    }

    #[tokio::test]
    async fn an_edit_of_the_module_is_told_to_the_page() {
        let mut session = Session::of_folder().await;
        session.page.set_and_ack(json!({"n": 1})).await;
        session.files.write("clock/widget.js", "export default { version: 2 }");
        session.reloads_to("export default { version: 2 }").await;
        let hello = session.binary.page("clock").await.hello;
        assert_eq!((&hello["code"], &hello["state"]), (&session.code, &json!({"n": 1}).into()));
    }

    /// R2
    #[tokio::test]
    async fn an_edit_of_the_stylesheet_leaves_the_module() {
        let mut session = Session::of_folder().await;
        let before = session.code.clone();
        session.files.write("clock/widget.css", "div { color: green }");
        let after = session.reloads().await;
        assert_eq!(after["esm"], before["esm"]);
        assert_ne!(after["css"], before["css"]);
        assert_eq!(session.text("css").await, "div { color: green }");
    }

    /// R3
    #[tokio::test]
    async fn the_same_content_is_no_edit() {
        let mut session = Session::of_folder().await;
        session.files.write("clock/widget.js", ESM);
        session.files.write("clock/.swap", "x");
        session.files.write("clock/widget.js", ESM);
        // Only what follows is told.
        session.files.write("clock/widget.css", "div { color: blue }");
        let before = session.code.clone();
        let after = session.reloads().await;
        assert_eq!(after["esm"], before["esm"]);
        assert_eq!(session.text("css").await, "div { color: blue }");
        session.page.expect_nothing().await;
    }

    /// R4
    #[tokio::test]
    async fn of_rapid_edits_the_last_wins() {
        let mut session = Session::of_folder().await;
        for version in 2..=40 {
            session.files.write("clock/widget.js", &format!("export default {{ version: {version} }}"));
        }
        session.reloads_to("export default { version: 40 }").await;
        session.page.expect_nothing().await;
    }

    #[tokio::test]
    async fn an_edit_of_an_asset_reloads_the_module() {
        let mut session = Session::new(&[("clock/widget.js", ESM), ("clock/img/a.svg", "<svg/>")], "clock").await;
        session.files.write("clock/img/a.svg", "<svg></svg>");
        let code = session.reloads().await;
        let asset = code["esm"].as_str().unwrap().replace("widget.js", "img/a.svg");
        assert_eq!(session.binary.get(&asset).await.text(), "<svg></svg>");
    }

    #[tokio::test]
    async fn a_stylesheet_may_come_and_go() {
        let mut session = Session::new(&[("clock/widget.js", ESM)], "clock").await;
        assert_eq!(session.code["css"], Value::Null);
        session.files.write("clock/widget.css", "p {}");
        while session.reloads().await["css"] == Value::Null || session.text("css").await != "p {}" {}
        fs::remove_file(session.files.path("clock/widget.css")).unwrap();
        assert_eq!(session.reloads().await["css"], Value::Null);
        assert_eq!(session.text("esm").await, ESM);
    }

    /// S8
    #[tokio::test]
    async fn a_file_that_is_deleted_and_made_again_is_followed() {
        let mut session = Session::of_folder().await;
        for version in [2, 3] {
            let source = format!("export default {{ version: {version} }}");
            fs::remove_file(session.files.path("clock/widget.js")).unwrap();
            session.binary.logs("widget.js").await; // that it is missing
            session.files.write("clock/widget.js", &source);
            session.reloads_to(&source).await;
        }
    }

    /// S8: how editors save.
    #[tokio::test]
    async fn a_file_that_is_replaced_by_a_rename_is_followed() {
        let mut session = Session::of_folder().await;
        for version in [2, 3, 4] {
            let source = format!("export default {{ version: {version} }}");
            session.files.write("clock/widget.js~", &source);
            fs::rename(session.files.path("clock/widget.js~"), session.files.path("clock/widget.js")).unwrap();
            session.reloads_to(&source).await;
        }
    }

    /// S8: how bundlers and version control do it.
    #[tokio::test]
    async fn a_folder_that_is_deleted_and_made_again_is_followed() {
        let mut session = Session::of_folder().await;
        for version in [2, 3] {
            let source = format!("export default {{ version: {version} }}");
            fs::remove_dir_all(session.files.path("clock")).unwrap();
            session.binary.logs("clock").await;
            session.files.write("clock/widget.js", &source);
            session.reloads_to(&source).await;
        }
        session.files.write("clock/widget.js", "export default { version: 4 }");
        session.reloads_to("export default { version: 4 }").await;
    }

    #[tokio::test]
    async fn a_folder_that_is_swapped_for_another_is_followed() {
        let mut session = Session::of_folder().await;
        for version in [2, 3] {
            let source = format!("export default {{ version: {version} }}");
            session.files.write("next/widget.js", &source);
            fs::rename(session.files.path("clock"), session.files.path(&format!("old{version}"))).unwrap();
            fs::rename(session.files.path("next"), session.files.path("clock")).unwrap();
            session.reloads_to(&source).await;
        }
    }

    #[tokio::test]
    async fn a_new_folder_inside_is_followed() {
        let mut session = Session::of_folder().await;
        session.files.write("clock/chunks/deep/a.js", "1");
        while session
            .binary
            .get(&session.code["esm"].as_str().unwrap().replace("widget.js", "chunks/deep/a.js"))
            .await
            .status
            != 200
        {
            session.reloads().await;
        }
        session.files.write("clock/chunks/deep/a.js", "2");
        loop {
            let url = session.reloads().await["esm"].as_str().unwrap().replace("widget.js", "chunks/deep/a.js");
            if session.binary.get(&url).await.text() == "2" {
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_bare_module_is_followed() {
        let mut session =
            Session::new(&[("clock.js", ESM), ("clock.css", "div {}"), ("other.js", "")], "clock.js").await;
        session.files.write("clock.js", "export default { version: 2 }");
        session.reloads_to("export default { version: 2 }").await;
        session.files.write("clock.css", "div { color: green }");
        session.reloads().await;
        assert_eq!(session.text("css").await, "div { color: green }");
        session.files.write("other.js", "not ours");
        session.files.write("new.js~", "export default { version: 3 }");
        fs::rename(session.files.path("new.js~"), session.files.path("clock.js")).unwrap();
        session.reloads_to("export default { version: 3 }").await;
    }

    /// R5
    #[tokio::test]
    async fn a_broken_manifest_is_told_and_mended() {
        let mut session = Session::of_folder().await;
        let before = session.code.clone();
        session.files.write("clock/widget.json", "{\n  nonsense\n}");
        let line = session.binary.logs("widget.json:2:3").await;
        assert!(line.contains("ERROR"), "{line}");
        let gallery = session.binary.get("/").await;
        assert!(gallery.text().contains("widget.json:2:3"), "the gallery says so, too");
        // What was there goes on.
        assert_eq!(session.binary.page("clock").await.hello["code"], before);
        assert_eq!(session.text("esm").await, ESM);

        session.files.write("clock/other.js", "export default { other: true }");
        session.files.write("clock/widget.json", r#"{"esm": "other.js"}"#);
        session.reloads_to("export default { other: true }").await;
        assert!(!session.binary.get("/").await.text().contains("widget.json:2:3"));
    }

    #[tokio::test]
    async fn an_edit_of_one_widget_is_not_told_to_pages_of_another() {
        let files = Files::new(&[("a/widget.js", "1"), ("b/widget.js", "1")]);
        let binary = Binary::serve([files.arg("")]).await;
        let (mut a, mut b) = (binary.page("a").await, binary.page("b").await);
        files.write("a/widget.js", "2");
        a.expect("code").await;
        b.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_page_that_comes_back_after_an_edit_is_told_the_new_code() {
        let mut session = Session::of_folder().await;
        let resume = session.page.resume();
        session.files.write("clock/widget.js", "export default { version: 2 }");
        session.reloads_to("export default { version: 2 }").await;
        let again = session.binary.page_that_says("clock", resume).await;
        assert_eq!((&again.hello["full"], &again.hello["code"]), (&false.into(), &session.code));
    }

    /// What lies beside a widget is not its business.
    #[tokio::test]
    async fn files_outside_are_no_edit() {
        let mut session = Session::of_folder().await;
        session.files.write("elsewhere.txt", "x");
        session.files.write("clock2/widget.js", "x");
        session.files.write("clock/.git/index", "x");
        session.files.write("clock/state.sqlite-wal", "x");
        session.files.write("clock/widget.css", "b {}");
        let before = session.code.clone();
        let after = session.reloads().await;
        assert_eq!(after["esm"], before["esm"], "only the stylesheet");
        assert!(Path::new(after["css"].as_str().unwrap()).ends_with("widget.css"));
    }
}
