//! The examples under crashes: the same run without one, and with one at each of its commits, comes to the same.
//!
//! Each example's own orchestrations, activities and entities are on the virtual host, in small. A client plays its part
//! as the example's program does: after a crash it begins again from the front. The host is made again from the same
//! seed for each crash, so that it does the same up to there: the action before the commit is applied, or behind it with
//! nothing let out.

mod aggregator;
mod approval;
mod booking;
mod circuit_breaker;
mod device_cache;
mod fan_out;
mod hello;
mod matchmaking;
mod monitor;
mod ride_sharing;
mod transfer;

use sarsen_runtime::Client;
use sarsen_testing::{Builder, Crash, Fault, MemoryWorld, Observer, Odds, VirtualHost};
use serde_json::Value;
use std::{cell::Cell, error::Error, future::Future, panic, pin::Pin, rc::Rc};

/// A run that has not ended after so many actions never will.
const ACTIONS_MAX: usize = 200_000;

/// How often an example is played; without optimization that is slow.
const SEEDS: u64 = if cfg!(debug_assertions) { 1 } else { 3 };

/// So many commits the runs of an example have at least.
const COMMITS_MIN: usize = 4;

/// What a client gets: what the runs returned and what the entities hold, but nothing that depends on the time.
type Outcome = Result<Value, Box<dyn Error>>;

/// An example in small.
struct Show {
    register: fn(Builder<MemoryWorld>) -> Builder<MemoryWorld>,
    play: fn(Client) -> Pin<Box<dyn Future<Output = Outcome>>>,
}

/// Counts the commits.
struct Commits(Rc<Cell<u64>>);

impl<S> Observer<S> for Commits {
    fn committed(&mut self, _store: &S) {
        self.0.set(self.0.get() + 1);
    }
}

/// A host on which an example is played.
struct Stage {
    host: VirtualHost,
    commits: Rc<Cell<u64>>,
}

impl Stage {
    fn of(show: &Show, seed: u64) -> Self {
        let mut odds = Odds::calm();
        // Time passes when nothing else happens, so that what is answered in time is in time whenever the crash comes.
        (odds.wait_one_in, odds.poll_idle_one_in) = (0, 0);
        let commits = Rc::default();
        let builder = VirtualHost::builder().seed(seed).odds(odds).observer(Commits(Rc::clone(&commits)));
        Self { host: (show.register)(builder).open(), commits }
    }

    /// Begins to play; what it comes to will be in the place that is returned.
    fn begin(&mut self, show: &Show) -> Rc<Cell<Option<Outcome>>> {
        let place = Rc::new(Cell::new(None));
        let (played, outcome) = ((show.play)(self.host.client()), Rc::clone(&place));
        self.host.spawn(async move { outcome.set(Some(played.await)) });
        place
    }

    /// Plays to the end; returns what it comes to, and behind how many actions each commit was applied.
    fn play(&mut self, show: &Show) -> (Value, Vec<usize>) {
        let place = self.begin(show);
        let mut applied = Vec::new();
        for action in 1..ACTIONS_MAX {
            self.host.step();
            if self.commits.get() > applied.len() as u64 {
                applied.push(action);
            }
            if let Some(outcome) = place.take() {
                return (outcome.expect("an example does not fail"), applied);
            }
        }
        panic!("it has not ended after {ACTIONS_MAX} actions");
    }
}

/// Plays an example with a crash behind so many actions, then from the front.
fn play_with_crash(show: &Show, seed: u64, actions: usize, crash: Crash) -> Value {
    let mut stage = Stage::of(show, seed);
    drop(stage.begin(show));
    (0..actions).for_each(|_| stage.host.step());
    stage.host.crash(crash);
    stage.play(show).0
}

/// Requires the same outcome whatever the commit at which the process crashes.
#[track_caller]
fn check(show: &Show) {
    for seed in 0..SEEDS {
        let (expected, applied) = Stage::of(show, seed).play(show);
        assert!(applied.len() >= COMMITS_MIN, "{} commits are too few to tell", applied.len());
        for (number, action) in (1..).zip(&applied) {
            let mut crashes = [Crash::Kill, Crash::Power];
            crashes.rotate_left(number % 2);
            for (actions, crash) in [action - 1, *action].into_iter().zip(crashes) {
                let found = play_with_crash(show, seed, actions, crash);
                assert_eq!(
                    found, expected,
                    "seed {seed}, commit {number}, {crash:?} behind {actions} actions"
                );
            }
        }
    }
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_aggregator() {
    check(&aggregator::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_approval() {
    check(&approval::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_booking() {
    check(&booking::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_circuit_breaker() {
    check(&circuit_breaker::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_device_cache() {
    check(&device_cache::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_fan_out() {
    check(&fan_out::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_hello() {
    check(&hello::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_matchmaking() {
    check(&matchmaking::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_monitor() {
    check(&monitor::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_ride_sharing() {
    check(&ride_sharing::SHOW);
}

#[test]
fn a_crash_at_any_commit_changes_nothing_for_transfer() {
    check(&transfer::SHOW);
}

/// The comparison sees what a crash does to a run whose rows are lost.
#[test]
fn a_host_that_loses_what_was_committed_is_found_out() {
    let crashed_behind = |steps: usize| {
        panic::catch_unwind(|| {
            let mut stage = Stage::of(&monitor::SHOW, 0);
            stage.host.arm(Fault::LoseRows(sarsen_protocol::Keyspace::Instances));
            drop(stage.begin(&monitor::SHOW));
            (0..steps).for_each(|_| stage.host.step());
            stage.host.crash(Crash::Kill);
            stage.play(&monitor::SHOW).0
        })
    };
    let (expected, _) = Stage::of(&monitor::SHOW, 0).play(&monitor::SHOW);
    // A crash before the run is durable, or behind its end, changes nothing.
    let found = (1..=12).map(|moment| crashed_behind(50 * moment));
    assert!(found.into_iter().any(|found| found.map_or(true, |found| found != expected)));
}
