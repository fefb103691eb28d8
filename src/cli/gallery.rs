//! The pages of the binary: `/` with every widget, `/w/NAME` with one alone.

use std::sync::Arc;

use anywidget_host::{Host, Model, Value};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

const GALLERY: &str = include_str!("../../pages/gallery.html");
const CARD: &str = include_str!("../../pages/card.html");
const CARD_ERROR: &str = include_str!("../../pages/card-error.html");
const ALONE: &str = include_str!("../../pages/alone.html");
const CSS: &str = include_str!("../../pages/gallery.css");
const JS: &str = include_str!("../../pages/gallery.js");

/// An empty icon, so that browsers do not ask for one. The strict policy has to name its scheme.
const ICON: &str = r#"<link rel="icon" href="data:,">"#;
const STRICT: HeaderValue = HeaderValue::from_static("default-src 'self'; img-src 'self' data:");

/// State larger than this is fetched by the page instead of standing in it.
const MAX_STATE: usize = 16 << 10;

#[derive(Clone)]
struct Pages {
    host: Host,
    models: Arc<[Model<Value>]>,
    from: Arc<str>,
}

/// The routes of the pages.
pub(crate) fn router(host: &Host, models: Vec<Model<Value>>, from: String, csp: bool) -> Router {
    let pages = Pages { host: host.clone(), models: models.into(), from: from.into() };
    let with_policy = move |mut response: Response| async move {
        if csp {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, STRICT);
        }
        response
    };
    Router::new()
        .route("/", get(gallery))
        .route("/w/{name}", get(alone))
        .route("/gallery.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], CSS) }))
        .route("/gallery.js", get(|| async { ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], JS) }))
        .layer(axum::middleware::map_response(with_policy))
        .layer(tower_http::compression::CompressionLayer::new())
        .with_state(pages)
}

async fn gallery(State(pages): State<Pages>) -> Response {
    let cards: String = pages.models.iter().enumerate().map(|(n, model)| card(n, model)).collect();
    let widgets = if pages.models.len() == 1 { "widget" } else { "widgets" };
    let summary = format!("{} {widgets} from {}.", pages.models.len(), pages.from);
    page(fill(
        GALLERY,
        &[
            ("title", "anywidget-host".into()),
            ("icon", Verbatim(ICON.into())),
            ("css", "/gallery.css".into()),
            ("preload", Verbatim(pages.host.preloads())),
            ("summary", Text(summary)),
            ("cards", Verbatim(cards)),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("js", "/gallery.js".into()),
        ],
    ))
}

async fn alone(State(pages): State<Pages>, Path(name): Path<String>) -> Response {
    let Some(view) = pages.host.view(&name) else {
        let names: Vec<&str> = pages.models.iter().map(Model::id).collect();
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

fn card(n: usize, model: &Model<Value>) -> String {
    let widget = model.widget();
    let id = model.id();
    let title = widget.title.unwrap_or(id).to_owned();
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
    let state = model.state_json().to_string();
    fill(
        CARD,
        &[
            ("n", Text(n.to_string())),
            ("name", id.into()),
            ("title", Text(title)),
            ("description", widget.description.unwrap_or_default().into()),
            ("href", Text(format!("/w/{}", segment(id)))),
            ("state_url", Text(format!("/anywidget/models/{}/state", segment(id)))),
            ("view", Verbatim(model.view().to_string())),
            ("state", Text(if state.len() <= MAX_STATE { state } else { String::new() })),
        ],
    )
}

fn page(html: String) -> Response {
    ([(CACHE_CONTROL, "no-store")], Html(html)).into_response()
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
