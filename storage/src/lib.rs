//! Where records rest.
//!
//! A store keeps records under ordered keys and knows no entity, message or lock: nothing is decided here. It
//! promises three things. A batch is whole or absent; batch n+1 of a lease is never durable before batch n; and
//! what is reported durable survives a kill and a power cut.
//!
//! [`Store`] is the contract and [`conformance`] its proof, for any store. [`MemoryStore`] is the one of
//! simulations, [`RedbStore`] the one of files: a journal in front of a redb database. A [`Directory`] keeps other
//! processes from those files; a [`Disk`] is what the files look like from above, and a [`FaultyDisk`] is one that
//! crashes when it is told to.

pub mod conformance;
mod directory;
mod disk;
mod journal;
mod leases;
mod memory;
mod meter;
mod overlay;
mod page;
mod redb_store;
mod store;

pub use directory::{Directory, DirectoryError};
pub use disk::{Crash, Disk, DiskFile, FaultyDisk, FolderDisk, SplitMix64};
pub use memory::MemoryStore;
pub use redb_store::{RedbOptions, RedbStore};
pub use store::{Counters, Error, Outcome, Progress, Store};
