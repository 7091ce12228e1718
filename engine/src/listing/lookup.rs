//! One run by its id, one lock by its entity.

use crate::record::{self, RunRecord};
use sarsen_protocol::{Address, Keyspace, Page, Read, RunId, Section, Timestamp, record::RecordError};

/// Finds the record of a run.
#[derive(Clone, Debug)]
pub struct RunLookup {
    address: Address,
}

impl RunLookup {
    /// Of the run with this id.
    pub fn new(run: &RunId) -> Self {
        Self { address: Address::run(run) }
    }

    /// What to read.
    pub fn read(&self) -> Read {
        let (from, to) = record::exactly(&record::instance_key(&self.address));
        Read { keyspace: Keyspace::Instances, from, to, rows_max: 1, bytes_max: usize::MAX, values: true }
    }

    /// What was found; `None` when there is no such run.
    ///
    /// # Errors
    /// [`RecordError`] when the record is damaged or newer than this build.
    pub fn take(&self, page: &Page) -> Result<Option<RunRecord>, RecordError> {
        let row = page.rows.first().map(|row| record::read_run_row(&row.value)).transpose()?;
        Ok(row.and_then(|row| row.run))
    }
}

/// Finds who holds the lock of an entity.
#[derive(Clone, Debug)]
pub struct LockLookup {
    entity: Address,
}

impl LockLookup {
    /// Of this entity.
    pub fn new(entity: &Address) -> Self {
        Self { entity: entity.clone() }
    }

    /// What to read.
    pub fn read(&self) -> Read {
        let (from, to) = record::exactly(&record::instance_key(&self.entity));
        Read { keyspace: Keyspace::Locks, from, to, rows_max: 1, bytes_max: usize::MAX, values: true }
    }

    /// The section that holds the lock, and since when; `None` when nobody does.
    ///
    /// # Errors
    /// [`RecordError`] when the record is damaged or newer than this build.
    pub fn take(&self, page: &Page) -> Result<Option<(Section, Timestamp)>, RecordError> {
        let lock = page.rows.first().map(|row| record::read_lock(&row.value)).transpose()?;
        Ok(lock.map(|lock| (lock.section, lock.since)))
    }
}
