//! cargo run --example todo
//!
//! Lists of one's own, two for each visitor: sorted by hand, with rows beside them that htmx renders, kept in SQLite.
//! `STORE=file` names another file than `todo.db`.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Durability, Host, Model, Refusal, Result, Visitor, Widget};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use axum::routing::get;
use serde::{Deserialize, Serialize};

const PROFILES: [&str; 2] = ["home", "work"];

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    id: String,
    text: String,
    #[serde(default)]
    done: bool,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/sortable")]
struct List {
    #[widget(server)]
    label: String,
    items: Vec<Item>,
    #[widget(server)]
    checkable: bool,
    #[widget(server)]
    addable: bool,
    #[widget(server)]
    removable: bool,
}

/// The list of this visitor and profile. Nobody else gets at it, by no route.
async fn list(host: &Host, visitor: &Visitor, profile: &str) -> Result<Model<List>> {
    let label = format!("To do at {profile}");
    let empty = || List { label, items: Vec::new(), checkable: true, addable: true, removable: true };
    host.open(visitor.own(&format!("todo-{}", known(profile))), empty).await
}

fn known(profile: &str) -> &'static str {
    PROFILES.iter().find(|known| **known == profile).unwrap_or(&PROFILES[0])
}

async fn show(State(host): State<Host>, visitor: Visitor, Path(profile): Path<String>) -> Result<Html<String>> {
    let profile = known(&profile);
    let list = list(&host, &visitor, profile).await?.view();
    let current = |name| if name == profile { r#" aria-current="page""# } else { "" };
    let tab = |name| format!(r#"<a class="button" href="/{name}"{}>{name}</a>"#, current(name));
    let tabs = PROFILES.map(tab).concat();
    let body = format!(
        r##"<nav class="row" aria-label="Profile">{tabs}</nav>{list}<h2>Still open</h2>
<div hx-get="/{profile}/rows" hx-trigger="load, anywidget:change:items from:body"></div>"##
    );
    Ok(page::page(&host, "To do", &body))
}

/// What is left to do, as htmx shows it: after each change of the list, whoever made it.
async fn rows(State(host): State<Host>, visitor: Visitor, Path(profile): Path<String>) -> Result<Html<String>> {
    let list = list(&host, &visitor, &profile).await?.get();
    let open = list.items.iter().filter(|item| !item.done);
    let rows: String = open.map(|item| format!("<tr><td>{}</td></tr>", page::escaped(&item.text))).collect();
    Ok(Html(if rows.is_empty() { "Nothing. Well done.".into() } else { format!("<table>{rows}</table>") }))
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let widget = List::widget().validate(|next, _changed| match next.items.len() {
        ..=200 => Ok(()),
        _ => Err(Refusal::new("a list has at most 200 items")),
    });
    let file = std::env::var("STORE").unwrap_or("todo.db".into());
    let host = Host::builder().widget(widget).sqlite(file).durability(Durability::Stored).build().await?;
    let app = Router::new()
        .route("/", get(async || Redirect::to("/home")))
        .route("/{profile}", get(show))
        .route("/{profile}/rows", get(rows));
    page::serve(app, host).await
}
