//! What is chosen for an entity type.

use super::{desk::Desk, key, limits, numbered};
use crate::Refusals;
use sarsen_entities::EntityOptions;
use sarsen_protocol::{Answer, CallError, Identity, Keyspace};
use std::time::Duration;

/// A desk whose entities have these options.
fn desk(options: EntityOptions) -> Desk {
    let mut desk = Desk::new(1, limits(|_| {}));
    desk.entities = options;
    desk.reopen(1);
    desk
}

fn refusals(desk: &Desk) -> Refusals {
    desk.stats().refusals["sum"]
}

/// When a client was told to come back that was refused as busy.
fn retry_after(desk: &Desk, request: u64) -> Option<Duration> {
    match desk.refusal(request)? {
        CallError::Busy { retry_after, .. } => Some(*retry_after),
        other => panic!("refused otherwise: {other}"),
    }
}

#[test]
fn a_type_has_mailboxes_of_its_own_length() {
    let mut desk = desk(EntityOptions::default().mailbox(3));
    let signals: Vec<_> = (0..5).map(|_| desk.signal("x", "add", "1", Identity::None)).collect();
    desk.refusals();
    let busy = |request: &u64| matches!(desk.refusal(*request), Some(CallError::Busy { .. }));
    assert_eq!(signals.iter().map(busy).collect::<Vec<_>>(), [false, false, false, true, true]);
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead)), (33, 20), "ten times as many of instances");
    assert_eq!((refusals(&desk).mailbox_full, refusals(&desk).mailbox_overflowed), (2, 20));
    desk.entities = EntityOptions::default();
    desk.reopen(1);
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    assert_eq!(desk.sum("x"), 83, "what the running program says counts");
}

#[test]
fn a_type_has_states_of_its_own_length() {
    let mut desk = desk(EntityOptions::default().state_bytes(100));
    let short = desk.call("x", "grow", "10", Identity::None);
    let long = desk.call("x", "grow", "200", Identity::None);
    let signal = desk.signal("x", "grow", "200", Identity::None);
    let after = desk.call("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!((desk.returned(short), desk.returned(after)), ("null".to_owned(), "1".to_owned()));
    let Some(Answer::Failed(failure)) = desk.answer(long) else { panic!("it is too long") };
    assert!(failure.message.contains("has 222 bytes, 100 are allowed"), "{}", failure.message);
    assert_eq!(desk.dead_requests(), [signal]);
    assert_eq!(refusals(&desk).states_too_large, 2);
}

#[test]
fn who_asks_too_fast_is_told_when_there_is_room() {
    let mut desk = desk(EntityOptions::default().rate(2, Duration::from_secs(1)));
    let asked: Vec<u64> = (0..4).map(|_| desk.call("x", "add", "1", Identity::None)).collect();
    desk.rest();
    let told: Vec<_> = asked.iter().map(|request| retry_after(&desk, *request)).collect();
    let half = Duration::from_millis(500);
    assert_eq!(told, [None, None, Some(half), Some(half)]);
    assert_eq!((desk.sum("x"), refusals(&desk).too_fast), (2, 2));
    let other = desk.call("y", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(desk.returned(other), "1", "each entity has a rate of its own");
    desk.now = desk.now.after(half);
    let again = desk.call("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!(desk.returned(again), "3", "the hint was right");
}

#[test]
fn what_instances_send_counts_for_the_rate_and_is_not_refused() {
    let mut desk = desk(EntityOptions::default().rate(2, Duration::from_secs(1)));
    desk.signal("y", "flood", "50", Identity::None);
    desk.rest();
    let refused = desk.call("x", "add", "1", Identity::None);
    let read = desk.read("x");
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Dead)), (50, 0));
    assert_eq!(retry_after(&desk, refused), Some(Duration::from_millis(500)));
    assert!(matches!(desk.answer(read), Some(Answer::State(Some(_)))), "a read is no operation");
}

#[test]
fn a_repeat_does_not_count_for_the_rate_and_gets_the_first_outcome() {
    let mut desk = desk(EntityOptions::default().rate(1, Duration::from_secs(1)));
    let first = desk.call("x", "add", "1", key("k"));
    desk.rest();
    let repeat = desk.call("x", "add", "1", key("k"));
    let new = desk.call("x", "add", "1", key("l"));
    desk.rest();
    assert_eq!((desk.returned(first), desk.returned(repeat)), ("1".to_owned(), "1".to_owned()));
    assert!(retry_after(&desk, new).is_some());
    desk.now = desk.now.after(Duration::from_secs(1));
    let new = desk.call("x", "add", "1", key("l"));
    desk.rest();
    assert_eq!(desk.returned(new), "2", "a key of a request that was refused is free");
    let numbered_early = desk.signal("x", "add", "1", numbered(1));
    desk.rest();
    assert!(retry_after(&desk, numbered_early).is_some());
    desk.now = desk.now.after(Duration::from_secs(1));
    desk.signal("x", "add", "1", numbered(1));
    desk.rest();
    assert_eq!(desk.sum("x"), 3, "a number of a request that was refused is the next");
}

#[test]
fn a_full_mailbox_behind_a_lock_is_worth_asking_after_as_long_as_it_was_held() {
    let mut desk = desk(EntityOptions::default().mailbox(1));
    desk.start("r", "lock x; event e");
    desk.rest();
    let mut told = Vec::new();
    desk.signal("x", "add", "1", Identity::None);
    for seconds in [0, 1, 2, 100] {
        desk.now = desk.now.after(Duration::from_secs(seconds));
        let refused = desk.signal("x", "add", "1", Identity::None);
        desk.settle();
        told.push(retry_after(&desk, refused).map(|after| after.as_millis()));
    }
    assert_eq!(told, [Some(20), Some(1_000), Some(3_000), Some(5_000)]);
}
