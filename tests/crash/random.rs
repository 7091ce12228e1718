//! Numbers from a seed, and where that comes from.

use std::{
    env,
    hash::{BuildHasher, RandomState},
};

/// `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of `choices`.
    pub(crate) fn choose<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let place = self.below(choices.len() as u64);
        choices[usize::try_from(place).expect("it is below a length")]
    }
}

/// The seed of a test: the one of `SARSEN_SEED`, or another one each time. Print it.
pub(crate) fn seed() -> u64 {
    from_env("SARSEN_SEED", || RandomState::new().hash_one(0))
}

/// A number of the environment.
pub(crate) fn from_env(name: &str, default: impl FnOnce() -> u64) -> u64 {
    match env::var(name) {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{name}={number} is no number")),
        Err(_) => default(),
    }
}
