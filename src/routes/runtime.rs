//! The browser runtime, out of the program.

use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;

use super::{Caching, file, not_found};
use crate::widget::Embedded;
use crate::{Host, assets};

static RUNTIME: Embedded = crate::embed!("js");

/// A tag over all modules: they belong together, so they change together.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in RUNTIME.files {
        hasher.update(name.as_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().to_hex()[..20].to_owned()
});

/// The module that is loaded when the first binary frame comes, and not before.
const LAZY: &str = "msgpack.js";

pub(super) async fn module(State(_): State<Host>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match RUNTIME.files.iter().find(|(file, _)| *file == name) {
        Some((_, bytes)) => {
            file(&headers, Bytes::from_static(bytes), &assets::content_type(&name), &TAG, Caching::Revalidate)
        }
        None => not_found(format_args!("the browser runtime has no {name}")),
    }
}

/// The modules every page needs, so that it can ask for all of them at once.
pub(crate) fn preloads() -> impl Iterator<Item = &'static str> {
    RUNTIME.files.iter().map(|(name, _)| *name).filter(|name| name.ends_with(".js") && *name != LAZY)
}
