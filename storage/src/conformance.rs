//! The conformance kit: what a store must do, as checks that any store can be put through.
//!
//! [`check`] takes a [`Harness`] that opens stores of one kind and goes through [`promises`], each on a fresh store.
//! What the kit cannot see is whether a commit survives a crash: that takes a disk that crashes, such as
//! [`FaultyDisk`](crate::FaultyDisk), under the store.
//!
//! ```
//! use sarsen_storage::{MemoryStore, Store, conformance};
//!
//! struct Memory(MemoryStore);
//!
//! impl conformance::Harness for Memory {
//!     fn create(&mut self) -> Box<dyn Store> {
//!         self.0 = MemoryStore::new();
//!         Box::new(self.0.clone())
//!     }
//!
//!     fn reopen(&mut self) -> Box<dyn Store> {
//!         Box::new(self.0.reopen())
//!     }
//! }
//!
//! conformance::check(&mut Memory(MemoryStore::new())).unwrap();
//! ```

mod commits;
mod concurrency;
mod leases;
mod reads;
mod steps;

use crate::Store;

/// Opens stores of one kind.
pub trait Harness {
    /// A store that has never been opened. The one before it has been dropped and is not needed any more.
    fn create(&mut self) -> Box<dyn Store>;

    /// The store created last, opened again. The value that was open has been dropped.
    fn reopen(&mut self) -> Box<dyn Store>;
}

/// A promise that a store broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store breaks a promise: {promise}; {found}")]
pub struct Violation {
    /// One of [`promises`].
    pub promise: &'static str,
    /// What it did instead.
    pub found: String,
}

type Check = fn(&mut dyn Harness) -> steps::Finding;

const CHECKS: &[(&str, Check)] = &[
    ("records come back in the order of their keys", reads::order),
    ("a read holds its first key, not its last, and nothing outside", reads::bounds),
    ("an empty or reversed range is an empty page", reads::empty_ranges),
    ("a read ends at rows_max and says so, also at the exact end", reads::rows_max),
    ("a read ends behind the record that reaches bytes_max and says so", reads::bytes_max),
    ("without values a read returns the keys alone", reads::without_values),
    ("keyspaces do not share their keys", reads::keyspaces),
    ("no read is answered by no page, and many in their order", reads::many),
    ("large keys and values come back as they were", reads::large),
    ("of several writes to a key in a group the last one stands", commits::last_write),
    ("a deleted record is gone", commits::deleted),
    ("deleting what is not there is no error", commits::delete_missing),
    ("an empty batch counts and an empty group does nothing", commits::empty),
    ("the last number is that of the last durable batch", commits::numbers),
    ("a batch that does not continue its lease is not written, the others are", commits::gaps),
    ("a group answers each lease once, in the order of their first batches", commits::outcomes),
    ("committed groups are counted, and reads are not", commits::counters),
    ("records, leases and numbers are there when the store is opened again", commits::reopen),
    ("each acquisition has a greater epoch, also after the store is opened again", leases::epochs),
    ("acquiring slots voids the leases that share one and no others", leases::voids),
    ("a void lease writes nothing, and the others of its group are written", leases::fenced),
    ("a lease from before a reopen is void once its slots are acquired again", leases::fenced_after_reopen),
    ("all reads of a call see one state, in which each group is whole", concurrency::one_state),
];

/// What [`check`] checks, in its order.
pub fn promises() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(promise, _)| *promise)
}

/// Puts the stores of `harness` through all checks.
///
/// # Errors
/// The first promise that is broken.
pub fn check(harness: &mut dyn Harness) -> Result<(), Violation> {
    run(harness).next().map_or(Ok(()), Err)
}

/// As [`check`], but goes on after a broken promise and returns all of them.
pub fn violations(harness: &mut dyn Harness) -> Vec<Violation> {
    run(harness).collect()
}

fn run(harness: &mut dyn Harness) -> impl Iterator<Item = Violation> {
    CHECKS
        .iter()
        .filter_map(|(promise, check)| check(harness).err().map(|found| Violation { promise, found }))
}
