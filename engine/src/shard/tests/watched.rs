//! Owners that hold a lock for long are reported, once, and never disturbed.

use super::{
    desk::Desk,
    limits,
    sections::{assert_free, settle},
};
use sarsen_protocol::{Identity, Keyspace};
use std::time::Duration;

fn desk(shards: u16) -> Desk {
    Desk::new(shards, limits(|limits| limits.lock_held_report_after = Duration::from_secs(60)))
}

fn pass(desk: &mut Desk, seconds: u64) {
    desk.now = desk.now.after(Duration::from_secs(seconds));
    desk.rest();
}

#[test]
fn an_owner_that_holds_a_lock_for_long_is_reported_once_and_keeps_it() {
    for shards in [1, 3] {
        let mut desk = desk(shards);
        desk.start("r", "lock x y; event e; unlock; say end");
        desk.rest();
        pass(&mut desk, 59);
        assert_eq!((desk.overdue.len(), desk.stats().locks_overdue), (0, 0));
        pass(&mut desk, 1);
        let mut reported = desk.overdue.clone();
        reported.sort();
        assert_eq!(reported, ["x of r since 1000000", "y of r since 1000000"]);
        assert_eq!(desk.stats().locks_overdue, 2);
        pass(&mut desk, 1_000);
        assert_eq!((desk.overdue.len(), desk.locks().len()), (2, 2), "once, and it holds them");
        desk.raise("r", "e on", None);
        desk.rest();
        assert_eq!((desk.stats().locks_overdue, desk.stands("r")), (0, "completed: on end".to_owned()));
        assert_free(&desk);
    }
}

#[test]
fn a_lock_that_has_gone_in_time_is_not_reported_and_neither_is_its_next_owner() {
    let mut desk = desk(1);
    for run in ["first", "second"] {
        desk.start(run, "lock x; event e; unlock");
        desk.rest();
    }
    pass(&mut desk, 40);
    desk.raise("first", "e 1", None);
    desk.rest();
    pass(&mut desk, 40);
    assert_eq!((desk.locks(), desk.overdue.len()), (vec!["x by second".to_owned()], 0));
    pass(&mut desk, 20);
    assert_eq!(desk.overdue, ["x of second since 1000040"]);
}

/// What is not in memory is found among the rows: nobody needs to come for it.
#[test]
fn a_lock_of_an_earlier_process_is_reported_though_nobody_asks_for_its_entity() {
    for evicted in [false, true] {
        let mut desk = desk(1);
        desk.start("r", "lock x y; event e; unlock");
        desk.rest();
        pass(&mut desk, 50);
        if evicted {
            desk.evict_all();
        } else {
            desk.reopen(3);
            desk.rest();
        }
        assert_eq!(desk.overdue.len(), 0);
        pass(&mut desk, 10);
        assert_eq!((desk.overdue.len(), desk.stats().locks_overdue), (2, 2), "evicted: {evicted}");
        desk.reopen(2);
        desk.rest();
        assert_eq!(desk.overdue.len(), 4, "by each process");
    }
}

/// A lock is given back while the rows are read that the last process has left: what was read is not newer than that.
#[test]
fn a_lock_that_goes_while_the_rows_are_read_is_not_reported() {
    let mut desk = desk(1);
    desk.start("r", "lock x; event e; unlock");
    desk.rest();
    desk.reopen(1);
    desk.hold_locks = true;
    settle(&mut desk);
    desk.raise("r", "e 1", None);
    settle(&mut desk);
    assert_eq!(desk.locks(), [""; 0]);
    desk.hold_locks = false;
    desk.rest();
    pass(&mut desk, 100);
    assert_eq!((desk.overdue.len(), desk.stats().locks_overdue), (0, 0));
}

#[test]
fn a_lock_that_lives_within_its_batch_is_not_watched() {
    let mut desk = Desk::new(1, limits(|limits| limits.lock_held_report_after = Duration::ZERO));
    desk.start("r", "lock x; call x add 1; unlock");
    desk.settle();
    desk.commit();
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Locks), desk.overdue.len()), (0, 0));
    desk.start("s", "lock x; event e");
    desk.rest();
    assert_eq!(desk.overdue.len(), 1, "at once, when nobody may hold one at all");
    desk.signal("x", "add", "1", Identity::None);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.locks()), (1, vec!["x by s".to_owned()]));
}
