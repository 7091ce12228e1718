//! Checks of what a commit does.

use super::Harness;
use super::steps::{
    Finding, ROWS, Told, acquire, batch, commit, delete, filled, last, put, rows, same, slots, texts, write,
};
use sarsen_protocol::{Keyspace, SlotRange};

pub(super) fn last_write(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let lease = acquire(&*store, SlotRange::ALL)?;
    let group = [
        batch(lease, 1, [put(ROWS, b"a", b"1"), put(ROWS, b"b", b"1"), put(ROWS, b"c", b"1")]),
        batch(lease, 2, [put(ROWS, b"a", b"2"), delete(ROWS, b"b"), delete(ROWS, b"c")]),
        batch(lease, 3, [put(ROWS, b"c", b"3"), put(Keyspace::Dead, b"a", b"3")]),
    ];
    same("the outcome of a commit", commit(&*store, &group)?, vec![(lease, Told::Durable(3))])?;
    same("the records", rows(&*store, ROWS)?, texts(&[("a", "2"), ("c", "3")]))
}

pub(super) fn deleted(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let lease = filled(&*store, [put(ROWS, b"a", b"1"), put(ROWS, b"b", b"1")])?;
    write(&*store, lease, 2, [delete(ROWS, b"a")])?;
    same("the records", rows(&*store, ROWS)?, texts(&[("b", "1")]))?;
    write(&*store, lease, 3, [put(ROWS, b"a", b"3")])?;
    same("the records after a comes back", rows(&*store, ROWS)?, texts(&[("a", "3"), ("b", "1")]))
}

pub(super) fn delete_missing(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    filled(&*store, [delete(ROWS, b"a"), put(ROWS, b"b", b"1")])?;
    same("the records", rows(&*store, ROWS)?, texts(&[("b", "1")]))
}

pub(super) fn empty(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    same("the outcomes of an empty group", commit(&*store, &[])?, Vec::new())?;
    let lease = filled(&*store, [])?;
    same("the last number", last(&*store, lease)?, Some(1))
}

pub(super) fn numbers(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let lease = acquire(&*store, SlotRange::ALL)?;
    same("the last number of a new lease", last(&*store, lease)?, Some(0))?;
    write(&*store, lease, 1, [put(ROWS, b"a", b"1")])?;
    same("the last number after batch 1", last(&*store, lease)?, Some(1))?;
    let group = [2, 3, 4].map(|number| batch(lease, number, [put(ROWS, b"a", b"1")]));
    same("the outcome of a commit", commit(&*store, &group)?, vec![(lease, Told::Durable(4))])?;
    same("the last number after batch 4", last(&*store, lease)?, Some(4))
}

pub(super) fn gaps(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let [left, right] = [acquire(&*store, slots(0, 9))?, acquire(&*store, slots(9, 12))?];
    write(&*store, left, 1, [put(ROWS, b"left", b"1")])?;
    let group = [
        batch(left, 2, [put(ROWS, b"left", b"2")]),
        batch(right, 1, [put(ROWS, b"right", b"1")]),
        batch(left, 4, [put(ROWS, b"left", b"4")]),
    ];
    let told = vec![(left, Told::Unknown), (right, Told::Durable(1))];
    same("the outcomes of batches 2 and 4", commit(&*store, &group)?, told)?;
    let repeated = commit(&*store, &[batch(left, 1, [put(ROWS, b"left", b"again")])])?;
    same("the outcome of a repeated batch", repeated, vec![(left, Told::Unknown)])?;
    same("the last number", last(&*store, left)?, Some(1))?;
    same("the records", rows(&*store, ROWS)?, texts(&[("left", "1"), ("right", "1")]))
}

pub(super) fn outcomes(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let [a, b, c] =
        [acquire(&*store, slots(0, 1))?, acquire(&*store, slots(1, 2))?, acquire(&*store, slots(2, 3))?];
    let group = [batch(b, 1, []), batch(c, 1, []), batch(b, 2, []), batch(a, 1, []), batch(b, 3, [])];
    let told = vec![(b, Told::Durable(3)), (c, Told::Durable(1)), (a, Told::Durable(1))];
    same("the outcomes", commit(&*store, &group)?, told)
}

pub(super) fn counters(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let lease = acquire(&*store, SlotRange::ALL)?;
    let before = store.counters();
    let group = [1, 2].map(|number| batch(lease, number, [put(ROWS, b"a", b"1")]));
    same("the outcome of a commit", commit(&*store, &group)?, vec![(lease, Told::Durable(2))])?;
    let after = store.counters();
    same("the groups after one more", after.groups, before.groups + 1)?;
    let handed = (after.bytes_written > before.bytes_written, after.syncs > before.syncs);
    same("whether bytes were written, and whether they were synced", handed.0, handed.1)?;
    rows(&*store, ROWS)?;
    same("the counters after a read", store.counters(), after)
}

pub(super) fn reopen(harness: &mut dyn Harness) -> Finding {
    let store = harness.create();
    let lease = filled(&*store, [put(ROWS, b"a", b"1"), put(Keyspace::Timers, b"b", b"2")])?;
    write(&*store, lease, 2, [delete(ROWS, b"a"), put(ROWS, b"c", b"3")])?;
    drop(store);
    let store = harness.reopen();
    same("the records", rows(&*store, ROWS)?, texts(&[("c", "3")]))?;
    same("the timers", rows(&*store, Keyspace::Timers)?, texts(&[("b", "2")]))?;
    same("the last number", last(&*store, lease)?, Some(2))?;
    write(&*store, lease, 3, [put(ROWS, b"c", b"4")])?;
    drop(store);
    let store = harness.reopen();
    same("the records, opened once more", rows(&*store, ROWS)?, texts(&[("c", "4")]))
}
