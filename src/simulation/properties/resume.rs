//! "Coming back": from wherever a page was, it comes to the same.

use proptest::prelude::*;

use super::config;
use crate::simulation::action::{RESTARTS, actions};
use crate::simulation::replica::Replica;
use crate::simulation::wire::Wire;
use crate::simulation::world::{World, there};
use crate::value::Map;

/// What a page could have seen at some moment.
#[derive(PartialEq)]
struct Seen {
    epoch: String,
    rev: u64,
    state: Map,
}

/// A page that only looks, with its connection.
struct Visitor {
    replica: Replica,
    wire: Wire,
}

impl Visitor {
    /// Comes to the host with what it has seen, if anything.
    fn new(world: &World, name: &str, seen: Option<&Seen>) -> Visitor {
        let mut replica = Replica::new(name);
        if let Some(Seen { epoch, rev, state }) = seen {
            replica.seed(epoch, *rev, state);
        }
        let mut wire = Wire::new(world.process().accept(world.now()));
        wire.push(&replica.hello());
        wire.carry_up(1, world.now());
        Visitor { replica, wire }
    }

    /// Takes up to so many frames. Says whether the first of them was a full `hello`.
    fn take(&mut self, world: &World, most: usize) -> bool {
        let frames = self.wire.serve(most, world.now());
        frames.iter().for_each(|frame| self.replica.receive(frame));
        frames.first().is_some_and(|frame| frame["full"] == true.into())
    }

    fn ends_with(&self) -> (u64, Map) {
        (self.replica.rev(), there(self.replica.state()))
    }
}

fn now(world: &World) -> Seen {
    let (epoch, rev, state) = world.process().model().core.snapshot();
    Seen { epoch: epoch.to_string(), rev, state }
}

proptest! {
    #![proptest_config(config())]

    /// Design 3, "Resuming": "The host answers `hello` with what is newer than `rev` if the epoch is the same and `rev`
    /// is not above its own, else with everything". Also for a page that was connected all the time, and read nothing.
    #[test]
    fn to_resume_from_any_rev_is_to_load_everything(actions in actions(RESTARTS, 60)) {
        let mut world = World::that_switches();
        let mut moments = vec![now(&world)];
        let mut slow: Vec<Visitor> = Vec::new();
        for action in actions {
            if action.kind.hangs_up() {
                slow.clear();
            }
            world.perform(action);
            let seen = now(&world);
            if moments.last() != Some(&seen) {
                let mut visitor = Visitor::new(&world, &format!("slow {}", moments.len()), Some(&seen));
                visitor.take(&world, 1);
                slow.push(visitor);
                moments.push(seen);
            }
        }
        let mut fresh = Visitor::new(&world, "fresh", None);
        prop_assert!(fresh.take(&world, usize::MAX));
        let (epoch, rev) = (now(&world).epoch, now(&world).rev);
        for seen in &moments {
            let mut visitor = Visitor::new(&world, "back", Some(seen));
            let everything = visitor.take(&world, usize::MAX);
            prop_assert_eq!(everything, seen.epoch != epoch, "from rev {} of {}", seen.rev, rev);
            prop_assert_eq!(visitor.ends_with(), fresh.ends_with(), "from rev {} of {}", seen.rev, rev);
        }
        for mut visitor in slow {
            visitor.take(&world, usize::MAX);
            prop_assert_eq!(visitor.ends_with(), fresh.ends_with(), "after rev {}", visitor.replica.rev());
        }
        let ahead = Seen { epoch, rev: rev + 1, state: Map::from([("a".to_owned(), (-1).into())]) };
        let mut visitor = Visitor::new(&world, "ahead", Some(&ahead));
        prop_assert!(visitor.take(&world, usize::MAX), "a rev above the host's is worth nothing");
        prop_assert_eq!(visitor.ends_with(), fresh.ends_with());
    }
}
