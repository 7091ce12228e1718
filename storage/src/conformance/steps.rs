//! What the checks are made of.

use crate::{Outcome, Store};
use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Page, Read, SlotRange, Write};
use std::fmt::Debug;

/// What a check found wrong, if anything.
pub(super) type Finding<T = ()> = Result<T, String>;

/// Records as a check writes them down.
pub(super) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// The keyspace of the checks that need one only.
pub(super) const ROWS: Keyspace = Keyspace::Instances;

#[expect(clippy::needless_pass_by_value, reason = "checks make both values where they compare them")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Finding {
    if found == expected { Ok(()) } else { Err(format!("{what} should be {expected:?} and is {found:?}")) }
}

pub(super) fn slots(start: u16, end: u16) -> SlotRange {
    SlotRange::new(start, end).expect("checks name slots that exist")
}

pub(super) fn acquire(store: &dyn Store, slots: SlotRange) -> Finding<Lease> {
    store.acquire(slots).map_err(|error| format!("acquire failed: {error}"))
}

pub(super) fn last(store: &dyn Store, lease: Lease) -> Finding<Option<u64>> {
    let last = store.last(lease).map_err(|error| format!("last failed: {error}"))?;
    Ok(last.map(|number| number.0))
}

pub(super) fn put(keyspace: Keyspace, key: &[u8], value: &[u8]) -> Write {
    let value = Some(Bytes::copy_from_slice(value));
    Write { keyspace, key: Bytes::copy_from_slice(key), value }
}

pub(super) fn delete(keyspace: Keyspace, key: &[u8]) -> Write {
    Write { keyspace, key: Bytes::copy_from_slice(key), value: None }
}

pub(super) fn batch(lease: Lease, number: u64, writes: impl Into<Vec<Write>>) -> Batch {
    Batch { lease, number: BatchNumber(number), writes: writes.into() }
}

/// An outcome as a check writes it down: durable up to a number, fenced, or unknown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Durable(u64),
    Fenced,
    Unknown,
}

/// Commits and returns what each lease was told.
pub(super) fn commit(store: &dyn Store, group: &[Batch]) -> Finding<Vec<(Lease, Told)>> {
    let told = |(lease, outcome)| match outcome {
        Outcome::Durable(receipt) if receipt.lease() == lease => {
            Ok((lease, Told::Durable(receipt.number().0)))
        }
        Outcome::Durable(receipt) => Err(format!("{lease:?} got the receipt of {:?}", receipt.lease())),
        Outcome::Fenced => Ok((lease, Told::Fenced)),
        Outcome::Unknown(_) => Ok((lease, Told::Unknown)),
    };
    store.commit(group).into_iter().map(told).collect()
}

/// Commits `writes` as batch `number` and requires that it becomes durable.
pub(super) fn write(store: &dyn Store, lease: Lease, number: u64, writes: impl Into<Vec<Write>>) -> Finding {
    let told = commit(store, &[batch(lease, number, writes)])?;
    same("the outcome of a commit", told, vec![(lease, Told::Durable(number))])
}

/// A fresh store's only lease, with batch 1 holding `writes`.
pub(super) fn filled(store: &dyn Store, writes: impl Into<Vec<Write>>) -> Finding<Lease> {
    let lease = acquire(store, SlotRange::ALL)?;
    write(store, lease, 1, writes)?;
    Ok(lease)
}

/// A read of `from..to` in [`ROWS`] without limits.
pub(super) fn range(from: &[u8], to: &[u8]) -> Read {
    Read {
        keyspace: ROWS,
        from: Bytes::copy_from_slice(from),
        to: Bytes::copy_from_slice(to),
        rows_max: usize::MAX,
        bytes_max: usize::MAX,
        values: true,
    }
}

/// A read of all of `keyspace`: no check writes a key that begins with so many 0xff.
pub(super) fn all(keyspace: Keyspace) -> Read {
    Read { keyspace, ..range(b"", &[0xff; 8]) }
}

pub(super) fn pages(store: &dyn Store, reads: &[Read]) -> Finding<Vec<Page>> {
    let pages = store.read(reads).map_err(|error| format!("read failed: {error}"))?;
    same("the number of pages", pages.len(), reads.len())?;
    Ok(pages)
}

/// The one page that answers `read`, as rows and whether there is more.
pub(super) fn page(store: &dyn Store, read: Read) -> Finding<(Rows, bool)> {
    let mut pages = pages(store, &[read])?;
    let page = pages.pop().ok_or("a read was not answered")?;
    let rows = page.rows.into_iter().map(|row| (row.key.to_vec(), row.value.to_vec()));
    Ok((rows.collect(), page.more))
}

/// All records of `keyspace`.
pub(super) fn rows(store: &dyn Store, keyspace: Keyspace) -> Finding<Rows> {
    Ok(page(store, all(keyspace))?.0)
}

/// Rows written down by their texts.
pub(super) fn texts(rows: &[(&str, &str)]) -> Rows {
    rows.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}
