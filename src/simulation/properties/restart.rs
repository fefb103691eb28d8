//! "Epochs": what the end of a process, clean or not, may cost.

use proptest::prelude::*;

use super::config;
use crate::simulation::action::{RESTARTS, actions};
use crate::simulation::world::World;
use crate::store::Durability;

proptest! {
    #![proptest_config(config())]

    /// Design 3, "Epochs". Protocol, "Coming back": "When the epoch is the same and the rev is not above the host's, it
    /// gets what is newer; otherwise everything".
    #[test]
    fn after_kills_with_either_durability_no_page_keeps_a_value_that_the_host_does_not_have(
        actions in actions(RESTARTS, 120),
    ) {
        let mut world = World::that_switches();
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
        world.check_writes_are_in_order();
        world.check_messages_are_heard();
    }

    /// Design 3, "Epochs": "With durability `stored`, nothing about rev r […] leaves the process before r is on disk, so
    /// the epoch survives a kill". Looked at when a frame leaves, and when the next process begins.
    #[test]
    fn with_stored_nothing_is_told_before_it_is_on_disk_so_nothing_told_is_missing_after_a_kill(
        actions in actions(RESTARTS, 120),
    ) {
        let mut world = World::new(Some(Durability::Stored));
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
    }

    /// Design 3, "Epochs": "With `applied` it survives a clean end […]; after a kill, loading starts a new one".
    #[test]
    fn with_applied_a_kill_begins_a_new_epoch_and_a_clean_end_does_not(actions in actions(RESTARTS, 120)) {
        let mut world = World::new(Some(Durability::Applied));
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
    }
    /// Protocol, "Coming back": "When the epoch is another […] the page sends its unacknowledged `set`s again […] and drops
    /// its unacknowledged `message`s". The revs of the new history are below those that pages have.
    #[test]
    fn without_a_store_pages_follow_a_host_that_begins_anew(actions in actions(RESTARTS, 120)) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
        world.check_writes_are_in_order();
        world.check_messages_are_heard();
    }
}
