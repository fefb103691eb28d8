//! Holds the browser's replica to this one: what some simulations did to theirs is in `tests/vectors/replicas.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::action::{CONFLICTS, MESSAGES, Mix, NETWORK, RESTARTS, drawn};
use super::page::Page;
use super::properties::found;
use super::world::World;
use crate::store::Durability;

const FILE: &str = "tests/vectors/replicas.json";

/// What is simulated: its name, what happens, and with how many seeds.
const DRAWN: [(&str, Mix, u64); 4] =
    [("network", NETWORK, 5), ("conflicts", CONFLICTS, 4), ("messages", MESSAGES, 3), ("restarts", RESTARTS, 8)];

/// Actions of each.
const ACTIONS: usize = 150;

/// Every page of every case: its name and its tape, a step on each line.
fn tapes() -> String {
    let mut tapes = Vec::new();
    let mut record = |name: &str, world: &World| {
        let pages = world.former.iter().chain(&world.pages);
        tapes.extend(pages.map(|page| tape(&format!("{name}, {}", page.session), page)));
    };
    for case in found::CASES {
        record(&case.0.replace('_', " "), &found::run(*case));
    }
    for (name, mix, seeds) in DRAWN {
        for seed in 1..=seeds {
            let mut world = match name {
                "restarts" if seed % 3 == 1 => World::new(Some(Durability::Stored)),
                "restarts" if seed % 3 == 2 => World::that_switches(),
                _ => World::new(None),
            };
            world.run(&drawn(mix, seed, ACTIONS));
            world.settle();
            world.check_all_are_equal();
            record(&format!("{name} {seed}"), &world);
        }
    }
    with_plain_epochs(&format!("[\n{}\n]\n", tapes.join(",\n")))
}

fn tape(name: &str, page: &Page) -> String {
    let steps: Vec<String> = page.tape.steps().iter().map(Json::to_string).collect();
    format!("{{\"name\":{:?},\"session\":{:?},\"steps\":[\n{}\n]}}", name, page.session, steps.join(",\n"))
}

/// Epochs are random; here they are numbered.
fn with_plain_epochs(text: &str) -> String {
    const BEFORE: &str = "\"epoch\":\"";
    let mut names = BTreeMap::new();
    let mut parts = text.split(BEFORE);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (epoch, rest) = part.split_once('"').expect("text ends");
        let next = names.len() + 1;
        let number = names.entry(epoch).or_insert(next);
        plain += &format!("{BEFORE}e{number}\"{rest}");
    }
    plain
}

#[test]
fn the_tapes_that_the_browser_is_held_to_are_those_of_this_replica() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let tapes = tapes();
    if std::env::var_os("VECTORS").is_some() {
        std::fs::write(&path, &tapes).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(tapes.lines()).position(|(one, other)| one != other);
    assert!(
        committed == tapes,
        "{FILE} is not what the simulation gives, from line {:?} on; write it with `VECTORS=1 cargo nextest run --lib \
         simulation::vectors`, and see whether `node --test tests/js/replicas.test.js` still passes",
        differs.map(|line| line + 1)
    );
}
