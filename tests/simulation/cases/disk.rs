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

/// A small run of the simulation: everything but what the host would do to the process by itself.
fn mixed() -> (u64, Plan) {
    let seed = 7;
    let mut plan = Plan::of(&mut Random::new(seed));
    (plan.odds.crash_one_in, plan.odds.commit_fails_one_in, plan.odds.restart_one_in) = (0, 0, 0);
    plan.requests = 25;
    // What agendas ask for behind the end does not expect a disk that crashes.
    plan.agendas = false;
    (seed, plan)
}

/// Runs it on a disk that crashes so.
fn run(crashes: &[DiskCrash]) {
    let (seed, plan) = mixed();
    let verdict = seed::run_in(RedbWorld::crashing(crashes.to_vec()), &plan, seed, None, false);
    assert!(verdict.violations.is_empty(), "{crashes:?}: {:?}", verdict.violations);
}

#[test]
fn the_redb_store_crashed_at_every_sync_of_a_mixed_run_violates_nothing() {
    crate::hush();
    let world = RedbWorld::new();
    let disk = world.disk().clone();
    let (seed, plan) = mixed();
    let verdict = seed::run_in(world, &plan, seed, None, false);
    assert!(verdict.violations.is_empty(), "without a crash: {:?}", verdict.violations);
    let syncs = disk.syncs();
    assert!(syncs > 20, "a run with {syncs} syncs is not mixed");
    for sync in 1..=syncs {
        for (done, crash) in
            [(false, Crash::Kill), (false, Crash::Power), (true, Crash::Kill), (true, Crash::Power)]
        {
            // Every other run crashes once more while it takes up what the first crash has left.
            let again = DiskCrash { sync: 1 + sync % 5, done: !done, crash: Crash::Power };
            let first = DiskCrash { sync, done, crash };
            run(&[first, again][..if sync.is_multiple_of(2) { 1 } else { 2 }]);
        }
    }
}
