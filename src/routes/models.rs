//! A model over HTTP: its fragment, its state, its socket.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::{Caching, cached, not_found, set};
use crate::auth::{is_own_origin, permission};
use crate::html::View;
use crate::model::Core;
use crate::protocol::Close;
use crate::session::Session;
use crate::socket::Upgrade;
use crate::{Host, Value};

pub(super) async fn view(State(host): State<Host>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match model(&host, &id, &headers) {
        Ok(core) => View::new(core).into_response(),
        Err(response) => *response,
    }
}

pub(super) async fn state(State(host): State<Host>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match model(&host, &id, &headers) {
        Ok(core) => json(&Value::Object(core.snapshot().2)),
        Err(response) => *response,
    }
}

pub(super) async fn key(
    State(host): State<Host>,
    Path((id, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let core = match model(&host, &id, &headers) {
        Ok(core) => core,
        Err(response) => return *response,
    };
    match core.value(&key) {
        Some(Value::Bytes(blob)) => {
            let mut response = blob.into_bytes().into_response();
            set(&mut response, CONTENT_TYPE, "application/octet-stream");
            cached(&mut response, Caching::Never);
            response
        }
        Some(value) => json(&value),
        None => not_found(format_args!("the state of {id} has no key {key:?}")),
    }
}

pub(super) async fn socket(State(host): State<Host>, Path(id): Path<String>, mut request: Request) -> Response {
    if !is_own_origin(request.headers(), host.origins()) {
        let why = "this socket is for pages of its own origin; HostBuilder::allow_origin adds others\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let upgrade = match Upgrade::from_request(&mut request) {
        Ok(upgrade) => upgrade,
        Err(response) => return *response,
    };
    let Some(guard) = host.open_socket() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down\n").into_response();
    };
    let session = match (host.core(&id), permission(request.headers(), &id)) {
        (_, None) => Err(Close::forbidden()),
        (None, _) => Err(Close::no_such_model(&id)),
        (Some(core), Some(_)) => Ok(Session::new(core, false, Instant::now())),
    };
    upgrade.respond(session, host.limits().clone(), guard)
}

fn model(host: &Host, id: &str, headers: &HeaderMap) -> Result<Arc<Core>, Box<Response>> {
    if permission(headers, id).is_none() {
        return Err(Box::new((StatusCode::FORBIDDEN, "this model is not for you\n").into_response()));
    }
    host.core(id).ok_or_else(|| Box::new(not_found(format_args!("no such model: {id}"))))
}

fn json(value: &Value) -> Response {
    let mut response = value.to_plain_json().to_string().into_response();
    set(&mut response, CONTENT_TYPE, "application/json");
    cached(&mut response, Caching::Never);
    response
}
