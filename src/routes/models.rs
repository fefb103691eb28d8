//! A model over HTTP: its fragment, its state, its socket.

use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::visit::{Visit, unreadable};
use super::{AsItIs, Caching, cached, not_found, set};
use crate::auth::{Permission, is_own_origin};
use crate::html::View;
use crate::protocol::{Close, Payload, encode};
use crate::session::Session;
use crate::socket::Upgrade;
use crate::{Host, Value};

/// What a value that JSON cannot carry is served as, to those who ask for it; as on the socket.
const MSGPACK: &str = "application/vnd.msgpack";

pub(super) async fn view(Visit { core, .. }: Visit) -> Response {
    View::new(core).into_response()
}

pub(super) async fn state(Visit { core, .. }: Visit) -> Response {
    json(&Value::Object(core.snapshot().2))
}

pub(super) async fn key(
    Visit { core, .. }: Visit,
    Path((id, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some((epoch, rev, value)) = core.value(&key) else {
        return not_found(format_args!("the state of {id} has no key {key:?}"));
    };
    // The runtime of our pages, which shows how far the transfer is, and follows it live.
    let live = accepts(&headers, MSGPACK);
    let mut response = match value {
        Value::Bytes(blob) => body(blob.into_bytes(), "application/octet-stream"),
        value if live => match encode(&value) {
            Payload::Text(text) => body(text.into(), "application/json"),
            binary => body(binary.into_bytes(), MSGPACK),
        },
        value => json(&value),
    };
    // Pixels and floats shrink little, and a megabyte takes longer to compress than to send.
    if live && response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind != "application/json") {
        response.extensions_mut().insert(AsItIs);
    }
    // Names the value: a page that was told of rev r knows by it whether it has that or a newer one.
    set(&mut response, ETAG, &format!("\"{epoch}.{rev}\""));
    response
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
    let (parts, _) = request.into_parts();
    let core = match host.find(&id).await {
        Ok(core) => core,
        Err(error) => return unreadable(&error),
    };
    let session = match (core, host.permission(&parts, &id)) {
        (_, Permission::Nothing) => Err(Close::forbidden()),
        (None, _) => Err(Close::no_such_model(&id)),
        (Some(core), permission) => Ok(Session::new(core, permission == Permission::Read, Instant::now())),
    };
    upgrade.respond(session, host.limits().clone(), guard)
}

/// Whether a request names this media type among those it takes.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let named = |accept: &HeaderValue| accept.to_str().is_ok_and(|accept| accept.contains(media_type));
    headers.get_all(ACCEPT).iter().any(named)
}

fn json(value: &Value) -> Response {
    body(value.to_plain_json().to_string().into(), "application/json")
}

fn body(bytes: Bytes, content_type: &str) -> Response {
    let mut response = bytes.into_response();
    set(&mut response, CONTENT_TYPE, content_type);
    cached(&mut response, Caching::Never);
    response
}
