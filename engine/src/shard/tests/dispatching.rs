//! Operations that run off their shard: exactly once for the state, in order, and in nobody's way.

use super::{desk::Desk, limits, sections::assert_free};
use crate::Limits;
use sarsen_protocol::{Answer, FailureKind, Identity, IdentityName, Keyspace};
use std::time::Duration;

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

fn key(name: &str) -> Identity {
    Identity::Key(IdentityName::new(name).expect("valid"))
}

#[test]
fn an_operation_begins_once_its_cause_is_durable_and_its_outcome_is_one_commit() {
    let mut desk = desk();
    desk.signal("x", "log", "1", Identity::None);
    let call = desk.call("x", "slow", "2", Identity::None);
    desk.settle();
    assert_eq!(desk.running(), [""; 0], "nothing of it is durable");
    desk.commit();
    assert_eq!(desk.running(), ["x"]);
    assert_eq!((desk.state("x").as_deref(), desk.rows(Keyspace::Mailbox)), (Some(r#"{"sum":1}"#), 1));
    desk.operate("x");
    desk.settle();
    assert_eq!(desk.answer(call), None, "its outcome is not durable");
    (desk.batches, desk.written) = (0, 0);
    desk.rest();
    assert_eq!(desk.returned(call), "12");
    // The state, and the message's row.
    assert_eq!((desk.sum("x"), desk.batches, desk.written), (12, 1, 2));
    assert_eq!(desk.rows(Keyspace::Mailbox), 0);
}

#[test]
fn a_busy_entity_does_one_thing_after_the_other() {
    let mut desk = desk();
    for (operation, digit) in
        [("slow", "1"), ("log", "2"), ("log", "3"), ("grind", "4"), ("slow", "5"), ("log", "6")]
    {
        desk.signal("x", operation, digit, Identity::None);
    }
    let mut sums = Vec::new();
    loop {
        desk.pause();
        sums.push(desk.sum("x"));
        if desk.running().is_empty() {
            break;
        }
        assert_eq!(desk.running(), ["x"], "one at a time");
        desk.operate("x");
    }
    assert_eq!(sums, [0, 123, 1234, 123_456]);
    desk.rest();
}

#[test]
fn a_busy_entity_is_read_as_of_its_last_commit_and_holds_up_no_other() {
    let mut desk = desk();
    desk.signal("x", "log", "7", Identity::None);
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    let (read, other) = (desk.read("x"), desk.call("y", "add", "5", Identity::None));
    desk.pause();
    let Some(Answer::State(Some(state))) = desk.answer(read) else { panic!("it is read") };
    assert_eq!(state.as_bytes(), br#"{"sum":7}"#);
    assert_eq!((desk.returned(other), desk.running()), ("5".to_owned(), vec!["x".to_owned()]));
}

#[test]
fn a_crash_between_dispatch_and_outcome_runs_it_again() {
    for shards in [1, 3] {
        let mut desk = desk();
        desk.signal("x", "log", "1", Identity::None);
        desk.signal("x", "slow", "2", key("k"));
        desk.signal("x", "log", "3", Identity::None);
        desk.pause();
        for _ in 0..3 {
            assert_eq!((desk.running(), desk.sum("x")), (vec!["x".to_owned()], 1));
            desk.reopen(shards);
            desk.pause();
        }
        // Its outcome is lost with the batch that holds it.
        desk.operate("x");
        desk.settle();
        desk.reopen(1);
        desk.pause();
        desk.finish();
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (123, 0));
        let again = desk.signal("x", "slow", "2", key("k"));
        desk.rest();
        assert_eq!((desk.answer(again), desk.sum("x")), (Some(&Answer::Acknowledged), 123), "a repeat");
    }
}

#[test]
fn an_old_token_after_a_restart_changes_nothing() {
    let mut desk = desk();
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    let old = desk.take_dispatch("x");
    desk.reopen(1);
    desk.pause();
    let new = desk.take_dispatch("x");
    assert_eq!(old.token.number, new.token.number, "the epoch alone tells them apart");
    desk.answer_operation(&old, old.token);
    desk.pause();
    assert_eq!((desk.state("x"), desk.rows(Keyspace::Mailbox)), (None, 1));
    desk.answer_operation(&new, new.token);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (1, 0));
}

#[test]
fn a_second_answer_changes_nothing() {
    let mut desk = desk();
    desk.signal("x", "slow", "1", Identity::None);
    desk.signal("y", "slow", "2", Identity::None);
    desk.pause();
    let (first, other) = (desk.take_dispatch("x"), desk.take_dispatch("y"));
    desk.answer_operation(&first, first.token);
    desk.signal("x", "slow", "3", Identity::None);
    desk.pause();
    desk.answer_operation(&other, first.token);
    desk.pause();
    assert_eq!((desk.sum("x"), desk.running()), (1, vec!["x".to_owned()]));
    desk.operate("x");
    desk.pause();
    assert_eq!(desk.sum("x"), 13);
}

#[test]
fn a_failed_operation_leaves_nothing_but_its_failure() {
    let failures = [
        ("slow_refuse", "null", FailureKind::Returned),
        ("slow_panic", "true", FailureKind::Panicked),
        ("slow_spoil", "null", FailureKind::Unencodable),
        ("slow", "\"one\"", FailureKind::Undecodable),
    ];
    for (operation, input, kind) in failures {
        let mut desk = desk();
        desk.signal("x", "add", "5", Identity::None);
        desk.signal("x", operation, input, Identity::None);
        let call = desk.call("x", operation, input, key("k"));
        let behind = desk.call("x", "add", "1", Identity::None);
        desk.finish();
        assert_eq!(desk.told(call), format!("failed: {kind:?}"));
        assert_eq!(desk.letters.iter().map(|letter| letter.kind).collect::<Vec<_>>(), [kind]);
        assert_eq!((desk.returned(behind), desk.sum("x"), desk.state("told")), ("6".to_owned(), 6, None));
        let again = desk.call("x", operation, input, key("k"));
        desk.rest();
        assert_eq!(desk.told(again), format!("failed: {kind:?}"), "the key keeps it");
    }
}

#[test]
fn limits_are_those_of_every_operation() {
    let mut desk = Desk::new(1, limits(|limits| limits.state_bytes_max = 12));
    let grown = desk.call("x", "slow", "12345", Identity::None);
    desk.finish();
    assert_eq!((desk.told(grown), desk.state("x")), ("failed: TooLarge".to_owned(), None));
    let mut desk = Desk::new(1, limits(|limits| limits.messages_per_operation_max = 0));
    let told = desk.call("x", "slow_tell", "\"y\"", Identity::None);
    desk.finish();
    assert_eq!((desk.told(told), desk.state("y")), ("failed: TooLarge".to_owned(), None));
}

#[test]
fn what_an_operation_sends_leaves_with_its_outcome() {
    let mut desk = desk();
    desk.signal("x", "slow_tell", "\"y\"", Identity::None);
    desk.pause();
    desk.operate("x");
    desk.reopen(1);
    desk.pause();
    assert_eq!(desk.state("y"), None, "the outcome was lost");
    desk.finish();
    assert_eq!(desk.sum("y"), 1);
}

#[test]
fn an_operation_may_only_look_or_delete() {
    let mut desk = desk();
    let peek = desk.call("x", "peek", "null", Identity::None);
    desk.finish();
    assert_eq!((desk.returned(peek), desk.state("x")), ("0".to_owned(), None), "looking creates nothing");
    desk.signal("x", "add", "3", Identity::None);
    let (peek, weigh) =
        (desk.call("x", "peek", "null", Identity::None), desk.call("x", "weigh", "null", Identity::None));
    desk.signal("x", "slow_delete", "null", Identity::None);
    let after = desk.call("x", "sum", "null", Identity::None);
    desk.finish();
    assert_eq!([peek, weigh, after].map(|call| desk.returned(call)), ["3", "0", "0"]);
    assert_eq!((desk.state("x"), desk.rows(Keyspace::Instances)), (None, 0));
}

#[test]
fn a_busy_entity_is_not_evicted_and_counts_twice() {
    let mut desk = desk();
    desk.signal("x", "grow", "10000", Identity::None);
    desk.rest();
    let resting = desk.stats().cache_bytes;
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    assert!(desk.stats().cache_bytes > resting + 10_000, "the copy is in memory too");
    assert!(!desk.evict("x"));
    desk.now = desk.now.after(Duration::from_secs(3_600));
    desk.pause();
    assert_eq!((desk.stats().activations, desk.stats().operations_running), (1, 1), "nor is it idle");
    desk.operate("x");
    desk.rest();
    assert!(desk.stats().cache_bytes < resting + 100);
    assert!(desk.evict("x"));
}

#[test]
fn a_timeout_frees_the_entity_and_the_late_outcome_is_dropped() {
    let mut desk = desk();
    let call = desk.call("x", "timed", "1", Identity::None);
    desk.signal("x", "log", "2", Identity::None);
    desk.pause();
    desk.now = desk.now.after(Duration::from_secs(9));
    desk.pause();
    assert_eq!((desk.answer(call), desk.given_up.len()), (None, 0));
    // After a crash it has its whole time again.
    desk.reopen(1);
    desk.pause();
    desk.now = desk.now.after(Duration::from_secs(9));
    desk.pause();
    assert_eq!((desk.sum("x"), desk.given_up.len()), (0, 0));
    desk.now = desk.now.after(Duration::from_secs(1));
    desk.pause();
    let late = desk.take_dispatch("x");
    assert_eq!((desk.given_up.clone(), desk.sum("x")), (vec![late.token], 2));
    desk.answer_operation(&late, late.token);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (2, 0));
}

#[test]
fn what_is_late_before_it_is_durable_never_begins() {
    let mut desk = desk();
    let call = desk.call("x", "timed", "1", Identity::None);
    desk.settle();
    desk.now = desk.now.after(Duration::from_secs(10));
    desk.settle();
    desk.pause();
    assert_eq!((desk.running(), desk.given_up.len(), desk.written), (vec![], 0, 0));
    assert_eq!(desk.told(call), "failed: TimedOut");
    desk.rest();
}

#[test]
fn a_timeout_is_the_failure_of_whoever_waits() {
    let mut desk = desk();
    let call = desk.call("x", "timed", "1", Identity::None);
    desk.signal("x", "timed", "1", Identity::None);
    desk.pause();
    for _ in 0..2 {
        desk.now = desk.now.after(Duration::from_secs(10));
        desk.pause();
    }
    let Some(Answer::Failed(failure)) = desk.answer(call) else { panic!("it has failed") };
    assert_eq!(failure.to_string(), "timed out: `timed` was not over within 10000 ms");
    assert_eq!(desk.letters.iter().map(|letter| letter.kind).collect::<Vec<_>>(), [FailureKind::TimedOut]);
    assert_eq!(desk.rows(Keyspace::Dead), 1);
}

#[test]
fn a_release_that_meets_a_busy_entity_acts_on_the_lock_at_once() {
    for (crash, shards) in [(false, 1), (true, 1), (false, 3), (true, 3)] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("r", "lock x y; call x slow 1; unlock");
        desk.pause();
        assert_eq!(
            (desk.running(), desk.locks()),
            (vec!["x".to_owned()], vec!["x by r".into(), "y by r".into()])
        );
        desk.signal("x", "log", "2", Identity::None);
        desk.start("next", "lock y x; call x log 3; unlock");
        desk.pause();
        desk.terminate("r");
        desk.pause();
        assert_eq!(desk.locks(), [""; 0], "they are free although x is busy");
        assert_eq!(
            (desk.running(), desk.sum("x")),
            (vec!["x".to_owned()], 0),
            "and nothing has its turn before"
        );
        if crash {
            desk.reopen(shards);
            desk.pause();
            assert_eq!((desk.running(), desk.sum("x")), (vec!["x".to_owned()], 0), "it runs again");
        }
        desk.finish();
        assert_eq!(
            (desk.sum("x"), desk.stands("next")),
            (123, "completed: 123".to_owned()),
            "it counts once"
        );
        assert_free(&desk);
    }
}

#[test]
fn what_a_section_schedules_while_its_call_runs_is_done_before_its_end() {
    for (crash, shards) in [(false, 1), (true, 1), (false, 3), (true, 3)] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("log", "7"), Duration::from_secs(9));
        desk.start("r", "lock x; slowly x 1; plan x b 2 8; unlock");
        desk.pause();
        if crash {
            desk.reopen(shards);
            desk.pause();
        }
        assert_eq!((desk.running(), desk.locks()), (vec!["x".to_owned()], vec!["x by r".to_owned()]));
        desk.finish();
        assert_eq!((desk.sum("x"), desk.letters.len()), (1, 0));
        assert_eq!(desk.scheduled("x"), ["b: log in 8", "a: log in 9"]);
        assert_free(&desk);
    }
}

#[test]
fn an_operator_s_release_meets_a_busy_entity_at_once() {
    let mut desk = desk();
    desk.start("r", "lock x; call x slow 1; call x log 3; unlock");
    desk.pause();
    desk.signal("x", "log", "2", Identity::None);
    let forced = desk.force("x", "r");
    desk.pause();
    assert_eq!((desk.returned(forced), desk.locks()), ("true".to_owned(), vec![]));
    desk.finish();
    assert_eq!((desk.sum("x"), desk.stands("r")), (12, "completed: 1 !LockLost".to_owned()));
    assert_free(&desk);
}

#[test]
fn a_lock_request_waits_for_the_operation_and_its_cancel_does_not() {
    let mut desk = desk();
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    desk.start("gives_up", "lock w x; call x log 8; unlock");
    desk.start("waits", "lock x; call x log 2; unlock");
    desk.pause();
    assert_eq!(desk.locks(), ["w by gives_up"]);
    desk.terminate("gives_up");
    desk.pause();
    assert_eq!((desk.locks(), desk.running()), (vec![], vec!["x".to_owned()]), "nothing of it is left");
    desk.finish();
    assert_eq!((desk.sum("x"), desk.stands("waits")), (12, "completed: 12".to_owned()));
    assert_free(&desk);
}

#[test]
fn a_section_calls_operations_off_the_shard_in_its_order() {
    for restart in [false, true] {
        let mut desk = desk();
        desk.start("r", "lock x; call x log 1; call x slow 2; call x log 3; call x slow 4; unlock; say done");
        desk.signal("x", "log", "9", Identity::None);
        desk.pause();
        let mut dispatches = 0;
        while !desk.running().is_empty() {
            if restart {
                desk.reopen(3);
                desk.pause();
            }
            assert_eq!(desk.locks(), ["x by r"]);
            desk.operate("x");
            desk.pause();
            dispatches += 1;
        }
        assert_eq!((dispatches, desk.stands("r")), (2, "completed: 1 12 123 1234 done".to_owned()));
        assert_eq!(desk.sum("x"), 12_349);
        assert_free(&desk);
    }
}

#[test]
fn a_token_counts_in_its_own_shard_alone() {
    let mut desk = Desk::new(2, Limits::default());
    let (a, b) = desk.strangers();
    desk.signal(&a, "slow", "1", Identity::None);
    desk.signal(&b, "slow", "2", Identity::None);
    desk.pause();
    let (first, second) = (desk.take_dispatch(&a), desk.take_dispatch(&b));
    assert_eq!(first.token.number, second.token.number);
    desk.answer_operation(&second, second.token);
    desk.pause();
    assert_eq!((desk.sum(&a), desk.sum(&b)), (0, 2));
}
