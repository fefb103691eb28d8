//! Cases that are rare, or that the properties have found, as short as they got. The browser's replica is held to them
//! as well.

use crate::simulation::action::{Action, Kind};
use crate::simulation::world::World;
use crate::store::Durability;

use Durability::{Applied, Stored};
use Kind::*;

/// A case: its name, the durability of its store, if it has one, and what happens, where and how much of it.
pub(in crate::simulation) type Case = (&'static str, Option<Durability>, &'static [(Kind, usize, usize)]);

/// Runs a case, until everything has arrived.
pub(in crate::simulation) fn run((_, durability, what): Case) -> World {
    let actions: Vec<Action> = what.iter().map(|&(kind, who, amount)| Action { kind, who, amount }).collect();
    let mut world = World::new(durability);
    world.run(&actions);
    world.settle();
    world.check_all_are_equal();
    world.check_writes_are_in_order();
    world.check_messages_are_heard();
    world
}

macro_rules! cases {
    ($( #[doc = $doc:literal] $name:ident: $durability:expr, [$( $what:expr ),* $(,)?]; )*) => {
        $(
            #[doc = $doc]
            #[test]
            fn $name() {
                run((stringify!($name), $durability, &[$( $what ),*]));
            }
        )*

        /// All of them.
        pub(in crate::simulation) const CASES: &[Case] = &[$( (stringify!($name), $durability, &[$( $what ),*]) ),*];
    };
}

cases! {
    /// The page was closed with 4408 and stayed away.
    a_hello_arrives_after_a_later_one_of_the_same_page:
        None, [(Connect, 0, 0), (Cut, 0, 1), (Connect, 0, 0), (Up, 0, 0)];

    /// The answer to its write, given again, told of a value that another page's write had changed since.
    a_derived_value_changes_after_the_write_whose_answer_was_lost:
        None, [
            (Connect, 2, 0), (Write, 2, 0), (Hide, 2, 0), (Late, 0, 7), (Connect, 0, 0), (Up, 0, 0), (Serve, 0, 7),
            (Down, 0, 7), (Write, 0, 0), (Up, 0, 0),
        ];

    /// The host got the second `set` first, and took the first one for one that it had.
    a_page_is_hidden_twice_before_the_host_greets_it:
        None, [
            (Connect, 2, 0), (Write, 2, 0), (Hide, 2, 0), (Notice, 0, 1), (Write, 2, 1), (Connect, 2, 0), (Hide, 2, 0),
        ];

    /// The gap was announced once more, and so counted twice.
    a_socket_is_lost_between_a_gap_and_the_message_behind_it:
        None, [
            (Connect, 2, 0), (Up, 2, 0), (Say, 0, 0), (Say, 0, 0), (Say, 0, 0), (Say, 0, 0), (Say, 0, 0), (Say, 0, 0),
            (Serve, 2, 1), (Down, 2, 1), (Cut, 2, 0),
        ];

    /// The message was there before the answer to the page's own write, with what the host had made of it.
    a_message_is_sent_behind_the_pages_own_write:
        None, [
            (Connect, 0, 0), (Up, 0, 7), (Serve, 0, 7), (Down, 0, 7), (Write, 0, 0), (Up, 0, 0), (Say, 0, 0),
        ];

    /// The next life did not know that there had been such a key, and the page kept it.
    a_key_is_taken_away_before_the_host_ends:
        Some(Stored), [
            (Commit, 0, 3), (DiskAnswers, 0, 0), (Connect, 1, 0), (Up, 1, 0), (Serve, 1, 7), (Down, 1, 7), (Remove, 0, 0),
            (End, 0, 0),
        ];

    /// The page has to take the key away itself, as nobody tells it to.
    a_key_is_lost_with_the_host:
        Some(Applied), [
            (Commit, 0, 3), (Connect, 1, 0), (Up, 1, 0), (Serve, 1, 7), (Down, 1, 7), (Kill, 0, 0),
        ];
}
