//! The pages of the binary: `/` with every widget, `/w/NAME` with one alone.

use std::path::Path as FilePath;
use std::sync::Arc;

use anywidget_host::{Host, Map, Model, Value, View};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::rust_colour::coloured;
use super::snippet::Snippet;
use super::summary::summary;

const GALLERY: &str = include_str!("../../pages/gallery.html");
const CARD: &str = include_str!("../../pages/card.html");
const CARD_ERROR: &str = include_str!("../../pages/card-error.html");
const ALONE: &str = include_str!("../../pages/alone.html");

/// What the pages fetch, by path.
const FILES: [(&str, &str, &str); 4] = [
    ("/gallery.css", "text/css; charset=utf-8", include_str!("../../pages/gallery.css")),
    ("/gallery.js", JAVASCRIPT, include_str!("../../pages/gallery.js")),
    ("/gallery-panel.js", JAVASCRIPT, include_str!("../../pages/gallery-panel.js")),
    ("/gallery-values.js", JAVASCRIPT, include_str!("../../pages/gallery-values.js")),
];
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The gallery starts it as soon as it is there. The page's own script comes two round trips later, because what it
/// imports is asked for when it has come, one file after the other; and nothing is laid out or painted until then: ten
/// cards are more work than the first widget, which would wait behind them.
const LOADER: &str = "/anywidget/loader.js";

/// An empty icon, so that browsers do not ask for one. The strict policy has to name its scheme.
const ICON: &str = r#"<link rel="icon" href="data:,">"#;
const STRICT: HeaderValue = HeaderValue::from_static("default-src 'self'; img-src 'self' data:");

#[derive(Clone)]
struct Pages {
    host: Host,
    entries: Arc<[Entry]>,
    from: Arc<str>,
}

/// One widget of the gallery.
pub(crate) struct Entry {
    model: Model<Value>,
    snippet: Snippet,
}

impl Entry {
    /// `path` is where a crate would find the widget's code.
    pub(crate) fn new(model: Model<Value>, path: &FilePath) -> Entry {
        let snippet = Snippet::new(model.id(), path, &model.get());
        Entry { model, snippet }
    }

    fn title(&self) -> &str {
        self.model.widget().title.unwrap_or(self.model.id())
    }
}

/// The routes of the pages.
pub(crate) fn router(host: &Host, entries: Vec<Entry>, from: String, csp: bool) -> Router {
    let pages = Pages { host: host.clone(), entries: entries.into(), from: from.into() };
    let with_policy = move |mut response: Response| async move {
        if csp {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, STRICT);
        }
        response
    };
    let router = Router::new().route("/", get(gallery)).route("/w/{name}", get(alone));
    let file = |router: Router<Pages>, (path, content_type, text)| {
        router.route(path, get(async move || ([(CONTENT_TYPE, content_type)], text)))
    };
    FILES
        .into_iter()
        .fold(router, file)
        .layer(axum::middleware::map_response(with_policy))
        .layer(tower_http::compression::CompressionLayer::new())
        .with_state(pages)
}

async fn gallery(State(pages): State<Pages>) -> Response {
    let entries = &pages.entries;
    // It alone starts with the page. The others wait in a template until it is there, so that they do not hold it up.
    let first = entries.iter().position(|entry| entry.model.widget().problem.is_none());
    let cards: String = entries.iter().enumerate().map(|(n, entry)| card(n, entry, Some(n) == first)).collect();
    let from = &pages.from;
    let summary = match entries.len() {
        1 => format!("One widget from {from}. Use it or edit its state: every open page stays in step."),
        many => format!("{many} widgets from {from}. Use one or edit its state: every open page stays in step."),
    };
    let first = first.and_then(|n| entries.get(n)).map(|entry| preloads(&entry.model.view())).unwrap_or_default();
    page(fill(
        GALLERY,
        &[
            ("title", "anywidget-host".into()),
            ("icon", Verbatim(ICON.into())),
            ("css", "/gallery.css".into()),
            ("loader", LOADER.into()),
            ("preload", Verbatim(first)),
            ("summary", Text(summary)),
            ("index", Verbatim(index(entries))),
            ("cards", Verbatim(cards)),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("js", "/gallery.js".into()),
        ],
    ))
}

/// What a view asks for, to be asked for before the page's own script.
fn preloads(view: &View) -> String {
    view.module_preload() + &view.style_preload()
}

/// Links to the cards. One card needs none.
fn index(entries: &[Entry]) -> String {
    if entries.len() < 2 {
        return String::new();
    }
    let link = |entry: &Entry| {
        let (id, title) = (segment(entry.model.id()), escaped(entry.title()));
        format!("<li><a class=\"g-link\" href=\"#widget-{id}\">{title}</a></li>\n")
    };
    let links: String = entries.iter().map(link).collect();
    format!("<nav class=\"g-index\" aria-label=\"Widgets\">\n<ul class=\"g-links\">\n{links}</ul>\n</nav>")
}

async fn alone(State(pages): State<Pages>, Path(name): Path<String>) -> Response {
    let Some(view) = pages.host.view(&name) else {
        let names: Vec<&str> = pages.entries.iter().map(|entry| entry.model.id()).collect();
        let known = format!("there is no widget {name:?} here; there are: {}\n", names.join(", "));
        return (StatusCode::NOT_FOUND, known).into_response();
    };
    page(fill(
        ALONE,
        &[
            ("title", Text(name)),
            ("icon", Verbatim(ICON.into())),
            ("preload", Verbatim(pages.host.preloads())),
            ("style", Verbatim(view.style_preload())),
            ("view", Verbatim(view.to_string())),
        ],
    ))
}

fn card(n: usize, entry: &Entry, first: bool) -> String {
    let Entry { model, snippet } = entry;
    let widget = model.widget();
    let id = model.id();
    let title = entry.title().to_owned();
    if let Some(problem) = widget.problem {
        let problem = problem.to_string();
        let (file, error) = problem.split_once(": ").unwrap_or(("", &problem));
        return fill(
            CARD_ERROR,
            &[
                ("n", Text(n.to_string())),
                ("name", id.into()),
                ("title", Text(title)),
                ("file", file.into()),
                ("error", error.into()),
                ("remedy", "Mend the file and save it; then reload this page.".into()),
            ],
        );
    }
    let state = model.get();
    let view = model.view().to_string();
    let [declaration, statements] = snippet.lines(&state);
    fill(
        CARD,
        &[
            ("n", Text(n.to_string())),
            ("name", id.into()),
            ("title", Text(title)),
            ("wide", if widget.wide { " g-card-wide" } else { "" }.into()),
            ("description", widget.description.unwrap_or_default().into()),
            ("href", Text(format!("/w/{}", segment(id)))),
            ("state_url", Text(format!("/anywidget/models/{}/state", segment(id)))),
            ("view", Verbatim(if first { view } else { format!("<template>{view}</template>") })),
            ("state", Verbatim(state.as_object().into_iter().flat_map(Map::iter).map(pair).collect())),
            ("declaration", Verbatim(coloured(&declaration))),
            ("statements", Verbatim(coloured(&statements))),
        ],
    )
}

/// One key of a state, and its value.
fn pair((key, value): (&String, &Value)) -> String {
    let (key, value) = (escaped(key), summary(value));
    format!(
        "<div class=\"g-pair\" data-key=\"{key}\"><dt class=\"g-key\">{key}</dt><dd class=\"g-value\">{value}</dd></div>\n"
    )
}

/// Not `no-store`, which would keep it out of a browser's back/forward cache.
fn page(html: String) -> Response {
    ([(CACHE_CONTROL, "no-cache")], Html(html)).into_response()
}

/// What stands for a `{{token}}` in a template.
enum Part {
    /// Escaped.
    Text(String),
    /// HTML that is ours.
    Verbatim(String),
}
use Part::{Text, Verbatim};

impl From<&str> for Part {
    fn from(text: &str) -> Part {
        Text(text.to_owned())
    }
}

fn fill(template: &str, parts: &[(&str, Part)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut pieces = template.split("{{");
    filled.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or(("", piece));
        match parts.iter().find(|(known, _)| *known == name) {
            Some((_, Text(text))) => filled.push_str(&escaped(text)),
            Some((_, Verbatim(html))) => filled.push_str(html),
            None => {}
        }
        filled.push_str(rest);
    }
    filled
}

/// Text as HTML, in content and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
