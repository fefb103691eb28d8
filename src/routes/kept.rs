//! Compressed files, kept: a file is compressed for the first who asks, not for each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use parking_lot::Mutex;

/// What a host keeps, at most, in bytes and in files. The oldest go first.
const CAPACITY: usize = 32 << 20;
const MOST: usize = 4_096;

/// Browsers say what they accept in fewer bytes; nothing is kept for those who do not.
const LONGEST: usize = 100;

/// A larger file is compressed while it is sent, each time.
const LARGEST: u64 = 16 << 20;

/// On a response whose tag names its content.
#[derive(Clone, Copy)]
pub(super) struct Lasting;

/// The compressed files of one host.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Files>>);

#[derive(Default)]
struct Files {
    by_key: HashMap<Key, Compressed>,
    oldest_first: VecDeque<Key>,
    bytes: usize,
}

/// What was sent to whom. Browsers of one kind accept the same encodings in the same words.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    path: String,
    tag: HeaderValue,
    accept: HeaderValue,
}

#[derive(Clone)]
struct Compressed {
    encoding: HeaderValue,
    bytes: Bytes,
}

/// Below the compression: takes what is there, else says under which key it is to be kept.
pub(super) async fn recall(State(kept): State<Kept>, request: Request, next: Next) -> Response {
    let accept = request.headers().get(ACCEPT_ENCODING).filter(|accept| accept.len() <= LONGEST);
    let accept = accept.filter(|_| request.method() == Method::GET).cloned();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let lasting = response.status() == StatusCode::OK
        && response.extensions().get::<Lasting>().is_some()
        && response.body().size_hint().exact().is_some_and(|size| size <= LARGEST);
    let (Some(accept), Some(tag), true) = (accept, response.headers().get(ETAG), lasting) else { return response };
    let key = Key { path, tag: tag.clone(), accept };
    let Some(Compressed { encoding, bytes }) = kept.get(&key) else {
        response.extensions_mut().insert(key);
        return response;
    };
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, encoding);
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    *response.body_mut() = Body::from(bytes);
    response
}

/// Above the compression: keeps what came out of it.
pub(super) async fn keep(State(kept): State<Kept>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let key = response.extensions_mut().remove::<Key>();
    let (Some(key), Some(encoding)) = (key, response.headers().get(CONTENT_ENCODING).cloned()) else { return response };
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            kept.put(key, Compressed { encoding, bytes: bytes.clone() }, CAPACITY);
            Response::from_parts(parts, Body::from(bytes))
        }
        Err(error) => {
            tracing::error!(path = key.path, %error, "a file cannot be compressed");
            (StatusCode::INTERNAL_SERVER_ERROR, "this file cannot be compressed\n").into_response()
        }
    }
}

impl Kept {
    fn get(&self, key: &Key) -> Option<Compressed> {
        self.0.lock().by_key.get(key).cloned()
    }

    fn put(&self, key: Key, file: Compressed, capacity: usize) {
        let mut files = self.0.lock();
        let files = &mut *files;
        if file.bytes.len() > capacity || files.by_key.contains_key(&key) {
            return;
        }
        files.bytes += file.bytes.len();
        files.oldest_first.push_back(key.clone());
        files.by_key.insert(key, file);
        while (files.bytes > capacity || files.by_key.len() > MOST)
            && let Some(oldest) = files.oldest_first.pop_front()
        {
            files.bytes -= files.by_key.remove(&oldest).map_or(0, |file| file.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str, accept: &'static str) -> Key {
        let (tag, accept) = (HeaderValue::from_static("W/\"1\""), HeaderValue::from_static(accept));
        Key { path: path.to_owned(), tag, accept }
    }

    fn file(bytes: usize) -> Compressed {
        Compressed { encoding: HeaderValue::from_static("br"), bytes: vec![0; bytes].into() }
    }

    #[test]
    fn the_oldest_make_room() {
        let kept = Kept::default();
        for path in ["/a", "/b", "/c"] {
            kept.put(key(path, "br"), file(40), 100);
        }
        let there = |path| kept.get(&key(path, "br")).is_some();
        assert_eq!(["/a", "/b", "/c"].map(there), [false, true, true]);
    }

    #[test]
    fn many_small_ones_make_room() {
        let kept = Kept::default();
        for n in 0..=MOST {
            kept.put(key(&n.to_string(), "br"), file(0), 100);
        }
        assert!(kept.get(&key("0", "br")).is_none());
        assert!(kept.get(&key("1", "br")).is_some());
    }

    #[test]
    fn one_that_does_not_fit_drives_out_none() {
        let kept = Kept::default();
        kept.put(key("/a", "br"), file(40), 100);
        kept.put(key("/b", "br"), file(101), 100);
        assert!(kept.get(&key("/a", "br")).is_some());
        assert!(kept.get(&key("/b", "br")).is_none());
    }

    #[test]
    fn kept_twice_a_file_counts_once() {
        let kept = Kept::default();
        for _ in 0..3 {
            kept.put(key("/a", "br"), file(40), 100);
        }
        kept.put(key("/a", "gzip"), file(40), 100);
        assert!(kept.get(&key("/a", "br")).is_some());
        assert!(kept.get(&key("/a", "gzip")).is_some());
    }
}
