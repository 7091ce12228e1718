//! That each fault does what it says, which a simulation that is to notice it depends on.

use super::{
    asking,
    desk::{Desk, text},
    endings::{self, DROPPED, FORCED, GIVEN_UP, RELEASED, TIMED_OUT},
    limits,
    sections::settle,
};
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

fn a_lock_has_one_holder() -> bool {
    let mut desk = holder();
    for run in ["first", "second"] {
        desk.start(run, "lock x; event e");
        desk.rest();
    }
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.locks() == ["x by first"]
}

fn opposite_orders_do_not_wait_in_a_circle() -> bool {
    let mut desk = Desk::new(3, Limits::default());
    let runs: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
    for run in &runs {
        desk.start(run, "lock x y z; unlock");
    }
    desk.rest();
    runs.iter().all(|run| desk.stands(run) == "completed: ")
}

fn an_entity_of_a_set_is_asked_once() -> bool {
    let mut desk = desk();
    desk.start("r", "lock x y x; unlock; say end");
    desk.rest();
    desk.stands("r") == "completed: end"
}

/// The request of a section waits at its second entity, of three.
fn a_cancel_frees_the_path() -> bool {
    let mut desk = Desk::new(1, Limits::default());
    desk.start("holder", "lock y; event e; unlock");
    desk.rest();
    desk.start("r", "lock x y z");
    desk.rest();
    desk.terminate("r");
    desk.rest();
    desk.locks() == ["y by holder"]
}

fn a_cancelled_request_behind_the_window_is_not_granted() -> bool {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = 2));
    desk.start("holder", "lock x; event e; unlock");
    desk.start("other", "lock z; event e");
    desk.rest();
    for _ in 0..6 {
        desk.signal("x", "add", "1", Identity::None);
    }
    desk.start("r", "lock x z");
    desk.rest();
    desk.terminate("r");
    desk.rest();
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.locks() == ["z by other"]
}

fn what_does_not_wait_is_refused() -> bool {
    let mut desk = holder();
    desk.start("r", "free x; say end");
    desk.rest();
    desk.stands("r").ends_with(" end")
}

fn a_holder_is_served_before_others() -> bool {
    let mut desk = desk();
    desk.start("r", "lock x; call x add 1; unlock; say end");
    desk.rest();
    desk.stands("r") == "completed: 1 end"
}

/// The release is accepted while its entity is being read, and the process dies.
fn a_release_survives_a_crash() -> bool {
    let mut desk = holder();
    assert!(desk.evict("x"));
    desk.hold_entity = Some("x".to_owned());
    desk.raise("holder", "e 1", None);
    settle(&mut desk);
    desk.hold_entity = None;
    desk.reopen(1);
    desk.rest();
    desk.locks().is_empty()
}

fn a_lock_survives_a_crash() -> bool {
    let mut desk = holder();
    desk.reopen(1);
    desk.rest();
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.locks() == ["x by holder"] && desk.sum("x") == 0
}

fn a_granted_section_holds_its_locks_at_every_boundary() -> bool {
    let mut desk = holder();
    desk.evict_all();
    desk.rest();
    desk.astray().is_none()
}

fn a_lock_that_is_given_back_leaves_no_row() -> bool {
    let mut desk = holder();
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.locks().is_empty()
}

fn a_release_is_of_its_section_alone() -> bool {
    asking::is_late_release_of_its_section_alone(1, None)
}

fn an_operator_takes_a_lock_from_its_owner_alone() -> bool {
    let mut desk = holder();
    desk.start("r", "event e");
    desk.rest();
    let forced = desk.force("x", "r");
    desk.rest();
    desk.returned(forced) == "false" && desk.locks() == ["x by holder"]
}

fn a_call_without_its_lock_is_not_done() -> bool {
    let mut desk = desk();
    desk.start("r", "lock x; event e; call x add 1");
    desk.rest();
    let forced = desk.force("x", "r");
    desk.raise("r", "e 1", None);
    desk.rest();
    desk.returned(forced) == "true" && desk.stands("r") == "completed: 1 !LockLost"
}

fn a_suspension_keeps_the_lock() -> bool {
    let mut desk = holder();
    desk.suspend("holder");
    desk.rest();
    desk.locks() == ["x by holder"]
}

fn a_parking_keeps_the_lock() -> bool {
    let mut desk = holder();
    desk.registered = false;
    desk.reopen(1);
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.locks() == ["x by holder"]
}

fn a_message_is_taken_once_over_a_restart() -> bool {
    let mut desk = holder();
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.reopen(1);
    desk.rest();
    desk.sum("x") == 1
}

/// A signal that has gone to another shard.
fn told() -> (Desk, String) {
    let mut desk = Desk::new(2, Limits::default());
    let (from, to) = desk.strangers();
    for digit in [1, 2] {
        desk.signal(&from, "tell", &format!("[\"{to}\",{digit}]"), Identity::None);
        desk.settle();
    }
    desk.commit();
    (desk, to)
}

fn a_message_of_another_shard_is_accepted_once_over_a_restart() -> bool {
    let (mut desk, to) = told();
    desk.rest();
    desk.reopen(2);
    desk.rest();
    desk.sum(&to) == 12
}

fn a_late_wake_up_is_a_repeat() -> bool {
    let (mut desk, to) = told();
    desk.deliver_last_first(&to);
    desk.rest();
    desk.sum(&to) == 12
}

fn a_window_is_read_without_gaps() -> bool {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = 2));
    desk.start("holder", "lock x; event e; unlock");
    desk.rest();
    for _ in 0..6 {
        desk.signal("x", "add", "1", Identity::None);
    }
    desk.rest();
    desk.raise("holder", "e 1", None);
    desk.rest();
    desk.sum("x") == 6
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

fn a_lock_is_granted_to_who_has_waited_longest() -> bool {
    let mut desk = holder();
    for run in ["first", "second"] {
        desk.start(run, "lock x; event e; unlock");
        desk.rest();
    }
    desk.raise("holder", "e x", None);
    desk.rest();
    desk.locks() == ["x by first"]
}

#[test]
fn each_fault_breaks_what_it_is_about() {
    let cases: [(Fault, fn() -> bool); 34] = [
        (Fault::GrantOutOfTurn, a_lock_is_granted_to_who_has_waited_longest),
        (Fault::GrantTwice, a_lock_has_one_holder),
        (Fault::LockOrder, opposite_orders_do_not_wait_in_a_circle),
        (Fault::DuplicateInSet, an_entity_of_a_set_is_asked_once),
        (Fault::CancelUnsent, a_cancel_frees_the_path),
        (Fault::CancelOvertakes, a_cancel_frees_the_path),
        (Fault::CancelForgotten, a_cancelled_request_behind_the_window_is_not_granted),
        (Fault::TryWaits, what_does_not_wait_is_refused),
        (Fault::FrontIgnored, a_holder_is_served_before_others),
        (Fault::ReleaseUnwritten, a_release_survives_a_crash),
        (Fault::LockUnwritten, a_lock_survives_a_crash),
        (Fault::LockUnwritten, a_granted_section_holds_its_locks_at_every_boundary),
        (Fault::ReleaseOnEviction, a_granted_section_holds_its_locks_at_every_boundary),
        (Fault::LockKept, a_lock_that_is_given_back_leaves_no_row),
        (Fault::ReleaseByExecution, a_release_is_of_its_section_alone),
        (Fault::ForceAnyone, an_operator_takes_a_lock_from_its_owner_alone),
        (Fault::LostLockServes, a_call_without_its_lock_is_not_done),
        (Fault::ReleaseOnSuspend, a_suspension_keeps_the_lock),
        (Fault::ReleaseOnParking, a_parking_keeps_the_lock),
        (Fault::MailboxRowStays, a_message_is_taken_once_over_a_restart),
        (Fault::InboxRowStays, a_message_of_another_shard_is_accepted_once_over_a_restart),
        (Fault::SequenceUnchecked, a_late_wake_up_is_a_repeat),
        (Fault::WindowSkips, a_window_is_read_without_gaps),
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

#[test]
fn the_boundaries_of_a_run_that_goes_on_notice_their_faults() {
    let cases = [
        (Fault::ReleaseMissesOne, DROPPED),
        (Fault::ReleaseMissesOne, RELEASED),
        (Fault::LockKept, DROPPED),
        (Fault::LockKept, RELEASED),
        (Fault::LockKept, FORCED),
        (Fault::CancelUnsent, GIVEN_UP),
        (Fault::CancelUnsent, TIMED_OUT),
        (Fault::CancelOvertakes, GIVEN_UP),
        (Fault::CancelOvertakes, TIMED_OUT),
        (Fault::ReleaseOvertakes, GIVEN_UP),
        (Fault::CancelStops, GIVEN_UP),
    ];
    for (fault, ending) in cases {
        assert!(endings::play(ending, (1, 1), false, None).is_ok(), "without {fault:?}");
        let _armed = arm(fault);
        let noticed = endings::play(ending, (1, 1), false, None);
        assert!(noticed.is_err(), "{fault:?}: {ending:?}");
    }
}
