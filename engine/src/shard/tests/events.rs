//! Events: kept for a start, taken in order, carried on to the next execution, or given up.

use super::{desk::Desk, key, limits};
use crate::Limits;
use sarsen_protocol::{FailureKind, Keyspace};
use std::time::Duration;

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

#[test]
fn an_event_waits_for_a_start_and_no_longer_than_it_was_told_to() {
    let keep = Some(Duration::from_secs(10));
    for asleep in ["awake", "evicted", "killed"] {
        let mut desk = desk();
        let sleep = |desk: &mut Desk| match asleep {
            "evicted" => assert!(desk.evict_run("r") | desk.evict_run("s")),
            "killed" => desk.reopen(2),
            _ => {}
        };
        let refused = desk.raise("r", "e x", None);
        let kept: Vec<u64> = ["r", "s"].map(|run| desk.raise(run, "e x", keep)).into();
        desk.rest();
        sleep(&mut desk);
        assert_eq!(desk.told(refused), "not found");
        assert!(kept.iter().all(|request| desk.told(*request) == "acknowledged"));
        desk.now = desk.now.after(Duration::from_secs(9));
        desk.start("r", "event e; event e");
        desk.rest();
        sleep(&mut desk);
        desk.now = desk.now.after(Duration::from_secs(2));
        desk.rest();
        desk.raise("r", "e y", None);
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: x y", "{asleep}");
        let kinds: Vec<FailureKind> = desk.letters.iter().map(|failure| failure.kind).collect();
        assert_eq!(kinds, [FailureKind::Expired], "{asleep}: nobody has started `s`");
        assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Timers)), (0, 0), "{asleep}");
        desk.start("s", "event e 1");
        desk.rest();
        assert_eq!(desk.stands("s"), "running", "the event is gone");
    }
}

#[test]
fn events_before_a_start_are_bounded() {
    let mut desk = Desk::new(1, limits(|limits| limits.events_before_start_max = 2));
    let keep = Some(Duration::from_secs(10));
    let kept: Vec<u64> = (0..4).map(|_| desk.raise("r", "e x", keep)).collect();
    desk.rest();
    let answers: Vec<String> = kept.iter().map(|request| desk.told(*request)).collect();
    assert_eq!(answers, ["acknowledged", "acknowledged", "busy", "busy"]);
}

#[test]
fn an_event_that_nobody_takes_is_a_dead_letter() {
    let mut desk = desk();
    desk.start("r", "raise s e a; raise t e b; event f");
    desk.start("s", "say a");
    desk.rest();
    let kinds: Vec<FailureKind> = desk.letters.iter().map(|failure| failure.kind).collect();
    assert!(kinds.contains(&FailureKind::RunNotFound) && kinds.len() == 2, "{kinds:?}");
}

#[test]
fn another_execution_takes_over_events_and_nothing_else() {
    for restless in [false, true] {
        let mut desk = desk();
        desk.restless = restless;
        desk.start("r", "start a; start b; event go; again event e, event f, event e, say end");
        desk.rest();
        let late = desk.token("a");
        for event in ["e 1", "f 2", "other 3", "go", "e 4"] {
            desk.raise("r", event, None);
        }
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: 1 2 4 end");
        desk.perform_token(late, Ok("late"));
        desk.rest();
        let run = desk.run("r").expect("it is kept");
        assert_ne!(run.first, run.execution);
        assert_eq!((desk.rows(Keyspace::Tasks), desk.cancelled.len()), (0, 2));
        assert_eq!(desk.ended.len(), 1, "the run has ended once");
        assert_eq!(desk.rows(Keyspace::History), 1, "the first execution's is gone");
    }
}

#[test]
fn another_execution_begins_behind_a_crash() {
    let mut desk = desk();
    desk.start("r", "event go; again event e, say end");
    desk.rest();
    desk.raise("r", "e x", None);
    desk.raise("r", "go", None);
    // Nothing but the turn that ends the first execution, then the process dies.
    desk.turn_once();
    desk.commit();
    desk.reopen(2);
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: x end");
}

#[test]
fn a_keyed_repeat_of_an_event_gets_the_first_outcome_behind_the_runs_end() {
    let mut desk = desk();
    desk.start("r", "event e");
    desk.rest();
    let first = desk.raise_keyed("r", "e", key("k"));
    desk.rest();
    desk.reopen(1);
    let (again, other) = (desk.raise_keyed("r", "e", key("k")), desk.raise_keyed("r", "e", key("l")));
    desk.rest();
    let told = [first, again, other].map(|request| desk.told(request));
    assert_eq!(told, ["acknowledged", "acknowledged", "finished, completed"]);
    assert_eq!((desk.stands("r"), desk.letters.len()), ("completed: keyed".to_owned(), 0));
}

#[test]
fn events_behind_the_end_are_dead_letters_with_their_sender() {
    let mut desk = desk();
    desk.start("r", "event e");
    desk.rest();
    let raised: Vec<u64> = (0..3).map(|_| desk.raise("r", "e x", None)).collect();
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: x");
    assert_eq!(desk.dead_requests(), raised[1..]);
    assert!(desk.letters.iter().all(|failure| failure.kind == FailureKind::RunFinished));
}

/// The event and the end of the time for it came in one batch: what came first counts, live, evicted and behind a crash.
#[test]
fn an_event_and_its_timeout_in_one_batch_have_the_outcome_of_the_history() {
    for early in [true, false] {
        for then in ["live", "evicted", "reopened"] {
            let mut desk = desk();
            desk.start("r", "event e 5; event e 1; say end");
            desk.rest();
            desk.suspend("r");
            desk.rest();
            // Both wait for the run, in the one order or the other.
            if early {
                desk.raise("r", "e x", None);
                desk.settle();
            }
            desk.now = desk.now.after(Duration::from_secs(5));
            desk.settle();
            desk.raise("r", "e x", None);
            desk.rest();
            match then {
                "evicted" => assert!(desk.evict_run("r")),
                "reopened" => desk.reopen(2),
                _ => {}
            }
            desk.rest();
            desk.resume("r");
            desk.rest();
            desk.now = desk.now.after(Duration::from_secs(1));
            desk.rest();
            let expected = if early { "completed: x x end" } else { "completed: late x end" };
            assert_eq!(desk.stands("r"), expected, "{then}");
            assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Timers)), (0, 0));
        }
    }
}
