//! Cases that the properties have found, as short as they got: each was a page that kept something wrong.

use crate::simulation::action::{Action, Kind};
use crate::simulation::world::World;
use crate::store::Durability;

use Kind::*;

/// What happens, to whom, and how much of it.
fn ends_equal(mut world: World, what: &[(Kind, usize, usize)]) {
    let actions: Vec<Action> = what.iter().map(|&(kind, who, amount)| Action { kind, who, amount }).collect();
    world.run(&actions);
    world.settle();
    world.check_all_are_equal();
    world.check_writes_are_in_order();
    world.check_messages_are_heard();
}

/// The page was closed with 4408 and stayed away.
#[test]
fn a_hello_that_arrives_after_a_later_one_of_the_same_page() {
    ends_equal(World::new(None), &[(Connect, 0, 0), (Cut, 0, 1), (Connect, 0, 0), (Up, 0, 0)]);
}

/// The answer to its write, given again, told of a value that another page's write had changed since.
#[test]
fn a_derived_value_that_changed_after_the_write_whose_answer_was_lost() {
    let write_twice = [(Connect, 2, 0), (Write, 2, 0), (Hide, 2, 0), (Late, 0, 7), (Connect, 0, 0), (Write, 0, 0)];
    ends_equal(World::new(None), &write_twice);
}

/// The host got the second `set` first, and took the first one for one that it had.
#[test]
fn a_page_that_is_hidden_twice_before_the_host_greets_it() {
    let hidden =
        [(Connect, 2, 0), (Write, 2, 0), (Hide, 2, 0), (Notice, 0, 1), (Write, 2, 1), (Connect, 2, 0), (Hide, 2, 0)];
    ends_equal(World::new(None), &hidden);
}

/// The gap was announced once more, and so counted twice.
#[test]
fn a_socket_that_is_lost_between_a_gap_and_the_message_behind_it() {
    let mut what = vec![(Connect, 2, 0), (Up, 2, 0)];
    what.extend([(Say, 0, 0); 6]);
    what.extend([(Serve, 2, 1), (Down, 2, 1), (Cut, 2, 0)]);
    ends_equal(World::new(None), &what);
}

/// The next life did not know that there had been such a key.
#[test]
fn a_key_that_rust_takes_away_before_the_host_ends() {
    let gone = [(Commit, 0, 3), (Connect, 1, 0), (Up, 1, 0), (Serve, 1, 7), (Down, 1, 7), (Remove, 0, 0), (End, 0, 0)];
    ends_equal(World::new(Some(Durability::Applied)), &gone);
}

/// The message was there before the answer to the page's own write, with what the host had made of it.
#[test]
fn a_message_behind_the_pages_own_write() {
    let spoken = [(Connect, 0, 0), (Up, 0, 7), (Serve, 0, 7), (Down, 0, 7), (Write, 0, 0), (Up, 0, 0), (Say, 0, 0)];
    ends_equal(World::new(None), &spoken);
}
