//! cargo run --example form
//!
//! A widget as a field of a plain form: posted by the browser, checked in Rust, its errors beside it. No script.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Host, Model, Refusal, Result, Visitor, Widget};
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;

const TICKETS: i64 = 8;

/// What the widget shows. A page cannot make it negative.
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

impl Order {
    /// What is wrong with the name, and with the number of tickets.
    fn problems(&self) -> (Option<&'static str>, Option<String>) {
        let name = self.name.trim().is_empty().then_some("Tell us your name.");
        let tickets = match self.tickets {
            0 => Some("Take one at least.".to_owned()),
            1..=TICKETS => None,
            many => Some(format!("There are {TICKETS} left, not {many}.")),
        };
        (name, tickets)
    }
}

/// Each visitor has a counter of their own, which no other can see.
async fn tickets(host: &Host, visitor: &Visitor) -> Result<Model<Tickets>> {
    host.open(visitor.own("tickets"), || Tickets { count: 1 }).await
}

async fn empty(State(host): State<Host>, visitor: Visitor) -> Result<Html<String>> {
    let tickets = tickets(&host, &visitor).await?;
    Ok(form(&host, &tickets, &Order::default(), (None, None)))
}

async fn order(State(host): State<Host>, visitor: Visitor, Form(order): Form<Order>) -> Result<Html<String>> {
    let tickets = tickets(&host, &visitor).await?;
    let problems = order.problems();
    if problems != (None, None) {
        return Ok(form(&host, &tickets, &order, problems));
    }
    tickets.set(Tickets { count: 1 });
    let (name, n) = (page::escaped(order.name.trim()), order.tickets);
    let tickets = if n == 1 { "1 ticket".to_owned() } else { format!("{n} tickets") };
    let body = format!(r#"<p>{tickets} for {name}. Enjoy!</p><p><a class="button" href="/">Order more</a></p>"#);
    Ok(page::page(&host, "Thank you", &body))
}

fn form(
    host: &Host,
    tickets: &Model<Tickets>,
    order: &Order,
    problems: (Option<&str>, Option<String>),
) -> Html<String> {
    let alert = |problem: Option<&str>| problem.map(|why| format!(r#"<p role="alert">{why}</p>"#)).unwrap_or_default();
    let field = tickets.view().attribute("name", "tickets").attribute("key", "count");
    let field = field.attribute("aria-label", "Tickets").attribute("required", "");
    let (name, name_is_wrong, tickets_are_wrong) =
        (page::escaped(&order.name), alert(problems.0), alert(problems.1.as_deref()));
    let body = format!(
        r#"<form method="post" action="/">
  <div class="field"><label>Name <input name="name" value="{name}" autocomplete="name"></label>{name_is_wrong}</div>
  <div class="field"><span class="quiet">Tickets</span>{field}{tickets_are_wrong}</div>
  <button class="main">Order</button>
</form>"#
    );
    page::page(host, "Tickets", &body)
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
