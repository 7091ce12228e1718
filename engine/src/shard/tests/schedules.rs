//! Signals that are scheduled under ids, and reminders.

use super::{
    desk::{Death, Desk},
    key, limits,
};
use crate::Limits;
use sarsen_entities::EntityOptions;
use sarsen_protocol::{Answer, CallError, FailureKind, Identity, Keyspace, RunId};
use std::time::Duration;

/// How much the process remembers between two steps of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    Eviction,
    /// A crash, and an open with so many shards.
    Crash(u16),
}

const WAYS: [(Between, u16); 6] = [
    (Between::Nothing, 1),
    (Between::Nothing, 3),
    (Between::Eviction, 1),
    (Between::Crash(1), 1),
    (Between::Crash(3), 1),
    (Between::Crash(1), 3),
];

impl Between {
    /// Comes to rest, and forgets what is not durable.
    fn rest(self, desk: &mut Desk) {
        desk.rest();
        match self {
            Self::Nothing => {}
            Self::Eviction => desk.evict_all(),
            Self::Crash(shards) => {
                desk.reopen(shards);
                desk.rest();
            }
        }
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn pass(desk: &mut Desk, seconds: u64) {
    desk.now = desk.now.after(secs(seconds));
}

/// Nothing is scheduled, and nothing waits.
#[track_caller]
fn assert_none(desk: &Desk, key: &str) {
    assert_eq!(desk.scheduled(key), [""; 0]);
    assert_eq!((desk.rows(Keyspace::Timers), desk.stats().timers), (0, 0));
    assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Inbox)), (0, 0));
}

#[test]
fn a_replaced_signal_never_runs() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("log", "1"), secs(5));
        desk.schedule(("x", "b"), ("log", "2"), secs(7));
        between.rest(&mut desk);
        pass(&mut desk, 4);
        let replaced = desk.schedule(("x", "a"), ("log", "3"), secs(5));
        between.rest(&mut desk);
        assert_eq!(desk.answer(replaced), Some(&Answer::Acknowledged));
        assert_eq!(desk.scheduled("x"), ["b: log in 3", "a: log in 5"], "{between:?}");
        assert_eq!((desk.rows(Keyspace::Timers), desk.stats().timers), (2, 2));
        for (after, sum) in [(1, 0), (2, 2), (1, 2), (1, 23), (9, 23)] {
            pass(&mut desk, after);
            between.rest(&mut desk);
            assert_eq!(desk.sum("x"), sum, "{between:?}");
        }
        assert_none(&desk, "x");
    }
}

/// The time of the first comes while the second waits behind a lock, accepted before it or behind it.
#[test]
fn the_order_of_the_mailbox_decides_between_a_signal_and_what_replaces_it() {
    for (between, shards) in WAYS {
        for accepted_first in [true, false] {
            let mut desk = Desk::new(shards, Limits::default());
            desk.schedule(("x", "a"), ("log", "1"), secs(5));
            between.rest(&mut desk);
            desk.start("r", "lock x; event e; unlock");
            between.rest(&mut desk);
            if accepted_first {
                desk.schedule(("x", "a"), ("log", "2"), secs(9));
                between.rest(&mut desk);
            }
            pass(&mut desk, 6);
            between.rest(&mut desk);
            if !accepted_first {
                desk.schedule(("x", "a"), ("log", "2"), secs(3));
                between.rest(&mut desk);
            }
            assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox)), (0, 2), "both wait for the lock");
            desk.raise("r", "e on", None);
            between.rest(&mut desk);
            assert_eq!(desk.sum("x"), u64::from(!accepted_first), "{between:?}");
            pass(&mut desk, 3);
            between.rest(&mut desk);
            assert_eq!(desk.sum("x"), if accepted_first { 2 } else { 12 }, "{between:?}");
            assert_none(&desk, "x");
        }
    }
}

#[test]
fn a_debounce_runs_once_after_the_last() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        for digit in 1..=5 {
            // Two in a batch, and then one that is durable before the next.
            desk.signal("x", "plan", &format!("[\"x\",{digit},2000]"), Identity::None);
            if digit % 3 != 1 {
                between.rest(&mut desk);
                pass(&mut desk, 1);
            }
        }
        between.rest(&mut desk);
        assert_eq!(
            (desk.scheduled("x"), desk.sum("x")),
            (vec!["flush: log in 1".to_owned()], 0),
            "{between:?}"
        );
        pass(&mut desk, 1);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 5, "{between:?}");
        pass(&mut desk, 60);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 5);
        assert_none(&desk, "x");
    }
}

#[test]
fn a_reminder_goes_on_after_a_crash_without_a_burst() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.remind(("x", "poll"), ("add", "1"), secs(10));
        between.rest(&mut desk);
        for (after, sum, next) in [(9, 0, 1), (1, 1, 10), (10, 2, 10)] {
            pass(&mut desk, after);
            between.rest(&mut desk);
            assert_eq!(
                (desk.sum("x"), desk.scheduled("x")),
                (sum, vec![format!("poll: add in {next} +10s")])
            );
        }
        // Nothing runs for 35 seconds: one signal makes up for three, and the next is due at a multiple of the period.
        pass(&mut desk, 35);
        desk.reopen(shards);
        between.rest(&mut desk);
        assert_eq!((desk.sum("x"), desk.scheduled("x")), (3, vec!["poll: add in 5 +10s".to_owned()]));
        pass(&mut desk, 5);
        between.rest(&mut desk);
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (4, 1));
        let cancelled = desk.unschedule(("x", "poll"), Identity::None);
        between.rest(&mut desk);
        assert_eq!(desk.returned(cancelled), "true");
        assert_none(&desk, "x");
        pass(&mut desk, 60);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 4);
    }
}

/// A crash before each commit, and behind it: what is due is done once, and the next one is there.
#[test]
fn no_signal_is_lost_or_doubled_by_a_crash_at_any_commit() {
    let play = |death: Option<(usize, bool)>| {
        let mut desk = Desk::new(3, Limits::default());
        desk.schedule(("x", "once"), ("add", "100"), secs(3));
        desk.remind(("x", "often"), ("add", "1"), secs(2));
        desk.signal("y", "remind", "[\"y\",1,3000]", Identity::None);
        desk.rest();
        let planned = desk.commits;
        desk.death = death.map(|(behind, before)| Death {
            commit: planned + behind,
            before,
            shards: [1, 2, 4][behind % 3],
        });
        for second in 1..=6 {
            pass(&mut desk, 1);
            desk.crawl_to_rest().expect("nothing is locked");
            let (x, y) = (second / 2 + if second >= 3 { 100 } else { 0 }, second / 3);
            assert_eq!((desk.sum("x"), desk.sum("y")), (x, y), "second {second}, death {death:?}");
        }
        assert_eq!(desk.rows(Keyspace::Timers), 2);
        assert!(desk.death.is_none(), "it died {death:?}");
        desk.commits - planned
    };
    let commits = play(None);
    assert!(commits >= 6, "six signals are due: {commits}");
    for commit in 0..commits {
        play(Some((commit, true)));
        play(Some((commit, false)));
    }
}

#[test]
fn a_cancelled_signal_leaves_no_row() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("log", "1"), secs(5));
        desk.remind(("x", "b"), ("add", "1"), secs(5));
        between.rest(&mut desk);
        assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::Timers)), (1, 2));
        assert_eq!(desk.state("x"), None, "what is scheduled does not make an entity exist");
        let first = desk.unschedule(("x", "a"), Identity::None);
        let again = desk.unschedule(("x", "a"), Identity::None);
        let other = desk.unschedule(("x", "c"), Identity::None);
        between.rest(&mut desk);
        desk.signal("y", "plan", "[\"x\",1,1000]", Identity::None);
        between.rest(&mut desk);
        desk.signal("y", "unplan", "\"x\"", Identity::None);
        let last = desk.unschedule(("x", "b"), Identity::None);
        between.rest(&mut desk);
        let told = [first, again, other, last].map(|request| desk.returned(request));
        assert_eq!(told, ["true", "false", "false", "true"]);
        assert_eq!(desk.state("y").as_deref(), Some(r#"{"sum":0}"#));
        assert_none(&desk, "x");
        assert_eq!(desk.rows(Keyspace::Instances), 1, "nothing is left but what has scheduled it");
        pass(&mut desk, 60);
        between.rest(&mut desk);
        assert_eq!(desk.state("x"), None);
    }
}

#[test]
fn what_is_replaced_or_cancelled_in_its_batch_writes_nothing() {
    let mut desk = Desk::new(1, Limits::default());
    for digit in 0..100 {
        desk.schedule(("x", "a"), ("log", &digit.to_string()), Duration::from_millis(2_000 + digit));
        desk.schedule(("x", "b"), ("log", "1"), secs(3));
        desk.unschedule(("x", "b"), Identity::None);
    }
    desk.rest();
    assert_eq!((desk.written, desk.rows(Keyspace::Timers)), (2, 1), "the record and its timer");
    desk.written = 0;
    for digit in 0..100 {
        desk.schedule(("x", "a"), ("log", &digit.to_string()), Duration::from_millis(3_000 + digit));
    }
    desk.rest();
    assert_eq!(desk.written, 3, "the timer before goes");
    desk.schedule(("x", "a"), ("log", "7"), secs(0));
    desk.rest();
    assert_eq!(desk.sum("x"), 7);
    assert_none(&desk, "x");
}

#[test]
fn reminders_do_not_pile_up_while_nobody_may_do_them() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.remind(("x", "poll"), ("add", "1"), secs(1));
        between.rest(&mut desk);
        desk.start("r", "lock x; event e; unlock");
        between.rest(&mut desk);
        for _ in 0..5 {
            pass(&mut desk, 3);
            between.rest(&mut desk);
            assert_eq!((desk.sum("x"), desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Timers)), (0, 1, 0));
        }
        assert_eq!(desk.scheduled("x"), ["poll: add in 0 +1s"], "it waits for its turn");
        desk.now = desk.now.after(Duration::from_millis(250));
        desk.raise("r", "e on", None);
        between.rest(&mut desk);
        assert_eq!((desk.sum("x"), desk.scheduled("x")), (1, vec!["poll: add in 0.75 +1s".to_owned()]));
    }
}

#[test]
fn what_is_scheduled_ends_with_the_entity() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("log", "1"), secs(5));
        desk.remind(("x", "poll"), ("add", "1"), secs(2));
        desk.signal("x", "add", "1", Identity::None);
        between.rest(&mut desk);
        desk.start("r", "lock x; event e; unlock");
        between.rest(&mut desk);
        // A reminder that waits for its turn behind the deletion is none any more.
        desk.signal("x", "delete", "null", Identity::None);
        pass(&mut desk, 3);
        desk.rest();
        desk.signal("x", "log", "4", Identity::None);
        desk.raise("r", "e on", None);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 4, "{between:?}");
        assert_none(&desk, "x");
        // What a deletion itself schedules is for the next life; all three are one run.
        desk.schedule(("x", "a"), ("log", "1"), secs(5));
        desk.rest();
        for (operation, input) in [("log", "3"), ("leave_and_plan", "7"), ("log", "5")] {
            desk.signal("x", operation, input, Identity::None);
        }
        between.rest(&mut desk);
        assert_eq!((desk.sum("x"), desk.scheduled("x")), (5, vec!["return: log in 1".to_owned()]));
        pass(&mut desk, 9);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 57);
        assert_none(&desk, "x");
    }
}

#[test]
fn what_is_scheduled_ends_with_the_entitys_time() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.entities = EntityOptions::default().ttl(secs(10));
        desk.reopen(shards);
        desk.signal("x", "add", "1", Identity::None);
        desk.schedule(("x", "a"), ("log", "1"), secs(60));
        desk.remind(("x", "b"), ("sum", "null"), secs(4));
        between.rest(&mut desk);
        assert_eq!(desk.scheduled("x"), ["a: log in 60", "b: sum in 4 +4s"]);
        pass(&mut desk, 9);
        between.rest(&mut desk);
        assert_eq!((desk.sum("x"), desk.scheduled("x").len()), (1, 2), "to look at it is no change");
        pass(&mut desk, 2);
        between.rest(&mut desk);
        assert_eq!(desk.state("x"), None, "{between:?}");
        assert_none(&desk, "x");
        assert_eq!(desk.rows(Keyspace::Instances), 0);
    }
}

#[test]
fn an_operation_that_fails_schedules_and_cancels_nothing() {
    let mut desk = Desk::new(1, Limits::default());
    desk.schedule(("x", "other"), ("log", "2"), secs(1));
    desk.signal("x", "plan_and_fail", "null", Identity::None);
    desk.rest();
    assert_eq!(desk.scheduled("x"), ["other: log in 1"]);
    desk.remind(("x", "poll"), ("refuse", "null"), secs(2));
    for letters in 1..4 {
        assert_eq!((desk.dead().len(), desk.letters.len()), (letters, letters));
        pass(&mut desk, 2);
        desk.rest();
    }
    assert_eq!(desk.scheduled("x"), ["poll: refuse in 2 +2s"], "a reminder that fails goes on");
    assert_eq!(desk.sum("x"), 2);
}

#[test]
fn under_a_key_a_signal_is_scheduled_once() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        let plan = |desk: &mut Desk, input: &str| {
            desk.schedule_as(("x", "a"), ("log", input), (secs(1), None), key("k"))
        };
        let first = plan(&mut desk, "1");
        between.rest(&mut desk);
        pass(&mut desk, 2);
        between.rest(&mut desk);
        let (again, other) = (plan(&mut desk, "1"), plan(&mut desk, "2"));
        desk.schedule(("x", "b"), ("log", "3"), secs(1));
        let cancelled = desk.unschedule(("x", "b"), key("c"));
        between.rest(&mut desk);
        let repeated = desk.unschedule(("x", "b"), key("c"));
        between.rest(&mut desk);
        assert_eq!(
            [first, again].map(|request| desk.answer(request).cloned()),
            [const { Some(Answer::Acknowledged) }; 2]
        );
        assert!(matches!(desk.refusal(other), Some(CallError::KeyReused { .. })));
        assert_eq!([cancelled, repeated].map(|request| desk.returned(request)), ["true", "true"]);
        pass(&mut desk, 2);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 1);
        assert_none(&desk, "x");
    }
}

#[test]
fn too_many_schedules_are_refused_to_clients_and_dead_letters_of_instances() {
    for shards in [1, 3] {
        let mut desk = Desk::new(shards, limits(|limits| limits.schedules_per_entity_max = 2));
        let asked: Vec<u64> =
            ["a", "b", "c", "a"].map(|id| desk.schedule(("x", id), ("log", "1"), secs(9))).to_vec();
        desk.rest();
        let told: Vec<String> = asked.iter().map(|request| desk.told(*request)).collect();
        assert_eq!(told, ["acknowledged", "acknowledged", "busy", "acknowledged"]);
        let error = desk.refusal(asked[2]).expect("it is busy").to_string();
        assert_eq!(
            error,
            "@sum@x is busy, its list of scheduled signals is full: try again in 20 ms, or raise `schedules_per_entity_max`"
        );
        for to in ["x", "y"] {
            desk.signal(to, "plan", "[\"x\",1,1000]", Identity::None);
        }
        desk.start("r", "plan x c 1 1");
        desk.rest();
        assert_eq!(desk.letters.len(), 3);
        for failure in &desk.letters {
            assert_eq!(failure.kind, FailureKind::OverLimit);
            assert_eq!(
                failure.message,
                "2 signals are scheduled at the entity, 2 may be: raise `schedules_per_entity_max`"
            );
        }
        assert_eq!(desk.scheduled("x"), ["b: log in 9", "a: log in 9"]);
        // A reminder takes the place that it had, however many wait.
        let mut desk = Desk::new(shards, limits(|limits| limits.timers_max = 1));
        desk.remind(("x", "poll"), ("add", "1"), secs(1));
        desk.rest();
        let busy = desk.schedule(("y", "a"), ("log", "1"), secs(1));
        let replaced = desk.remind(("x", "poll"), ("add", "1"), secs(2));
        desk.rest();
        if shards == 1 {
            assert_eq!([busy, replaced].map(|request| desk.told(request)), ["busy", "acknowledged"]);
        }
        for sum in 1..4 {
            pass(&mut desk, 2);
            desk.rest();
            assert_eq!(desk.sum("x"), sum);
        }
    }
}

#[test]
fn what_holds_the_lock_schedules_and_cancels_in_spite_of_it() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("log", "1"), secs(1));
        between.rest(&mut desk);
        desk.start(
            "r",
            "lock x; event e; unplan x a; unplan x a; plan x b 2 1; call x sum; event f; unlock; say end",
        );
        between.rest(&mut desk);
        pass(&mut desk, 2);
        between.rest(&mut desk);
        assert_eq!(
            (desk.sum("x"), desk.rows(Keyspace::Mailbox)),
            (0, 1),
            "it is due, and waits for the lock"
        );
        desk.raise("r", "e on", None);
        between.rest(&mut desk);
        assert_eq!(desk.scheduled("x"), ["b: log in 1"], "{between:?}");
        pass(&mut desk, 2);
        between.rest(&mut desk);
        assert_eq!(desk.sum("x"), 0);
        desk.raise("r", "f off", None);
        between.rest(&mut desk);
        assert_eq!(desk.stands("r"), "completed: on true false 0 off end");
        assert_eq!(desk.sum("x"), 2, "{between:?}");
        assert_none(&desk, "x");
    }
}

#[test]
fn a_section_that_has_lost_its_lock_schedules_nothing() {
    let mut desk = Desk::new(1, Limits::default());
    desk.schedule(("x", "a"), ("log", "1"), secs(9));
    desk.start("r", "lock x; event e; unplan x a; plan x b 2 1; unlock; say end");
    desk.rest();
    desk.force("x", "r");
    desk.rest();
    desk.raise("r", "e on", None);
    desk.rest();
    assert_eq!(desk.stands("r"), "completed: on !LockLost end");
    assert_eq!(desk.scheduled("x"), ["a: log in 9"]);
    let kinds: Vec<FailureKind> = desk.letters.iter().map(|failure| failure.kind).collect();
    assert_eq!(kinds, [FailureKind::LockLost]);
}

#[test]
fn a_run_schedules_and_cancels_at_entities_of_any_shard() {
    for (between, shards) in WAYS {
        let mut desk = Desk::new(shards, Limits::default());
        let (near, far) = if shards == 1 { ("a".to_owned(), "b".to_owned()) } else { desk.strangers() };
        desk.start(
            "r",
            &format!("plan {near} a 1 5; remind {far} b 1 2; unplan {near} b; event e; unplan {far} b"),
        );
        between.rest(&mut desk);
        assert_eq!(
            (desk.scheduled(&near), desk.scheduled(&far)),
            (vec!["a: log in 5".to_owned()], vec!["b: add in 2 +2s".to_owned()])
        );
        pass(&mut desk, 4);
        between.rest(&mut desk);
        desk.raise("r", "e on", None);
        between.rest(&mut desk);
        assert_eq!(desk.stands("r"), "completed: false on true");
        pass(&mut desk, 4);
        between.rest(&mut desk);
        assert_eq!((desk.sum(&near), desk.sum(&far)), (1, 1));
        assert_none(&desk, &far);
    }
}

/// The signal stands for its id until the operation is over, so that a crash in between does it again.
#[test]
fn a_scheduled_operation_off_the_shard_is_done_once_over_crashes() {
    for shards in [1, 3] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.schedule(("x", "a"), ("slow", "1"), secs(1));
        desk.remind(("x", "b"), ("slow", "2"), secs(3));
        desk.pause();
        pass(&mut desk, 4);
        desk.pause();
        for shards in [1, 2, shards] {
            assert_eq!((desk.running(), desk.rows(Keyspace::Mailbox)), (vec!["x".to_owned()], 2));
            assert_eq!(desk.scheduled("x").len(), 2, "both wait for their end");
            desk.reopen(shards);
            desk.pause();
        }
        desk.operate("x");
        desk.pause();
        assert_eq!((desk.sum("x"), desk.scheduled("x")), (1, vec!["b: slow in 0 +3s".to_owned()]));
        let cancelled = desk.unschedule(("x", "b"), Identity::None);
        desk.pause();
        assert_eq!(desk.answer(cancelled), None, "it waits until the operation is over");
        desk.finish();
        assert_eq!((desk.sum("x"), desk.returned(cancelled)), (12, "true".to_owned()));
        desk.schedule(("x", "other"), ("log", "9"), secs(5));
        desk.signal("x", "slow_plan", "3", Identity::None);
        desk.finish();
        pass(&mut desk, 9);
        desk.finish();
        assert_eq!(desk.sum("x"), 123, "it schedules and cancels when it is over");
        assert_none(&desk, "x");
    }
}

/// Who works for an execution would wait for its lock, for ever.
#[test]
fn who_would_wait_for_its_own_lock_is_told() {
    let mut desk = Desk::new(1, Limits::default());
    desk.start("r", "lock x; event e; unlock");
    desk.rest();
    let cancelled = desk.unschedule_within(("x", "a"), "r");
    desk.rest();
    let run = RunId::new("r").expect("valid");
    assert!(
        matches!(desk.refusal(cancelled), Some(CallError::WouldDeadlock { run: holder, .. }) if *holder == Some(run))
    );
}
