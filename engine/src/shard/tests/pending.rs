//! Runs that are accepted and do not begin yet, and runs that are over and do not stay.

use super::desk::Desk;
use crate::{Limits, OrchestrationOptions, record};
use sarsen_protocol::{Body, Identity, Keyspace, PendingReason, Reuse};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A desk whose orchestration has options.
fn desk_with(choose: impl FnOnce(OrchestrationOptions) -> OrchestrationOptions) -> Desk {
    let mut desk = Desk::new(1, Limits::default());
    desk.options = choose(OrchestrationOptions::default());
    desk.reopen(1);
    desk
}

fn limited(runs: usize) -> Desk {
    desk_with(|options| options.concurrency(runs))
}

fn desk() -> Desk {
    desk_with(|options| options)
}

fn pass(desk: &mut Desk, seconds: u32) {
    desk.rest();
    desk.now = desk.now.after(SECOND * seconds);
    desk.rest();
}

/// Why a run has not begun.
fn pending(desk: &Desk, run: &str) -> Option<PendingReason> {
    desk.run(run).expect("it is durable").extras().pending
}

/// The rows of runs beside their records.
fn rows(desk: &Desk) -> [u64; 3] {
    [Keyspace::Mailbox, Keyspace::Timers, Keyspace::History].map(|keyspace| desk.rows(keyspace))
}

/// The rows of permits.
fn permits(desk: &Desk) -> usize {
    let keys = desk.keys(Keyspace::Meta);
    keys.iter().filter(|key| record::read_permit_key(key).expect("whole").is_some()).count()
}

/// What comes between two things that are done.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    Nothing,
    Eviction,
    Crash,
}

const ALL: [Between; 3] = [Between::Nothing, Between::Eviction, Between::Crash];

fn between(desk: &mut Desk, what: Between) {
    desk.rest();
    match what {
        Between::Nothing => {}
        Between::Eviction => desk.evict_all(),
        Between::Crash => desk.reopen(1),
    }
    desk.rest();
}

#[test]
fn a_scheduled_run_is_there_at_once_and_begins_when_it_is_time() {
    for what in ALL {
        let mut desk = desk();
        let due = desk.now.after(SECOND * 30);
        let start = desk.start_after("r", "now; event e; say end", SECOND * 30);
        desk.rest();
        assert_eq!((desk.told(start), desk.stands("r")), ("returned".to_owned(), "pending".to_owned()));
        let record = desk.run("r").expect("it is durable");
        assert_eq!(
            (record.extras().scheduled, pending(&desk, "r")),
            (Some(due), Some(PendingReason::Scheduled))
        );
        desk.raise("r", "e x", None);
        between(&mut desk, what);
        pass(&mut desk, 29);
        assert_eq!(desk.stands("r"), "pending");
        between(&mut desk, what);
        pass(&mut desk, 1);
        let seconds = due.as_micros() / 1_000_000;
        assert_eq!(desk.stands("r"), format!("completed: {seconds} x end"), "{what:?}");
        assert_eq!((rows(&desk)[..2].to_vec(), pending(&desk, "r")), (vec![0, 0], None));
        assert_eq!(desk.run("r").expect("it is durable").extras().scheduled, Some(due));
    }
}

#[test]
fn a_scheduled_run_that_is_terminated_and_purged_leaves_nothing() {
    for what in ALL {
        let mut desk = desk();
        desk.start_after("r", "say a", SECOND * 30);
        between(&mut desk, what);
        desk.terminate("r");
        desk.rest();
        assert_eq!(
            (desk.stands("r"), rows(&desk)),
            ("terminated: \"enough\"".to_owned(), [0, 0, 1]),
            "{what:?}"
        );
        between(&mut desk, what);
        desk.manage("r", Body::Purge);
        desk.rest();
        assert_eq!((rows(&desk), desk.rows(Keyspace::Instances)), ([0, 0, 0], 0));
        pass(&mut desk, 60);
        assert_eq!((desk.stands("r"), desk.rows(Keyspace::Instances)), ("absent".to_owned(), 0));
    }
}

#[test]
fn a_scheduled_run_is_suspended_and_resumed_before_its_time_or_behind_it() {
    for what in ALL {
        for late in [false, true] {
            let mut desk = desk();
            desk.start_after("r", "event e; say a", SECOND * 30);
            desk.rest();
            desk.suspend("r");
            between(&mut desk, what);
            // What waits for the code is nothing to do while the begin is put off: it once kept the shard busy for ever.
            desk.raise("r", "e x", None);
            between(&mut desk, what);
            assert_eq!(desk.stands("r"), "suspended");
            if late {
                pass(&mut desk, 60);
                assert_eq!((desk.stands("r"), pending(&desk, "r")), ("suspended".to_owned(), None));
            }
            desk.resume("r");
            between(&mut desk, what);
            if !late {
                assert_eq!(desk.stands("r"), "pending");
                pass(&mut desk, 30);
            }
            assert_eq!((desk.stands("r"), rows(&desk)), ("completed: x a".to_owned(), [0, 0, 1]), "{what:?}");
        }
    }
}

#[test]
fn the_moment_of_a_run_that_was_replaced_begins_nothing() {
    for what in ALL {
        let mut desk = desk();
        desk.start_after("r", "say old", SECOND * 30);
        between(&mut desk, what);
        desk.start_as("r", "event e", Reuse::TerminateAndReplace, Identity::None);
        between(&mut desk, what);
        assert_eq!((desk.stands("r"), rows(&desk)), ("running".to_owned(), [0, 0, 1]), "{what:?}");
        pass(&mut desk, 60);
        assert_eq!(desk.stands("r"), "running");
        desk.raise("r", "e new", None);
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: new");
    }
}

#[test]
fn a_start_for_a_moment_that_has_passed_begins_at_once() {
    let mut desk = desk();
    desk.start_after("r", "say a", Duration::ZERO);
    desk.rest();
    assert_eq!(
        (desk.stands("r"), desk.run("r").expect("it is there").extras().scheduled),
        ("completed: a".to_owned(), None)
    );
}

#[test]
fn so_many_runs_are_under_way_and_the_others_begin_in_the_order_in_which_they_came() {
    for what in ALL {
        let mut desk = limited(2);
        for run in ["d", "c", "b", "a"] {
            desk.start(run, "event e");
            between(&mut desk, what);
        }
        let stand = |desk: &Desk| ["d", "c", "b", "a"].map(|run| desk.stands(run)).join(", ");
        assert_eq!(stand(&desk), "running, running, pending, pending", "{what:?}");
        assert_eq!((pending(&desk, "b"), permits(&desk)), (Some(PendingReason::Concurrency), 4));
        between(&mut desk, what);
        desk.suspend("d");
        desk.raise("c", "e x", None);
        between(&mut desk, what);
        assert_eq!(stand(&desk), "suspended, completed: x, running, pending", "{what:?}");
        between(&mut desk, what);
        desk.terminate("d");
        between(&mut desk, what);
        assert_eq!(stand(&desk), "terminated: \"enough\", completed: x, running, running", "{what:?}");
        for run in ["a", "b"] {
            desk.raise(run, "e y", None);
        }
        between(&mut desk, what);
        assert_eq!((permits(&desk), desk.rows(Keyspace::Mailbox)), (0, 0));
    }
}

/// How many runs are under way, as their records say.
fn under_way(desk: &Desk, runs: &[String]) -> usize {
    runs.iter().filter(|run| ["running", "suspended"].contains(&desk.stands(run).as_str())).count()
}

#[test]
fn a_crash_at_any_commit_neither_leaks_a_permit_nor_gives_one_too_many() {
    for crash_after in 0..40 {
        let mut desk = limited(2);
        desk.busy = true;
        let runs: Vec<String> = (0..6).map(|number| format!("r{number}")).collect();
        for run in &runs {
            desk.start(run, "do a; again wait 1, do b");
            desk.rest();
        }
        for step in 0..80 {
            desk.turn_once();
            desk.turns();
            desk.commit();
            assert!(under_way(&desk, &runs) <= 2, "crash after {crash_after}, step {step}");
            if step == crash_after {
                desk.reopen(1);
            }
            desk.now = desk.now.after(Duration::from_millis(100));
        }
        pass(&mut desk, 10);
        pass(&mut desk, 10);
        let stand: Vec<String> = runs.iter().map(|run| desk.stands(run)).collect();
        assert_eq!(stand, vec!["completed: b"; 6], "crash after {crash_after}");
        assert_eq!((permits(&desk), rows(&desk)[..2].to_vec()), (0, vec![0, 0]));
    }
}

#[test]
fn a_run_that_waits_for_a_permit_can_be_ended_suspended_and_replaced() {
    for what in ALL {
        let mut desk = limited(1);
        for run in ["a", "b", "c", "d"] {
            desk.start(run, "event e");
            desk.rest();
        }
        desk.terminate("b");
        desk.start_as("c", "say new", Reuse::TerminateAndReplace, Identity::None);
        between(&mut desk, what);
        desk.suspend("d");
        desk.raise("a", "e x", None);
        between(&mut desk, what);
        assert_eq!(
            (desk.stands("c"), desk.stands("d")),
            ("pending".to_owned(), "suspended".to_owned()),
            "{what:?}"
        );
        desk.resume("d");
        desk.raise("d", "e y", None);
        between(&mut desk, what);
        assert_eq!(
            (desk.stands("d"), desk.stands("c")),
            ("completed: y".to_owned(), "completed: new".to_owned())
        );
        assert_eq!((permits(&desk), rows(&desk)[..2].to_vec()), (0, vec![0, 0]));
    }
}

#[test]
fn another_limit_at_the_next_open_counts_those_who_are_under_way() {
    let mut desk = limited(1);
    for run in ["a", "b", "c"] {
        desk.start(run, "event e");
        desk.rest();
    }
    desk.options = OrchestrationOptions::default().concurrency(2);
    desk.reopen(1);
    desk.rest();
    assert_eq!(["a", "b", "c"].map(|run| desk.stands(run)), ["running", "running", "pending"]);
    desk.options = OrchestrationOptions::default();
    desk.reopen(1);
    desk.rest();
    assert_eq!((desk.stands("c"), pending(&desk, "c")), ("running".to_owned(), None));
    desk.start("d", "event e");
    desk.rest();
    desk.options = OrchestrationOptions::default().concurrency(1);
    desk.reopen(1);
    desk.raise("d", "other x", None);
    desk.start("f", "say f");
    desk.rest();
    assert_eq!((desk.stands("d"), desk.stands("f")), ("running".to_owned(), "pending".to_owned()));
    for run in ["a", "b", "c", "d"] {
        desk.raise(run, "e x", None);
        desk.rest();
    }
    assert_eq!((desk.stands("f"), permits(&desk)), ("completed: f".to_owned(), 0));
}

/// A run that another shard had sent to was read before the permits were, and so was counted twice: found by a seed.
#[test]
fn a_run_that_is_read_before_the_permits_are_is_counted_once() {
    let mut desk = Desk::new(2, Limits::default());
    desk.options = OrchestrationOptions::default().concurrency(1);
    desk.reopen(2);
    let [one, next] = Desk::neighbours();
    desk.start(&one, "event e");
    desk.rest();
    let sender = desk.run_away_from("x");
    desk.hold_deliveries = true;
    desk.start(&sender, &format!("raise {one} e x"));
    desk.settle();
    desk.commit();
    desk.hold_deliveries = false;
    desk.reopen(2);
    desk.rest();
    assert_eq!((desk.stands(&one), permits(&desk)), ("completed: x".to_owned(), 0));
    desk.start(&next, "say next");
    desk.rest();
    assert_eq!(desk.stands(&next), "completed: next");
}

#[test]
fn permits_stay_as_they_are_while_the_orchestration_is_not_registered() {
    let mut desk = limited(1);
    for run in ["a", "b", "c"] {
        desk.start(run, "event e");
        desk.rest();
    }
    desk.registered = false;
    desk.reopen(1);
    desk.rest();
    desk.terminate("a");
    desk.rest();
    desk.registered = true;
    desk.reopen(1);
    desk.rest();
    let stand = ["a", "b", "c"].map(|run| desk.stands(run));
    assert_eq!(stand, ["terminated: \"enough\"", "running", "pending"]);
    for run in ["b", "c"] {
        desk.raise(run, "e x", None);
        desk.rest();
        assert_eq!(desk.stands(run), "completed: x");
    }
    assert_eq!(permits(&desk), 0);
}

#[test]
fn starts_are_refused_when_too_many_wait_for_a_permit() {
    let mut desk = Desk::new(1, super::limits(|limits| limits.runs_waiting_max = 1));
    desk.options = OrchestrationOptions::default().concurrency(1);
    desk.reopen(1);
    let starts: Vec<u64> = ["a", "b", "c"]
        .map(|run| {
            let start = desk.start(run, "event e");
            desk.rest();
            start
        })
        .to_vec();
    assert_eq!(
        starts.iter().map(|start| desk.told(*start)).collect::<Vec<_>>(),
        ["returned", "returned", "busy"]
    );
}

#[test]
fn a_run_is_purged_so_long_after_its_end_as_its_orchestration_says() {
    for what in ALL {
        let mut desk = desk_with(|options| options.retention(SECOND * 60));
        desk.busy = true;
        desk.start("r", "do a; do b");
        desk.start("s", "event e");
        between(&mut desk, what);
        assert_eq!(desk.stands("r"), "completed: a b");
        assert_eq!(desk.run("r").expect("it is there").extras().expires, Some(desk.now.after(SECOND * 60)));
        pass(&mut desk, 59);
        between(&mut desk, what);
        assert_eq!((desk.stands("r"), desk.rows(Keyspace::Timers)), ("completed: a b".to_owned(), 1));
        pass(&mut desk, 1);
        assert_eq!(
            (desk.stands("r"), desk.stands("s")),
            ("absent".to_owned(), "running".to_owned()),
            "{what:?}"
        );
        desk.terminate("s");
        pass(&mut desk, 60);
        assert_eq!((rows(&desk), desk.rows(Keyspace::Instances)), ([0, 0, 0], 0));
    }
}

#[test]
fn the_purge_of_a_run_that_was_replaced_or_purged_touches_no_other() {
    for what in ALL {
        let mut desk = desk_with(|options| options.retention(SECOND * 60));
        for run in ["r", "s"] {
            desk.start(run, "say a");
        }
        pass(&mut desk, 30);
        desk.start_as("r", "event e", Reuse::ReplaceFinished, Identity::None);
        desk.manage("s", Body::Purge);
        between(&mut desk, what);
        assert_eq!(desk.rows(Keyspace::Timers), 0);
        desk.start("s", "say b");
        between(&mut desk, what);
        pass(&mut desk, 30);
        assert_eq!(
            (desk.stands("r"), desk.stands("s")),
            ("running".to_owned(), "completed: b".to_owned()),
            "{what:?}"
        );
        desk.raise("r", "e x", None);
        pass(&mut desk, 30);
        assert_eq!((desk.stands("r"), desk.stands("s")), ("completed: x".to_owned(), "absent".to_owned()));
        pass(&mut desk, 30);
        assert_eq!(desk.rows(Keyspace::Instances), 0);
    }
}

#[test]
fn a_purge_of_a_very_run_leaves_the_one_alone_that_has_its_id_since() {
    let mut desk = desk();
    desk.start("r", "say a");
    desk.rest();
    let first = desk.run("r").expect("it is there").first;
    desk.start_as("r", "say b", Reuse::ReplaceFinished, Identity::None);
    desk.rest();
    let old = desk.manage("r", Body::PurgeThis { first });
    desk.rest();
    assert!(desk.told(old).starts_with("refused: run `r` was replaced"));
    let first = desk.run("r").expect("it is there").first;
    let new = desk.manage("r", Body::PurgeThis { first });
    desk.rest();
    assert_eq!((desk.told(new), desk.stands("r")), ("acknowledged".to_owned(), "absent".to_owned()));
}

#[test]
fn a_slot_says_when_its_runs_have_changed_once_in_a_span_of_time() {
    let mut desk = desk();
    let [one, two] = Desk::neighbours();
    desk.start(&one, "event e");
    desk.rest();
    let (written, batches) = (desk.written, desk.batches);
    desk.start(&two, "say a");
    desk.rest();
    assert_eq!((desk.written - written, desk.batches - batches), (2, 1), "its record and its history");
    assert_eq!(desk.rows(Keyspace::Meta), 1);
    let span = |desk: &Desk| record::read_changed(&desk.values(Keyspace::Meta)[0]).expect("whole");
    assert_eq!(span(&desk), record::span_of(desk.now));
    let before = span(&desk);
    desk.reopen(1);
    desk.now = desk.now.after(SECOND * 10);
    desk.raise(&one, "e x", None);
    desk.rest();
    assert_eq!(span(&desk), before + 1);
}

#[test]
fn a_custom_status_is_told_once_it_is_durable_and_of_several_in_a_batch_the_last() {
    let mut desk = desk();
    desk.start("r", "status a; status b; event e; status c");
    desk.settle();
    assert!(desk.statuses.is_empty());
    desk.commit();
    let told = |desk: &Desk| desk.statuses.iter().map(|(_, status)| status.clone()).collect::<Vec<_>>();
    assert_eq!(told(&desk), [super::desk::text("b")]);
    desk.suspend("r");
    desk.rest();
    desk.resume("r");
    desk.raise("r", "e x", None);
    desk.rest();
    assert_eq!(told(&desk), ["b", "c"].map(super::desk::text));
}

#[test]
fn a_run_that_goes_on_as_another_execution_remembers_what_it_was_started_with() {
    let mut desk = desk();
    desk.start("r", "again again say b");
    desk.rest();
    let record = desk.run("r").expect("it is there");
    assert_eq!(record.extras().input, Some(super::desk::text("again again say b")));
}
