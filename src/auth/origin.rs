//! Whether a request comes from a page of this site.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether a WebSocket, or a request that changes something, comes from a page of this site. Browsers send `Origin` with
/// both and do not stop other sites from making them, so the host must. Programs send none.
pub(crate) fn is_own_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    allowed.iter().any(|other| other.eq_ignore_ascii_case(origin))
        || host.is_some_and(|host| is_same_site(origin, host))
}

fn is_same_site(origin: &str, host: &str) -> bool {
    let (Some((scheme, authority)), host) = (origin.split_once("://"), host.to_ascii_lowercase()) else {
        return false; // "null": a sandboxed frame or a file
    };
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_owned();
    bare(&authority.to_ascii_lowercase()) == bare(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_own_when_it_names_the_host() {
        for (origin, host, own) in [
            ("http://localhost:8000", "localhost:8000", true),
            ("https://Example.com", "example.com", true),
            ("https://example.com", "example.com:443", true),
            ("http://example.com:80", "example.com", true),
            ("http://[::1]:8000", "[::1]:8000", true),
            ("http://localhost:8001", "localhost:8000", false),
            ("http://example.com:8000", "example.com", false),
            ("http://evil.com", "example.com", false),
            ("http://example.com.evil.com", "example.com", false),
            ("null", "example.com", false),
            ("file://", "", false),
        ] {
            assert_eq!(is_same_site(origin, host), own, "{origin} at {host}");
        }
    }

    #[test]
    fn a_program_without_an_origin_is_allowed_and_a_listed_one_too() {
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "a.example".parse().unwrap());
            origin.map(|origin| headers.insert(ORIGIN, origin.parse().unwrap()));
            headers
        };
        assert!(is_own_origin(&headers(None), &[]));
        assert!(!is_own_origin(&headers(Some("https://b.example")), &[]));
        assert!(is_own_origin(&headers(Some("https://b.example")), &["https://b.example".into()]));
    }
}
