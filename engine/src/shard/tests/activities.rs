//! Activities: handed out once they are durable, taken once, by their token alone.

use super::{desk::Desk, limits};
use crate::Limits;
use sarsen_protocol::{Epoch, Keyspace, TaskToken};
use std::time::Duration;

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

#[test]
fn a_run_awaits_an_activity() {
    let mut desk = desk();
    desk.start("r", "do a; do b; say end");
    desk.settle();
    assert!(desk.tasks.is_empty(), "it is not durable");
    desk.rest();
    assert_eq!((desk.handed_out(), desk.rows(Keyspace::Tasks)), (vec!["a".to_owned()], 1));
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!((desk.handed_out(), desk.rows(Keyspace::Tasks)), (vec!["b".to_owned()], 1));
    desk.perform("b", Err("no"));
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: A !Panicked end");
    assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (0, 0));
}

#[test]
fn an_answer_counts_once() {
    let mut desk = desk();
    desk.start("r", "start a; start b; join; event e");
    desk.rest();
    let (a, b) = (desk.token("a"), desk.token("b"));
    for answer in ["1", "2"] {
        desk.perform_token(a, Ok(answer));
    }
    desk.rest();
    desk.perform_token(a, Ok("3"));
    desk.perform_token(b, Err("no"));
    desk.perform_token(b, Ok("4"));
    desk.rest();
    desk.raise("r", "e x", None);
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: 1 !Panicked x");
}

#[test]
fn an_old_token_after_restart_changes_nothing() {
    let mut desk = desk();
    desk.start("r", "do a; say end");
    desk.rest();
    let old = desk.token("a");
    desk.reopen(1);
    desk.rest();
    let new = desk.token("a");
    assert_eq!((old.execution, old.command, old.slot), (new.execution, new.command, new.slot));
    assert!(old.epoch < new.epoch, "it is handed out again under another epoch");
    desk.perform_token(old, Ok("old"));
    desk.perform_token(TaskToken { epoch: Epoch(99), ..old }, Ok("made up"));
    desk.rest();
    assert_eq!((desk.stands("r"), desk.rows(Keyspace::Tasks)), ("running".to_owned(), 1));
    desk.perform_token(new, Ok("new"));
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: new end");
}

#[test]
fn a_start_taken_back_by_terminate_in_the_same_batch_does_not_run() {
    let mut desk = desk();
    desk.start("r", "do a; say end");
    desk.terminate("r");
    desk.rest();
    assert!(desk.stands("r").starts_with("terminated"));
    assert_eq!((desk.tasks.len(), desk.cancelled.len(), desk.rows(Keyspace::Tasks)), (0, 0, 0));

    // Likewise when the start is sealed and on its way: then it is cancelled.
    desk.start("s", "do a; say end");
    desk.settle();
    desk.seal();
    desk.terminate("s");
    desk.rest();
    assert_eq!((desk.tasks.len(), desk.cancelled.len(), desk.rows(Keyspace::Tasks)), (0, 1, 0));
}

#[test]
fn activities_that_a_returned_execution_has_issued_still_run() {
    let mut desk = desk();
    desk.start("r", "start a; start b; say end");
    desk.rest();
    assert_eq!(
        (desk.stands("r"), desk.handed_out()),
        ("completed: end".to_owned(), vec!["a".to_owned(), "b".to_owned()])
    );
    desk.perform("a", Ok("A"));
    desk.reopen(1);
    desk.rest();
    assert_eq!(desk.handed_out(), ["a", "b"], "again after a crash");
    desk.perform("b", Ok("B"));
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!((desk.stands("r"), desk.rows(Keyspace::Tasks)), ("completed: end".to_owned(), 0));
    assert_eq!(desk.rows(Keyspace::Mailbox), 0, "their results are dropped");
}

#[test]
fn activities_beyond_the_window_wait_as_rows_and_run_in_the_end() {
    for bytes in [false, true] {
        let mut desk = Desk::new(
            2,
            limits(|limits| {
                if bytes {
                    limits.tasks_bytes_max = 8;
                } else {
                    limits.tasks_window = 2;
                }
            }),
        );
        for run in 0..4 {
            desk.start(&format!("r{run}"), "start 1234; start 5678; start 9012; join");
        }
        desk.rest();
        assert!((2..=8).contains(&desk.tasks.len()), "{}", desk.tasks.len());
        assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (12, 12));
        desk.reopen(1);
        desk.rest();
        assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (12, 12));
        desk.busy = true;
        desk.rest();
        for run in 0..4 {
            assert_eq!(desk.stands(&format!("r{run}")), "completed: 1234 5678 9012");
        }
        assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (0, 0));
    }
}

/// The task had been performed, and its result waited for the suspended run. Taken away with the run, it was counted off
/// those that wait as rows: a task of another run was never read.
#[test]
fn a_task_that_has_ended_takes_none_of_another_run_with_it() {
    let mut desk = Desk::new(1, limits(|limits| limits.tasks_window = 1));
    let [run, other] = Desk::neighbours();
    desk.start(&run, "start a; event e");
    desk.rest();
    desk.start(&other, "start b; event e");
    desk.suspend(&run);
    desk.rest();
    assert_eq!(desk.handed_out(), ["a"], "the other one is a row");
    desk.perform("a", Ok("A"));
    desk.turn_once();
    desk.terminate(&run);
    desk.rest();
    assert_eq!(desk.handed_out(), ["b"]);
    assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (1, 1));
}

/// A result came and the run was terminated in one batch, which then held two writes of the task's row.
#[test]
fn a_task_that_ends_with_its_run_is_written_once() {
    let mut desk = desk();
    desk.start("r", "start a; event e");
    desk.rest();
    desk.suspend("r");
    desk.rest();
    desk.perform("a", Ok("A"));
    desk.terminate("r");
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Mailbox)), (0, 0));
}

#[test]
fn an_activity_that_is_not_registered_fails_at_once_and_one_that_is_gone_waits() {
    let mut desk = desk();
    desk.start("s", "stray a; say end");
    desk.start("r", "do a; say end");
    desk.rest();
    assert_eq!(desk.stands("s"), "completed: !UnknownActivity end");
    desk.registered = false;
    desk.reopen(1);
    desk.rest();
    assert!(desk.tasks.is_empty(), "it is held back");
    assert_eq!((desk.rows(Keyspace::Tasks), desk.stats().tasks), (1, 1));
    desk.registered = true;
    desk.reopen(1);
    desk.busy = true;
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: a end");
}

#[test]
fn an_answer_that_is_too_long_fails_its_activity() {
    let mut desk = Desk::new(1, limits(|limits| limits.payload_bytes_max = 100));
    desk.start("r", "do a; say end");
    desk.rest();
    desk.perform("a", Ok(&"x".repeat(100)));
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: !TooLarge end");
}

fn later(desk: &mut Desk, seconds: u64) {
    desk.now = desk.now.after(Duration::from_secs(seconds));
    desk.rest();
}

#[test]
fn an_attempt_whose_time_is_over_has_failed_and_is_taken_back() {
    for end in ["live", "evicted", "reopened"] {
        let mut desk = desk();
        desk.start("r", "try 1 5 a; say end");
        desk.rest();
        assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (1, 1));
        match end {
            "evicted" => desk.evict_all(),
            "reopened" => desk.reopen(2),
            _ => {}
        }
        later(&mut desk, 4);
        let token = desk.token("a");
        assert_eq!(desk.stands("r"), "running");
        later(&mut desk, 1);
        assert_eq!(desk.stands("r"), "completed: !TimedOut end", "{end}");
        assert_eq!(desk.cancelled, [token]);
        desk.perform_token(token, Ok("late"));
        desk.rest();
        assert_eq!((desk.stats().tasks, desk.stats().timers), (0, 0));
        assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
    }
}

#[test]
fn an_attempt_that_ends_in_time_leaves_no_timer() {
    let mut desk = desk();
    desk.start("r", "try 2 5 a; event e");
    desk.rest();
    desk.perform("a", Err("no"));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 1), "the wait");
    later(&mut desk, 1);
    assert_eq!(desk.attempts(), ["2 of 0: "]);
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
    desk.raise("r", "e x", None);
    later(&mut desk, 60);
    assert_eq!(desk.stands("r"), "completed: A x");
}

/// The run was suspended while the time passed and the answer came: what came first counts.
#[test]
fn of_an_answer_and_the_end_of_its_time_the_first_counts() {
    for (early, expected) in [(true, "completed: A end"), (false, "completed: !TimedOut end")] {
        for reopened in [false, true] {
            let mut desk = desk();
            desk.start("r", "try 1 5 a; say end");
            desk.rest();
            desk.suspend("r");
            desk.rest();
            let token = desk.token("a");
            if early {
                desk.perform_token(token, Ok("A"));
                desk.rest();
            }
            later(&mut desk, 5);
            desk.perform_token(token, Ok("A"));
            desk.rest();
            if reopened {
                desk.reopen(1);
                desk.rest();
            }
            desk.resume("r");
            desk.rest();
            assert_eq!(desk.stands("r"), expected);
            assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
            assert_eq!(desk.rows(Keyspace::Mailbox), 0);
        }
    }
}

#[test]
fn termination_takes_an_attempt_and_its_time_back() {
    let mut desk = desk();
    desk.start("r", "try 1 5 a; say end");
    desk.rest();
    desk.terminate("r");
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
}

#[test]
fn how_far_an_attempt_got_is_told_to_the_next_and_to_itself_behind_a_crash() {
    let mut desk = desk();
    desk.start("r", "try 3 5 a; say end");
    desk.rest();
    assert_eq!(desk.attempts(), ["1 of 0: "]);
    desk.progress("a", "20");
    desk.progress("a", "30");
    desk.rest();
    desk.reopen(1);
    desk.rest();
    assert_eq!(desk.attempts(), ["1 of 0: 30"], "the same one again");
    desk.perform("a", Err("no"));
    desk.rest();
    later(&mut desk, 1);
    assert_eq!(desk.attempts(), ["2 of 0: 30"], "the next");
    desk.progress("a", "60");
    desk.rest();
    desk.tasks.clear();
    later(&mut desk, 5);
    later(&mut desk, 1);
    assert_eq!(desk.attempts(), ["3 of 0: 60"], "behind its time");
    desk.reopen(1);
    desk.rest();
    assert_eq!(desk.attempts(), ["3 of 0: 60"]);
    desk.perform("a", Ok("A"));
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: A end");
    assert_eq!((desk.stats().tasks, desk.stats().timers), (0, 0));
}
