//! Hosts, pages and the network between them, in one thread and without a clock: every order of events that can be,
//! and what must hold in all of them.
//!
//! The host is the real one: [`Session`](crate::session::Session), `Core` and the keeper. Its pages are
//! [`replica`]s, which are to `js/model.js` what a second implementation is; `tests/vectors/replicas.json` binds the
//! two. A case that fails is made smaller by proptest and prints its actions. `PROPTEST_CASES` sets how many cases
//! are tried, `PROPTEST_RNG_SEED` which.

mod action;
mod board;
mod disk;
mod ledger;
mod page;
mod process;
mod properties;
mod replica;
mod tape;
mod vectors;
mod wire;
mod witness;
mod world;
