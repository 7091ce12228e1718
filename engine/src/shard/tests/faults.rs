//! That each fault does what it says, which a simulation that is to notice it depends on.

use super::desk::{Desk, text};
use crate::{Fault, Limits, arm};
use sarsen_protocol::{
    Body, CommandId, Completed, Completion, ExecutionId, Identity, Keyspace, RunStatus, Uuid,
};

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

/// A run that holds the lock of `x` and waits.
fn holder() -> Desk {
    let mut desk = desk();
    desk.start("holder", "lock x; event e; unlock");
    desk.rest();
    desk
}

fn eviction_keeps_the_lock() -> bool {
    let mut desk = holder();
    assert!(desk.evict_run("holder"));
    desk.rest();
    desk.locks() == ["x by holder"]
}

/// The request of a section waits behind the holder when it is given up.
fn a_cancel_takes_its_request_along() -> bool {
    let mut desk = holder();
    desk.start("r", "lock a x; say held");
    desk.rest();
    desk.terminate("r");
    desk.rest();
    desk.rows(Keyspace::Mailbox) == 0
}

fn a_release_frees_all() -> bool {
    let mut desk = desk();
    desk.start("r", "lock x y; unlock");
    desk.rest();
    desk.locks().is_empty()
}

fn a_refused_request_leaves_no_lock() -> bool {
    let mut desk = holder();
    desk.start("r", "free a x; event e");
    desk.rest();
    desk.locks() == ["x by holder"]
}

fn a_grant_to_nobody_is_given_back() -> bool {
    let mut desk = desk();
    let execution = ExecutionId(Uuid::from_u128(9));
    desk.set_lock("x", Some(("ghost", execution)));
    desk.grant("ghost", execution, &["x"]);
    desk.rest();
    desk.locks().is_empty()
}

fn a_lock_keeps_others_out() -> bool {
    let mut desk = holder();
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.sum("x") == 0
}

fn an_old_token_counts_for_nothing() -> bool {
    let mut desk = desk();
    desk.start("r", "do a");
    desk.rest();
    let old = desk.token("a");
    desk.reopen(1);
    desk.rest();
    desk.perform_token(old, Ok("old"));
    desk.rest();
    desk.stands("r") == "running"
}

fn another_executions_answer_counts_for_nothing() -> bool {
    let mut desk = desk();
    desk.start("r", "do a");
    desk.rest();
    let (execution, command) = (ExecutionId(Uuid::from_u128(9)), CommandId(0));
    let completion = Completion::Task(Ok(text("another's")));
    desk.manage("r", Body::Completed(Box::new(Completed { execution, command, completion })));
    desk.rest();
    desk.stands("r") == "running"
}

fn the_next_execution_has_the_events() -> bool {
    let mut desk = desk();
    desk.start("r", "event go; again event e");
    desk.rest();
    desk.raise("r", "e x", None);
    desk.raise("r", "go", None);
    desk.rest();
    desk.stands("r") == "completed: x"
}

fn a_terminated_execution_leaves_no_task() -> bool {
    let mut desk = desk();
    desk.start("r", "do a");
    desk.rest();
    desk.terminate("r");
    desk.rest();
    assert_eq!(desk.run("r").map(|run| run.status), Some(RunStatus::Terminated));
    desk.rows(Keyspace::Tasks) == 0
}

/// Two inputs in one turn, with a command behind the first.
fn a_replay_does_what_was_done() -> bool {
    let mut desk = desk();
    desk.start("r", "event e; do a; event f; event g");
    desk.rest();
    desk.raise("r", "e x", None);
    desk.raise("r", "f x", None);
    desk.rest();
    assert!(desk.evict_run("r"));
    desk.perform("a", Ok("A"));
    desk.rest();
    desk.parked.is_empty()
}

fn a_replay_is_told_the_time_that_it_was() -> bool {
    let mut desk = desk();
    desk.start("r", "wait 5; event e");
    desk.rest();
    assert!(desk.evict_run("r"));
    desk.raise("r", "e x", None);
    desk.rest();
    desk.parked.is_empty()
}

#[test]
fn each_fault_of_an_execution_breaks_its_replay() {
    use sarsen_orchestration::{Fault, arm};
    let cases: [(Fault, fn() -> bool); 2] = [
        (Fault::OnePollForAll, a_replay_does_what_was_done),
        (Fault::ReplayedTime, a_replay_is_told_the_time_that_it_was),
    ];
    for (fault, holds) in cases {
        assert!(holds(), "without {fault:?}");
        let _armed = arm(fault);
        assert!(!holds(), "with {fault:?}");
    }
}

#[test]
fn each_fault_breaks_what_it_is_about() {
    let cases: [(Fault, fn() -> bool); 11] = [
        (Fault::ReleaseOnEviction, eviction_keeps_the_lock),
        (Fault::ReleaseOvertakes, a_cancel_takes_its_request_along),
        (Fault::CancelStops, a_cancel_takes_its_request_along),
        (Fault::ReleaseMissesOne, a_release_frees_all),
        (Fault::RefusalKeepsLocks, a_refused_request_leaves_no_lock),
        (Fault::GrantUnanswered, a_grant_to_nobody_is_given_back),
        (Fault::LockIgnored, a_lock_keeps_others_out),
        (Fault::AcceptOldToken, an_old_token_counts_for_nothing),
        (Fault::AnyExecution, another_executions_answer_counts_for_nothing),
        (Fault::DropCarried, the_next_execution_has_the_events),
        (Fault::KeepTasks, a_terminated_execution_leaves_no_task),
    ];
    for (fault, holds) in cases {
        assert!(holds(), "without {fault:?}");
        let _armed = arm(fault);
        assert!(!holds(), "with {fault:?}");
    }
}
