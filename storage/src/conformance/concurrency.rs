//! The check of what readers see while groups are committed.

use super::Harness;
use super::steps::{Finding, ROWS, Told, acquire, all, batch, commit, pages, put, same, slots};
use crate::Store;
use sarsen_protocol::{Keyspace, Lease, Page, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// At least so many groups are committed, and at most so many while readers do not get on.
const GROUPS: std::ops::Range<u64> = 50..5_000;
/// So many reads are made while groups are committed.
const READS: u64 = 200;

/// How far the threads of the check are.
#[derive(Default)]
struct Progress {
    committed: AtomicU64,
    reads: AtomicU64,
    over: AtomicBool,
}

/// Each group writes its number in two batches of two leases to two keyspaces. Whoever reads both sees one number,
/// and none that is older than the last commit that returned before.
pub(super) fn one_state(harness: &mut dyn Harness) -> Finding {
    let store = &*harness.create();
    let leases = [acquire(store, slots(0, 1))?, acquire(store, slots(1, 2))?];
    let progress = &Progress::default();
    commit_group(store, leases, 1)?;
    thread::scope(|scope| {
        let forward = scope.spawn(|| observe(store, progress, &[all(ROWS), all(Keyspace::Meta)]));
        let backward = scope.spawn(|| observe(store, progress, &[all(Keyspace::Meta), all(ROWS)]));
        let written = commit_groups(store, leases, progress);
        progress.over.store(true, Ordering::SeqCst);
        let joined = |reader: thread::ScopedJoinHandle<'_, Finding>| {
            reader.join().unwrap_or_else(|_| Err("read panicked".to_owned()))
        };
        written.and(joined(forward)).and(joined(backward))
    })
}

fn commit_groups(store: &dyn Store, leases: [Lease; 2], progress: &Progress) -> Finding {
    for number in 2..GROUPS.end {
        commit_group(store, leases, number)?;
        progress.committed.store(number, Ordering::SeqCst);
        if number >= GROUPS.start && progress.reads.load(Ordering::SeqCst) >= READS {
            break;
        }
        thread::yield_now();
    }
    Ok(())
}

fn commit_group(store: &dyn Store, [left, right]: [Lease; 2], number: u64) -> Finding {
    let value = number.to_be_bytes();
    let group = [
        batch(left, number, [put(ROWS, b"left", &value)]),
        batch(right, number, [put(Keyspace::Meta, b"right", &value)]),
    ];
    let told = vec![(left, Told::Durable(number)), (right, Told::Durable(number))];
    same("the outcomes", commit(store, &group)?, told)
}

fn observe(store: &dyn Store, progress: &Progress, reads: &[Read; 2]) -> Finding {
    while !progress.over.load(Ordering::SeqCst) {
        let committed = progress.committed.load(Ordering::SeqCst);
        let seen = pages(store, reads)?.iter().map(number).collect::<Finding<Vec<u64>>>()?;
        if seen[0] != seen[1] {
            return Err(format!("one read saw group {} and the next one group {}", seen[0], seen[1]));
        }
        if seen[0] < committed {
            return Err(format!("a read saw group {} after group {committed} was durable", seen[0]));
        }
        progress.reads.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

fn number(page: &Page) -> Finding<u64> {
    let value = page.rows.first().ok_or("a record was gone for a while")?.value.as_ref();
    let value = value.try_into().map_err(|_| "a record was cut for a while".to_owned())?;
    Ok(u64::from_be_bytes(value))
}
