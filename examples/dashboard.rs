//! cargo run --example dashboard
//!
//! A slider and a table drive a plot of 100,000 points and what htmx says of it. All tabs are in step.

#[path = "page/mod.rs"]
mod page;

use anywidget_host::{Blob, Host, Model, Result, Widget};
use axum::{Router, extract::State, response::Html, routing::get};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

const POINTS: usize = 100_000;
const PERCENT: f64 = POINTS as f64 / 100.0;
const SENSORS: [(&str, f32); 3] = [("Roof", 18.0), ("Hall", 21.0), ("Cellar", 12.0)];

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/slider")]
struct Slider {
    low: f64, // percent of the day
    high: f64,
}

#[derive(Clone, Default, Widget)]
#[widget(path = "widgets/table")]
struct Table {
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
    range: Option<(f64, f64)>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Series {
    label: String,
    y: Blob, // f32, little-endian
}

async fn models(host: &Host) -> Result<(Model<Slider>, Model<Table>, Model<Plot>)> {
    let slider = || Slider { low: 20.0, high: 60.0 };
    let rows = SENSORS.map(|(name, mean)| (name.to_owned(), mean)).to_vec();
    let table = || Table { columns: vec!["Sensor".into(), "Mean °C".into()], rows, selected: vec![0, 1] };
    let plot = host.open("plot", Plot::default).await?;
    Ok((host.open("span", slider).await?, host.open("sensors", table).await?, plot))
}

fn measured(sensor: usize) -> impl Iterator<Item = f32> {
    let wave = |n: usize, turns: f32| (n as f32 / POINTS as f32 * turns).sin();
    (0..POINTS).map(move |n| SENSORS[sensor].1 + 4.0 * wave(n, 6.3) + wave(n, 400.0 + 90.0 * sensor as f32))
}

/// Shows what is selected, between the thumbs.
async fn draw(host: Host) -> Result<()> {
    let (slider, table, plot) = models(&host).await?;
    let all = [0, 1, 2].map(|n| Blob::from(measured(n).flat_map(f32::to_le_bytes).collect::<Vec<u8>>()));
    let (mut spans, mut sensors) = (slider.changes(), table.changes());
    loop {
        let (span, selected) = (slider.get(), table.get().selected.clone());
        let series = |n: &usize| Some(Series { label: SENSORS.get(*n)?.0.into(), y: all[*n].clone() });
        plot.update(|plot| {
            plot.series = selected.iter().filter_map(series).collect();
            plot.range = Some((span.low * PERCENT, span.high * PERCENT));
        });
        tokio::select! { Some(_) = spans.next() => {} Some(_) = sensors.next() => {} else => return Ok(()) }
    }
}

async fn index(State(host): State<Host>) -> Result<Html<String>> {
    let (slider, table, plot) = models(&host).await?;
    let (slider, table, plot) = (slider.view(), table.view(), plot.view());
    let summary = r#"<p hx-get="/summary" hx-trigger="load, anywidget:change from:body delay:100ms">…</p>"#;
    Ok(page::page(&host, "Sensors", &format!(r#"{plot}<div class="card">{slider}</div>{summary}{table}"#)))
}

async fn summary(State(host): State<Host>) -> Result<Html<String>> {
    let (slider, table, _) = models(&host).await?;
    let (from, to) = ((slider.get().low * PERCENT) as usize, (slider.get().high * PERCENT) as usize);
    let mut means = String::new();
    for n in table.get().selected.iter().filter(|n| **n < SENSORS.len()) {
        let shown: Vec<f32> = measured(*n).take(to).skip(from).collect();
        let mean = shown.iter().sum::<f32>() / shown.len().max(1) as f32;
        means += &format!("{}: <strong>{mean:.1} °C</strong> ", SENSORS[*n].0);
    }
    Ok(Html(if means.is_empty() { "Select a sensor.".into() } else { means }))
}

#[tokio::main]
async fn main() -> std::result::Result<(), page::Failure> {
    let host = Host::builder().widget(Slider::widget()).widget(Table::widget()).widget(Plot::widget()).build().await?;
    tokio::spawn(draw(host.clone()));
    page::serve(Router::new().route("/", get(index)).route("/summary", get(summary)), host).await
}
