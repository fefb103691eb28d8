//! Runs anywidget front-end modules in any web page, with their state in Rust.
//!
//! ```no_run
//! use anywidget_host::{Host, Widget};
//! use axum::{Router, extract::State, response::Html, routing::get, serve};
//!
//! #[derive(Clone, Default, Widget)]
//! #[widget(esm = r#"export default { render({ model, el }) {
//!     const button = document.createElement("button");
//!     const draw = () => { button.textContent = `count is ${model.get("count")}` };
//!     button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes() };
//!     model.on("change:count", draw);
//!     draw();
//!     el.append(button);
//! } }"#)]
//! struct Counter {
//!     count: i64,
//! }
//!
//! async fn page(State(host): State<Host>) -> anywidget_host::Result<Html<String>> {
//!     let counter = host.open("shared", Counter::default).await?;
//!     Ok(Html(format!("<h1>Hello</h1>{}", counter.view())))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let host = Host::builder().widget(Counter::widget()).build().await?;
//!     let app = Router::new().route("/", get(page)).merge(host.router()).with_state(host);
//!     serve(tokio::net::TcpListener::bind("127.0.0.1:8000").await?, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Words
//!
//! A **widget** is code for the page and the type of its state. A **model** is one living state with an
//! id. A **view** is one rendering of a model in an element of a page. A **session** is one page's
//! connection to one model. A **commit** changes some **keys** of a state at once and gives the model the
//! next **rev**; the **epoch** names the history that revs count in.
//!
//! # Map
//!
//! - [`Host`] knows widgets and models and has the routes; [`HostBuilder`] makes one.
//! - [`Widget`](struct@Widget) is code and rules: [`validate`](Widget::validate), [`on_change`](Widget::on_change),
//!   [`on_message`](Widget::on_message), [`command`](Widget::command). [`Source`] says where the code is,
//!   [`embed!`] puts a folder into the program, `#[derive(Widget)]` makes a struct a [`State`].
//! - [`Model`] is the handle to a living state: [`update`](Model::update) it, [`send`](Model::send) to its
//!   views, follow its [`changes`](Model::changes), put its [`view`](Model::view) into a page.
//! - [`Value`], [`Blob`] and [`Shared`] are what travels; [`Refusal`] is what a page is told when it asked
//!   for too much; [`Error`] is what goes wrong on this side; [`Limits`] has every number.
//! - [`store`] is where models are kept beyond the life of a process: [`Sqlite`], in one file.
//!
//! # Inside
//!
//! A frame comes in through `socket` (IO), is understood by `session` (one client, no IO), changes a
//! `model` (slots, revs, commits), and goes out to every follower of that model, each from its own cursor.
//! `protocol` has frames, encodings and close codes; `routes` the addresses; `widget` and `assets` the code
//! that pages load; `reload` notices edits; `registry` has the models that are in memory, and [`store`] follows each of
//! them like a page does, to keep it.
//!
//! # Features
//!
//! `watch` (default) reloads open pages when widget files on disk are edited. `cli` (default) builds the
//! binary. A library that serves widgets needs none of them.
//!
//! The contract that widgets rely on is [AFM](https://anywidget.dev/en/afm/); the wire protocol is
//! described in `docs/protocol.md` of the repository.

extern crate self as anywidget_host;

mod assets;
pub mod auth;
mod error;
mod host;
mod html;
mod model;
mod protocol;
mod registry;
#[cfg(feature = "watch")]
mod reload;
mod routes;
mod session;
#[cfg(test)]
mod simulation;
mod socket;
mod state;
pub mod store;
mod value;
mod widget;

pub use anywidget_host_macros::{Widget, embed};
pub use auth::{Permission, Visitor};
pub use error::{Error, Refusal, Result};
pub use host::{Host, HostBuilder};
pub use html::View;
pub use model::{About, Change, Changes, Message, Model};
pub use protocol::Limits;
pub use state::{Access, Key, KeyName, State};
#[doc(hidden)]
pub use state::{ByDefault, DefaultOf, WithoutDefault, differs};
pub use store::Durability;
#[cfg(feature = "sqlite")]
pub use store::Sqlite;
pub use value::{Blob, Map, Shared, Value, ValueError};
pub use widget::{Embedded, Source, Widget};

/// The programs in the README and in the guides to the widgets are compiled, too.
#[cfg(doctest)]
mod guides {
    macro_rules! guide {
        ($($name:ident: $path:literal,)*) => { $( #[doc = include_str!($path)] struct $name; )* };
    }
    guide! {
        Readme: "../README.md",
        Counter: "../docs/widgets/counter.md",
        Fields: "../docs/widgets/fields.md",
        Log: "../docs/widgets/log.md",
        Plot: "../docs/widgets/plot.md",
        Progress: "../docs/widgets/progress.md",
        Sketch: "../docs/widgets/sketch.md",
        Slider: "../docs/widgets/slider.md",
        Sortable: "../docs/widgets/sortable.md",
        Store: "../docs/store.md",
        Table: "../docs/widgets/table.md",
        Tabs: "../docs/widgets/tabs.md",
    }
}
