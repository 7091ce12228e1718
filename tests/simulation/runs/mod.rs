//! The simulation of runs: random orchestrations of everything that they can do, over accounts that are locked, under
//! everything that may happen to them.
//!
//! `act` is what a program may do, `generate` draws programs, `code` is the orchestration that does what they say,
//! `brittle` is one that is rewound, `account` and `activity` are what they ask, `stage` is where they all tell what they did. `plan` chooses what a seed
//! is like, `workload` and `clients` are its clients, `oracle` notes what they were told. `record` reads the store
//! without the engine, `watch` looks at it after commits, `memory` is what was there before, `met` counts what sections
//! have met, `finish` brings a seed to
//! its end, and `invariants` are what must hold.

pub(crate) mod account;
pub(crate) mod act;
pub(crate) mod activity;
pub(crate) mod brittle;
mod clients;
pub(crate) mod code;
mod evictions;
mod finish;
mod generate;
pub(crate) mod invariants;
pub(crate) mod memory;
pub(crate) mod met;
mod oracle;
mod plan;
pub(crate) mod record;
mod seed;
pub(crate) mod stage;
pub(crate) mod watch;
mod workload;

pub(crate) use seed::{run, run_on_redb, run_sections, run_sections_on_redb};

pub(crate) use invariants::{FAULTS, FAULTS_OF_SECTIONS};

use stage::CodeFault;

/// A fault that is armed for a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// One of the host.
    Host(sarsen_testing::Fault),
    /// One of the engine.
    Engine(sarsen_engine::Fault),
    /// One of an execution.
    Execution(sarsen_orchestration::Fault),
    /// One of the orchestration's code.
    Code(CodeFault),
}
