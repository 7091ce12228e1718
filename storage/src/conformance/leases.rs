//! Checks of who may write.

use super::Harness;
use super::steps::{
    Finding, ROWS, Told, acquire, batch, commit, filled, last, put, rows, same, slots, texts, write,
};
use sarsen_protocol::SlotRange;

pub(super) fn epochs(harness: &mut dyn Harness) -> Finding {
    let mut store = harness.create();
    let mut newest = 0;
    for (start, end) in [(0, 4), (4, 8), (2, 6), (0, 4096), (100, 101)] {
        for _ in 0..2 {
            let lease = acquire(&*store, slots(start, end))?;
            same("the slots of a lease", lease.slots, slots(start, end))?;
            if lease.epoch.0 <= newest {
                return Err(format!("epoch {} was given after epoch {newest}", lease.epoch.0));
            }
            newest = lease.epoch.0;
            drop(store);
            store = harness.reopen();
        }
    }
    Ok(())
}

pub(super) fn voids(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let [low, high] = [acquire(&*store, slots(0, 10))?, acquire(&*store, slots(10, 20))?];
    write(&*store, low, 1, [put(ROWS, b"low", b"1")])?;
    write(&*store, high, 1, [put(ROWS, b"high", b"1")])?;
    let new = acquire(&*store, slots(9, 10))?;
    same("the last number of a void lease", last(&*store, low)?, None)?;
    same("the last number of one beside it", last(&*store, high)?, Some(1))?;
    same("the last number of the new one", last(&*store, new)?, Some(0))?;
    write(&*store, high, 2, [put(ROWS, b"high", b"2")])?;
    write(&*store, new, 1, [put(ROWS, b"new", b"1")])?;
    let expected = texts(&[("high", "2"), ("low", "1"), ("new", "1")]);
    same("the records", rows(&*store, ROWS)?, expected)
}

pub(super) fn fenced(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let old = filled(&*store, [put(ROWS, b"a", b"1")])?;
    let [left, right] = [acquire(&*store, slots(0, 2048))?, acquire(&*store, slots(2048, 4096))?];
    let group = [
        batch(left, 1, [put(ROWS, b"left", b"1")]),
        batch(old, 2, [put(ROWS, b"a", b"2"), put(ROWS, b"left", b"old")]),
        batch(right, 1, [put(ROWS, b"right", b"1")]),
    ];
    let told = vec![(left, Told::Durable(1)), (old, Told::Fenced), (right, Told::Durable(1))];
    same("the outcomes", commit(&*store, &group)?, told)?;
    let expected = texts(&[("a", "1"), ("left", "1"), ("right", "1")]);
    same("the records", rows(&*store, ROWS)?, expected)?;
    let alone = commit(&*store, &[batch(old, 2, [put(ROWS, b"a", b"2")])])?;
    same("the outcome of a void lease alone", alone, vec![(old, Told::Fenced)])
}

pub(super) fn fenced_after_reopen(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let old = filled(&*store, [put(ROWS, b"a", b"1")])?;
    drop(store);
    let store = harness.reopen();
    let new = acquire(&*store, SlotRange::ALL)?;
    let group = [batch(old, 2, [put(ROWS, b"a", b"2")]), batch(new, 1, [put(ROWS, b"b", b"1")])];
    let told = vec![(old, Told::Fenced), (new, Told::Durable(1))];
    same("the outcomes", commit(&*store, &group)?, told)?;
    drop(store);
    let store = harness.reopen();
    same("the last number of the void lease", last(&*store, old)?, None)?;
    same("the last number of the new one", last(&*store, new)?, Some(1))?;
    same("the records", rows(&*store, ROWS)?, texts(&[("a", "1"), ("b", "1")]))
}
