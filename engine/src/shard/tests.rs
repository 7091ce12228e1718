//! Shards over a map, driven step by step.

mod activities;
mod asking;
mod desk;
mod dispatching;
mod endings;
mod events;
#[cfg(feature = "faults")]
mod faults;
mod letters;
mod life;
mod non_endings;
mod options;
mod parked;
mod pending;
mod rewinding;
mod runs;
mod schedules;
mod sections;
mod waiting;
mod watched;

use crate::Limits;
use desk::Desk;
use sarsen_protocol::{Answer, CallError, FailureKind, Identity, IdentityName, Keyspace, Sequence};
use std::time::Duration;

fn key(text: &str) -> Identity {
    Identity::Key(IdentityName::new(text).expect("valid"))
}

fn numbered(number: u64) -> Identity {
    Identity::Producer { name: IdentityName::new("p").expect("valid"), number: Sequence(number) }
}

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits { verify: true, ..Limits::default() };
    set(&mut limits);
    limits
}

#[test]
fn a_signal_is_acknowledged_after_its_commit_and_not_before() {
    let mut desk = Desk::new(1, Limits::default());
    let signal = desk.signal("x", "add", "7", Identity::None);
    desk.settle();
    assert_eq!(desk.answer(signal), None, "the turn has run and nothing is durable");
    desk.commit();
    assert_eq!(desk.answer(signal), Some(&Answer::Acknowledged));
    assert_eq!(desk.state("x").as_deref(), Some(r#"{"sum":7}"#));
}

#[test]
fn what_is_consumed_in_its_batch_writes_one_row() {
    let mut desk = Desk::new(1, Limits::default());
    for _ in 0..100 {
        desk.signal("x", "add", "1", Identity::None);
    }
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Instances), 1);
    assert_eq!((desk.written, desk.rows(Keyspace::Mailbox)), (1, 0));
}

#[test]
fn a_read_a_duplicate_a_refusal_that_saw_uncommitted_state_is_withheld() {
    let mut desk = Desk::new(1, Limits::default());
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.signal("x", "add", "2", key("k"));
    desk.signal("x", "add", "4", numbered(1));
    desk.settle();
    let seen = [
        desk.read("x"),
        desk.signal("x", "add", "2", key("k")),
        desk.call("x", "add", "9", key("k")),
        desk.signal("x", "add", "4", numbered(1)),
        desk.signal("x", "add", "4", numbered(3)),
        desk.call("x", "sum", "null", Identity::None),
        desk.signal("x", "add", "4", numbered(0)),
    ];
    desk.settle();
    assert!(seen.iter().all(|request| desk.answer(*request).is_none()), "nothing is durable yet");
    desk.commit();
    let answers: Vec<String> = seen.iter().map(|request| format!("{:?}", desk.answer(*request))).collect();
    assert_eq!(answers[0], r#"Some(State(Some({\"sum\":7})))"#);
    assert_eq!(answers[1], "Some(Acknowledged)");
    assert!(answers[2].contains("KeyReused"), "{}", answers[2]);
    assert_eq!(answers[3], "Some(Acknowledged)");
    assert!(answers[4].contains("OutOfSequence") && answers[4].contains("Sequence(2)"), "{}", answers[4]);
    assert_eq!(answers[5], "Some(Returned(7))");
    assert!(answers[6].contains("NumberZero"), "no repeat: {}", answers[6]);
}

#[test]
fn a_repeat_under_a_key_gets_the_first_outcome_over_a_restart_until_it_expires() {
    let mut desk = Desk::new(1, Limits::default());
    let first = desk.call("x", "add", "5", key("k"));
    let failed = desk.call("x", "refuse", "null", key("f"));
    desk.rest();
    for _ in 0..2 {
        desk.reopen(1);
        let again = desk.call("x", "add", "5", key("k"));
        let failed_again = desk.call("x", "refuse", "null", key("f"));
        desk.rest();
        assert_eq!(desk.answer(again), desk.answer(first));
        assert_eq!(desk.answer(failed_again), desk.answer(failed));
    }
    assert_eq!(desk.state("x").as_deref(), Some(r#"{"sum":5}"#));
    assert_eq!(desk.rows(Keyspace::Keys), 2);
    desk.now = desk.now.after(Duration::from_secs(25 * 3600));
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Keys), 0, "a sweep removes what has expired");
    desk.call("x", "add", "5", key("k"));
    desk.rest();
    assert_eq!(desk.state("x").as_deref(), Some(r#"{"sum":10}"#));
}

#[test]
fn a_producer_is_remembered_over_delete_and_restart() {
    let mut desk = Desk::new(1, Limits::default());
    for number in [1, 2, 2, 1] {
        desk.signal("x", "add", "1", numbered(number));
    }
    desk.rest();
    assert_eq!(desk.state("x").as_deref(), Some(r#"{"sum":2}"#));
    desk.signal("x", "delete", "null", Identity::None);
    desk.rest();
    desk.reopen(1);
    desk.signal("x", "add", "1", numbered(2));
    desk.signal("x", "add", "1", numbered(3));
    desk.rest();
    assert_eq!(desk.state("x").as_deref(), Some(r#"{"sum":1}"#));
}

#[test]
fn nan_fails_its_operation_only() {
    let mut desk = Desk::new(1, Limits::default());
    let good = desk.call("x", "add", "1", Identity::None);
    let bad = desk.call("x", "spoil", "null", Identity::None);
    let signal = desk.signal("x", "spoil", "null", Identity::None);
    let after = desk.call("x", "add", "2", Identity::None);
    desk.rest();
    assert_eq!(desk.returned(good), "1");
    assert!(
        matches!(desk.answer(bad), Some(Answer::Failed(failure)) if failure.kind == FailureKind::Unencodable)
    );
    assert_eq!(
        desk.answer(signal),
        Some(&Answer::Acknowledged),
        "it was durable; its failure is a dead letter"
    );
    assert_eq!(desk.returned(after), "3");
    assert_eq!((desk.rows(Keyspace::Dead), desk.letters.len()), (1, 1));
}

#[test]
fn messages_between_shards_are_applied_once_and_in_order() {
    for shards in [1, 2, 7] {
        let mut desk = Desk::new(shards, limits(|limits| limits.inside_bytes_max = 2_000));
        for _ in 0..5 {
            for number in 0..40 {
                desk.signal(&format!("from{}", number % 3), "scatter", &format!("{number}"), Identity::None);
            }
            desk.settle();
        }
        desk.rest();
        assert_eq!(desk.rows(Keyspace::Inbox) + desk.rows(Keyspace::Mailbox), 0);
        let total: u64 = (0..10).map(|to| desk.sum(&format!("to{to}"))).sum();
        assert_eq!(total, 5 * 780, "{shards} shards");
    }
}

#[test]
fn another_number_of_shards_at_reopen_keeps_every_message() {
    let mut desk = Desk::new(3, limits(|limits| limits.run_operations_max = 1));
    for number in 0..60 {
        desk.signal(&format!("from{}", number % 7), "scatter", "1", Identity::None);
    }
    for shards in [1, 4, 2] {
        desk.settle();
        desk.commit();
        desk.reopen(shards);
    }
    desk.rest();
    let acknowledged = desk.acknowledged();
    let total: u64 = (0..10).map(|to| desk.sum(&format!("to{to}"))).sum();
    assert!(total >= acknowledged, "{total} of {acknowledged}");
    assert_eq!(desk.rows(Keyspace::Inbox) + desk.rows(Keyspace::Mailbox), 0);
}

#[test]
fn two_entities_that_signal_each_other_for_ever_do_not_stop_others_acknowledgements() {
    let mut desk = Desk::new(1, limits(|limits| limits.batch_turns_max = 16));
    desk.signal("ping", "bounce", "\"pong\"", Identity::None);
    desk.step();
    let other = desk.call("x", "add", "1", Identity::None);
    for _ in 0..20 {
        desk.step();
    }
    assert_eq!(desk.returned(other), "1");
}

#[test]
fn a_full_mailbox_refuses_clients_at_once_and_gives_up_on_instances_at_ten_times() {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_messages_max = 3));
    let signals: Vec<_> = (0..5).map(|_| desk.signal("x", "add", "1", Identity::None)).collect();
    desk.refusals();
    let refused = |desk: &Desk, request| matches!(desk.refusal(request), Some(CallError::Busy { .. }));
    let busy: Vec<bool> = signals.iter().map(|request| refused(&desk, *request)).collect();
    assert_eq!(busy, [false, false, false, true, true]);
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    assert_eq!(desk.sum("x") + desk.rows(Keyspace::Dead), 3 + 50);
    assert!(desk.rows(Keyspace::Dead) > 0);
}

#[test]
fn dead_letters_are_bounded_the_oldest_goes_and_is_counted() {
    let mut desk = Desk::new(1, limits(|limits| limits.dead_letters_max = 4));
    for number in 0..10 {
        desk.signal(&format!("x{number}"), "refuse", "null", Identity::None);
        desk.rest();
        if number == 6 {
            desk.reopen(1);
            desk.settle();
        }
    }
    let stats = desk.stats();
    assert_eq!((desk.rows(Keyspace::Dead), stats.dead_letters, stats.dead_letters_dropped), (4, 4, 3));
    assert_eq!(desk.dead(), ["@sum@x6", "@sum@x7", "@sum@x8", "@sum@x9"]);
}

#[test]
fn delayed_signals_fire_at_their_time_over_a_restart() {
    let mut desk = Desk::new(2, limits(|limits| limits.timer_window = Duration::from_secs(1)));
    for seconds in [1, 5, 20] {
        desk.signal_after("x", "add", "1", Duration::from_secs(seconds));
        desk.signal_after("y", "later", &seconds.to_string(), Duration::from_secs(seconds));
    }
    desk.rest();
    assert_eq!((desk.sum("x"), desk.stats().timers), (0, 6));
    let start = desk.now;
    for (seconds, sum) in [(1, 1), (4, 1), (5, 2), (19, 2), (20, 3), (40, 3)] {
        desk.now = start.after(Duration::from_secs(seconds));
        if seconds == 4 {
            desk.reopen(3);
        }
        desk.rest();
        assert_eq!(desk.sum("x"), sum, "after {seconds} s");
    }
    assert_eq!((desk.sum("z"), desk.rows(Keyspace::Timers)), (26, 0));
}

#[test]
fn the_least_recently_used_leave_when_the_cache_is_full_and_all_when_idle() {
    let mut desk = Desk::new(1, limits(|limits| limits.cache_bytes = 20_000));
    for number in 0..1_000 {
        desk.signal(&format!("x{number}"), "add", "1", Identity::None);
        if number % 10 == 0 {
            desk.rest();
            desk.signal("hot", "add", "1", Identity::None);
        }
    }
    desk.rest();
    let stats = desk.stats();
    assert!(stats.cache_bytes <= 20_000 && stats.activations > 10, "{stats:?}");
    assert_eq!((desk.sum("hot"), desk.sum("x0"), desk.sum("x999")), (100, 1, 1));
    desk.now = desk.now.after(Duration::from_secs(3600));
    desk.rest();
    assert_eq!(desk.stats().activations, 0);
}

#[test]
fn an_entity_whose_record_does_not_fit_is_parked_and_goes_on_when_it_does() {
    let mut desk = Desk::new(1, Limits::default());
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    let record = desk.spoil("x");
    let (call, read) = (desk.call("x", "add", "1", Identity::None), desk.read("x"));
    desk.signal("y", "scatter_to_x", "null", Identity::None);
    desk.rest();
    for request in [call, read] {
        assert!(matches!(desk.refusal(request), Some(CallError::Parked { .. })));
    }
    assert_eq!((desk.stats().parked, desk.rows(Keyspace::Mailbox)), (1, 1), "the instance's message waits");
    desk.mend("x", record);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (2, 0));
}

/// A turn that only refuses opens no batch. It was counted as one of the batch's turns all the same, and a shard that
/// had refused often enough took no turn any more.
#[test]
fn refusals_do_not_fill_the_batch() {
    let mut desk = Desk::new(1, limits(|limits| limits.batch_turns_max = 2));
    for _ in 0..5 {
        let late = desk.late("x");
        desk.settle();
        assert!(matches!(desk.refusal(late), Some(CallError::Expired { .. })));
    }
}

/// A key's row was read for an activation. That one was refused and left; the next one of the same entity waited for the
/// same row, and the answer went to the first.
#[test]
fn a_key_that_was_read_for_an_activation_that_left_unblocks_the_next_one() {
    let mut desk = Desk::new(1, Limits::default());
    desk.settle();
    desk.commit();
    desk.hold_keys = true;
    let late = desk.late_call("x", key("k"));
    desk.settle();
    assert!(matches!(desk.refusal(late), Some(CallError::Expired { .. })));
    assert!(desk.evict("x"));
    let call = desk.call("x", "add", "5", key("k"));
    desk.settle();
    assert_eq!(desk.answer(call), None);
    desk.hold_keys = false;
    desk.rest();
    assert_eq!(desk.returned(call), "5");
}

/// A row that waited from an earlier life and was done in this one belonged to neither count.
#[test]
fn every_key_is_counted_once_over_a_restart() {
    let mut desk = Desk::new(1, Limits::default());
    desk.signal("x", "add", "1", key("done"));
    desk.rest();
    desk.keyed_after("x", key("later"), Duration::from_secs(5));
    desk.rest();
    desk.reopen(1);
    desk.now = desk.now.after(Duration::from_secs(5));
    desk.rest();
    desk.signal("x", "add", "1", key("new"));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Keys), desk.stats().keys, desk.sum("x")), (3, 3, 3));
}

/// Runs that write nothing were taken for writers of a batch that never came, and stayed in memory for ever.
#[test]
fn entities_that_were_only_read_may_leave() {
    let mut desk = Desk::new(1, Limits::default());
    for number in 0..3 {
        desk.call(&format!("x{number}"), "sum", "null", Identity::None);
    }
    desk.rest();
    assert!((0..3).all(|number| desk.evict(&format!("x{number}"))));
}

/// The messages of a parked entity were counted at each load and never taken off, until no client was let in.
#[test]
fn a_parked_entity_that_leaves_takes_its_bytes_along() {
    let mut desk = Desk::new(1, limits(|limits| limits.lane_bytes_max = 3_000));
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.spoil("x");
    desk.signal("y", "scatter_to_x", "null", Identity::None);
    desk.rest();
    for _ in 0..20 {
        assert!(desk.evict("x"));
        desk.read("x");
        desk.rest();
    }
    assert!(desk.accepts_outside());
}

/// A key's row was read, and answered only after the key had been done, forgotten and asked for again: the old row was
/// taken for the answer, and the caller waited for ever.
#[test]
fn an_old_answer_about_a_key_is_not_taken_for_a_new_one() {
    let mut desk = Desk::new(1, Limits::default());
    desk.keyed_after("x", key("k"), Duration::from_secs(5));
    desk.rest();
    desk.evict("x");
    desk.reopen(1);
    desk.rest();
    desk.hold_keys = true;
    let second = desk.call("x", "add", "1", key("k"));
    desk.settle();
    desk.now = desk.now.after(Duration::from_secs(5));
    desk.step();
    // A message from a neighbour gives x another turn, in which the second call sees the outcome.
    desk.signal("y", "scatter_to_x", "null", Identity::None);
    for _ in 0..3 {
        desk.settle();
        desk.commit();
    }
    let third = desk.call("x", "add", "1", key("k"));
    desk.settle();
    desk.hold_keys = false;
    desk.rest();
    assert_eq!((desk.returned(second), desk.returned(third)), ("1".to_owned(), "1".to_owned()));
}

/// With fewer shards a sender becomes its receiver's neighbour. What it had sent before was still before the door while
/// the receiver was loaded, and what it sent now went straight into the mailbox.
#[test]
fn a_neighbours_earlier_messages_go_first() {
    let mut desk = Desk::new(2, Limits::default());
    let (from, to) = desk.strangers();
    desk.signal(&from, "tell", &format!("[\"{to}\",1]"), Identity::None);
    desk.settle();
    desk.commit();
    desk.reopen(1);
    desk.hold_entity = Some(to.clone());
    desk.settle();
    desk.signal(&from, "tell", &format!("[\"{to}\",2]"), Identity::None);
    desk.settle();
    desk.hold_entity = None;
    desk.rest();
    assert_eq!(desk.sum(&to), 12);
}

/// Many signals that were due at once were taken for a flood, and those beyond ten mailboxes given up.
#[test]
fn delayed_signals_that_are_due_at_once_are_all_applied() {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_messages_max = 10));
    for _ in 0..30 {
        for _ in 0..10 {
            desk.signal_after("x", "add", "1", Duration::from_secs(5));
        }
        desk.rest();
    }
    desk.reopen(1);
    desk.now = desk.now.after(Duration::from_secs(5));
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead)), (300, 0));
}

/// Entities that are larger than the cache and never rest kept the outside lane closed.
#[test]
fn clients_are_let_in_beside_busy_entities_that_are_larger_than_the_cache() {
    let mut desk = Desk::new(1, limits(|limits| limits.cache_bytes = 1));
    desk.signal("ping", "bounce", "\"pong\"", Identity::None);
    let open = (0..10).filter(|_| {
        desk.step();
        desk.accepts_outside()
    });
    assert!(open.count() > 5);
}

#[test]
fn what_is_sent_to_a_type_that_is_not_registered_is_a_dead_letter() {
    for shards in [1, 2] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.signal("x", "stray", "null", Identity::None);
        desk.rest();
        assert_eq!((desk.rows(Keyspace::Dead), desk.rows(Keyspace::Timers)), (2, 0));
        assert!(desk.letters.iter().all(|failure| failure.kind == FailureKind::UnknownEntity));
    }
}

/// Callers that gave up and asked again under the same key each left one who waits, without a bound.
#[test]
fn those_who_wait_under_one_key_are_bounded() {
    let mut desk = Desk::new(1, Limits::default());
    desk.keyed_after("x", key("k"), Duration::from_secs(5));
    desk.rest();
    let calls: Vec<u64> = (0..300).map(|_| desk.call("x", "add", "1", key("k"))).collect();
    desk.rest();
    let refused = |request: &&u64| matches!(desk.refusal(**request), Some(CallError::Busy { .. }));
    assert_eq!(calls.iter().filter(refused).count(), 300 - 256);
    desk.now = desk.now.after(Duration::from_secs(5));
    desk.rest();
    assert!(calls.iter().all(|request| desk.answer(*request).is_some()));
    assert_eq!(desk.sum("x"), 1);
}

/// What was sealed was not counted, so that a batch of large states had no bound.
#[test]
fn large_states_fill_a_batch() {
    let mut desk = Desk::new(1, limits(|limits| limits.batch_bytes_max = 10_000));
    let grown = |desk: &Desk| (0..100).filter(|number| desk.state(&format!("x{number}")).is_some()).count();
    for number in 0..100 {
        desk.signal(&format!("x{number}"), "grow", "1000", Identity::None);
    }
    desk.settle();
    desk.commit();
    assert!((1..=11).contains(&grown(&desk)), "{}", grown(&desk));
    desk.rest();
    assert_eq!(grown(&desk), 100);
}

/// A wake-up that came before its shard had recovered was kept with its message, without a bound.
#[test]
fn a_wake_up_before_recovery_is_read_afterwards() {
    let mut desk = Desk::new(2, Limits::default());
    let (from, to) = desk.strangers();
    desk.signal(&from, "tell", &format!("[\"{to}\",7]"), Identity::None);
    desk.settle();
    desk.commit();
    desk.restart_receiver(&to);
    desk.rest();
    assert_eq!(desk.sum(&to), 7);
}
