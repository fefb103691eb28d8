//! The body of a request that changes something: a form or JSON.

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::Host;
use crate::auth::is_own_origin;
use crate::value::Value;

/// What was sent.
pub(super) enum Sent {
    Json(Value),
    /// The fields of a form, each a text or a list of texts.
    Form(Value),
}

/// Reads the body of a request of our own site.
///
/// # Errors
/// The answer to one of another site, one that is too large, and one that is neither a form nor JSON.
pub(super) async fn read(host: &Host, headers: &HeaderMap, body: Body) -> Result<Sent, Response> {
    if !is_own_origin(headers, host.origins()) || says(headers, "sec-fetch-site", "cross-site") {
        let why = "this address takes changes from pages of its own origin; HostBuilder::allow_origin adds others\n";
        return Err((StatusCode::FORBIDDEN, why).into_response());
    }
    let most = host.limits().frame_bytes;
    let Ok(bytes) = to_bytes(body, most).await else {
        let why = format!("a body is at most {most} bytes long, and must arrive whole\n");
        return Err((StatusCode::PAYLOAD_TOO_LARGE, why).into_response());
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Ok(Sent::Form(Value::from_form(&bytes))),
        "application/json" => match parse(&bytes) {
            Ok(value) => Ok(Sent::Json(value)),
            Err(why) => Err((StatusCode::BAD_REQUEST, format!("this JSON does not parse: {why}\n")).into_response()),
        },
        "" if bytes.is_empty() => Ok(Sent::Form(Value::object())),
        other => {
            let why = format!("a body is application/x-www-form-urlencoded or application/json, not {other:?}\n");
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response())
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    let json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Value::from_plain_json(json)
}

pub(super) fn says(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|header| header == value)
}
