//! A view in the template languages that people use with axum: as it is, escaped by none of them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

use anywidget_host::{Host, View, Widget};

#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct Counter {
    count: i64,
}

async fn view() -> View {
    let host = Host::builder().widget(Counter::widget()).build().await.unwrap();
    host.open("a \"b\"", Counter::default).await.unwrap().view().fallback("<em>…</em>")
}

#[tokio::test]
async fn format() {
    let view = view().await;
    let html = format!("<main>{view}</main>");
    assert!(html.contains(r#"<any-widget model="a &quot;b&quot;""#), "{html}");
    assert!(html.contains("<div><em>…</em></div>"), "{html}");
}

#[tokio::test]
async fn maud() {
    let view = view().await;
    let html = maud::html! { main { (maud::PreEscaped(view.to_string())) } }.into_string();
    assert_eq!(html, format!("<main>{view}</main>"));
}

#[tokio::test]
async fn askama() {
    #[derive(askama::Template)]
    #[template(source = "<main>{{ view|safe }}</main>", ext = "html")]
    struct Page {
        view: View,
    }
    let view = view().await;
    let html = askama::Template::render(&Page { view: view.clone() }).unwrap();
    assert_eq!(html, format!("<main>{view}</main>"));
}

#[tokio::test]
async fn minijinja() {
    let view = view().await;
    let mut templates = minijinja::Environment::new();
    templates.add_template("page.html", "<main>{{ view }}</main>").unwrap();
    let value = minijinja::Value::from_safe_string(view.to_string());
    let html = templates.get_template("page.html").unwrap().render(minijinja::context! { view => value }).unwrap();
    assert_eq!(html, format!("<main>{view}</main>"));
}

#[tokio::test]
async fn attributes_are_escaped_and_odd_names_left_out() {
    let view = view().await.attribute("name", "a\"b").attribute("onload x", "1").attribute("hx-trigger", "x");
    let html = view.to_string();
    assert!(html.contains(r#" name="a&quot;b" hx-trigger="x">"#), "{html}");
    assert!(!html.contains("onload"), "{html}");
}
