//! Critical sections: who holds which lock, and that nothing but their owner's word gives them back.

use super::{desk::Desk, limits};
use crate::Limits;
use sarsen_protocol::{
    Answer, Body, CallError, ExecutionId, Identity, Keyspace, Reuse, Slot, Timestamp, Uuid,
};

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

/// Nothing is locked, and nothing waits.
#[track_caller]
pub(super) fn assert_free(desk: &Desk) {
    assert_eq!(desk.locks(), [""; 0]);
    assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Inbox)), (0, 0));
}

#[test]
fn a_whole_transfer_is_one_commit_without_a_row_of_a_message_or_lock() {
    let mut desk = desk();
    desk.signal("a", "add", "10", Identity::None);
    desk.rest();
    (desk.batches, desk.written) = (0, 0);
    desk.start("r", "lock b a; call a add 1; call b add 2; unlock; say done");
    desk.settle();
    desk.commit();
    assert_eq!(desk.stands("r"), "completed: 11 2 done");
    // The run's record and its history; the two accounts; when runs of the slot have changed.
    assert_eq!((desk.batches, desk.written), (1, 5));
    assert_free(&desk);
}

#[test]
fn a_section_is_held_over_evictions_and_restarts_at_every_wait() {
    for (restart, shards) in [(false, 1), (true, 1), (true, 3)] {
        let mut desk = Desk::new(shards, Limits::default());
        let sleep = |desk: &mut Desk| {
            desk.rest();
            assert_eq!(desk.locks(), ["x by r", "y by r"]);
            if restart {
                desk.reopen(shards % 3 + 1);
                desk.rest();
            } else {
                desk.evict_all();
            }
        };
        desk.start(
            "r",
            "lock y x; do a; call x add 1; do b; call y add 2; event e; call x sum; unlock; do c",
        );
        sleep(&mut desk);
        for key in ["x", "y"] {
            desk.signal(key, "add", "100", Identity::None);
        }
        sleep(&mut desk);
        desk.perform("a", Ok("A"));
        sleep(&mut desk);
        desk.perform("b", Ok("B"));
        sleep(&mut desk);
        assert_eq!((desk.sum("x"), desk.sum("y")), (1, 2), "the signals wait");
        desk.raise("r", "e x", None);
        desk.rest();
        assert_eq!((desk.sum("x"), desk.sum("y")), (101, 102));
        assert_free(&desk);
        desk.perform("c", Ok("C"));
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: A 1 B 2 x 1 C");
    }
}

#[test]
fn every_end_of_an_execution_gives_its_locks_back_in_the_same_commit() {
    let ends = ["", "fail no", "panic no", "again say new", "event never", "lock z", "unlock"];
    for end in ends {
        for shards in [1, 3] {
            let mut desk = Desk::new(shards, Limits::default());
            desk.start("r", &format!("lock x y; event e; {end}"));
            desk.rest();
            assert_eq!(desk.locks().len(), 2);
            desk.raise("r", "e 1", None);
            if end == "event never" {
                desk.rest();
                desk.manage("r", Body::Terminate { reason: None, recurse: false, child_of: None });
            }
            desk.rest();
            assert_free(&desk);
        }
    }
}

#[test]
fn a_replaced_or_terminated_run_gives_its_locks_back_in_memory_or_not() {
    for asleep in [false, true] {
        for replaced in [false, true] {
            let mut desk = desk();
            desk.start("r", "lock x y; event e");
            desk.rest();
            assert!(!asleep || desk.evict_run("r"));
            if replaced {
                desk.start_as("r", "say new", Reuse::TerminateAndReplace, Identity::None);
            } else {
                desk.suspend("r");
                desk.terminate("r");
            }
            desk.rest();
            assert_free(&desk);
        }
    }
}

#[test]
fn sections_that_name_the_same_entities_in_other_orders_never_wait_in_a_circle() {
    for shards in [1, 2, 5] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.busy = true;
        let orders = ["x y z", "z y x", "y x z", "x x z y z", "z x", "y z", "x y"];
        for (number, order) in orders.iter().enumerate() {
            let script = format!("lock {order}; do a; call z add 1; do b; call z add 1; unlock; say end");
            desk.start(
                &format!("r{number}"),
                &script.replace("call z", if order.contains('z') { "call z" } else { "call x" }),
            );
        }
        desk.rest();
        for number in 0..orders.len() {
            let stands = desk.stands(&format!("r{number}"));
            assert!(stands.starts_with("completed: a ") && stands.ends_with(" end"), "{stands}");
        }
        assert_eq!(desk.sum("x") + desk.sum("z"), 14);
        assert_free(&desk);
    }
}

#[test]
fn a_lock_is_had_in_the_order_of_the_mailbox() {
    for shards in [1, 3] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("first", "lock x; event e; call x log 2; unlock");
        desk.rest();
        desk.signal("x", "log", "3", Identity::None);
        desk.rest();
        desk.start("second", "lock x; call x log 4; event e; call x log 5; unlock");
        desk.rest();
        desk.signal("x", "log", "6", Identity::None);
        desk.rest();
        assert_eq!((desk.sum("x"), desk.locks()), (0, vec!["x by first".to_owned()]));
        desk.raise("first", "e 1", None);
        desk.rest();
        assert_eq!((desk.sum("x"), desk.locks()), (234, vec!["x by second".to_owned()]));
        desk.raise("second", "e 1", None);
        desk.rest();
        assert_eq!(desk.sum("x"), 23_456);
        assert_free(&desk);
    }
}

#[test]
fn only_the_holder_of_a_lock_is_served_before_others() {
    let mut desk = desk();
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    desk.start("r", "lock x; event e; call x add 10; unlock; call x sum");
    desk.rest();
    let (call, read) = (desk.call("x", "add", "100", Identity::None), desk.read("x"));
    desk.rest();
    assert_eq!(desk.answer(call), None, "it waits for the end of the section");
    assert!(matches!(desk.answer(read), Some(Answer::State(Some(_)))), "a read stands beside lock and queue");
    desk.raise("r", "e 1", None);
    desk.rest();
    assert_eq!((desk.returned(call), desk.stands("r")), ("111".to_owned(), "completed: 1 11 111".to_owned()));
}

/// Where the request of a section is when the section is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// At the second entity, in memory.
    InMemory,
    /// At the second entity, behind its window.
    BehindTheWindow,
    /// At the second entity, whose record is still being read.
    BeforeItIsLoaded,
}

#[test]
fn a_section_that_is_given_up_is_cancelled_along_the_path_of_its_request() {
    for waits in [Waits::InMemory, Waits::BehindTheWindow, Waits::BeforeItIsLoaded] {
        for (killed, dropped) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = 2));
            if waits == Waits::BeforeItIsLoaded {
                desk.hold_entity = Some("y".to_owned());
            } else {
                desk.start("holder", "lock y; event e; unlock");
                desk.rest();
            }
            if waits == Waits::BehindTheWindow {
                for _ in 0..6 {
                    desk.signal("y", "add", "1", Identity::None);
                }
            }
            let give_up = if dropped { "race e 50; ask x y; say end" } else { "lock x y z; say held" };
            desk.start("r", give_up);
            settle(&mut desk);
            if dropped {
                desk.raise("r", "e 1", None);
            } else {
                assert_eq!(
                    desk.locks().last().map(String::as_str),
                    Some(if waits == Waits::BeforeItIsLoaded { "x by r" } else { "y by holder" })
                );
                desk.terminate("r");
            }
            settle(&mut desk);
            if killed {
                desk.hold_entity = None;
                desk.reopen(2);
            }
            assert!(!desk.locks().contains(&"x by r".to_owned()), "{waits:?}");
            desk.hold_entity = None;
            desk.rest();
            if waits != Waits::BeforeItIsLoaded {
                desk.raise("holder", "e 1", None);
            }
            desk.rest();
            assert_free(&desk);
            assert_eq!(desk.sum("y"), if waits == Waits::BehindTheWindow { 6 } else { 0 });
        }
    }
}

/// Runs and commits what can be, though loads may be kept back.
pub(super) fn settle(desk: &mut Desk) {
    for _ in 0..10 {
        desk.settle();
        desk.commit();
    }
}

/// Two cancels waited for requests behind the window; the second one was put back before the first, and never written.
#[test]
fn cancels_that_wait_for_their_requests_survive_a_crash() {
    let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = 2));
    desk.start("holder", "lock y; event e; unlock");
    desk.rest();
    for _ in 0..6 {
        desk.signal("y", "add", "1", Identity::None);
    }
    for run in ["r", "s", "t"] {
        desk.start(run, "lock y; say held");
        desk.rest();
    }
    for run in ["r", "s", "t"] {
        desk.terminate(run);
        desk.rest();
    }
    let waiting = desk.rows(Keyspace::Mailbox);
    assert_eq!(waiting, 6 + 3 + 3, "each cancel is a row like its request");
    desk.reopen(1);
    desk.rest();
    desk.raise("holder", "e 1", None);
    desk.rest();
    assert_free(&desk);
}

#[test]
fn a_grant_that_finds_no_waiting_section_is_answered_by_the_release_of_its_set() {
    let execution = ExecutionId(Uuid::from_u128(9));
    for there in [false, true] {
        let mut desk = desk();
        if there {
            desk.start("ghost", "event e");
        }
        desk.signal("x", "add", "1", Identity::None);
        desk.rest();
        desk.set_lock("x", Some(("ghost", execution)));
        desk.set_lock("y", Some(("ghost", execution)));
        desk.rest();
        assert_eq!(desk.locks().len(), 2);
        desk.grant("ghost", execution, &["x", "y"]);
        desk.rest();
        assert_free(&desk);
    }
}

/// The run lives elsewhere: the grant is on its way while it is terminated.
#[test]
fn a_terminated_waiter_leaves_no_lock_on_the_path() {
    for late in [false, true] {
        let mut desk = Desk::new(2, Limits::default());
        let run = desk.run_away_from("x");
        desk.start(&run, "lock x; event e");
        desk.settle();
        desk.commit();
        desk.settle();
        desk.hold_deliveries = late;
        desk.commit();
        assert_eq!(desk.locks(), [format!("x by {run}")]);
        desk.terminate(&run);
        settle(&mut desk);
        desk.hold_deliveries = false;
        desk.rest();
        assert_free(&desk);
    }
}

#[test]
fn a_suspended_owner_keeps_its_locks_and_is_granted_those_that_it_waits_for() {
    let mut desk = desk();
    desk.start("holder", "lock x; event e; unlock");
    desk.rest();
    desk.start("r", "lock x y; call x add 1; say end");
    desk.rest();
    desk.suspend("r");
    desk.rest();
    desk.raise("holder", "e 1", None);
    desk.rest();
    assert_eq!(desk.locks(), ["x by r", "y by r"]);
    desk.reopen(2);
    desk.rest();
    assert_eq!(desk.locks(), ["x by r", "y by r"]);
    desk.resume("r");
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: 1 end");
    assert_free(&desk);
}

#[test]
fn a_parked_owner_resumes_inside_its_section() {
    let mut desk = desk();
    desk.start("r", "lock x; event e; call x add 1; unlock; say end");
    desk.rest();
    desk.registered = false;
    desk.reopen(1);
    desk.raise("r", "e 1", None);
    desk.rest();
    assert_eq!((desk.locks(), desk.parked.len()), (vec!["x by r".to_owned()], 1));
    desk.registered = true;
    desk.reopen(1);
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: 1 1 end");
    assert_free(&desk);
}

#[test]
fn a_call_behind_a_forced_release_is_told_that_its_lock_is_lost() {
    let mut desk = desk();
    desk.start("r", "lock x; event e; call x add 1; unlock; say end");
    desk.rest();
    desk.set_lock("x", None);
    desk.start("other", "lock x; event e; unlock");
    desk.rest();
    desk.raise("r", "e 1", None);
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: 1 !LockLost end");
    assert_eq!(
        (desk.sum("x"), desk.locks()),
        (0, vec!["x by other".to_owned()]),
        "it releases its own lock only"
    );
}

#[test]
fn work_of_an_execution_that_calls_what_it_has_locked_would_deadlock() {
    let refused = |desk: &Desk, call| matches!(desk.refusal(call), Some(CallError::WouldDeadlock { .. }));
    let mut desk = desk();
    desk.start("holder", "lock y; event e; unlock");
    desk.rest();
    desk.start("r", "lock x y; event e; unlock; event f");
    desk.rest();
    let held = desk.ask_within("x", true, "r");
    let waited_for = desk.ask_within("y", true, "r");
    let signal = desk.ask_within("x", false, "r");
    let elsewhere = desk.ask_within("z", true, "r");
    let of_another = desk.ask_within("x", true, "holder");
    desk.rest();
    assert!(refused(&desk, held) && refused(&desk, waited_for));
    assert_eq!(desk.answer(signal), Some(&Answer::Acknowledged));
    assert_eq!(desk.returned(elsewhere), "1");
    assert_eq!(desk.answer(of_another), None, "it waits its turn");
    desk.raise("holder", "e 1", None);
    desk.raise("r", "e 1", None);
    desk.rest();
    assert_eq!(desk.returned(of_another), "2", "behind the signal");
    let free = desk.ask_within("x", true, "r");
    desk.rest();
    assert_eq!(desk.returned(free), "3");
}

/// A full mailbox refuses clients; the locks' own messages and the section's calls are always accepted.
#[test]
fn a_full_mailbox_accepts_a_release_a_grant_a_reply() {
    for shards in [1, 3] {
        let mut desk = Desk::new(shards, limits(|limits| limits.mailbox_messages_max = 2));
        desk.start("r", "lock x y; event e; call x add 1; call y add 1; unlock; say end");
        desk.rest();
        desk.start("s", "lock x y; call x add 1; unlock; say end");
        let signals: Vec<u64> = (0..6).map(|_| desk.signal("x", "add", "10", Identity::None)).collect();
        desk.rest();
        assert!(signals.iter().any(|signal| matches!(desk.answer(*signal), Some(Answer::Refused(_)))));
        desk.raise("r", "e 1", None);
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: 1 1 1 end");
        assert!(desk.stands("s").ends_with(" end"), "{}", desk.stands("s"));
        assert_free(&desk);
    }
}

#[test]
fn an_execution_in_the_slot_of_an_entity_of_another_type_is_no_entity() {
    // A generated id names its slot; the run then lives in the slot of an entity, and their rows stay apart.
    let at = sarsen_protocol::Address::entity("sum", "x").expect("valid");
    let run = sarsen_protocol::RunId::generated(Timestamp::from_micros(0), at.slot(), 1);
    assert_eq!(run.named_slot(), Slot::new(at.slot().number()));
    let mut desk = desk();
    desk.start(run.as_str(), "lock x; event e; call x add 1");
    desk.rest();
    desk.reopen(3);
    desk.raise(run.as_str(), "e 1", None);
    desk.rest();
    assert_eq!((desk.stands(run.as_str()), desk.sum("x")), ("completed: 1 1".to_owned(), 1));
}

/// The run's request is in a row that has not been read, so the call is not refused when it comes; and there may be more
/// between the two than is in memory when the lock is granted.
#[test]
fn a_call_that_waits_before_the_lock_is_granted_would_deadlock_then() {
    for (between, evict) in [(0, false), (8, false), (8, true), (50, true)] {
        let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = 2));
        desk.start("holder", "lock x; event e; unlock");
        desk.rest();
        let signals = |desk: &mut Desk, count| {
            for _ in 0..count {
                desk.signal("x", "add", "1", Identity::None);
            }
        };
        signals(&mut desk, 6);
        desk.rest();
        desk.start("r", "lock x; event e; unlock; event f");
        desk.start("third", "event e");
        desk.rest();
        signals(&mut desk, between);
        let calls = [(); 3].map(|()| (desk.ask_within("x", true, "r"), desk.ask_within("x", true, "third")));
        desk.rest();
        assert!(calls.iter().all(|(own, other)| desk.answer(*own).or(desk.answer(*other)).is_none()));
        if evict {
            desk.evict_all();
        }
        signals(&mut desk, between);
        desk.raise("holder", "e 1", None);
        desk.rest();
        for (own, other) in calls {
            assert!(matches!(desk.refusal(own), Some(CallError::WouldDeadlock { .. })), "{between}, {evict}");
            assert_eq!(desk.answer(other), None);
        }
        assert_eq!((desk.sum("x"), desk.locks()), (6, vec!["x by r".to_owned()]));
        desk.raise("r", "e 1", None);
        desk.rest();
        let sums = calls.map(|(_, other)| desk.returned(other));
        assert_eq!(sums, [7, 8, 9].map(|sum| (sum + between).to_string()));
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (9 + 2 * between, 0));
        assert_free(&desk);
    }
}
