//! The simulation: the engine under everything that may happen to it, seed by seed.
//!
//! ```text
//! cargo test --test simulation                                              100 seeds, and the named cases
//! SARSEN_SEEDS=2000 cargo test --release --test simulation                  what CI runs
//! SARSEN_SEED=fresh SARSEN_SEEDS=500 cargo test --release --test simulation and this
//! SARSEN_SEEDS=100000 cargo test --release --test simulation every_seed -- --nocapture
//! SARSEN_SEED=42 cargo test --release --test simulation every_seed          one seed again, a failed one with its story
//! ```
//!
//! With `--nocapture` the counts of the situations are printed. `plan` chooses what a seed is like, `workload` and
//! `clients` are its clients, `oracle` notes what they were promised, `watch` compares what leaves the host with what
//! is durable, `persist` asks again, `rest` is what is there in the end, and `invariants` are what must hold. `agendas` are entities at which
//! signals are scheduled, with clients, promises and a model of their own.

mod agendas;
mod armed;
mod campaign;
mod cases;
mod clients;
mod durable;
mod examples;
mod invariants;
mod ledger;
mod oracle;
mod persist;
mod plan;
mod rest;
mod runs;
mod seed;
mod watch;
mod workload;

use armed::{Armed, SEEDS_MAX};
use invariants::{
    audited, durable_before_visible, exactly_once, expires, not_early, nothing_left, order, rollback,
    scheduled, serial,
};
use sarsen_testing::Situation;
use seed::On;
use std::{collections::BTreeSet, ops::Range, panic, sync::Once};

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
    met(&outcome, Situation::OF_ENTITIES);
}

/// Of enough seeds some have met each of these situations.
#[track_caller]
fn met(outcome: &campaign::Outcome, situations: &[Situation]) {
    if outcome.seeds >= campaign::SEEDS_FOR_ALL_SITUATIONS {
        assert_eq!(outcome.situations.missing(situations), [], "no seed has met these situations");
    }
}

/// Since a disk takes its time: what the store in memory cannot show is what a power cut leaves.
fn a_tenth_of(seeds: Range<u64>) -> Range<u64> {
    seeds.start..seeds.start + (seeds.end - seeds.start).div_ceil(10)
}

#[test]
fn seeds_on_the_redb_store_keep_every_invariant() {
    hush();
    campaign::timed(a_tenth_of(campaign::asked_for()), On::Redb);
}

#[test]
fn every_seed_of_runs_keeps_every_invariant() {
    hush();
    let outcome = campaign::timed(campaign::asked_for(), On::Runs(None));
    eprintln!("{}", outcome.situations);
    met(&outcome, Situation::OF_RUNS);
    met(&outcome, &[Situation::OperationTimedOut, Situation::OperationAnsweredLate]);
}

#[test]
fn seeds_of_runs_on_the_redb_store_keep_every_invariant() {
    hush();
    campaign::timed(a_tenth_of(campaign::asked_for()), On::RunsOnRedb);
}

/// Sections over one to eight of ten entities, ended in every way, on several shards: none leaks, none waits for ever or
/// for others than those before it, and what is done in them is done alone.
#[test]
fn every_seed_of_sections_keeps_every_invariant() {
    hush();
    let outcome = campaign::timed(campaign::asked_for(), On::Sections(None));
    eprintln!("{}\n{}", outcome.situations, outcome.ways);
    met(&outcome, &SITUATIONS_OF_SECTIONS);
    if outcome.seeds >= campaign::SEEDS_FOR_ALL_SITUATIONS {
        assert_eq!(
            outcome.ways.missing(),
            [],
            "no section has met these, when it held its locks or (true) waited"
        );
    }
}

#[test]
fn seeds_of_sections_on_the_redb_store_keep_every_invariant() {
    hush();
    campaign::timed(a_tenth_of(campaign::asked_for()), On::SectionsOnRedb);
}

/// What seeds of sections must have met.
const SITUATIONS_OF_SECTIONS: [Situation; 24] = [
    Situation::CrashKill,
    Situation::CrashPower,
    Situation::CommitFailed,
    Situation::Restarted,
    Situation::ShardsChanged,
    Situation::Evicted,
    Situation::ExecutionEvicted,
    Situation::LoadStale,
    Situation::WindowRead,
    Situation::GapRead,
    Situation::LockGranted,
    Situation::LockWaited,
    Situation::LockCancelled,
    Situation::LockTaken,
    Situation::LockLate,
    Situation::LockAcrossShards,
    Situation::LockForced,
    Situation::LockOverdue,
    Situation::Suspended,
    Situation::Terminated,
    Situation::ContinuedAsNew,
    Situation::Parked,
    Situation::OperationTimedOut,
    Situation::OperationAnsweredLate,
];

/// Each fault is noticed within [`SEEDS_MAX`] seeds, by the invariant that names it.
fn notices(invariant: &str, faults: impl IntoIterator<Item = On>) {
    hush();
    for on in faults {
        let mut first = 0;
        let mut others = BTreeSet::new();
        let noticed = loop {
            let outcome = campaign::run(first..SEEDS_MAX, on);
            let Some(failed) = outcome.failed else { break None };
            if failed.violations.iter().any(|violation| violation.invariant == invariant) {
                break Some(failed);
            }
            // Another invariant was first to notice in this seed.
            others.extend(failed.violations.iter().map(|violation| violation.invariant));
            first = failed.seed + 1;
        };
        let noticed = noticed.unwrap_or_else(|| panic!("{invariant} did not notice {on:?}, {others:?} did"));
        eprintln!("{on:?} is noticed by {invariant} in seed {}", noticed.seed);
    }
}

fn notices_of_entities(invariant: &str, faults: &[Armed]) {
    notices(invariant, faults.iter().map(|armed| On::Memory(Some(*armed))));
}

/// The faults of an invariant of runs.
fn notices_of_runs(invariant: &str) {
    let known = runs::FAULTS.iter().find(|(name, _)| *name == invariant);
    let (_, faults) = known.unwrap_or_else(|| panic!("there is no invariant {invariant}"));
    notices(invariant, faults.iter().map(|armed| On::Runs(Some(*armed))));
}

/// The faults in locks and mailboxes, each noticed by the seeds of sections.
fn notices_in_sections(invariant: &str) {
    let known = runs::FAULTS_OF_SECTIONS.iter().find(|(name, _)| *name == invariant);
    let (_, faults) = known.unwrap_or_else(|| panic!("there is no invariant {invariant}"));
    notices(invariant, faults.iter().map(|armed| On::Sections(Some(*armed))));
}

#[test]
fn sections_show_faults_to_exclusion() {
    notices_in_sections("exclusion");
}

#[test]
fn sections_show_faults_to_first_come() {
    notices_in_sections("first_come");
}

#[test]
fn sections_show_faults_to_goes_on() {
    notices_in_sections("goes_on");
}

#[test]
fn sections_show_faults_to_in_line() {
    notices_in_sections("in_line");
}

#[test]
fn sections_show_faults_to_kept() {
    notices_in_sections("kept");
}

#[test]
fn sections_show_faults_to_no_circle() {
    notices_in_sections("no_circle");
}

#[test]
fn sections_show_faults_to_sections_alive() {
    notices_in_sections("sections_alive");
}

#[test]
fn ended_clean_notices_its_fault() {
    notices_of_runs("ended_clean");
}

#[test]
fn ends_stand_notices_its_fault() {
    notices_of_runs("ends_stand");
}

#[test]
fn events_notices_its_faults() {
    notices_of_runs("events");
}

#[test]
fn exclusion_notices_its_fault() {
    notices_of_runs("exclusion");
}

#[test]
fn goes_on_notices_its_fault() {
    notices_of_runs("goes_on");
}

#[test]
fn money_notices_its_fault() {
    notices_of_runs("money");
}

#[test]
fn none_left_notices_its_fault() {
    notices_of_runs("none_left");
}

#[test]
fn nothing_lost_notices_its_faults() {
    notices_of_runs("nothing_lost");
}

#[test]
fn pending_notices_its_faults() {
    notices_of_runs("pending");
}

#[test]
fn progress_kept_notices_its_fault() {
    notices_of_runs("progress_kept");
}

#[test]
fn promises_notices_its_faults() {
    notices_of_runs("promises");
}

#[test]
fn same_commands_notices_its_faults() {
    notices_of_runs("same_commands");
}

#[test]
fn sections_alive_notices_its_faults() {
    notices_of_runs("sections_alive");
}

#[test]
fn sent_once_notices_its_faults() {
    notices_of_runs("sent_once");
}

#[test]
fn taken_once_notices_its_faults() {
    notices_of_runs("taken_once");
}

#[test]
fn well_formed_notices_its_fault() {
    notices_of_runs("well_formed");
}

#[test]
fn exactly_once_notices_its_faults() {
    notices_of_entities(exactly_once::NAME, exactly_once::ARMED);
}

#[test]
fn order_notices_its_fault() {
    notices_of_entities(order::NAME, order::ARMED);
}

#[test]
fn audited_notices_its_faults() {
    notices_of_entities(audited::NAME, audited::ARMED);
}

#[test]
fn expires_notices_its_faults() {
    notices_of_entities(expires::NAME, expires::ARMED);
}

#[test]
fn serial_notices_its_fault() {
    notices_of_entities(serial::NAME, serial::ARMED);
}

#[test]
fn rollback_notices_its_fault() {
    notices_of_entities(rollback::NAME, rollback::ARMED);
}

#[test]
fn scheduled_notices_its_faults() {
    notices_of_entities(scheduled::NAME, scheduled::ARMED);
}

#[test]
fn durable_before_visible_notices_its_faults() {
    notices_of_entities(durable_before_visible::NAME, durable_before_visible::ARMED);
}

#[test]
fn not_early_notices_its_fault() {
    notices_of_entities(not_early::NAME, not_early::ARMED);
}

#[test]
fn nothing_left_notices_its_faults() {
    notices_of_entities(nothing_left::NAME, nothing_left::ARMED);
}
