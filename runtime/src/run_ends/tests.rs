use super::*;
use futures::FutureExt;
use sarsen_protocol::{Payload, Slot, Timestamp};

fn run() -> RunId {
    RunId::new("r").expect("valid")
}

fn first(unique: u64) -> ExecutionId {
    ExecutionId::generated(Timestamp::default(), Slot::new(0).expect("there is one"), unique)
}

fn outcome() -> RunOutcome {
    RunOutcome::Returned(Payload::null())
}

#[test]
fn an_end_before_the_wait_and_one_behind_it_are_both_told() {
    let ends = RunEnds::new();
    let place = ends.take(&run());
    ends.ended(&run(), first(1), Some(outcome()));
    assert_eq!(place.changed(first(1), 0).now_or_never(), Some(Noted::Ended(outcome())));

    let mut waiting = Box::pin(place.changed(first(2), 0));
    assert_eq!((&mut waiting).now_or_never(), None);
    ends.ended(&run(), first(2), Some(outcome()));
    assert_eq!(waiting.now_or_never(), Some(Noted::Ended(outcome())));
}

#[test]
fn the_end_of_another_run_of_the_same_id_wakes_nobody_for_good() {
    let ends = RunEnds::new();
    let place = ends.take(&run());
    let mut waiting = Box::pin(place.changed(first(2), 0));
    assert_eq!((&mut waiting).now_or_never(), None);
    ends.ended(&run(), first(1), Some(outcome()));
    assert_eq!((&mut waiting).now_or_never(), None);
}

#[test]
fn a_purge_does_not_hide_the_outcome_that_was_noted_before_it() {
    let ends = RunEnds::new();
    let place = ends.take(&run());
    ends.ended(&run(), first(1), Some(outcome()));
    ends.ended(&run(), first(1), None);
    ends.ended(&run(), first(2), None);
    assert_eq!(place.noted(first(1)), Noted::Ended(outcome()));
    assert_eq!(place.noted(first(2)), Noted::Purged);
}

#[test]
fn who_waits_learns_that_ends_were_dropped_and_can_read_the_store() {
    let ends = RunEnds::new();
    let place = ends.take(&run());
    for unique in 0..=ENDS_MAX as u64 {
        ends.ended(&run(), first(unique), Some(outcome()));
    }
    assert_eq!(place.changed(first(0), 0).now_or_never(), Some(Noted::Nothing { dropped: 1 }));
    assert_eq!(place.changed(first(0), 1).now_or_never(), None);
}

#[test]
fn a_place_goes_with_the_last_who_holds_it() {
    let ends = RunEnds::new();
    let (one, two) = (ends.take(&run()), ends.take(&run()));
    assert!(Arc::ptr_eq(&one, &two));
    ends.leave(&run());
    assert_eq!(ends.len(), 1);
    ends.leave(&run());
    assert_eq!(ends.len(), 0);
    ends.ended(&run(), first(1), Some(outcome()));
    assert_eq!(one.noted(first(1)), Noted::Nothing { dropped: 0 });
}

#[test]
fn a_stop_is_told_to_those_who_wait_and_to_those_who_come_later() {
    let ends = RunEnds::new();
    let place = ends.take(&run());
    let mut waiting = Box::pin(place.changed(first(1), 0));
    assert_eq!((&mut waiting).now_or_never(), None);
    ends.stop();
    assert_eq!(waiting.now_or_never(), Some(Noted::Stopped));
    let late = ends.take(&RunId::new("late").expect("valid"));
    assert_eq!(late.noted(first(1)), Noted::Stopped);
}
