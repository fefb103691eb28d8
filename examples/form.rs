//! cargo run --example form
//!
//! A widget as a field of a plain form: posted by the browser, checked in Rust, what is wrong beside it. No script.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Host, Model, Refusal, Result, Visitor, Widget};
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;

const TICKETS: i64 = 8;

/// What the widget shows.
#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/counter")]
struct Tickets {
    count: i64,
}

/// What the form posts.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Order {
    name: String,
    tickets: i64,
}

/// What is wrong with each field; nothing, if it is empty.
#[derive(PartialEq, Default)]
struct Problems {
    name: &'static str,
    tickets: String,
}

impl Order {
    fn problems(&self) -> Problems {
        let name = if self.name.trim().is_empty() { "Tell us your name." } else { "" };
        let tickets = match self.tickets {
            ..1 => "Take one at least.".to_owned(),
            1..=TICKETS => String::new(),
            many => format!("There are {TICKETS} left, not {many}."),
        };
        Problems { name, tickets }
    }
}

/// Each visitor has a counter of their own, which no other can see.
async fn tickets(host: &Host, visitor: &Visitor) -> Result<Model<Tickets>> {
    host.open(visitor.own("tickets"), || Tickets { count: 1 }).await
}

async fn empty(State(host): State<Host>, visitor: Visitor) -> Result<Html<String>> {
    let tickets = tickets(&host, &visitor).await?;
    Ok(form(&host, &tickets, &Order::default(), &Problems::default()))
}

async fn order(State(host): State<Host>, visitor: Visitor, Form(order): Form<Order>) -> Result<Html<String>> {
    let tickets = tickets(&host, &visitor).await?;
    let problems = order.problems();
    if problems != Problems::default() {
        return Ok(form(&host, &tickets, &order, &problems));
    }
    tickets.set(Tickets { count: 1 });
    let (name, n, s) = (page::escaped(order.name.trim()), order.tickets, if order.tickets == 1 { "" } else { "s" });
    let body = format!(r#"<p>{n} ticket{s} for {name}. Enjoy!</p><p><a class="button" href="/">Order more</a></p>"#);
    Ok(page::page(&host, "Thank you", &body))
}

fn form(host: &Host, tickets: &Model<Tickets>, order: &Order, problems: &Problems) -> Html<String> {
    let counter = tickets.view().attribute("name", "tickets").attribute("key", "count").attribute("required", "");
    let counter = counter.attribute("id", "tickets").attribute("aria-describedby", "tickets-problem").to_string();
    let (value, wrong) = (page::escaped(&order.name), !problems.name.is_empty());
    let input = format!(
        r#"<input id="name" name="name" value="{value}" aria-invalid="{wrong}" aria-describedby="name-problem">"#
    );
    let fields =
        field("name", "Name", &input, problems.name) + &field("tickets", "Tickets", &counter, &problems.tickets);
    let body = format!(r#"<form method="post" action="/">{fields}<button class="main">Order</button></form>"#);
    page::page(host, "Tickets", &body)
}

/// A field with its label, and what is wrong with it beside it.
fn field(id: &str, label: &str, field: &str, problem: &str) -> String {
    let problem = format!(r#"<p id="{id}-problem" role="alert">{problem}</p>"#);
    format!(r#"<div class="field"><label for="{id}">{label}</label>{field}{problem}</div>"#)
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let widget = Tickets::widget().validate(|next, _changed| match next.count {
        ..0 => Err(Refusal::new("there is no less than none")),
        _ => Ok(()),
    });
    let host = Host::builder().widget(widget).build().await?;
    page::serve(Router::new().route("/", get(empty).post(order)), host).await
}
