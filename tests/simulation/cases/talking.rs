//! Who may talk to whom, and how: clients, orchestrations, entities and activities. What is not among these cases has no
//! words: `macros/tests/fail/talking.rs`, and the example of `Client` that does not compile.

use super::runs::{Bank, account, bank, node};
use crate::runs::{
    account::{Account, Answer, Op, key},
    act::{Act, Asking, Conduct, Deed, Ending, Node},
    activity::Refusal,
    code::perform,
};
use sarsen_orchestration::{Event, Input};
use sarsen_protocol::{CallError, Failure, Keyspace, RunId, json};
use std::time::Duration;

/// An operation of a client or an entity.
fn order(number: u64, deed: Deed) -> (Op, Option<u32>, Deed) {
    (Op { node: node(number), execution: 0, part: 0 }, None, deed)
}

impl Bank {
    fn signal(&mut self, account: usize, number: u64, deed: Deed) {
        let account = self.host.client().entity::<Account>(key(account));
        let signal = account.perform(&order(number, deed)).signal();
        self.host.run(signal).expect("it is accepted");
    }

    fn call(&mut self, account: usize, number: u64) -> Result<Answer, CallError> {
        let account = self.host.client().entity::<Account>(key(account));
        self.host.run(account.perform(&order(number, Deed::Note)).into_future())
    }

    /// What was done to an account, in order.
    fn nodes(&self, account: usize) -> Vec<Node> {
        self.log(account).iter().map(|entry| entry.op.node).collect()
    }

    /// How the activities of a run have ended, in order; of those that have failed, with what they were told.
    fn worked(&self, run: &str) -> Vec<Result<(), String>> {
        let (_, histories) = self.durable();
        let events = histories.iter().filter(|((of, _), _)| of.as_str() == run);
        let ended = events.flat_map(|(_, history)| &history.events).filter_map(|event| match event {
            Event::Arrived(Input::TaskEnded { result, .. }) => Some(result),
            _ => None,
        });
        let told = |failure: &Failure| {
            let details = failure.details.as_ref().expect("it has refused");
            json::decode::<Refusal>(details).expect("it tells why").1.expect("it was told something")
        };
        ended.map(|result| result.as_ref().map(drop).map_err(told)).collect()
    }

    fn is_over(&mut self, run: &str) -> bool {
        let run = self.host.client().run(perform, run);
        self.end(&run).is_ok_and(|ended| ended.is_ok())
    }
}

#[test]
fn a_client_signals_calls_and_reads_entities_and_starts_runs() {
    for seed in 0..10 {
        let mut bank = bank(seed, &[1, 3], |_| {});
        bank.signal(1, 1, Deed::Note);
        let later = bank.host.client().entity::<Account>(key(1)).perform(&order(2, Deed::Note));
        let later = later.after(Duration::from_millis(50)).signal();
        bank.host.run(later).expect("it is accepted");
        assert_eq!(bank.call(1, 3), Ok(Ok(1_000)));
        let state = bank.host.client().entity::<Account>(key(1)).state().into_future();
        let state = bank.host.run(state).expect("it can be read").expect("it exists");
        assert_eq!(state.log.len(), 2, "what was called is in the state that is read");
        bank.advance(60);
        assert_eq!(bank.nodes(1), [node(1), node(3), node(2)]);
        bank.start("a", Vec::new());
        assert!(bank.is_over("a"));
        bank.check_rest();
    }
}

#[test]
fn an_orchestration_signals_calls_and_locks_entities_and_starts_runs() {
    for seed in 0..10 {
        let mut bank = bank(seed, &[1, 3], |_| {});
        let inside = vec![Act::Call(node(6), 3, Deed::Note)];
        let run = bank.start(
            "a",
            vec![
                Act::Signal(node(1), 1, Deed::Note, 0),
                Act::Signal(node(2), 1, Deed::Note, 50),
                Act::Call(node(3), 1, Deed::Note),
                Act::Section(node(4), vec![2, 3], Asking::Wait, inside, Ending::Release),
                Act::Child(Some("child".to_owned()), Vec::new()),
                Act::Detach(Some("detached".to_owned()), Vec::new()),
            ],
        );
        bank.end(&run).expect("it ends").expect("nothing fails");
        assert_eq!(bank.nodes(1), [node(1), node(3)]);
        assert_eq!((bank.nodes(2), bank.nodes(3)), (vec![node(4)], vec![node(4), node(6)]));
        assert!(bank.is_over("child"), "it was waited for");
        bank.host.settle();
        assert!(bank.is_over("detached"));
        bank.advance(60);
        assert_eq!(bank.nodes(1), [node(1), node(3), node(2)], "what is scheduled has no order");
        bank.check_rest();
    }
}

#[test]
fn an_entity_signals_others_and_itself_and_starts_runs() {
    for seed in 0..10 {
        let mut bank = bank(seed, &[1, 3], |_| {});
        bank.signal(1, 1, Deed::Poke(node(11), 2));
        bank.signal(1, 2, Deed::Poke(node(12), 1));
        bank.signal(1, 3, Deed::Start(Some("b".to_owned()), vec![Act::Signal(node(13), 4, Deed::Note, 0)]));
        bank.host.settle();
        assert_eq!((bank.nodes(2), bank.nodes(4)), (vec![node(11)], vec![node(13)]));
        let own = bank.nodes(1);
        assert_eq!(own.len(), 4, "its signal to itself is another operation");
        assert!(own.contains(&node(12)));
        assert!(bank.is_over("b"));
        bank.check_rest();
    }
}

/// What a failed operation has sent does not leave, to whomever, wherever it has run.
#[test]
fn an_entity_whose_operation_fails_has_sent_nothing() {
    let (on_the_shard, off_the_shard) = (1, 3);
    let numbers =
        [on_the_shard, off_the_shard].into_iter().flat_map(|number| [(number, false), (number, true)]);
    for (seed, ((number, panics), poked)) in (0..).zip(numbers.flat_map(|deed| [(deed, 1), (deed, 2)])) {
        let mut bank = bank(seed, &[1, 3], |_| {});
        bank.signal(1, number, Deed::PokeAndFail(node(11), poked, panics));
        bank.host.settle();
        assert_eq!((bank.nodes(1), bank.nodes(2)), (vec![], vec![]));
        assert_eq!(bank.host.rows(Keyspace::Dead).len(), 1, "it has run and failed");
        bank.advance(60);
        bank.check_rest();
        bank.signal(1, number, Deed::Poke(node(11), 2));
        bank.host.settle();
        assert_eq!(bank.nodes(2), [node(11)], "one that succeeds has sent it");
        bank.check_rest();
    }
}

#[test]
fn an_entitys_signal_to_itself_waits_behind_the_lock() {
    for seed in 0..10 {
        let mut bank = bank(seed, &[1, 3], |_| {});
        let inside = vec![
            Act::Call(node(2), 1, Deed::Poke(node(3), 1)),
            Act::Event(0, None),
            Act::Call(node(4), 1, Deed::Note),
        ];
        let section = Act::Section(node(1), vec![1], Asking::Wait, inside, Ending::Release);
        let run = bank.start("a", vec![section]);
        bank.host.settle();
        assert_eq!(bank.nodes(1), [node(1), node(2)], "it waits, though the entity has nothing to do");
        bank.raise("a", 9);
        bank.end(&run).expect("it ends").expect("nothing fails");
        bank.host.settle();
        assert_eq!(bank.nodes(1), [node(1), node(2), node(4), node(3)]);
        bank.check_rest();
    }
}

#[test]
fn an_activity_talks_as_a_client_and_not_to_what_its_run_has_locked() {
    for seed in 0..10 {
        let mut bank = bank(seed, &[1, 3], |_| {});
        let ask = |number, account| Act::Work(node(number), Conduct::Ask(account), None);
        let talk = |number, account| Act::Work(node(number), Conduct::Talk(account), None);
        let free = bank.start("a", vec![ask(1, 1), talk(2, 1)]);
        bank.end(&free).expect("it ends").expect("nothing fails");
        assert_eq!(bank.worked("a"), [Ok(()), Ok(())]);
        assert_eq!(bank.nodes(1), [node(2), node(2)], "a signal and a call");
        assert!(bank.is_over(&format!("of-{}", node(2).0)));
        let inside = vec![ask(5, 1), talk(6, 1), talk(8, 2)];
        let locked =
            bank.start("b", vec![Act::Section(node(4), vec![1], Asking::Wait, inside, Ending::Release)]);
        bank.end(&locked).expect("it ends").expect("nothing fails");
        let refused = format!(
            "calling {} would wait for run `b`, which holds its lock and waits for this work: signal it, or call it \
             from the orchestration",
            account(1)
        );
        assert_eq!(bank.worked("b"), [Err(refused.clone()), Err(refused), Ok(())]);
        let met = bank.host.situations().of(sarsen_testing::Situation::WouldDeadlock);
        assert_eq!(met, 2, "it is refused at once, since nobody would ever answer");
        bank.host.settle();
        assert_eq!(bank.nodes(1)[2..], [node(4), node(6)], "its signal waits until the lock is given back");
        assert!(bank.is_over(&format!("of-{}", node(6).0)));
        bank.check_rest();
    }
}

/// Three runs stand before a fourth one at an entity, and others stand elsewhere. It has its turn when those before it
/// have had theirs, however long the others take, and whoever comes behind it.
#[test]
fn a_request_waits_for_the_sections_before_it_and_for_no_others() {
    for seed in 0..30 {
        let mut bank = bank(seed, &[1, 2, 5], |limits| limits.mailbox_window = 2);
        let gated = |number: u64, accounts: &[usize]| {
            Act::Section(
                node(number),
                accounts.to_vec(),
                Asking::Wait,
                vec![Act::Event(0, None)],
                Ending::Drop,
            )
        };
        // Accounts 1 and 2 are others' for ever.
        bank.start("far", vec![gated(90, &[1, 2])]);
        bank.host.settle();
        bank.start("farther", vec![gated(91, &[2, 8])]);
        bank.host.settle();
        let before = ["p", "q", "r"];
        for (number, run) in (0..).zip(before) {
            bank.start(run, vec![gated(10 + number, &[5])]);
            bank.host.settle();
        }
        bank.start("s", vec![gated(20, &[5, 7])]);
        bank.host.settle();
        // Who comes behind does not come before, with however few locks.
        bank.start("t", vec![gated(21, &[5])]);
        bank.start("u", vec![gated(22, &[7])]);
        bank.host.settle();
        let holder = |bank: &Bank, number: usize| bank.holder(number).map(|run| run.to_string());
        for run in before {
            assert_eq!(holder(&bank, 5).as_deref(), Some(run), "seed {seed}");
            bank.raise(run, 50);
            bank.host.settle();
        }
        assert_eq!(holder(&bank, 5).as_deref(), Some("s"), "those before it are over");
        assert_eq!(holder(&bank, 7).as_deref(), Some("u"), "which came there first");
        bank.raise("u", 51);
        bank.host.settle();
        assert_eq!([holder(&bank, 5), holder(&bank, 7)], [Some("s".to_owned()), Some("s".to_owned())]);
        assert_eq!(holder(&bank, 1).as_deref(), Some("far"), "which nobody had to wait for");
        for run in ["s", "t", "far", "farther"] {
            bank.raise(run, 52);
            bank.host.settle();
        }
        bank.check_rest();
        assert!(bank.durable().0.runs.contains_key(&RunId::new("t").expect("valid")));
    }
}
