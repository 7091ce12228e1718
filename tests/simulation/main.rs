//! The simulation: the engine under everything that may happen to it, seed by seed.
//!
//! ```text
//! cargo test --test simulation                                              300 seeds, and the named cases
//! SARSEN_SEEDS=2000 cargo test --release --test simulation                  what CI runs
//! SARSEN_SEED=fresh SARSEN_SEEDS=500 cargo test --release --test simulation and this
//! SARSEN_SEEDS=100000 cargo test --release --test simulation every_seed -- --nocapture
//! SARSEN_SEED=42 cargo test --release --test simulation every_seed          one seed again, a failed one with its story
//! ```
//!
//! With `--nocapture` the counts of the situations are printed. `plan` chooses what a seed is like, `workload` and
//! `clients` are its clients, `oracle` notes what they were promised, `watch` compares what leaves the host with what
//! is durable, `rest` is what is there in the end, and `invariants` are what must hold.

mod armed;
mod campaign;
mod cases;
mod clients;
mod durable;
mod invariants;
mod ledger;
mod oracle;
mod plan;
mod rest;
mod seed;
mod watch;
mod workload;

use armed::{Armed, SEEDS_MAX};
use invariants::{durable_before_visible, exactly_once, not_early, nothing_left, order, rollback, serial};
use seed::On;
use std::{panic, sync::Once};

/// Panics that the simulation asked for are no news.
pub(crate) fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>().copied();
            let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
            if text != Some(ledger::PANIC) {
                loud(info);
            }
        }));
    });
}

#[test]
fn every_seed_keeps_every_invariant() {
    hush();
    let outcome = campaign::timed(campaign::asked_for(), On::Memory(None));
    eprintln!("{}", outcome.situations);
    if outcome.seeds >= campaign::SEEDS_FOR_ALL_SITUATIONS {
        assert_eq!(outcome.situations.missing(), [], "no seed has met these situations");
    }
}

/// A tenth of the seeds, since a disk takes its time: what the store in memory cannot show is what a power cut leaves.
#[test]
fn seeds_on_the_redb_store_keep_every_invariant() {
    hush();
    let seeds = campaign::asked_for();
    let tenth = (seeds.end - seeds.start).div_ceil(10);
    campaign::timed(seeds.start..seeds.start + tenth, On::Redb);
}

/// Each fault is noticed within [`SEEDS_MAX`] seeds, by the invariant that names it.
fn notices(invariant: &str, faults: &[Armed]) {
    hush();
    for armed in faults {
        let mut first = 0;
        let noticed = loop {
            let outcome = campaign::run(first..SEEDS_MAX, On::Memory(Some(*armed)));
            let Some(failed) = outcome.failed else { break None };
            if failed.violations.iter().any(|violation| violation.invariant == invariant) {
                break Some(failed);
            }
            // Another invariant was first to notice in this seed.
            first = failed.seed + 1;
        };
        let noticed = noticed.unwrap_or_else(|| panic!("{invariant} did not notice {armed:?}"));
        eprintln!("{armed:?} is noticed by {invariant} in seed {}", noticed.seed);
    }
}

#[test]
fn exactly_once_notices_its_faults() {
    notices(exactly_once::NAME, exactly_once::ARMED);
}

#[test]
fn order_notices_its_fault() {
    notices(order::NAME, order::ARMED);
}

#[test]
fn serial_notices_its_fault() {
    notices(serial::NAME, serial::ARMED);
}

#[test]
fn rollback_notices_its_fault() {
    notices(rollback::NAME, rollback::ARMED);
}

#[test]
fn durable_before_visible_notices_its_fault() {
    notices(durable_before_visible::NAME, durable_before_visible::ARMED);
}

#[test]
fn not_early_notices_its_fault() {
    notices(not_early::NAME, not_early::ARMED);
}

#[test]
fn nothing_left_notices_its_faults() {
    notices(nothing_left::NAME, nothing_left::ARMED);
}
