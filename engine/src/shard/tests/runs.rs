//! Runs: from the start to the end, over evictions, restarts and whoever manages them.

use super::{
    desk::{Desk, text},
    key, limits,
};
use crate::Limits;
use sarsen_protocol::{Answer, Body, FailureKind, Identity, Keyspace, Reuse, RunOutcome};
use std::time::Duration;

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

/// Runs a script to its end, or until it waits for what does not come.
#[track_caller]
fn check(script: &str, expect: &str) {
    for restless in [false, true] {
        let mut desk = desk();
        (desk.busy, desk.restless) = (true, restless);
        let start = desk.start("r", script);
        desk.rest();
        desk.now = desk.now.after(Duration::from_secs(100));
        desk.rest();
        assert_eq!(desk.told(start), "returned");
        assert_eq!(desk.stands("r"), expect, "restless: {restless}");
        assert!(desk.parked.is_empty(), "{:?}", desk.parked);
    }
}

#[test]
fn a_run_does_what_its_code_says() {
    check("say a", "completed: a");
    check("do a; do b", "completed: a b");
    check("start a; start b; do c; join", "completed: c a b");
    check("wait 5; say a", "completed: a");
    check("event e 5", "completed: late");
    check("race e 5; race e 500", "running");
    check("call x add 5; call x refuse; call x sum", "completed: 5 !Returned 5");
    check("signal x 3; call x sum; signal x 4 10; wait 20; call x sum", "completed: 3 7");
    check("fail no", "failed: returned an error: no");
    check("panic no", "failed: panicked: no");
    check("event e", "running");
    check("child c do a, do b; say d", r#"completed: Ok("a b") d"#);
    check("child c fail x", r#"completed: Err("x")"#);
    check("child c panic x", "completed: !Panicked");
    check("begin c wait 5, say a; begin d say b; join", r#"completed: Ok("a") Ok("b")"#);
    check("again say b", "completed: b");
    check("lock x y; call x add 1; call y add 2; unlock; call x sum", "completed: 1 2 1");
}

#[test]
fn time_and_chance_stay_the_same_over_evictions() {
    let script = "draw; now; do a; draw; wait 10; now; draw";
    let mut lively = desk();
    let mut restless = desk();
    restless.restless = true;
    for desk in [&mut lively, &mut restless] {
        desk.busy = true;
        desk.start("r", script);
        desk.rest();
        desk.now = desk.now.after(Duration::from_secs(10));
        desk.rest();
    }
    assert!(lively.stands("r").starts_with("completed: "));
    assert_eq!(lively.stands("r"), restless.stands("r"));
}

#[test]
fn a_run_that_waits_for_nothing_is_one_commit_of_two_rows() {
    let mut desk = desk();
    desk.start("r", "say a");
    desk.rest();
    let of_slot =
        usize::try_from(desk.rows(Keyspace::Meta)).expect("one row says when the slot's runs changed");
    assert_eq!((desk.batches, desk.written), (1, 2 + of_slot));
    assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::History)), (1, 1));
}

#[test]
fn nobody_learns_of_a_run_before_it_is_durable() {
    let mut desk = desk();
    let start = desk.start("r", "do a; say b");
    desk.settle();
    let again = desk.start("r", "say c");
    desk.settle();
    assert_eq!((desk.told(start), desk.told(again)), ("nothing".to_owned(), "nothing".to_owned()));
    assert!(desk.tasks.is_empty() && desk.ended.is_empty());
    desk.commit();
    assert_eq!((desk.told(start), desk.told(again)), ("returned".to_owned(), "exists, running".to_owned()));
    assert_eq!(desk.handed_out(), ["a"]);
    desk.perform("a", Ok("a"));
    desk.settle();
    assert!(desk.ended.is_empty());
    desk.commit();
    assert_eq!(desk.ended.len(), 1);
}

#[test]
fn a_run_that_is_evicted_or_killed_at_every_wait_goes_on() {
    for restart in [false, true] {
        let mut desk = desk();
        desk.start("r", "draw; do a; event e; wait 5; draw; child c do b; event e; say end");
        let asleep = |desk: &mut Desk| {
            desk.rest();
            if restart {
                desk.reopen(1);
                desk.rest();
            } else {
                assert!(desk.evict_run("r"));
            }
        };
        asleep(&mut desk);
        desk.perform("a", Ok("A"));
        asleep(&mut desk);
        desk.raise("r", "e 1", None);
        asleep(&mut desk);
        desk.now = desk.now.after(Duration::from_secs(5));
        asleep(&mut desk);
        desk.perform("b", Ok("B"));
        asleep(&mut desk);
        desk.raise("r", "e 2", None);
        desk.rest();
        let stands = desk.stands("r");
        assert!(stands.contains(" A 1 ") && stands.ends_with(r#" Ok("B") 2 end"#), "{stands}");
        assert_eq!((desk.rows(Keyspace::Timers), desk.rows(Keyspace::Tasks)), (0, 0));
        assert_eq!(desk.rows(Keyspace::Mailbox), 0);
    }
}

#[test]
fn a_long_history_is_replayed_in_slices_beside_others() {
    let mut desk = Desk::new(1, limits(|limits| limits.replay_events_per_turn_max = 2));
    let script = vec!["do a"; 20].join("; ");
    desk.busy = true;
    desk.start("r", &format!("{script}; event e"));
    desk.rest();
    assert!(desk.evict_run("r"));
    desk.raise("r", "e x", None);
    desk.settle();
    desk.commit();
    desk.rest();
    assert_eq!(desk.stands("r"), format!("completed: {} x", vec!["a"; 20].join(" ")));
}

#[test]
fn a_suspended_run_takes_nothing_until_it_is_resumed() {
    for restless in [false, true] {
        let mut desk = desk();
        desk.restless = restless;
        desk.start("r", "do a; event e; say end");
        desk.rest();
        let suspend = desk.suspend("r");
        desk.rest();
        assert_eq!(
            (desk.told(suspend), desk.stands("r")),
            ("acknowledged".to_owned(), "suspended".to_owned())
        );
        desk.suspend("r");
        desk.raise("r", "e x", None);
        desk.perform("a", Ok("A"));
        desk.rest();
        assert_eq!(desk.stands("r"), "suspended");
        desk.reopen(2);
        desk.rest();
        assert_eq!((desk.stands("r"), desk.rows(Keyspace::Mailbox)), ("suspended".to_owned(), 2));
        desk.resume("r");
        desk.resume("r");
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: A x end");
        assert_eq!(desk.rows(Keyspace::Mailbox), 0);
    }
}

#[test]
fn a_terminated_run_leaves_nothing_but_its_record() {
    for asleep in ["live", "suspended", "evicted", "killed"] {
        let mut desk = desk();
        desk.start("r", "start a; race e 50");
        desk.rest();
        assert_eq!((desk.rows(Keyspace::Timers), desk.rows(Keyspace::Tasks)), (1, 1));
        let token = desk.token("a");
        match asleep {
            "suspended" => drop(desk.suspend("r")),
            "evicted" => assert!(desk.evict_run("r")),
            "killed" => desk.reopen(3),
            _ => {}
        }
        desk.rest();
        let terminate = desk.terminate("r");
        desk.rest();
        assert_eq!(desk.told(terminate), "acknowledged");
        assert_eq!(desk.stands("r"), "terminated: \"enough\"", "{asleep}");
        assert_eq!((desk.rows(Keyspace::Timers), desk.rows(Keyspace::Tasks)), (0, 0), "{asleep}");
        assert_eq!((desk.tasks.len(), desk.cancelled.len()), (0, 1), "{asleep}");
        assert_eq!((desk.stats().timers, desk.stats().tasks), (0, 0));
        desk.perform_token(token, Ok("late"));
        let (event, again) = (desk.raise("r", "e x", None), desk.terminate("r"));
        desk.rest();
        assert_eq!(desk.told(event), "finished, terminated");
        assert_eq!(desk.told(again), "finished, terminated");
        assert_eq!((desk.ended.len(), desk.letters.len()), (1, 0));
    }
}

#[test]
fn a_terminated_parent_ends_its_children_only_if_it_is_told_to() {
    for (recurse, ended) in [(false, "running"), (true, "terminated: nothing")] {
        for shards in [1, 3] {
            let mut desk = Desk::new(shards, Limits::default());
            desk.start("r", "begin c child d event e; begin f event e; detach g event e; event e");
            desk.rest();
            desk.manage("r", Body::Terminate { reason: None, recurse, child_of: None });
            desk.rest();
            assert_eq!(desk.stands("r"), "terminated: nothing");
            for child in ["c", "d", "f"] {
                assert_eq!(desk.stands(child), ended, "{child}, recurse: {recurse}, {shards} shards");
            }
            assert_eq!(desk.stands("g"), "running", "nobody waits for it");
        }
    }
}

#[test]
fn a_parent_learns_that_its_child_was_terminated_or_cannot_start() {
    let mut desk = desk();
    desk.start("taken", "event e");
    desk.start("r", "begin c event e; child taken say a; join");
    desk.rest();
    desk.terminate("c");
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: !RunExists !Terminated");
}

#[test]
fn a_run_awaits_its_child_across_shards_and_restarts() {
    let mut desk = Desk::new(4, Limits::default());
    desk.start("r", "begin c do a; begin d do b; begin e do x; join");
    desk.rest();
    desk.reopen(2);
    desk.rest();
    assert_eq!(desk.handed_out(), ["a", "b", "x"]);
    for task in ["x", "a", "b"] {
        desk.perform(task, Ok(task));
        desk.rest();
        desk.reopen(3);
        desk.rest();
    }
    assert_eq!(desk.stands("r"), r#"completed: Ok("a") Ok("b") Ok("x")"#);
    assert_eq!(desk.rows(Keyspace::Inbox) + desk.rows(Keyspace::Mailbox), 0);
}

#[test]
fn what_to_do_about_a_run_that_is_there_is_said_by_the_start() {
    let finished = "say old";
    let running = "start a; race e 50";
    let cases = [
        (Reuse::Fail, finished, "exists, completed", "completed: old"),
        (Reuse::Fail, running, "exists, running", "running"),
        (Reuse::Return, finished, "returned", "completed: old"),
        (Reuse::Return, running, "returned", "running"),
        (Reuse::ReplaceFinished, finished, "returned", "completed: new"),
        (Reuse::ReplaceFinished, running, "exists, running", "running"),
        (Reuse::TerminateAndReplace, finished, "returned", "completed: new"),
        (Reuse::TerminateAndReplace, running, "returned", "completed: new"),
    ];
    for (reuse, before, answer, stands) in cases {
        for asleep in [false, true] {
            let mut desk = desk();
            let first = desk.start("r", before);
            desk.rest();
            assert!(!asleep || desk.evict_run("r"));
            let second = desk.start_as("r", "say new", reuse, Identity::None);
            desk.rest();
            assert_eq!(desk.told(second), answer, "{reuse:?} over `{before}`");
            assert_eq!(desk.stands("r"), stands, "{reuse:?} over `{before}`");
            let same = desk.answer(first) == desk.answer(second);
            assert_eq!(same, reuse == Reuse::Return, "the first execution's id tells the runs apart");
            if stands == "completed: new" {
                assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
                assert_eq!(desk.rows(Keyspace::History), 1, "of the old one nothing is kept");
            }
        }
    }
}

/// Both were admitted in one turn, before the start was done: the event was told that there is no run.
#[test]
fn what_follows_a_start_at_once_finds_its_run() {
    let mut desk = desk();
    desk.start("r", "event e; event f");
    let asked = [desk.raise("r", "e x", None), desk.suspend("r"), desk.resume("r"), desk.terminate("r")];
    let purge = desk.manage("s", Body::Purge);
    desk.rest();
    assert_eq!(asked.map(|request| desk.told(request)), ["acknowledged"; 4]);
    assert_eq!(
        (desk.stands("r"), desk.told(purge)),
        ("terminated: \"enough\"".to_owned(), "not found".to_owned())
    );
    desk.start_as("r", "event e; say new", Reuse::ReplaceFinished, Identity::None);
    let event = desk.raise("r", "e y", None);
    desk.rest();
    assert_eq!(
        (desk.told(event), desk.stands("r")),
        ("acknowledged".to_owned(), "completed: y new".to_owned())
    );
}

#[test]
fn a_replaced_run_is_told_to_who_waits_for_it() {
    let mut desk = desk();
    desk.start("r", "event e");
    desk.rest();
    desk.start_as("r", "say new", Reuse::TerminateAndReplace, Identity::None);
    desk.rest();
    let outcomes: Vec<_> = desk.ended.iter().map(|(_, outcome)| outcome.clone()).collect();
    let terminated = RunOutcome::Terminated { reason: None };
    assert_eq!(outcomes, [Some(terminated), Some(RunOutcome::Returned(text("new")))]);
}

#[test]
fn a_start_under_a_key_is_done_once() {
    let mut desk = desk();
    let first = desk.start_as("r", "say a", Reuse::Fail, key("k"));
    let same = desk.start_as("r", "say a", Reuse::Fail, key("k"));
    let other = desk.start_as("r", "say b", Reuse::Fail, key("k"));
    desk.rest();
    desk.reopen(1);
    let later = desk.start_as("r", "say a", Reuse::Fail, key("k"));
    desk.rest();
    assert!(matches!(desk.answer(first), Some(Answer::Returned(_))));
    assert_eq!(desk.answer(first), desk.answer(same));
    assert_eq!(desk.answer(first), desk.answer(later));
    assert_eq!(desk.told(other), "key reused");
}

#[test]
fn a_purged_run_leaves_no_row() {
    for asleep in [false, true] {
        let mut desk = desk();
        desk.busy = true;
        let early = desk.manage("r", Body::Purge);
        desk.start("r", "do a; event e; do b");
        desk.rest();
        let running = desk.manage("r", Body::Purge);
        desk.raise("r", "e x", None);
        desk.rest();
        assert!(desk.rows(Keyspace::History) > 2);
        assert!(!asleep || desk.evict_run("r"));
        let purge = desk.manage("r", Body::Purge);
        desk.rest();
        let answers = [early, running, purge].map(|request| desk.told(request));
        assert_eq!(answers, ["not found", "not finished, running", "acknowledged"]);
        assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::History)), (0, 0));
        assert!(desk.ended.last().is_some_and(|(_, outcome)| outcome.is_none()));
        desk.start("r", "say new");
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: new");
    }
}

#[test]
fn a_long_history_is_deleted_in_small_commits_also_behind_a_crash() {
    let mut desk = desk();
    desk.start("r", &format!("{}; again event e", vec!["event e"; 600].join("; ")));
    desk.rest();
    for _ in 0..599 {
        desk.raise("r", "e x", None);
        desk.rest();
    }
    desk.raise("r", "e x", None);
    desk.turn_once();
    desk.commit();
    assert_eq!(desk.rows(Keyspace::History), 600 - 256, "chunks that are left");
    desk.reopen(1);
    desk.rest();
    assert_eq!((desk.rows(Keyspace::History), desk.rows(Keyspace::Mailbox)), (1, 0));
    desk.raise("r", "e x", None);
    desk.rest();
    assert!(desk.stands("r").starts_with("completed: x"), "{}", desk.stands("r"));
    desk.manage("r", Body::Purge);
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::History)), (0, 0));
}

#[test]
fn a_result_is_kept_and_the_custom_status_with_it() {
    let mut desk = desk();
    desk.start("r", "status one; event e; status two");
    desk.rest();
    assert_eq!(desk.run("r").and_then(|run| run.custom_status), Some(text("one")));
    desk.raise("r", "e x", None);
    desk.rest();
    desk.reopen(1);
    assert_eq!(desk.run("r").and_then(|run| run.custom_status), Some(text("two")));
}

#[test]
fn another_execution_keeps_the_custom_status_until_it_sets_one() {
    let mut desk = desk();
    desk.start("r", "status one; again event e, again say b");
    desk.rest();
    let before = desk.run("r").expect("it is under way");
    assert_ne!(before.execution, before.first);
    assert_eq!(before.custom_status, Some(text("one")));
    desk.raise("r", "e x", None);
    desk.rest();
    let after = desk.run("r").expect("it is kept");
    assert_ne!(after.execution, before.execution);
    assert_eq!((after.custom_status, after.created), (Some(text("one")), before.created));
}

#[test]
fn an_operation_starts_a_run_that_nobody_waits_for() {
    let mut desk = Desk::new(3, Limits::default());
    for (run, script) in [("a", "say 1"), ("b", "say 2")] {
        desk.signal("x", "begin", &format!("[\"{run}\",\"{script}\"]"), Identity::None);
    }
    desk.signal("x", "begin", "[\"a\",\"say 3\"]", Identity::None);
    desk.rest();
    assert_eq!((desk.stands("a"), desk.stands("b")), ("completed: 1".to_owned(), "completed: 2".to_owned()));
    let kinds: Vec<FailureKind> = desk.letters.iter().map(|failure| failure.kind).collect();
    assert_eq!(kinds, [FailureKind::RunExists]);
}

#[test]
fn a_run_over_its_limits_fails_and_does_not_hang() {
    let mut desk = Desk::new(
        1,
        limits(|limits| {
            limits.commands_per_turn_max = 3;
            limits.history_events_max = 12;
        }),
    );
    desk.busy = true;
    desk.start("r", "start a; start b; start c; start d; event e");
    desk.start("s", &["do a"; 10].join("; "));
    desk.rest();
    for run in ["r", "s"] {
        assert!(desk.stands(run).starts_with("failed: over a limit"), "{}", desk.stands(run));
    }
}

#[test]
fn a_run_that_continues_as_new_at_once_for_ever_does_not_stop_others() {
    let mut desk = Desk::new(1, limits(|limits| limits.batch_turns_max = 16));
    desk.start("restless", "forever");
    desk.step();
    let call = desk.call("x", "add", "1", Identity::None);
    desk.start("r", "wait 0; say end");
    for _ in 0..50 {
        desk.step();
    }
    assert_eq!((desk.returned(call), desk.stands("r")), ("1".to_owned(), "completed: end".to_owned()));
    desk.terminate("restless");
    desk.rest();
    assert_eq!(desk.stands("restless"), "terminated: \"enough\"");
}

#[test]
fn a_purge_of_a_long_history_goes_in_small_commits() {
    let mut desk = desk();
    desk.start("r", &vec!["event e"; 600].join("; "));
    desk.rest();
    for _ in 0..600 {
        desk.raise("r", "e x", None);
        desk.rest();
    }
    let purge = desk.manage("r", Body::Purge);
    let mut left = vec![desk.rows(Keyspace::History)];
    while left.last().is_some_and(|left| *left > 0) {
        desk.turn_once();
        desk.commit();
        left.push(desk.rows(Keyspace::History));
    }
    assert_eq!((desk.told(purge), left), ("acknowledged".to_owned(), vec![601, 89, 0]));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::Mailbox)), (0, 0));
}

/// A child's id was taken by another run while its parent had not heard of the child's end.
#[test]
fn a_terminated_parent_ends_its_own_children_only() {
    let mut desk = desk();
    desk.start("r", "begin c event e; begin d event e; join");
    desk.rest();
    desk.suspend("r");
    desk.rest();
    desk.start_as("c", "event f", Reuse::TerminateAndReplace, Identity::None);
    desk.rest();
    desk.manage("r", Body::Terminate { reason: None, recurse: true, child_of: None });
    desk.rest();
    assert_eq!(
        (desk.stands("c"), desk.stands("d")),
        ("running".to_owned(), "terminated: nothing".to_owned())
    );
}

/// A message that leaves nothing behind was consumed, and its instance left before that was durable: read again, it came
/// a second time.
#[test]
fn the_instance_of_a_consumed_message_stays_until_that_is_durable() {
    let mut desk = Desk::new(1, limits(|limits| limits.run_operations_max = 1));
    for _ in 0..3 {
        desk.signal("x", "refuse", "null", Identity::None);
    }
    desk.settle_loads();
    desk.turn_once();
    desk.commit();
    for left in [1, 0] {
        desk.turn_once();
        assert!(!desk.evict("x"), "what it has done is not durable");
        desk.commit();
        assert!(desk.rows(Keyspace::Mailbox) <= left);
    }
    assert!(desk.evict("x"));
    desk.rest();
    assert_eq!((desk.letters.len(), desk.rows(Keyspace::Mailbox)), (3, 0));
}
