//! The HTTP surface: which address serves what.

mod body;
mod change;
mod joined;
mod kept;
mod models;
mod runtime;
mod visit;
mod widgets;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};

use crate::Host;

pub(crate) use self::joined::ENTRY as LOADER;
use self::kept::{Kept, Lasting};
pub(crate) use self::visit::{Visit, id};

/// Everything below the base path of a host.
pub(crate) fn router(host: Host) -> Router {
    let compressible = DefaultPredicate::new().and(AsItIs);
    let kept = Kept::default();
    let served = Router::new()
        .route("/models/{id}", patch(change::patch))
        .route("/models/{id}/commands/{name}", post(change::command))
        .route("/models/{id}/view", get(models::view))
        .route("/models/{id}/state", get(models::state))
        .route("/models/{id}/state/{key}", get(models::key))
        .route("/widgets/{name}/{hash}/{*file}", get(widgets::file))
        .merge(runtime::router())
        .layer(from_fn_with_state(kept.clone(), kept::recall))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn_with_state(kept, kept::keep));
    let below = served.route("/models/{id}/ws", get(models::socket));
    let base = host.base().to_owned();
    match base.as_str() {
        "" => below.with_state(host),
        base => Router::new().nest(base, below).with_state(host),
    }
}

/// On a response that is not to be compressed.
#[derive(Clone, Copy)]
struct AsItIs;

impl Predicate for AsItIs {
    fn should_compress<B: http_body::Body>(&self, response: &http::Response<B>) -> bool {
        response.extensions().get::<AsItIs>().is_none()
    }
}

/// How long a response may be kept.
#[derive(Clone, Copy)]
enum Caching {
    /// Its address names its content.
    Immutable,
    /// It must be asked for again, by its tag.
    Revalidate,
    /// Not at all.
    Never,
}

/// A file, or "not modified" when the client has it.
fn file(request: &HeaderMap, bytes: bytes::Bytes, content_type: &str, tag: &str, caching: Caching) -> Response {
    let tag = format!("W/\"{tag}\""); // weak: the same file is served in several encodings
    let known = request.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let mut response = match known {
        Some(tags) if tags.split(',').any(|known| known.trim() == tag || known.trim() == "*") => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => {
            let mut response = Response::new(Body::from(bytes));
            set(&mut response, CONTENT_TYPE, content_type);
            response
        }
    };
    if !matches!(caching, Caching::Never) {
        response.extensions_mut().insert(Lasting);
    }
    set(&mut response, ETAG, &tag);
    cached(&mut response, caching);
    response
}

fn cached(response: &mut Response, caching: Caching) {
    set(
        response,
        CACHE_CONTROL,
        match caching {
            Caching::Immutable => "public, max-age=31536000, immutable",
            Caching::Revalidate => "no-cache",
            Caching::Never => "no-store",
        },
    );
    set(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
}

fn set(response: &mut Response, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

pub(crate) fn not_found(what: impl std::fmt::Display) -> Response {
    let mut response = (StatusCode::NOT_FOUND, format!("{what}\n")).into_response();
    cached(&mut response, Caching::Never);
    response
}
