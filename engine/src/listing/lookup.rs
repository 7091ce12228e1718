//! One run by its id, one lock by its entity, what is scheduled at an entity.

use crate::record::{self, Queue, RunRecord, ScheduleRecord};
use sarsen_orchestration::{Cursor, Event, HistoryError};
use sarsen_protocol::{
    Address, Body, ExecutionId, Keyspace, OperationName, Page, Payload, Period, Read, RunId, ScheduleId,
    Section, Timestamp, record::RecordError,
};

/// Messages of a run's front queue that are looked at.
const FRONT_ROWS: usize = 1_024;

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

/// Finds with what a run was started: in its record, at the begin of its history, or in the begin that waits.
#[derive(Clone, Debug)]
pub struct InputLookup {
    address: Address,
    execution: ExecutionId,
    known: Option<Payload>,
}

impl InputLookup {
    /// Of the run that has this record.
    pub fn new(run: &RunId, record: &RunRecord) -> Self {
        let known = record.extras().input.clone();
        Self { address: Address::run(run), execution: record.execution, known }
    }

    /// The input, if nothing has to be read for it.
    pub fn known(&self) -> Option<&Payload> {
        self.known.as_ref()
    }

    /// What to read, all from one state of the store.
    pub fn reads(&self) -> Vec<Read> {
        let history = record::history_bounds(&self.address, self.execution, 0);
        let front = record::mailbox_bounds(&self.address, Queue::Front, None);
        let read = |keyspace, (from, to), rows_max| {
            let bytes_max = usize::MAX;
            Read { keyspace, from, to, rows_max, bytes_max, values: true }
        };
        vec![read(Keyspace::History, history, 1), read(Keyspace::Mailbox, front, FRONT_ROWS)]
    }

    /// What was found; `None` when the run has gone on as another execution since its record was read, or is gone.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&self, pages: &[Page]) -> Result<Option<Payload>, RecordError> {
        let [history, front] = pages else { return Ok(None) };
        if let Some(row) = history.rows.first() {
            let events = Cursor::default().read(&row.value).map_err(|error| match error {
                HistoryError::Record { source, .. } => source,
                other => RecordError::Damaged { reason: other.to_string() },
            })?;
            return Ok(events.into_iter().find_map(|event| match event {
                Event::Started(start) => Some(start.input),
                _ => None,
            }));
        }
        for row in &front.rows {
            if let Body::Begin(begin) = record::read_message(&row.value)?.body
                && begin.start.execution == self.execution
            {
                return Ok(Some(begin.start.input));
            }
        }
        Ok(None)
    }
}

/// Something that is scheduled at an entity under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSchedule {
    /// The id.
    pub id: ScheduleId,
    /// The operation.
    pub operation: OperationName,
    /// When it is due next.
    pub due: Timestamp,
    /// How long after that it is due again.
    pub every: Option<Period>,
}

/// Finds what is scheduled at an entity.
#[derive(Clone, Debug)]
pub struct ScheduleLookup {
    entity: Address,
}

impl ScheduleLookup {
    /// Of this entity.
    pub fn new(entity: &Address) -> Self {
        Self { entity: entity.clone() }
    }

    /// What to read.
    pub fn read(&self) -> Read {
        let (from, to) = record::exactly(&record::instance_key(&self.entity));
        Read { keyspace: Keyspace::Instances, from, to, rows_max: 1, bytes_max: usize::MAX, values: true }
    }

    /// What was found, in the order in which it was scheduled.
    ///
    /// # Errors
    /// [`RecordError`] when the record is damaged or newer than this build.
    pub fn take(&self, page: &Page) -> Result<Vec<ListedSchedule>, RecordError> {
        let record = page.rows.first().map(|row| record::read_instance(&row.value)).transpose()?;
        let extras = record.and_then(|(header, _)| header.extras);
        let listed = |record: ScheduleRecord| {
            let ScheduleRecord { id, operation, due, every, .. } = record;
            ListedSchedule { id, operation, due, every }
        };
        Ok(extras.map(|extras| extras.schedules.into_iter().map(listed).collect()).unwrap_or_default())
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
