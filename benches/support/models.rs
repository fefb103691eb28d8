//! Many models in a process of their own: what one costs to make, to find and to keep. Beside a map written by hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anywidget_host::{Host, Widget};

use super::again::{Again, arguments};
use super::{Failure, process};

/// What the program is told when it is to make models.
const ROLE: &str = "models";

/// The step by which a walk over the ids jumps, so that no two look-ups are neighbours. A prime, so that it meets all.
const STRIDE: usize = 7_368_787;

/// Who keeps the models.
#[derive(Clone, Copy)]
pub enum Keeper {
    Host,
    /// `Mutex<HashMap<String, Arc<Mutex<Counter>>>>`
    Map,
}

/// What one model costs.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Seconds of processor time; there is one thread.
    pub create: f64,
    /// The same.
    pub look_up: f64,
    /// Resident bytes.
    pub memory: f64,
}

/// A small state.
#[derive(Clone, Default, Widget)]
#[widget(esm = "export default {}")]
struct Counter {
    count: i64,
}

/// Measures so many models in a fresh process.
pub async fn measure(keeper: Keeper, count: usize) -> Result<Cost, Failure> {
    let keeper = match keeper {
        Keeper::Host => "host",
        Keeper::Map => "map",
    };
    let line = Again::start(ROLE, &[keeper.to_owned(), count.to_string()])?.line().await?;
    let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [create, look_up, memory] = *numbers else { return Err("three numbers, please".into()) };
    Ok(Cost { create, look_up, memory })
}

/// Whether this process is one of models; if so it has done its work.
pub async fn are_models() -> Result<bool, Failure> {
    let Some(arguments) = arguments(ROLE) else { return Ok(false) };
    let [keeper, count] = arguments.as_slice() else { return Err("models need a keeper and a number".into()) };
    let count = count.parse()?;
    let Cost { create, look_up, memory } = match keeper.as_str() {
        "host" => with_host(count).await?,
        _ => with_map(count)?,
    };
    println!("{create} {look_up} {memory}");
    Ok(true)
}

async fn with_host(count: usize) -> Result<Cost, Failure> {
    let host = Host::builder().widget(Counter::widget()).watch(false).build().await?;
    let before = process::resident(std::process::id())?;
    let began = process::own_cpu();
    for at in 0..count {
        host.open(id(at), Counter::default).await?;
    }
    let create = process::own_cpu() - began;
    let memory = process::resident(std::process::id())? - before;
    let look_up = walk(count, |id| host.get::<Counter>(id).is_some_and(|model| model.get().count == 0))?;
    Ok(Cost { create: create / count as f64, look_up, memory: memory / count as f64 })
}

fn with_map(count: usize) -> Result<Cost, Failure> {
    let map = Mutex::new(HashMap::new());
    let before = process::resident(std::process::id())?;
    let began = process::own_cpu();
    for at in 0..count {
        let model = Arc::new(Mutex::new(Counter::default()));
        map.lock().unwrap_or_else(PoisonError::into_inner).insert(id(at), model);
    }
    let create = process::own_cpu() - began;
    let memory = process::resident(std::process::id())? - before;
    let look_up = walk(count, |id| {
        let model = map.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        model.is_some_and(|model| model.lock().unwrap_or_else(PoisonError::into_inner).count == 0)
    })?;
    Ok(Cost { create: create / count as f64, look_up, memory: memory / count as f64 })
}

/// Seconds for one of `count` look-ups, no two of which are neighbours.
fn walk(count: usize, finds: impl Fn(&str) -> bool) -> Result<f64, Failure> {
    let ids: Vec<String> = (0..count).map(id).collect();
    let began = process::own_cpu();
    let found = (0..count).filter(|at| finds(&ids[at * STRIDE % count])).count();
    let took = (process::own_cpu() - began) / count as f64;
    match found == count {
        true => Ok(took),
        false => Err(format!("{found} of {count} models were found").into()),
    }
}

fn id(at: usize) -> String {
    format!("model-{at:08}")
}
