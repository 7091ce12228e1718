//! Failed runs that go on from their point of failure.

use super::desk::{Desk, text};
use crate::{Limits, OrchestrationOptions};
use sarsen_protocol::{Body, Identity, Keyspace, Reuse};
use std::time::Duration;

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

fn rewind(desk: &mut Desk, run: &str) -> u64 {
    desk.manage(run, Body::Rewind { reason: Some("mended".to_owned()) })
}

/// What comes between two things that are done.
fn between(desk: &mut Desk, what: usize) {
    desk.rest();
    match what {
        0 => {}
        1 => desk.evict_all(),
        _ => desk.reopen(1),
    }
    desk.rest();
}

/// The rows that a run which is over must not leave.
fn left(desk: &Desk) -> [u64; 4] {
    [Keyspace::Mailbox, Keyspace::Timers, Keyspace::Tasks, Keyspace::Locks]
        .map(|keyspace| desk.rows(keyspace))
}

#[test]
fn a_failed_run_goes_on_with_what_was_recorded_and_asks_again_for_what_had_failed() {
    for what in 0..3 {
        let mut desk = desk();
        desk.start("r", "draw; do a; status at-a; do b; must; event e; do c; draw");
        between(&mut desk, what);
        desk.perform("a", Ok("A"));
        between(&mut desk, what);
        desk.perform("b", Err("no"));
        between(&mut desk, what);
        assert!(desk.stands("r").starts_with("failed: "), "{}", desk.stands("r"));
        let before = desk.run("r").expect("it is there");
        let rewound = rewind(&mut desk, "r");
        between(&mut desk, what);
        assert_eq!((desk.told(rewound), desk.stands("r")), ("returned".to_owned(), "running".to_owned()));
        let now = desk.run("r").expect("it is there");
        assert_eq!((now.first, now.completed), (before.first, None));
        assert_ne!(now.execution, before.execution);
        assert_eq!(now.custom_status, Some(text("at-a")));
        assert_eq!(desk.handed_out(), ["b"], "what has a result is not asked for again");
        between(&mut desk, what);
        desk.perform("b", Ok("B"));
        desk.raise("r", "e x", None);
        between(&mut desk, what);
        desk.perform("c", Ok("C"));
        between(&mut desk, what);
        let stands = desk.stands("r");
        let words: Vec<&str> = stands.split(' ').collect();
        assert_eq!(words[2..6], ["A", "B", "x", "C"], "{stands}, {what}");
        assert_eq!((left(&desk), desk.ended.len()), ([0; 4], 1));
    }
}

#[test]
fn results_that_came_behind_the_failure_are_given_again() {
    for what in 0..3 {
        let mut desk = desk();
        desk.start("r", "start a; start b; start c; wait 30; join; must; event e");
        between(&mut desk, what);
        desk.perform("a", Err("no"));
        between(&mut desk, what);
        desk.perform("b", Ok("B"));
        desk.raise("r", "e x", None);
        between(&mut desk, what);
        desk.now = desk.now.after(Duration::from_secs(30));
        between(&mut desk, what);
        desk.perform("c", Err("no"));
        between(&mut desk, what);
        assert!(desk.stands("r").starts_with("failed: "), "{}", desk.stands("r"));
        rewind(&mut desk, "r");
        between(&mut desk, what);
        assert_eq!(desk.handed_out(), ["a", "c"]);
        desk.perform("c", Ok("C"));
        desk.perform("a", Ok("A"));
        between(&mut desk, what);
        assert_eq!((desk.stands("r"), left(&desk)), ("completed: A B C x".to_owned(), [0; 4]), "{what}");
    }
}

#[test]
fn children_that_failed_start_again_and_others_are_taken_as_they_are() {
    for what in 0..3 {
        let mut desk = desk();
        desk.start(
            "r",
            "begin good do g; begin slow event e, say s; begin bad do b, must; do x; must; join; must",
        );
        between(&mut desk, what);
        desk.perform("x", Err("no"));
        between(&mut desk, what);
        desk.perform("g", Ok("G"));
        desk.perform("b", Err("no"));
        between(&mut desk, what);
        let stand = |desk: &Desk| {
            ["good", "slow", "bad"].map(|run| desk.stands(run).split(':').next().map(str::to_owned))
        };
        assert_eq!(stand(&desk).map(Option::unwrap_or_default), ["completed", "running", "failed"]);
        rewind(&mut desk, "r");
        between(&mut desk, what);
        assert_eq!(stand(&desk).map(Option::unwrap_or_default), ["completed", "running", "running"]);
        desk.perform("b", Ok("B"));
        desk.perform("x", Ok("X"));
        desk.raise("slow", "e y", None);
        between(&mut desk, what);
        assert_eq!(desk.stands("r"), r#"completed: X Ok("G") Ok("y s") Ok("B")"#, "{what}");
        assert_eq!(left(&desk), [0; 4]);
    }
}

#[test]
fn a_failed_child_is_told_and_starts_again_for_its_parent() {
    let mut desk = desk();
    desk.start("r", "child c do a, must; must");
    desk.rest();
    desk.perform("a", Err("no"));
    desk.rest();
    rewind(&mut desk, "r");
    desk.rest();
    assert_eq!(desk.handed_out(), ["a"]);
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!(desk.stands("r"), r#"completed: Ok("A")"#);
}

#[test]
fn timers_to_come_and_failed_calls_are_asked_for_again() {
    let mut desk = desk();
    desk.start("r", "call x refuse; must; wait 30; call x sum");
    desk.rest();
    assert!(desk.stands("r").starts_with("failed: "));
    let _ = rewind(&mut desk, "r");
    desk.rest();
    assert!(desk.stands("r").starts_with("failed: "), "it refuses again");
    let mut desk = self::desk();
    desk.start("r", "race e 30; do a; must");
    desk.rest();
    desk.raise("r", "e x", None);
    desk.rest();
    desk.perform("a", Err("no"));
    desk.rest();
    rewind(&mut desk, "r");
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Timers), desk.handed_out()), (0, vec!["a".to_owned()]));
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: x A");
}

#[test]
fn code_that_failed_by_itself_is_given_again_what_came_last() {
    for what in 0..3 {
        let mut desk = desk();
        desk.start("r", "do a; event e; fail no");
        between(&mut desk, what);
        desk.perform("a", Ok("A"));
        desk.raise("r", "e x", None);
        between(&mut desk, what);
        for _ in 0..2 {
            assert_eq!(desk.stands("r"), "failed: returned an error: no");
            rewind(&mut desk, "r");
            between(&mut desk, what);
        }
        desk.start("s", "fail at once");
        between(&mut desk, what);
        let first = desk.run("s").expect("it is there").execution;
        rewind(&mut desk, "s");
        between(&mut desk, what);
        assert_eq!(desk.stands("s"), "failed: returned an error: at once");
        assert_ne!(desk.run("s").expect("it is there").execution, first);
        assert_eq!(left(&desk), [0; 4]);
    }
}

#[test]
fn only_a_failed_run_that_can_be_taken_up_again_is_rewound() {
    let mut desk = desk();
    desk.start("r", "event e");
    desk.start("s", "lock x y; do a; must");
    desk.start("d", "say d");
    desk.rest();
    desk.perform("a", Err("no"));
    desk.rest();
    let told: Vec<u64> = ["r", "s", "d", "nobody"].into_iter().map(|run| rewind(&mut desk, run)).collect();
    desk.rest();
    let told: Vec<String> = told.into_iter().map(|request| desk.told(request)).collect();
    assert_eq!([&told[0], &told[2], &told[3]], ["not failed, running", "not failed, completed", "not found"]);
    assert!(
        told[1].starts_with("refused: run `s` cannot be rewound: it failed inside a critical section"),
        "{}",
        told[1]
    );
    assert!(desk.stands("s").starts_with("failed: "));
    assert_eq!(desk.locks(), [""; 0]);
    // What was refused can be purged and replaced as before.
    desk.start_as("s", "say new", Reuse::ReplaceFinished, Identity::None);
    desk.rest();
    assert_eq!(desk.stands("s"), "completed: new");
}

#[test]
fn a_run_is_rewound_once_however_often_that_is_asked_for_at_a_time() {
    for restart in [false, true] {
        let mut desk = desk();
        desk.start("r", "do a; must");
        desk.rest();
        desk.perform("a", Err("no"));
        // Asked for in the turn in which it fails, before its end is durable.
        desk.settle();
        let told: Vec<u64> = (0..3).map(|_| rewind(&mut desk, "r")).collect();
        desk.settle();
        desk.commit();
        if restart {
            desk.reopen(1);
        }
        desk.rest();
        let told: Vec<String> = told.into_iter().map(|request| desk.told(request)).collect();
        if !restart {
            assert_eq!(told, ["returned", "not failed, running", "not failed, running"]);
        }
        assert_eq!((desk.handed_out(), desk.rows(Keyspace::Tasks)), (vec!["a".to_owned()], 1));
        desk.perform("a", Ok("A"));
        desk.rest();
        assert_eq!((desk.stands("r"), left(&desk)), ("completed: A".to_owned(), [0; 4]));
    }
}

#[test]
fn a_rewound_run_has_a_permit_and_is_not_purged_meanwhile() {
    let mut desk = desk();
    desk.options = OrchestrationOptions::default().concurrency(1).retention(Duration::from_secs(60));
    desk.reopen(1);
    desk.start("r", "do a; must");
    desk.rest();
    desk.perform("a", Err("no"));
    desk.rest();
    desk.start("s", "event e");
    desk.rest();
    rewind(&mut desk, "r");
    desk.rest();
    desk.now = desk.now.after(Duration::from_secs(90));
    desk.rest();
    assert_eq!((desk.stands("r"), desk.stands("s")), ("running".to_owned(), "running".to_owned()));
    desk.perform("a", Ok("A"));
    desk.reopen(1);
    desk.rest();
    assert_eq!(desk.stands("r"), "running", "it waits for the permit of the other");
    desk.raise("s", "e x", None);
    desk.rest();
    if desk.stands("r") == "running" {
        desk.perform("a", Ok("A"));
        desk.rest();
    }
    assert_eq!((desk.stands("r"), desk.stands("s")), ("completed: A".to_owned(), "completed: x".to_owned()));
}
