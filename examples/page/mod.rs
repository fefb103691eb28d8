//! What the examples share: the page around their widgets, with a strict Content-Security-Policy, and the server.

use anywidget_host::Host;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Router, middleware};
use tokio::net::TcpListener;

pub type Failure = Box<dyn std::error::Error>;

/// A page with htmx in it, which works where only the page's own files may be loaded.
pub fn page(host: &Host, title: &str, body: &str) -> Html<String> {
    let preloads = host.preloads();
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="htmx-config" content='{{"includeIndicatorStyles": false}}'>
  <title>{title}</title>
  <link rel="icon" href="/icon.svg">
  <link rel="stylesheet" href="/page.css">
  {preloads}<script src="/htmx.js" defer></script>
</head>
<body><main><h1>{title}</h1>
{body}
</main></body>
</html>"#
    ))
}

/// Text of a visitor as a part of a page.
#[allow(dead_code)] // not every example has any
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Serves an example until Ctrl-C or SIGTERM: its routes, those of its host, htmx and the stylesheet. Visitors are told apart.
pub async fn serve(app: Router<Host>, host: Host) -> Result<(), Failure> {
    let file = |kind: &'static str, text: &'static str| get(move || async move { ([(CONTENT_TYPE, kind)], text) });
    let app = app
        .route("/page.css", file("text/css", include_str!("page.css")))
        .route("/icon.svg", file("image/svg+xml", include_str!("icon.svg")))
        .route("/htmx.js", get(htmx))
        .merge(host.router())
        .layer(middleware::from_fn(Host::visitors))
        .layer(middleware::map_response(async |mut response: axum::response::Response| {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
            response
        }))
        .with_state(host.clone());
    let port = std::env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(ended()).await?;
    host.shutdown().await;
    Ok(())
}

/// Until somebody ends the program.
async fn ended() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! { _ = interrupted => {} _ = term.recv() => {} }
        return;
    }
    drop(interrupted.await);
}

/// htmx itself; an application has it among its static files.
async fn htmx() -> Result<impl IntoResponse, (StatusCode, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/htmx.org/dist/htmx.js");
    let missing = |error| (StatusCode::NOT_FOUND, format!("{path}: {error}; run `npm ci` once"));
    Ok(([(CONTENT_TYPE, "text/javascript")], std::fs::read_to_string(path).map_err(missing)?))
}
