//! What holds whatever happens: the promises of the protocol, each a test.

mod equal;
pub(super) mod found;
mod messages;
mod repeat;
mod restart;
mod resume;

use proptest::test_runner::{Config, RngSeed};

/// The same cases in each run, unless the environment asks for others.
fn config() -> Config {
    let config = Config::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        asked => asked,
    };
    Config { rng_seed, ..config }
}
