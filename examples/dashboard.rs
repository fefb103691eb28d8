//! cargo run --example dashboard
//!
//! A slider and a table drive a plot of 100,000 points and a summary that htmx refreshes. All tabs are in step.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Blob, Host, Model, Result, Widget};
use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

const POINTS: usize = 100_000;
const SENSORS: [(&str, f32); 3] = [("Roof", 18.0), ("Hall", 21.0), ("Cellar", 12.0)];

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/slider")]
struct Slider {
    low: f64,
    high: f64,
    min: f64,
    max: f64,
    step: f64,
    ticks: u32,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/table")]
struct Table {
    #[widget(server)]
    columns: Vec<String>,
    #[widget(server)]
    rows: Vec<(String, f32)>,
    selected: Vec<usize>,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/plot")]
struct Plot {
    #[widget(server)]
    series: Vec<Series>,
    x_title: String,
    y_title: String,
    range: Option<(f64, f64)>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Series {
    label: String,
    y: Blob, // f32, little-endian
}

/// The three models of the page, which everybody shares.
async fn models(host: &Host) -> Result<(Model<Slider>, Model<Table>, Model<Plot>)> {
    let slider = || Slider { low: 20.0, high: 60.0, min: 0.0, max: 100.0, step: 1.0, ticks: 5 };
    let rows = SENSORS.map(|(name, mean)| (name.to_owned(), mean)).to_vec();
    let table = || Table { columns: vec!["Sensor".into(), "Mean °C".into()], rows, selected: vec![0, 1] };
    let plot = || Plot { x_title: "measurement".into(), y_title: "°C".into(), ..Plot::default() };
    Ok((host.open("span", slider).await?, host.open("sensors", table).await?, host.open("plot", plot).await?))
}

/// A day of a sensor, the same each time.
fn measured(sensor: usize) -> impl Iterator<Item = f32> {
    let wave = |n: usize, turns: f32| (n as f32 / POINTS as f32 * turns).sin();
    (0..POINTS).map(move |n| SENSORS[sensor].1 + 4.0 * wave(n, 6.3) + wave(n, 400.0 + 90.0 * sensor as f32))
}

/// Shows what is selected, between the thumbs.
async fn draw(host: Host) -> Result<()> {
    let (slider, table, plot) = models(&host).await?;
    let all: Vec<Blob> =
        (0..SENSORS.len()).map(|n| measured(n).flat_map(f32::to_le_bytes).collect::<Vec<u8>>().into()).collect();
    let (mut spans, mut sensors) = (slider.changes(), table.changes());
    loop {
        let (span, selected) = (slider.get(), table.get().selected.clone());
        let series = |n: &usize| Some(Series { label: SENSORS.get(*n)?.0.into(), y: all[*n].clone() });
        let part = |percent: f64| percent / 100.0 * POINTS as f64;
        plot.update(|plot| {
            plot.series = selected.iter().filter_map(series).collect();
            plot.range = Some((part(span.low), part(span.high)));
        });
        tokio::select! { Some(_) = spans.next() => {} Some(_) = sensors.next() => {} else => return Ok(()) }
    }
}

async fn index(State(host): State<Host>) -> Result<Html<String>> {
    let (slider, table, plot) = models(&host).await?;
    let (slider, table, plot) = (slider.view(), table.view(), plot.view());
    let summary = r#"<p hx-get="/summary" hx-trigger="load, anywidget:change from:body throttle:200ms">…</p>"#;
    Ok(page::page(&host, "Sensors", &format!(r#"{plot}<div class="card">{slider}</div>{summary}{table}"#)))
}

async fn summary(State(host): State<Host>) -> Result<Html<String>> {
    let (slider, table, _) = models(&host).await?;
    let (span, table) = (slider.get(), table.get());
    let at = |percent: f64| (percent.clamp(0.0, 100.0) / 100.0 * POINTS as f64) as usize;
    let means = table.selected.iter().filter(|n| **n < SENSORS.len()).map(|n| {
        let values: Vec<f32> = measured(*n).take(at(span.high)).skip(at(span.low)).collect();
        format!("{} <strong>{:.1} °C</strong>", SENSORS[*n].0, values.iter().sum::<f32>() / values.len().max(1) as f32)
    });
    let means = means.collect::<Vec<_>>().join(", ");
    Ok(Html(if means.is_empty() { "Select a sensor.".into() } else { format!("Mean of what is shown: {means}") }))
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let host = Host::builder().widget(Slider::widget()).widget(Table::widget()).widget(Plot::widget()).build().await?;
    tokio::spawn(draw(host.clone()));
    page::serve(Router::new().route("/", get(index)).route("/summary", get(summary)), host).await
}
