//! What a view can do, for a plain form, `hx-patch`, `hx-post` or `curl`: set keys, run a command.

use std::fmt::Write;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::body::{self, Sent, says};
use super::visit::Visit;
use super::{Caching, cached};
use crate::Host;
use crate::error::Refusal;
use crate::html::Escaped;
use crate::model::By;
use crate::protocol::Ack;
use crate::value::{Map, Value};
use crate::widget::{Request as Asked, invoke};

/// `PATCH {base}/models/{id}`: sets the keys in the body, as a view's `save_changes` does.
pub(super) async fn patch(visit: Visit, State(host): State<Host>, request: Request) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    match patched(&visit, &host, &headers, body).await {
        Ok(ack) => answer(&headers, ack),
        Err(response) => response,
    }
}

async fn patched(visit: &Visit, host: &Host, headers: &HeaderMap, body: Body) -> Result<Ack, Response> {
    let core = &visit.core;
    let writes = match body::read(host, headers, body).await? {
        Sent::Json(Value::Object(writes)) => Ok(writes),
        Sent::Form(Value::Object(fields)) => core.read_form(fields),
        _ => return Err((StatusCode::BAD_REQUEST, "expected an object of keys and values\n").into_response()),
    };
    let ack = match writes {
        Ok(writes) => core.write(By::Request { readonly: visit.readonly() }, writes),
        Err(refused) => Ok(Ack { rev: core.rev(), refused, ..Ack::default() }),
    };
    core.when_shown().await;
    ack.map_err(|close| (StatusCode::CONFLICT, format!("{}\n", close.reason)).into_response())
}

fn answer(headers: &HeaderMap, Ack { rev, refused, truth, .. }: Ack) -> Response {
    let status = if refused.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = match wants_html(headers) {
        true if refused.is_empty() => StatusCode::NO_CONTENT.into_response(),
        true => (status, Html(reasons(&refused))).into_response(),
        false => {
            let mut fields = Map::from([("rev".to_owned(), rev.into())]);
            // What came out otherwise than it was sent.
            fields.extend((!truth.state.is_empty()).then(|| ("state".to_owned(), truth.state.into())));
            fields.extend((!refused.is_empty()).then(|| ("refused".to_owned(), refused.into())));
            (status, json(&fields.into())).into_response()
        }
    };
    cached(&mut response, Caching::Never);
    response
}

/// `POST {base}/models/{id}/commands/{name}`: runs a command, as a view's `invoke` does.
pub(super) async fn command(
    visit: Visit,
    State(host): State<Host>,
    axum::extract::Path((_, name)): axum::extract::Path<(String, String)>,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    let asked = match body::read(&host, &headers, body).await {
        Ok(Sent::Json(value)) => Asked::Value(value),
        Ok(Sent::Form(fields)) => Asked::Form(fields),
        Err(response) => return response,
    };
    let answer = match visit.readonly() {
        true => Err(Refusal::new("this model is read-only for you").with_kind("Forbidden")),
        // Goes on when the one who asked goes away, as it does for a view.
        false => {
            let core = visit.core.clone();
            let run = tokio::spawn(async move { invoke(&core, &name, asked, Vec::new()).await });
            run.await.unwrap_or_else(|_| Err(Refusal::new("the command was stopped").with_kind("Panic")))
        }
    };
    visit.core.when_shown().await;
    let mut response = match (answer, wants_html(&headers)) {
        (Ok((Value::Null, _)), true) => StatusCode::NO_CONTENT.into_response(),
        (Ok((Value::String(text), _)), true) => Html(Escaped(&text).to_string()).into_response(),
        (Ok((value, _)), true) => Html(Escaped(&value.to_plain_json().to_string()).to_string()).into_response(),
        (Ok((value, buffers)), false) if buffers.is_empty() => json(&value),
        (Ok((value, buffers)), false) => {
            let buffers: Value = buffers.into_iter().map(Value::Bytes).collect();
            json(&Map::from([("response".to_owned(), value), ("buffers".to_owned(), buffers)]).into())
        }
        (Err(refusal), html) => {
            let status = match refusal.kind() {
                "UnknownCommand" => StatusCode::NOT_FOUND,
                "Forbidden" => StatusCode::FORBIDDEN,
                "Panic" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let body = match html {
                true => Html(format!(r#"<p role="alert">{}</p>"#, Escaped(&refusal.to_string()))).into_response(),
                false => json(&Map::from([("error".to_owned(), refusal.into_value())]).into()),
            };
            (status, body).into_response()
        }
    };
    cached(&mut response, Caching::Never);
    response
}

/// The reasons why keys were refused, as a piece of a page.
fn reasons(refused: &Map) -> String {
    let mut html = r#"<ul role="alert">"#.to_owned();
    for (key, reason) in refused {
        let reason = reason.as_str().unwrap_or_default();
        let _ = write!(html, "<li>{}: {}</li>", Escaped(key), Escaped(reason)); // a String takes everything
    }
    html + "</ul>"
}

/// htmx and browsers show what comes; programs read it.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts =
        |kind: &str| headers.get(ACCEPT).and_then(|all| all.to_str().ok()).is_some_and(|all| all.contains(kind));
    !accepts("application/json") && (accepts("text/html") || says(headers, "hx-request", "true"))
}

fn json(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_plain_json().to_string()).into_response()
}
