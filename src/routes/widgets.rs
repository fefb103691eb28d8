//! A widget's files, under the hash of what they are.

use std::path::PathBuf;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Caching, file as respond, not_found};
use crate::Host;
use crate::assets::{Body, Stamp, content_type, read};

pub(super) async fn file(
    State(host): State<Host>,
    Path((name, hash, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(widget) = host.widget(&name) else {
        return not_found(format_args!("no such widget: {name}"));
    };
    let code = widget.code();
    let own_hash = code.css_hash.as_ref() == Some(&hash);
    if !own_hash && code.hash != hash {
        return not_found(format_args!("{name} is not {hash} any more: reload the page"));
    }
    let Some(found) = code.tree.get(&file) else {
        return not_found(format_args!("{name} has no file {file:?}"));
    };
    // The hash of the code does not cover the stylesheet.
    let named = own_hash || code.stylesheet.as_ref() != Some(&file);
    let (caching, tag) = match &code.css_hash {
        Some(css_hash) if !named => (Caching::Revalidate, css_hash),
        _ => (Caching::Immutable, &hash),
    };
    match found.body.clone() {
        Body::Memory { bytes, .. } => respond(&headers, bytes, &content_type(&file), tag, caching),
        Body::Disk { path, stamp } => match read_aside(path).await {
            // Edited since it was hashed: good enough for now, but not to be kept.
            Ok((bytes, now)) if now != stamp => respond(&headers, bytes, &content_type(&file), tag, Caching::Never),
            Ok((bytes, _)) => respond(&headers, bytes, &content_type(&file), tag, caching),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                not_found(format_args!("{name} has no file {file:?} any more"))
            }
            Err(error) => {
                tracing::error!(widget = name, file, %error, "a file cannot be read");
                (StatusCode::INTERNAL_SERVER_ERROR, "this file cannot be read\n").into_response()
            }
        },
    }
}

async fn read_aside(path: PathBuf) -> std::io::Result<(Bytes, Stamp)> {
    tokio::task::spawn_blocking(move || read(&path)).await.map_err(std::io::Error::other)?
}
