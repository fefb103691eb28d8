//! "Writing": everybody ends equal, and nothing jumps back meanwhile.

use proptest::prelude::*;

use super::config;
use crate::simulation::action::{CONFLICTS, NETWORK, actions};
use crate::simulation::world::World;

proptest! {
    #![proptest_config(config())]

    /// Design 3, "Writing": "everyone ends equal". Protocol, "Writing" and "Coming back".
    #[test]
    fn after_quiet_all_replicas_and_the_host_are_equal(actions in actions(NETWORK, 100)) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
    }

    /// Design 3, "Writing": "So a dragged slider never jumps back". Protocol, "Writing": "A value that arrives for a
    /// pending key is put aside". The witness of a page looks at it after each event.
    #[test]
    fn no_page_shows_a_value_older_than_its_own_acknowledged_write_and_no_pending_value_is_replaced(
        actions in actions(CONFLICTS, 100),
    ) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
    }

    /// Design 3, "Writing": "later saves merge by key (latest wins)". Protocol, "Writing": "what is saved meanwhile
    /// waits and merges by key". What goes out is what waited, and it comes to the host, in its order.
    #[test]
    fn a_waiting_save_is_never_overwritten_by_an_older_value(actions in actions(CONFLICTS, 100)) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
        world.check_writes_are_in_order();
    }
}
