//! Runs and their activities. And the host of these cases and those of sections: a bank whose store is looked at after
//! each commit.

use super::{Returned, begin};
use crate::runs::{
    account::{Account, key},
    act::{ACCOUNTS, Act, Conduct, Node, Program, Sent},
    activity::work,
    code::{Report, Stopped, perform},
    invariants::{exclusion, money, same_commands},
    record::{Durable, Histories},
    stage,
    watch::{Shared, Watch},
};
use sarsen_engine::Limits;
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, CallError, Keyspace, RunId};
use sarsen_runtime::Run;
use sarsen_testing::{Builder, Crash, MemoryWorld, Odds, Random, Situation, VirtualHost};
use std::time::Duration;

/// What the end of a run is told as.
pub(super) type Ended = Result<Result<Report, Stopped>, CallError>;

/// A host with accounts and programs.
pub(super) struct Bank {
    pub(super) host: VirtualHost,
    pub(super) shared: Shared,
}

/// A bank that evicts nothing by itself, with so many shards at each open.
pub(super) fn bank(seed: u64, shards: &[u16], limits: impl FnOnce(&mut Limits)) -> Bank {
    crate::hush();
    stage::clear(None);
    let mut odds = Odds::calm();
    odds.shards = shards.to_vec();
    odds.evict_one_in = 0;
    let shared = Shared::default();
    shared.calm.set(true);
    let watch = Watch::new(shared.clone(), Random::new(seed), 1, 0);
    let builder = Builder::new(MemoryWorld::new()).seed(seed).odds(odds).limits(limits).observer(watch);
    let host = builder.entity::<Account>().orchestration(perform).activity(work).open();
    Bank { host, shared }
}

/// The n-th place of a case's programs.
pub(super) fn node(number: u64) -> Node {
    Node(Node::FIRST.0 + number)
}

/// An account's address.
pub(super) fn account(number: usize) -> Address {
    Address::entity(Account::NAME, &key(number)).expect("a valid key")
}

impl Bank {
    /// Starts a run, which is on disk behind this.
    pub(super) fn start(&mut self, id: &str, acts: Vec<Act>) -> Run<perform> {
        let starting = self.host.client().start(perform, Program::new(acts)).id(id).into_future();
        self.host.run(starting).expect("it can be started")
    }

    /// Waits for the end of a run.
    pub(super) fn end(&mut self, run: &Run<perform>) -> Ended {
        let result = run.result().into_future();
        self.host.run(result)
    }

    /// Begins to wait for the end of a run.
    pub(super) fn await_end(&mut self, run: &Run<perform>) -> Returned<Ended> {
        let result = run.result().into_future();
        begin(&mut self.host, result)
    }

    /// Raises an event, which is on disk behind this.
    pub(super) fn raise(&mut self, run: &str, number: u64) {
        let request = self.host.client().any_run(run).raise("x", &Sent(node(number), 0));
        self.host.run(request.into_future()).expect("it can be raised");
    }

    /// What is durable.
    pub(super) fn durable(&self) -> (Durable, Histories) {
        let mut histories = Histories::new();
        let durable = Durable::of_rows(|keyspace| Ok(self.host.rows(keyspace)), &mut histories);
        (durable.expect("what is durable can be read"), histories)
    }

    /// Who holds an account's lock.
    pub(super) fn holder(&self, number: usize) -> Option<RunId> {
        let locks = self.durable().0.locks;
        let of = account(number);
        locks.into_iter().find(|(entity, _)| *entity == of).map(|(_, section)| section.run)
    }

    /// Everything has come to rest: no violation was noticed, no lock and no message is left, and histories can be
    /// replayed.
    #[track_caller]
    pub(super) fn check_rest(&mut self) {
        self.host.settle();
        let (durable, histories) = self.durable();
        assert_eq!(self.shared.oracle.borrow().violations, []);
        assert_eq!(durable.locks, []);
        assert!(durable.waiting.is_empty(), "{:?}", durable.waiting);
        let memory = &self.shared.sight.borrow().memory;
        assert_eq!(exclusion::check(&durable.accounts, memory), Ok(()));
        assert_eq!(money::check(&durable.accounts, memory), Ok(()));
        assert_eq!(same_commands::check(&histories, self.host.random()), Ok(()));
    }
}

fn well(number: u64) -> Act {
    Act::Work(node(number), Conduct::Well(0), None)
}

/// An activity is on its way when its process ends. The token of the earlier process answers before the work is handed
/// out again, meanwhile, or behind its answer.
#[test]
fn an_old_token_after_restart_changes_nothing() {
    let mut answered = 0;
    for seed in 0..60 {
        let mut bank = bank(seed, &[1, 2], |_| {});
        bank.host.odds().perform = 0;
        let run = bank.start("a", vec![well(1), well(2)]);
        bank.host.settle();
        assert_eq!(bank.host.activities(), 1);
        bank.host.crash([Crash::Kill, Crash::Power][usize::from(seed % 2 == 0)]);
        bank.host.odds().perform = 4;
        let run = bank.host.client().run(perform, run.id());
        let report = bank.end(&run).expect("it ends").expect("nothing fails");
        bank.check_rest();
        assert_eq!(report.generation, 0);
        let (_, histories) = bank.durable();
        let history = histories.values().next().expect("the run has one");
        assert!(!format!("{history:?}").contains("earlier process"), "seed {seed}: {history:?}");
        answered += bank.host.situations().of(Situation::TokenOutdated);
    }
    assert!(answered > 30, "{answered} old tokens have answered");
}

#[test]
fn a_start_taken_back_by_terminate_in_the_same_batch_does_not_run() {
    for seed in 0..20 {
        let mut bank = bank(seed, &[1], |_| {});
        // Turns run ahead; nothing is sealed.
        bank.host.odds().seal = 0;
        let client = bank.host.client();
        let program =
            Program::new(vec![Act::Join(vec![vec![well(1)], vec![Act::Detach(None, vec![well(2)])]])]);
        let started = begin(&mut bank.host, client.start(perform, program).id("a").into_future());
        bank.host.settle();
        let terminated = begin(&mut bank.host, client.any_run("a").terminate(&()).into_future());
        bank.host.settle();
        assert!(started.borrow().is_none() && terminated.borrow().is_none(), "nothing is durable");
        bank.host.odds().seal = 4;
        bank.host.settle();
        assert!(matches!(*terminated.borrow(), Some(Ok(()))));
        let run = started.borrow_mut().take().expect("it is answered").expect("it was started");
        assert!(matches!(bank.end(&run), Err(CallError::RunTerminated { .. })));
        bank.check_rest();
        // The run that nobody waits for goes on, the activity of the one that was terminated never began.
        assert_eq!(stage::performances(), 1);
        assert_eq!(bank.host.rows(Keyspace::Tasks).len(), 0);
    }
}

/// Two activities of a race are answered in one batch, in both orders; the run then waits. Whether it stays in memory or
/// is replayed behind that, the same one has won.
#[test]
fn two_completions_in_one_batch_the_same_winner_live_and_in_replay() {
    let mut digests = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let outcome = |replayed: bool| {
            let mut bank = bank(seed, &[1], |_| {});
            let race = Act::Race(vec![
                vec![well(1), Act::Signal(node(10), 1, crate::runs::act::Deed::Note, 0)],
                vec![well(2), Act::Signal(node(20), 2, crate::runs::act::Deed::Note, 0)],
            ]);
            bank.host.odds().perform = 0;
            let run = bank.start("a", vec![race, Act::Event(0, None)]);
            bank.host.settle();
            assert_eq!(bank.host.activities(), 2);
            // Both answers wait at the shard before it takes a turn, and both inputs are of one batch.
            (bank.host.odds().perform, bank.host.odds().turn, bank.host.odds().seal) = (4, 0, 0);
            bank.host.settle();
            bank.host.odds().turn = 4;
            bank.host.settle();
            bank.host.odds().seal = 4;
            bank.host.settle();
            if replayed {
                let address = Address::run(&RunId::new("a").expect("valid"));
                assert!(bank.host.evict(&address), "it waits and is committed");
            }
            bank.raise("a", 3);
            let report = bank.end(&run).expect("it ends").expect("nothing fails");
            bank.check_rest();
            let winner: Vec<bool> = [1, 2].map(|number| bank.log(number).len() == 1).to_vec();
            (report.digest, winner)
        };
        let (live, replayed) = (outcome(false), outcome(true));
        assert_eq!(live, replayed, "seed {seed}");
        digests.insert(live.1);
    }
    assert_eq!(digests.len(), 2, "each of the two has won at times");
}

impl Bank {
    /// What was done to an account.
    pub(super) fn log(&self, number: usize) -> Vec<crate::runs::account::Entry> {
        assert!(number < ACCOUNTS);
        self.durable().0.accounts.remove(&key(number)).map(|account| account.log).unwrap_or_default()
    }

    /// Opens the next process.
    pub(super) fn restart(&mut self) {
        self.host.restart();
    }

    /// Lets time pass, and what is due on the way happen.
    pub(super) fn advance(&mut self, ms: u64) {
        self.host.advance(Duration::from_millis(ms));
    }
}
