//! What concurrent clients of a real runtime are told is linearizable for each entity: real threads, real time, a real disk.
//!
//! ```text
//! cargo test --test linearizable                                                     # a few seconds
//! SARSEN_INTERLEAVINGS=10000 SARSEN_KILLS=100 cargo test --release --test linearizable -- --nocapture
//! ```
//!
//! `SARSEN_SEED` repeats what is asked, of whom and how; the interleaving is the machine's own. What a seed repeats whole, and
//! what a power cut does, is shown by the simulation.

mod kills;
mod register;
mod step;
mod threads;

use std::{
    env,
    hash::{BuildHasher, RandomState},
};

/// The seed of a test: the one of `SARSEN_SEED`, or another one each time. Print it.
fn seed() -> u64 {
    from_env("SARSEN_SEED", || RandomState::new().hash_one(0))
}

/// A number of the environment.
fn from_env(name: &str, default: impl FnOnce() -> u64) -> u64 {
    match env::var(name) {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{name}={number} is no number")),
        Err(_) => default(),
    }
}

/// How a test is run that does more than usual.
fn profile() -> &'static str {
    if cfg!(debug_assertions) { "" } else { " --release" }
}
