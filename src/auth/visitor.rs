//! Visitors without a login, told apart by a cookie.

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{COOKIE, HOST, HeaderMap, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use uuid::Uuid;

/// The cookie that tells a browser from others. Its value is a secret.
const COOKIE_NAME: &str = "anywidget-visitor";

/// So long it is kept after the last visit, in seconds: 400 days, which is as long as browsers allow.
const MAX_AGE: u32 = 400 * 24 * 3_600;

/// Stands between a name and the visitor whose model it is.
const OF: &str = "@visitor-";

/// One browser, with or without a login. An extractor, below the layer [`Host::visitors`](crate::Host::visitors).
///
/// ```
/// use anywidget_host::{Host, Result, View, Visitor, Widget};
/// use axum::extract::State;
/// use axum::middleware::from_fn;
/// use axum::{Router, routing::get};
///
/// #[derive(Clone, Default, Widget)]
/// #[widget(esm = "export default {}")]
/// struct Notes {
///     text: String,
/// }
///
/// async fn page(State(host): State<Host>, visitor: Visitor) -> Result<View> {
///     Ok(host.open(visitor.own("notes"), Notes::default).await?.view())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let host = Host::builder().widget(Notes::widget()).build().await?;
/// let app = Router::new().route("/", get(page)).merge(host.router());
/// let app: Router = app.layer(from_fn(Host::visitors)).with_state(host);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Visitor {
    id: String,
}

impl Visitor {
    /// A name for this visitor, 32 characters. It is no secret: the cookie is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of a model that only this visitor may see: every route answers 403 to others, and to requests that
    /// did not come through the layer.
    pub fn own(&self, name: &str) -> String {
        format!("{name}{OF}{}", self.id)
    }

    /// Whether a request may have this model: everybody's, or its own.
    pub(super) fn may(visitor: Option<&Visitor>, model: &str) -> bool {
        model.rsplit_once(OF).is_none_or(|(_, id)| visitor.is_some_and(|visitor| visitor.id == id))
    }

    fn of(secret: &str) -> Visitor {
        let hash = blake3::derive_key("anywidget-host 2026 visitor", secret.as_bytes());
        Visitor { id: hash[..16].iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

/// Recognises the visitor of a request by the cookie, and gives a new one theirs.
pub(crate) async fn recognise(mut request: Request, next: Next) -> Response {
    let known = secret(request.headers());
    let new = known.is_none().then(|| Uuid::new_v4().simple().to_string());
    let cookie = new.as_ref().map(|secret| cookie(secret, is_secure(request.headers())));
    if let Some(secret) = known.or(new) {
        request.extensions_mut().insert(Visitor::of(&secret));
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The secret that a browser has, if it is one of ours.
fn secret(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let (_, secret) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    Uuid::try_parse(secret).ok().map(|secret| secret.simple().to_string())
}

fn cookie(secret: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether the browser came by HTTPS, as far as the request tells.
fn is_secure(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|header| header == value);
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    says("x-forwarded-proto", "https")
        || (headers.contains_key(HOST) && origin.is_some_and(|origin| origin.starts_with("https://")))
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Self::Rejection> {
        const WHY: &str = "visitors are not told apart here: add .layer(from_fn(Host::visitors)) to the router\n";
        parts.extensions.get().cloned().ok_or((StatusCode::INTERNAL_SERVER_ERROR, WHY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_ones_own_is_no_other_s() {
        let (one, two) = (Visitor::of("one"), Visitor::of("two"));
        assert_ne!(one, two);
        assert_eq!(one.id().len(), 32);
        let own = one.own("notes");
        assert!(Visitor::may(Some(&one), &own));
        assert!(!Visitor::may(Some(&two), &own));
        assert!(!Visitor::may(None, &own));
        assert!(Visitor::may(None, "notes"));
    }

    #[test]
    fn only_a_cookie_of_ours_is_taken() {
        let secret = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, cookie.parse().unwrap());
            super::secret(&headers)
        };
        let id = Uuid::new_v4().simple().to_string();
        assert_eq!(secret(&format!("a=b; {COOKIE_NAME}={id}; c=d")), Some(id));
        assert_eq!(secret(&format!("{COOKIE_NAME}=short")), None);
        assert_eq!(secret("other=1"), None);
    }
}
