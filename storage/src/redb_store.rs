//! A store of a journal and a redb database, which together keep records as one.
//!
//! A group becomes durable in the [journal](crate::journal), with one sync, and is applied to the
//! [overlay](crate::overlay) in memory. A checkpoint carries the overlay into the database's tables, the resting place:
//! in the order of keys, a range at a time, away from the commits. redb's cost is the pages it touches and not the rows,
//! so rows that are written again and again, and rows in a row, cost next to nothing there. A read looks at the
//! overlay first and at a snapshot of the tables behind it.
//!
//! After a crash the database opens at once, since each commit to it keeps what that needs (redb's quick-repair), and
//! the overlay is made anew from the journal. Nothing is ever tried again: after the first failure the store is stopped.

mod checkpoint;
mod fault;
mod format;
mod open;
mod read;
mod tables;

use crate::journal::{Journal, Recording, Row, Space};
use crate::leases::{Admission, Held, Leases};
use crate::meter::Meter;
use crate::overlay::Overlay;
use crate::{Counters, Directory, Disk, Error, Outcome, Progress, Store};
use checkpoint::Walk;
use format::lease_key;
pub(crate) use open::STATE;
use sarsen_protocol::{Batch, BatchNumber, Lease, Page, Read, SlotRange};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tables::Tables;

/// How a [`RedbStore`] works; nothing of it is kept in its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedbOptions {
    /// The memory for pages of the tables and for what does not rest in them yet, in bytes, half of it for each. 256 MiB
    /// by default.
    pub cache_bytes: usize,
    /// How much of the journal may wait for a checkpoint, in bytes; beyond it commits wait. 512 MiB by default: what a
    /// crash leaves of it is read when the store is opened.
    pub tail_bytes_max: u64,
    /// How many rows of the journal may wait for a checkpoint. 2,000,000 by default: an open after a crash takes up
    /// about 1,200,000 of them a second.
    pub tail_rows_max: u64,
    /// How long a segment of the journal becomes, in bytes. 32 MiB by default.
    pub segment_bytes: u64,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            tail_bytes_max: 512 << 20,
            tail_rows_max: 2_000_000,
            segment_bytes: 32 << 20,
        }
    }
}

/// Keeps records in a journal and a database, with one sync of the journal for each group.
///
/// After a failed call the store is stopped and does not touch its files again, not even when it is dropped: memory and
/// files may differ, and only a new open is honest. Somebody has to call [`checkpoint`](Store::checkpoint) now and
/// then, or commits do it themselves once too much waits for it.
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
    tables: Tables,
    options: RedbOptions,
    /// As the journal has them. Held during each commit, so that leases and journal change together.
    leases: Mutex<Leases>,
    writer: Mutex<Writer>,
    overlay: Mutex<Overlay>,
    /// The checkpoint that is under way.
    walk: Mutex<Option<Walk>>,
    meter: Arc<Meter>,
    /// Dropped last: the lock must outlive the files' last write.
    _directory: Option<Directory>,
}

/// Who writes the journal.
#[derive(Debug)]
struct Writer {
    journal: Journal,
    recording: Recording,
}

impl RedbStore {
    /// Opens the store on `disk`, creating it when there is none. The caller makes sure that no other store has it
    /// open; [`Directory::open_store`] does so.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read or written, [`Error::Damaged`] when one is not a store's or has lost
    /// something, and [`Error::Newer`] when a later version of sarsen wrote it. What a crash left, in whatever moment,
    /// is no damage. Damage of the tables is found when redb meets it, which may be in a later read or checkpoint, and
    /// its panics are caught; that it panics while it panics, which ends the process, cannot be excluded.
    pub fn open(disk: impl Disk, options: RedbOptions) -> Result<Self, Error> {
        let meter = Arc::new(Meter::default());
        open::open(Arc::new(disk), options, Arc::clone(&meter)).inspect_err(|_| meter.stop())
    }

    /// Keeps `directory` locked until the files are closed.
    pub(crate) fn locking(self, directory: Directory) -> Self {
        Self { _directory: Some(directory), ..self }
    }

    fn leases(&self) -> Result<MutexGuard<'_, Leases>, Error> {
        // A thread that panicked in a commit has left leases that nobody can trust.
        self.held(&self.leases)
    }

    /// Locks a part of a store that has not failed.
    fn held<'a, T>(&self, part: &'a Mutex<T>) -> Result<MutexGuard<'a, T>, Error> {
        let guard = part.lock().map_err(|_| Error::Stopped)?;
        if self.meter.is_stopped() { Err(Error::Stopped) } else { Ok(guard) }
    }

    /// Makes rows durable as one group, and then visible.
    fn write<'a>(&self, rows: impl Iterator<Item = Row<'a>>) -> Result<(), Error> {
        let mut writer = self.held(&self.writer)?;
        let Writer { journal, recording } = &mut *writer;
        recording.begin();
        rows.for_each(|row| recording.push(row));
        let written = journal.append(recording);
        let (group, bytes) = written.map_err(|source| Error::Io { what: journal.called(), source })?;
        self.held(&self.overlay)?.apply(group, bytes, recording.rows());
        Ok(())
    }

    fn commit_admitted(&self, admission: &Admission, group: &[Batch]) -> Result<(), Error> {
        self.make_room()?;
        let writes = admission.batches(group).flat_map(|batch| &batch.writes);
        let rows = writes.map(|write| Row {
            space: write.keyspace.into(),
            key: &write.key,
            value: write.value.as_deref(),
        });
        let leases: Vec<_> = admission.admitted().map(lease_row).collect();
        self.write(rows.chain(leases.iter().map(LeaseRow::row)))?;
        self.meter.count_group();
        Ok(())
    }
}

/// The row of a lease; without a value it is void.
struct LeaseRow {
    key: [u8; format::LEASE_KEY_BYTES],
    value: Option<Vec<u8>>,
}

fn lease_row(held: Held) -> LeaseRow {
    LeaseRow { key: lease_key(held.lease), value: Some(format::encode_lease(held)) }
}

impl LeaseRow {
    fn row(&self) -> Row<'_> {
        Row { space: Space::STORE, key: &self.key, value: self.value.as_deref() }
    }
}

impl Store for RedbStore {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        let mut leases = self.leases()?;
        let mut changed = leases.clone();
        let (held, voided) = changed.acquire(slots);
        let voided = voided.into_iter().map(|lease| LeaseRow { key: lease_key(lease), value: None });
        // The new lease may stand under the key of one that it voids.
        let rows: Vec<_> = voided.chain([lease_row(held)]).collect();
        self.write(rows.iter().map(LeaseRow::row))?;
        *leases = changed;
        Ok(held.lease)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        let Ok(mut leases) = self.leases() else { return Admission::stopped(group) };
        let admission = leases.admit(group);
        if admission.admitted().next().is_none() {
            return admission.durable(group);
        }
        match self.commit_admitted(&admission, group) {
            Ok(()) => {
                leases.advance(&admission);
                admission.durable(group)
            }
            Err(error) => {
                self.meter.stop();
                admission.unknown(error)
            }
        }
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        Ok(self.leases()?.last(lease))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        let (looks, snapshot) = {
            // The snapshot behind the look at the layers, and both before a layer can be let go: what a checkpoint
            // has carried so far is hidden by the layer it comes from.
            let mut overlay = self.held(&self.overlay)?;
            let looks: Vec<_> = reads.iter().map(|read| read::look(&mut overlay, read)).collect();
            (looks, self.tables.snapshot()?)
        };
        self.tables.call(|| read::pages(reads, looks, snapshot))
    }

    fn checkpoint(&self, rows_max: usize) -> Result<Progress, Error> {
        self.step(rows_max).inspect_err(|_| self.meter.stop())
    }

    fn backlog(&self) -> u32 {
        self.overlay.lock().map_or(0, |overlay| self.options.backlog(&overlay))
    }

    fn counters(&self) -> Counters {
        let tail_bytes = self.overlay.lock().map_or(0, |overlay| overlay.tail_bytes());
        Counters { tail_bytes, ..self.meter.counters() }
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("tables", &self.tables)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}
