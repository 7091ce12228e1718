//! Whether an execution leaves memory and comes back makes no difference: a program returns the same, and does the same
//! to accounts, whether nothing ever leaves memory or each instance does as soon as it may, at every await.

use super::{
    account::{Account, Entry, key},
    act::{ACCOUNTS, Program},
    activity::work,
    code::{Report, Stopped, perform},
    generate::Generator,
    stage,
};
use sarsen_protocol::CallError;
use sarsen_testing::{Builder, MemoryWorld, Odds, Random, VirtualHost};
use std::{cell::RefCell, rc::Rc, time::Duration};

/// So many programs are drawn; without optimization each is slow.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 100 } else { 400 };
/// No program takes more steps.
const STEPS_MAX: usize = 200_000;

/// What a program came to: its result, and what was done to each account.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<Result<Report, Stopped>, CallError>,
    accounts: Vec<(i64, Vec<Entry>)>,
}

fn host(seed: u64, shards: u16, evict: bool) -> VirtualHost {
    let mut odds = Odds::calm();
    odds.shards = vec![shards];
    (odds.evict_one_in, odds.evict_at_once) = (0, evict);
    (odds.wait_one_in, odds.poll_idle_one_in) = (0, 0);
    Builder::new(MemoryWorld::new())
        .seed(seed)
        .odds(odds)
        .entity::<Account>()
        .orchestration(perform)
        .activity(work)
        .open()
}

/// Runs a program. Returns also how often its executions were replayed.
fn outcome(program: &Program, seed: u64, shards: u16, evict: bool) -> (Outcome, u64) {
    stage::clear(None);
    let mut host = host(seed, shards, evict);
    let client = host.client();
    let program = program.clone();
    let place = Rc::new(RefCell::new(None));
    let output = Rc::clone(&place);
    host.spawn(async move {
        let result = match client.start(perform, program).id("run").await {
            Ok(run) => run.result().await,
            Err(error) => Err(error),
        };
        *output.borrow_mut() = Some(result);
    });
    for _ in 0..STEPS_MAX {
        host.step();
        if place.borrow().is_some() {
            break;
        }
    }
    let result = place.borrow_mut().take().expect("every plain program ends");
    // What it has sent on its way comes to its end.
    for _ in 0..4 {
        host.settle();
        host.skip(Duration::from_secs(60));
    }
    host.settle();
    let client = host.client();
    let accounts = (0..ACCOUNTS).map(|number| {
        let state = host.run(client.entity::<Account>(key(number)).state().into_future());
        let state = state.expect("an account can be read");
        state.map_or((0, Vec::new()), |account| (account.balance, without_order(account.log)))
    });
    let outcome = Outcome { result, accounts: accounts.collect() };
    assert_eq!(stage::take_violations(), []);
    (outcome, stage::activations().1)
}

/// What was done, without when, and in what order what runs side by side.
fn without_order(mut log: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut log {
        entry.tick = 0;
        // Executions have other ids.
        entry.op.execution = 0;
    }
    log.sort_unstable_by_key(|entry| (entry.op, entry.section, entry.change));
    log
}

#[test]
fn eviction_at_every_await_changes_no_outcome() {
    crate::hush();
    let mut replays = 0;
    for seed in 0..PROGRAMS {
        let mut generator = Generator::plain(Random::new(seed));
        let most = generator.random.pick(&[6, 15, 30]);
        let program = Program { plain: true, ..Program::new(generator.program(most)) };
        let shards = generator.random.pick(&[1, 1, 2, 5]);
        let (stays, _) = outcome(&program, seed, shards, false);
        let (leaves, times) = outcome(&program, seed ^ 0xe51c, shards, true);
        assert_eq!(stays, leaves, "seed {seed}: {program:?}");
        replays += times;
    }
    assert!(replays > 2 * PROGRAMS, "{replays} replays are few");
}
