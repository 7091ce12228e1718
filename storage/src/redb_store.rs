//! A store on a redb database, one transaction a group.
//!
//! Each keyspace is a table of its own; the leases and the format are rows of one more. A group's writes are merged,
//! sorted and applied in key order, which touches each page of the tree once, and a commit is a single sync: redb's
//! one-phase commit, whose checksums tell a torn commit at the next open. The price is that an open after a crash
//! reads the whole file. What a killed process left unsynced, redb syncs at the open, before any of it is served.
//! Nothing is ever tried again: after the first failure the store is stopped.

mod backend;
mod fault;
mod format;
mod open;

use crate::leases::{Admission, Leases};
use crate::page::Filling;
use crate::{Counters, Directory, Disk, Error, FileDisk, Outcome, Store};
use backend::Meter;
use bytes::Bytes;
use fault::{Guarded, calling};
use format::{STORE, lease_key};
use redb::{Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, WriteTransaction};
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Page, Read, SlotRange, Write};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// How a [`RedbStore`] works; nothing of it is kept in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedbOptions {
    /// The memory for pages of the file, in bytes; a commit may use up to half of it. 256 MiB by default.
    pub cache_bytes: usize,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self { cache_bytes: 256 << 20 }
    }
}

/// Keeps records in one file, with one sync for each group.
///
/// After a failed call the store is stopped and does not touch its file again, not even when it is dropped: memory and
/// file may differ, and only a new open is honest. Dropped in good order it leaves a file that opens at once; after a
/// crash the open reads the whole file.
///
/// ```
/// use sarsen_protocol::SlotRange;
/// use sarsen_storage::{Directory, RedbOptions, Store};
///
/// let place = tempfile::tempdir().unwrap();
/// let store = Directory::open(place.path()).unwrap().open_store(RedbOptions::default()).unwrap();
/// let lease = store.acquire(SlotRange::ALL).unwrap();
/// assert_eq!(store.last(lease).unwrap().map(|number| number.0), Some(0));
/// ```
pub struct RedbStore {
    database: Guarded,
    /// As the file has them. Held during each commit, so that leases and file change together.
    leases: Mutex<Leases>,
    meter: Arc<Meter>,
    /// The file's name, for errors.
    what: String,
    /// Dropped last: the lock must outlive the file's last write.
    _directory: Option<Directory>,
}

impl RedbStore {
    /// Opens the file at `path`, creating it when it is missing or empty. The caller makes sure that no other store
    /// has it open; [`Directory::open_store`] does so.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read or written, [`Error::Damaged`] when it is no store's file, and
    /// [`Error::Newer`] when a later version of sarsen wrote it. What a crash left, in whatever moment, is no damage.
    /// Damage is found when redb meets it, which may be in a later read or commit, and its panics are caught; that
    /// it panics while it panics, which ends the process, cannot be excluded.
    pub fn open(path: &Path, options: RedbOptions) -> Result<Self, Error> {
        let what = path.display().to_string();
        match FileDisk::open(path) {
            Ok(disk) => Self::open_disk(disk, &what, options),
            Err(source) => Err(Error::Io { what, source }),
        }
    }

    /// As [`open`](Self::open), on any disk; errors call it `what`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_disk<D: Disk>(disk: D, what: &str, options: RedbOptions) -> Result<Self, Error> {
        let meter = Arc::new(Meter::default());
        let (database, leases) =
            open::open(disk, what, options, Arc::clone(&meter)).inspect_err(|_| meter.stop())?;
        Ok(Self { database, leases: Mutex::new(leases), meter, what: what.to_owned(), _directory: None })
    }

    /// Keeps `directory` locked until the file is closed.
    pub(crate) fn locking(self, directory: Directory) -> Self {
        Self { _directory: Some(directory), ..self }
    }

    fn leases(&self) -> Result<MutexGuard<'_, Leases>, Error> {
        // A thread that panicked in a commit has left leases that nobody can trust.
        let leases = self.leases.lock().map_err(|_| Error::Stopped)?;
        self.check()?;
        Ok(leases)
    }

    fn check(&self) -> Result<(), Error> {
        if self.meter.is_stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Calls the database, and never again once that has failed.
    fn call<T>(&self, call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
        self.check()?;
        calling(&self.what, call).inspect_err(|_| self.meter.stop())
    }

    fn write(&self, admission: &Admission, group: &[Batch]) -> Result<(), redb::Error> {
        let transaction = immediate(&self.database)?;
        let writes = net(admission.batches(group));
        for writes in writes.chunk_by(|a, b| a.keyspace == b.keyspace) {
            apply(&transaction, writes)?;
        }
        let mut store = transaction.open_table(STORE)?;
        for held in admission.admitted() {
            store.insert(lease_key(held.lease).as_slice(), format::encode_lease(held).as_slice())?;
        }
        drop(store);
        Ok(transaction.commit()?)
    }
}

impl Store for RedbStore {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        let mut leases = self.leases()?;
        let mut changed = leases.clone();
        let (held, voided) = changed.acquire(slots);
        self.call(|| {
            let transaction = immediate(&self.database)?;
            let mut store = transaction.open_table(STORE)?;
            for lease in voided {
                store.remove(lease_key(lease).as_slice())?;
            }
            store.insert(lease_key(held.lease).as_slice(), format::encode_lease(held).as_slice())?;
            drop(store);
            Ok(transaction.commit()?)
        })?;
        *leases = changed;
        Ok(held.lease)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        let Ok(mut leases) = self.leases() else { return Admission::stopped(group) };
        let admission = leases.admit(group);
        if admission.admitted().next().is_none() {
            return admission.durable(group);
        }
        match self.call(|| self.write(&admission, group)) {
            Ok(()) => {
                leases.advance(&admission);
                self.meter.count_group();
                admission.durable(group)
            }
            Err(error) => admission.unknown(error),
        }
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        Ok(self.leases()?.last(lease))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        self.call(|| {
            let mut snapshot =
                Snapshot { transaction: self.database.begin_read()?, tables: Default::default() };
            reads.iter().map(|read| snapshot.page(read)).collect()
        })
    }

    fn counters(&self) -> Counters {
        self.meter.counters()
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("what", &self.what)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}

/// A transaction whose commit is durable after one sync.
fn immediate(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(false);
    transaction.set_quick_repair(false);
    Ok(transaction)
}

/// The last write to each key, in the order of keyspaces and keys.
fn net<'a>(batches: impl Iterator<Item = &'a Batch>) -> Vec<&'a Write> {
    let mut writes: Vec<&Write> = batches.flat_map(|batch| &batch.writes).collect();
    // A stable sort keeps writes to one key in the order of their batches.
    writes.sort_by(|a, b| (a.keyspace, &a.key).cmp(&(b.keyspace, &b.key)));
    writes.reverse();
    writes.dedup_by(|a, b| a.keyspace == b.keyspace && a.key == b.key);
    writes.reverse();
    writes
}

/// Applies the writes of one keyspace.
fn apply(transaction: &WriteTransaction, writes: &[&Write]) -> Result<(), redb::Error> {
    let Some(first) = writes.first() else { return Ok(()) };
    let mut table = transaction.open_table(format::table(first.keyspace))?;
    for write in writes {
        match &write.value {
            Some(value) => table.insert(&write.key[..], &value[..])?,
            None => table.remove(&write.key[..])?,
        };
    }
    Ok(())
}

/// One state of the database, with the tables that were needed so far.
struct Snapshot {
    transaction: ReadTransaction,
    tables: [Option<ReadOnlyTable<&'static [u8], &'static [u8]>>; Keyspace::ALL.len()],
}

impl Snapshot {
    fn page(&mut self, read: &Read) -> Result<Page, redb::Error> {
        let Some(mut filling) = Filling::begin(read) else { return Ok(Page::default()) };
        if filling.is_full() {
            return Ok(filling.end());
        }
        let table = match &mut self.tables[read.keyspace as usize] {
            Some(table) => table,
            closed => closed.insert(self.transaction.open_table(format::table(read.keyspace))?),
        };
        if is_one_key(read) {
            if let Some(value) = table.get(&read.from[..])? {
                filling.push(read.from.clone(), || Bytes::copy_from_slice(value.value()));
            }
            return Ok(filling.end());
        }
        let mut records = table.range(&read.from[..]..&read.to[..])?;
        while !filling.is_full()
            && let Some(record) = records.next().transpose()?
        {
            filling
                .push(Bytes::copy_from_slice(record.0.value()), || Bytes::copy_from_slice(record.1.value()));
        }
        Ok(filling.end())
    }
}

/// Whether the range holds its first key alone: the key that follows it next has a 0 more. Most loads are such, and
/// a search is cheaper than an iterator.
fn is_one_key(read: &Read) -> bool {
    read.to.split_last().is_some_and(|(end, rest)| *end == 0 && *rest == read.from[..])
}
