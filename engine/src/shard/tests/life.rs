//! How long entities live, and that nothing is left of those that are gone.

use super::{
    desk::{Death, Desk},
    limits, numbered,
};
use sarsen_entities::EntityOptions;
use sarsen_protocol::{Answer, Identity, Keyspace, Timestamp};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(10);

/// A desk whose entities live so long.
fn desk() -> Desk {
    let mut desk = Desk::new(1, limits(|_| {}));
    desk.entities = EntityOptions::default().ttl(TTL);
    desk.reopen(1);
    desk
}

/// Lets it be so many seconds after `start`, and lets everything happen.
fn at(desk: &mut Desk, start: Timestamp, seconds: u64) {
    desk.now = start.after(Duration::from_secs(seconds));
    desk.rest();
}

fn add(desk: &mut Desk, key: &str) {
    desk.signal(key, "add", "1", Identity::None);
    desk.rest();
}

/// Nothing is stored, and nothing waits.
fn assert_nothing_left(desk: &Desk) {
    let spaces = [
        Keyspace::Instances,
        Keyspace::Timers,
        Keyspace::Mailbox,
        Keyspace::Locks,
        Keyspace::Inbox,
        Keyspace::Dead,
    ];
    assert_eq!(spaces.map(|space| desk.rows(space)), [0; 6], "rows of {spaces:?}");
    assert_eq!((desk.stats().timers, desk.stats().pending), (0, 0));
}

#[test]
fn an_entity_is_deleted_so_long_after_the_operation_that_last_changed_it() {
    let mut desk = desk();
    let start = desk.now;
    add(&mut desk, "x");
    let alarm = desk.keys(Keyspace::Timers);
    for second in 1..=9 {
        at(&mut desk, start, second);
        add(&mut desk, "x");
        assert_eq!(desk.keys(Keyspace::Timers), alarm, "the alarm is not moved with each operation");
    }
    at(&mut desk, start, 10);
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (10, 1), "it came too early and is set again");
    at(&mut desk, start, 18);
    assert_eq!(desk.sum("x"), 10);
    at(&mut desk, start, 19);
    assert_nothing_left(&desk);
    add(&mut desk, "x");
    assert_eq!(desk.sum("x"), 1, "it begins again with its initial state");
}

#[test]
fn what_changes_nothing_does_not_let_an_entity_live_longer() {
    let mut desk = desk();
    let start = desk.now;
    add(&mut desk, "x");
    at(&mut desk, start, 5);
    let read = desk.call("x", "sum", "null", Identity::None);
    let state = desk.read("x");
    let failed = desk.call("x", "refuse", "null", Identity::None);
    desk.rest();
    assert_eq!(desk.returned(read), "1");
    assert!(matches!(desk.answer(state), Some(Answer::State(Some(_)))));
    assert!(matches!(desk.answer(failed), Some(Answer::Failed(_))));
    at(&mut desk, start, 10);
    assert_nothing_left(&desk);
}

#[test]
fn an_entity_has_its_time_out_of_memory_and_over_restarts_with_other_shards() {
    for evicts in [false, true] {
        let mut desk = desk();
        let start = desk.now;
        desk.restless = evicts;
        let names = ["a", "b", "c", "d"];
        for key in names {
            add(&mut desk, key);
        }
        at(&mut desk, start, 4);
        add(&mut desk, "d");
        for (second, shards, left) in [(9, 3, 4), (10, 2, 1), (13, 4, 1), (14, 1, 0)] {
            desk.reopen(shards);
            at(&mut desk, start, second);
            let there = names.iter().filter(|key| desk.sum(key) > 0).count();
            assert_eq!(there, left, "after {second} s");
        }
        assert_nothing_left(&desk);
    }
}

#[test]
fn a_locked_entity_is_deleted_behind_its_section_unless_that_changed_it() {
    for changes in [false, true] {
        let mut desk = desk();
        let start = desk.now;
        add(&mut desk, "x");
        let call = if changes { "call x add 1; " } else { "" };
        desk.start("r", &format!("lock x; event e; {call}unlock; event f"));
        desk.rest();
        at(&mut desk, start, 11);
        desk.signal("x", "sum", "null", Identity::None);
        desk.reopen(1);
        at(&mut desk, start, 12);
        assert_eq!((desk.sum("x"), desk.locks().len()), (1, 1), "what is locked stays");
        desk.raise("r", "e", None);
        desk.rest();
        assert_eq!((desk.sum("x"), desk.locks().len()), (if changes { 2 } else { 0 }, 0));
        at(&mut desk, start, 22);
        assert_eq!(desk.sum("x"), 0);
    }
}

#[test]
fn a_deleted_entity_leaves_no_row_and_its_next_life_has_a_time_of_its_own() {
    let mut desk = desk();
    let start = desk.now;
    add(&mut desk, "x");
    at(&mut desk, start, 5);
    desk.signal("x", "delete", "null", Identity::None);
    desk.rest();
    assert_nothing_left(&desk);
    at(&mut desk, start, 6);
    add(&mut desk, "x");
    at(&mut desk, start, 15);
    assert_eq!(desk.sum("x"), 1, "the timer of its first life was due");
    at(&mut desk, start, 16);
    assert_nothing_left(&desk);
}

#[test]
fn an_alarm_that_has_gone_off_does_nothing_to_a_later_life() {
    let mut desk = desk();
    let start = desk.now;
    add(&mut desk, "x");
    desk.start("r", "lock x; event d; call x delete; event g; call x add 7; event e; unlock");
    desk.rest();
    at(&mut desk, start, 11);
    assert_eq!(desk.rows(Keyspace::Timers), 0, "the alarm has gone off and waits in the mailbox");
    for event in ["d", "g"] {
        desk.raise("r", event, None);
        desk.rest();
    }
    desk.raise("r", "e", None);
    desk.rest();
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (7, 1));
    at(&mut desk, start, 21);
    assert_eq!(desk.sum("x"), 0);
}

#[test]
fn a_process_that_dies_anywhere_loses_no_time_and_gives_none_twice() {
    let play = |death: Option<(usize, bool)>| {
        let mut desk = desk();
        let start = desk.now;
        add(&mut desk, "x");
        desk.now = start.after(Duration::from_secs(5));
        add(&mut desk, "x");
        let used = desk.commits;
        desk.death = death.map(|(behind, before)| Death {
            commit: used + behind,
            before,
            shards: [1, 2, 3][behind % 3],
        });
        desk.now = start.after(TTL);
        desk.crawl_to_rest().expect("nothing is locked");
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (2, 1), "death {death:?}");
        desk.now = start.after(Duration::from_secs(15));
        desk.crawl_to_rest().expect("nothing is locked");
        assert_nothing_left(&desk);
        assert!(desk.death.is_none(), "it died {death:?}");
        desk.commits - used
    };
    let commits = play(None);
    assert!(commits >= 2, "the alarm comes too early, and then in time: {commits}");
    for commit in 0..commits {
        play(Some((commit, true)));
        play(Some((commit, false)));
    }
}

#[test]
fn a_parked_entity_is_deleted_once_it_can_go_on() {
    let mut desk = desk();
    let start = desk.now;
    add(&mut desk, "x");
    let row = desk.spoil("x");
    at(&mut desk, start, 11);
    assert_eq!((desk.stats().parked, desk.rows(Keyspace::Instances)), (1, 1));
    desk.mend("x", row);
    desk.rest();
    assert_nothing_left(&desk);
}

#[test]
fn producers_are_remembered_over_a_deletion_until_they_have_been_silent_and_then_nothing_is_left() {
    let mut desk = Desk::new(1, limits(|limits| limits.key_retention = Duration::from_secs(100)));
    let start = desk.now;
    desk.signal("x", "add", "1", numbered(1));
    desk.rest();
    assert_eq!(desk.rows(Keyspace::Timers), 0, "an entity that exists needs no alarm for them");
    desk.signal("x", "delete", "null", numbered(2));
    desk.rest();
    assert_eq!((desk.rows(Keyspace::Instances), desk.rows(Keyspace::Timers)), (1, 1));
    at(&mut desk, start, 60);
    let repeat = desk.signal("x", "add", "1", numbered(2));
    desk.rest();
    assert_eq!((desk.answer(repeat), desk.sum("x")), (Some(&Answer::Acknowledged), 0), "it is remembered");
    desk.reopen(2);
    at(&mut desk, start, 100);
    assert_eq!(desk.rows(Keyspace::Instances), 1);
    at(&mut desk, start, 102);
    assert_nothing_left(&desk);
}

#[test]
fn a_type_that_loses_its_time_keeps_its_entities_and_one_whose_time_is_shortened_keeps_it_less_long() {
    let mut desk = desk();
    let start = desk.now;
    for key in ["x", "y"] {
        add(&mut desk, key);
    }
    desk.entities = EntityOptions::default();
    desk.reopen(1);
    at(&mut desk, start, 11);
    assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (1, 0));
    desk.entities = EntityOptions::default().ttl(TTL);
    desk.reopen(1);
    add(&mut desk, "y");
    desk.entities = EntityOptions::default().ttl(Duration::from_secs(2));
    desk.reopen(1);
    add(&mut desk, "y");
    at(&mut desk, start, 13);
    assert_eq!((desk.sum("x"), desk.sum("y"), desk.rows(Keyspace::Timers)), (1, 0, 0));
}
