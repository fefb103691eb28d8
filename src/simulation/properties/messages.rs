//! "Order": custom messages are a log, and none overtakes the state it was sent after.

use proptest::prelude::*;

use super::config;
use crate::simulation::action::{MESSAGES, actions};
use crate::simulation::world::World;

proptest! {
    #![proptest_config(config())]

    /// Design 3, "Resuming": "Messages newer than `messages` are replayed from a log […] or announced by `gap`".
    /// Protocol, "Order": "none is merged or reordered", "'set, then send' arrives as 'set, then send'". The witness of
    /// a page compares each with what was sent.
    #[test]
    fn a_page_sees_the_messages_of_its_time_once_and_in_order_or_a_gap_that_counts_them(
        actions in actions(MESSAGES, 100),
    ) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
        world.check_all_are_equal();
    }

    /// Design 3, "client to host": "applied once". Protocol, "Writing": "A `message` first sends the waiting `set`,
    /// then itself".
    #[test]
    fn the_host_hears_each_message_of_a_page_once_and_in_order_after_what_was_saved_before(
        actions in actions(MESSAGES, 100),
    ) {
        let mut world = World::new(None);
        world.run(&actions);
        world.settle();
        world.check_messages_are_heard();
    }
}
