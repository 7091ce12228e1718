//! The redb store under the host, on a disk that crashes.

use super::{append, host_in, id, ids, ledger, list};
use crate::{ledger::Deed, plan::Plan, seed};
use sarsen_testing::{Crash, DiskCrash, Random, RedbWorld};

/// A process is killed in the sync of a commit; what it wrote is in the system's cache and on no disk. The next process
/// finds it there and answers by it. Then the power is cut.
#[test]
fn kill_reopen_answer_power_cut_the_answer_stands() {
    let syncs = {
        let mut host = host_in(RedbWorld::new(), &[1], |_| {});
        append(&mut host, 1, "a").expect("it is accepted").expect("it does not fail");
        host.world().syncs()
    };
    let mut stood = 0;
    for (sync, done) in (1..=syncs).flat_map(|sync| [(sync, false), (sync, true)]) {
        let kill = DiskCrash { sync, done, crash: Crash::Kill };
        let mut host = host_in(RedbWorld::crashing(vec![kill]), &[1], |_| {});
        let client = host.client();
        super::begin(&mut host, ledger(&client, "a").ask(Deed::Append, &(id(1), vec![])).signal());
        host.settle();
        let seen = list(&mut host, "a");
        host.crash(Crash::Power);
        assert!(list(&mut host, "a").starts_with(&seen), "{seen:?} was seen after {kill:?}");
        stood += usize::from(seen == ids([1]));
    }
    assert!(stood > 0, "some kill left the operation behind");
}

/// One sync in so many has a crash; without optimization a run is slow.
const EVERY: usize = if cfg!(debug_assertions) { 3 } else { 1 };

/// A seed that has agendas, which are audited.
const SEED: u64 = 7;

/// A small run of the simulation: everything but what the host would do to the process by itself.
fn plan(requests: usize, agendas: usize) -> Plan {
    let mut plan = Plan::of(&mut Random::new(SEED));
    (plan.odds.crash_one_in, plan.odds.commit_fails_one_in, plan.odds.restart_one_in) = (0, 0, 0);
    (plan.requests, plan.agendas) = (requests, agendas);
    plan
}

/// Runs it on a disk that crashes so, and returns how often that was synced.
fn run(plan: &Plan, crashes: &[DiskCrash]) -> u64 {
    let world = RedbWorld::crashing(crashes.to_vec());
    let disk = world.disk().clone();
    let verdict = seed::run_in(world, plan, SEED, None, false);
    assert!(verdict.violations.is_empty(), "{crashes:?}: {:?}", verdict.violations);
    disk.syncs()
}

/// A crash at a sync, and in every other run one more while the next process takes up what the first has left.
fn crash_at(plan: &Plan, sync: u64, (done, crash): (bool, Crash)) {
    let again = DiskCrash { sync: 1 + sync % 5, done: !done, crash: Crash::Power };
    let first = DiskCrash { sync, done, crash };
    run(plan, &[first, again][..if sync.is_multiple_of(2) { 1 } else { 2 }]);
}

const WAYS: [(bool, Crash); 4] =
    [(false, Crash::Kill), (false, Crash::Power), (true, Crash::Kill), (true, Crash::Power)];

#[test]
fn the_redb_store_crashed_at_every_sync_of_a_mixed_run_violates_nothing() {
    crate::hush();
    let plan = plan(25, 0);
    let syncs = run(&plan, &[]);
    assert!(syncs > 20, "a run with {syncs} syncs is not mixed");
    for sync in (1..=syncs).step_by(EVERY) {
        for way in WAYS {
            crash_at(&plan, sync, way);
        }
    }
}

/// What is asked for behind the end is asked again when the disk has crashed once more.
#[test]
fn the_redb_store_crashed_at_every_sync_of_agendas_violates_nothing() {
    crate::hush();
    let plan = plan(3, 10);
    let syncs = run(&plan, &[]);
    assert!(syncs > 20, "with {syncs} syncs little was scheduled");
    for (sync, way) in (1..=syncs).zip(WAYS.into_iter().cycle()).step_by(EVERY) {
        crash_at(&plan, sync, way);
    }
}
