//! How many operations of a type run off their shard at a time, and that whoever waits has its turn.

use super::{desk::Desk, limits, sections::assert_free};
use crate::Limits;
use sarsen_entities::EntityOptions;
use sarsen_protocol::{Identity, Keyspace};
use std::time::Duration;

/// A desk whose entities run so many operations at a time off their shard.
fn desk(concurrency: usize, limits: Limits) -> Desk {
    let mut desk = Desk::new(1, limits);
    desk.entities = EntityOptions::default().concurrency(concurrency);
    desk.reopen(1);
    desk
}

#[test]
fn concurrency_is_kept_and_nobody_starves() {
    let keys: Vec<String> = (0..12).map(|number| format!("k{number}")).collect();
    for window in [1, 3, 1_000] {
        for (restless, crash) in [(false, false), (true, false), (true, true)] {
            let mut desk = desk(2, limits(|limits| limits.operations_window = window));
            desk.restless = restless;
            for digit in ["1", "2"] {
                for key in &keys {
                    desk.signal(key, "slow", digit, Identity::None);
                    desk.signal(key, "log", "0", Identity::None);
                }
            }
            let (mut dispatches, mut most) = (0, 0);
            loop {
                desk.pause();
                let running = desk.running();
                assert!(running.len() <= 2, "{running:?} at a time");
                most = most.max(running.len());
                let Some(first) = running.first() else { break };
                desk.operate(first);
                dispatches += 1;
                if crash && dispatches % 7 == 0 {
                    desk.reopen(1);
                }
            }
            for key in &keys {
                assert_eq!(desk.sum(key), 1020, "{key} with {window}, {restless}, {crash}");
            }
            assert_eq!(desk.rows(Keyspace::Mailbox), 0);
            desk.rest();
            assert_eq!(most, 2, "as many at a time as may be");
        }
    }
}

#[test]
fn who_waits_has_its_turn_in_the_order_in_which_it_came() {
    let mut desk = desk(1, Limits::default());
    let keys = ["d", "a", "c", "b"];
    for key in keys {
        desk.signal(key, "slow", "1", Identity::None);
        desk.settle();
    }
    desk.signal("d", "slow", "2", Identity::None);
    let mut order = Vec::new();
    desk.pause();
    assert_eq!((desk.stats().operations_running, desk.stats().operations_waiting), (1, 3));
    while let Some(key) = desk.running().first().cloned() {
        order.push(key.clone());
        desk.operate(&key);
        desk.pause();
    }
    assert_eq!(order, ["d", "a", "c", "b", "d"]);
    assert_eq!((desk.stats().operations_running, desk.stats().operations_waiting), (0, 0));
}

#[test]
fn who_waits_need_not_stay_in_memory() {
    let mut desk = desk(1, Limits::default());
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    for key in ["y", "z"] {
        desk.signal(key, "add", "5", Identity::None);
        desk.signal(key, "slow", "2", Identity::None);
    }
    desk.pause();
    assert!(desk.evict("y") && desk.evict("z") && !desk.evict("x"), "only who runs is pinned");
    // A message for one that is away lets it neither pass nor come twice.
    desk.signal("z", "log", "3", Identity::None);
    desk.pause();
    assert_eq!((desk.running(), desk.stats().operations_waiting), (vec!["x".to_owned()], 2));
    desk.operate("x");
    desk.pause();
    assert_eq!(desk.running(), ["y"]);
    desk.operate("y");
    desk.pause();
    assert_eq!(desk.running(), ["z"]);
    desk.finish();
    assert_eq!([desk.sum("x"), desk.sum("y"), desk.sum("z")], [1, 52, 523]);
}

#[test]
fn many_that_wait_occupy_no_memory() {
    let mut desk = desk(
        1,
        limits(|limits| {
            limits.operations_window = 4;
            limits.cache_bytes = 10_000;
        }),
    );
    desk.signal("x", "slow", "1", Identity::None);
    desk.pause();
    for number in 0..300 {
        desk.signal(&format!("k{number}"), "slow", "7", Identity::None);
        desk.pause();
    }
    let stats = desk.stats();
    assert!(stats.activations < 30 && stats.operations_waiting <= 4, "{stats:?}");
    desk.finish();
    for number in 0..300 {
        assert_eq!(desk.sum(&format!("k{number}")), 7, "k{number}");
    }
}

#[test]
fn a_place_is_not_kept_for_an_entity_that_is_locked() {
    let mut desk = desk(1, limits(|limits| limits.operations_window = 1));
    desk.start("r", "lock z; event e; unlock");
    desk.pause();
    desk.signal("x", "slow", "1", Identity::None);
    desk.signal("z", "slow", "2", Identity::None);
    desk.pause();
    for key in ["a", "b", "y"] {
        desk.signal(key, "slow", "3", Identity::None);
    }
    desk.pause();
    while let Some(key) = desk.running().first().cloned() {
        desk.operate(&key);
        desk.pause();
    }
    assert_eq!(["x", "a", "b", "y", "z"].map(|key| desk.sum(key)), [1, 3, 3, 3, 0], "all but the locked one");
    desk.raise("r", "e 1", None);
    desk.finish();
    assert_eq!(desk.sum("z"), 2);
    assert_free(&desk);
}

#[test]
fn a_release_acts_at_once_where_a_call_waits_for_its_place() {
    for crash in [false, true] {
        let mut desk = desk(1, Limits::default());
        desk.signal("y", "slow", "9", Identity::None);
        desk.pause();
        desk.start("r", "lock x; call x slow 1; unlock");
        desk.start("next", "lock x; call x log 2; unlock");
        desk.pause();
        assert_eq!((desk.running(), desk.locks()), (vec!["y".to_owned()], vec!["x by r".to_owned()]));
        desk.terminate("r");
        desk.pause();
        assert_eq!(desk.locks(), [""; 0]);
        if crash {
            desk.reopen(1);
            desk.pause();
        }
        desk.finish();
        assert_eq!((desk.sum("x"), desk.stands("next")), (12, "completed: 12".to_owned()));
        assert_free(&desk);
    }
}

#[test]
fn time_runs_from_the_dispatch_and_not_while_an_operation_waits() {
    let mut desk = desk(1, Limits::default());
    desk.signal("y", "slow", "9", Identity::None);
    let timed = desk.call("x", "timed", "1", Identity::None);
    desk.pause();
    desk.now = desk.now.after(Duration::from_secs(60));
    desk.pause();
    desk.operate("y");
    desk.pause();
    assert_eq!((desk.running(), desk.answer(timed)), (vec!["x".to_owned()], None));
    desk.finish();
    assert_eq!(desk.returned(timed), "1");
}

#[test]
fn a_parked_entity_keeps_no_place() {
    let mut desk = desk(1, limits(|limits| limits.operations_window = 1));
    desk.signal("p", "add", "1", Identity::None);
    desk.rest();
    desk.signal("x", "slow", "1", Identity::None);
    desk.signal("p", "slow", "2", Identity::None);
    desk.signal("y", "slow", "3", Identity::None);
    desk.pause();
    desk.spoil("p");
    desk.pause();
    while let Some(key) = desk.running().first().cloned() {
        desk.operate(&key);
        desk.pause();
    }
    assert_eq!([desk.sum("x"), desk.sum("y")], [1, 3]);
    assert_eq!(desk.stats().parked, 1);
}
