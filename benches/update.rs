//! cargo bench --bench update
//!
//! What a commit costs beside a large blob, what it costs to know what a view has to be sent, and a registry of a
//! million models. No socket is involved.

mod support;

use std::time::Instant;

use anywidget_host::{Blob, Host, Map, Model, Source, State, Value, Widget};
use futures_util::StreamExt;

use support::models::{self, Keeper};
use support::stats::median;
use support::table::{Table, Target, Unit};
use support::{Failure, wanted};

/// Rounds of each side, turn by turn.
const ROUNDS: usize = 21;
const COMMITS: usize = 10_000;

const BLOB: usize = 64 << 20;

const KEYS: [usize; 3] = [10, 100, 1_000];
const QUESTIONS: usize = 1_000;

const MODELS: usize = 1_000_000;
/// Of a million models.
const MODEL_ROUNDS: usize = 3;

#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct WithBlob {
    count: i64,
    blob: Blob,
}

#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct Without {
    count: i64,
}

/// A number of what models cost, and how it is written.
type Named = (&'static str, Unit, fn(&models::Cost) -> f64);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if models::are_models().await? {
        return Ok(());
    }
    if wanted("commit") {
        commit().await?;
    }
    if wanted("since") {
        since().await?;
    }
    if wanted("models") {
        registry().await?;
    }
    Ok(())
}

async fn commit() -> Result<(), Failure> {
    let host = Host::builder().widget(WithBlob::widget()).widget(Without::widget()).watch(false).build().await?;
    let with = host.open("with", || WithBlob { count: 0, blob: vec![1; BLOB].into() }).await?;
    let without = host.open("without", Without::default).await?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(commits(&with, |state| state.count += 1));
        b.push(commits(&without, |state| state.count += 1));
    }
    let mut table = Table::new("without the blob");
    let target = Target::Below(2e-6, Unit::Time);
    table.row("a commit of one i64 beside a 64 MiB blob", Unit::Time, median(a), Some(median(b)), target);
    table.print();
    Ok(())
}

/// Seconds for one commit.
fn commits<W: State>(model: &Model<W>, mut change: impl FnMut(&mut W)) -> f64 {
    let before = model.rev();
    let began = Instant::now();
    for _ in 0..COMMITS {
        model.update(&mut change);
    }
    let took = began.elapsed().as_secs_f64();
    assert_eq!(model.rev() - before, COMMITS as u64, "every change is a commit");
    took / COMMITS as f64
}

/// A stream of changes asks the same question of a model as a view's connection does.
async fn since() -> Result<(), Failure> {
    let host = Host::builder().watch(false).build().await?;
    let mut rows = Vec::new();
    for keys in KEYS {
        let state: Map = (0..keys).map(|at| (format!("key_{at:04}"), Value::from(at as i64))).collect();
        let model = host.add(Widget::new(format!("of-{keys}"), Source::data()))?;
        model.set(Value::Object(state));
        let mut changes = model.changes();
        let (mut asked, mut committed) = (Vec::new(), Vec::new());
        for at in 0..QUESTIONS {
            let began = Instant::now();
            model.update(|state| state["key_0003"] = Value::from(-1 - at as i64));
            committed.push(began.elapsed().as_secs_f64());
            let began = Instant::now();
            let change = changes.next().await.ok_or("no change")?;
            asked.push(began.elapsed().as_secs_f64());
            assert_eq!(change.keys, ["key_0003"], "one key is newer");
        }
        rows.push((keys, median(asked), median(committed)));
    }
    let mut table = Table::new("of 10 keys");
    for (keys, asked, _) in &rows {
        let what = format!("what is newer than a rev, of {keys} keys");
        table.row(&what, Unit::Time, *asked, Some(rows[0].1), Target::None);
    }
    for (keys, _, committed) in &rows {
        let what = format!("a commit of one key of {keys}, without a struct");
        table.row(&what, Unit::Time, *committed, Some(rows[0].2), Target::None);
    }
    table.print();
    Ok(())
}

async fn registry() -> Result<(), Failure> {
    let (mut host, mut map) = (Vec::new(), Vec::new());
    for _ in 0..MODEL_ROUNDS {
        host.push(models::measure(Keeper::Host, MODELS).await?);
        map.push(models::measure(Keeper::Map, MODELS).await?);
    }
    let mut table = Table::new("a map of mutexes");
    let measured: [Named; 3] = [
        ("create a model, of 1,000,000", Unit::Time, |cost| cost.create),
        ("look a model up, of 1,000,000", Unit::Time, |cost| cost.look_up),
        ("resident memory per model, of 1,000,000", Unit::Bytes, |cost| cost.memory),
    ];
    for (what, unit, of) in measured {
        let [a, b] = [&host, &map].map(|costs| median(costs.iter().map(of)));
        table.row(what, unit, a, Some(b), Target::None);
    }
    table.print();
    Ok(())
}
