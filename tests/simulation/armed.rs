//! Faults on purpose: each invariant is shown to notice the ones that break it.

use sarsen_testing::Fault;

/// How many seeds may pass before a fault is noticed.
pub(crate) const SEEDS_MAX: u64 = 4_000;

/// A fault that is armed for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// One of the host.
    Host(Fault),
    /// One of the engine.
    Engine(sarsen_engine::Fault),
    /// An entity whose clones share their state.
    SharedClone,
}
