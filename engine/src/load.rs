//! What a shard reads, and what it does with the answer.

use crate::{
    record::{self, InstanceHeader, LockRecord, Queue, RowId, RunRow},
    shard::{InstanceId, Search},
};
use bytes::Bytes;
use sarsen_entities::{Behaviour, State};
use sarsen_orchestration::{Cursor, Event};
use sarsen_protocol::{Address, ExecutionId, Keyspace, Page, Payload, Slot, Timestamp, record::RecordError};
use std::{fmt, sync::Arc};

/// The purpose of a load.
#[derive(Debug)]
pub(crate) enum Load {
    /// An instance's record and the first of its mailbox rows.
    Instance(Box<InstanceLoad>),
    /// The next mailbox rows of an instance in one of its queues, behind `after`.
    Window { id: InstanceId, queue: Queue, after: Option<RowId> },
    /// Mailbox rows of a locked entity that are not in memory, looked through for what waits in vain.
    Behind { id: InstanceId, search: Box<Search> },
    /// The next part of an execution's history.
    History(HistoryLoad),
    /// What an idempotency key stands for.
    Key { row: Bytes, address: Address },
    /// A slot's inbox rows.
    Inbox { slot: Slot },
    /// All inbox rows, at open.
    Recovery,
    /// Timers that are due until `until`.
    Timers { until: Timestamp },
    /// Tasks of a slot that are not handed out.
    Tasks { slot: Slot },
    /// Entities of a type that wait until fewer of its operations run off the shard.
    Places { name: &'static str },
    /// The rows of a keyspace, page by page, beside other work.
    Scan { keyspace: Keyspace },
}

/// A load of an instance.
pub(crate) struct InstanceLoad {
    pub(crate) id: InstanceId,
    pub(crate) address: Address,
    /// The entity's type; `None` for a run.
    pub(crate) behaviour: Option<Arc<dyn Behaviour>>,
    /// Filled in off the shard.
    pub(crate) decoded: Option<Result<Decoded, String>>,
}

/// An instance's records, decoded.
#[derive(Debug)]
pub(crate) enum Decoded {
    Entity {
        header: InstanceHeader,
        encoded: Option<Payload>,
        state: Option<State>,
        lock: Option<LockRecord>,
    },
    Run(Box<RunRow>),
}

/// The reads of an [`InstanceLoad`], by their places.
pub(crate) mod place {
    pub(crate) const RECORD: usize = 0;
    pub(crate) const MAILBOX: usize = 1;
    pub(crate) const FRONT: usize = 2;
    /// Of entities alone, like the lock.
    pub(crate) const COUNT: usize = 3;
    pub(crate) const LOCK: usize = 4;
}

impl InstanceLoad {
    /// Decodes the records; the reason when they do not fit the code.
    pub(crate) fn decode(&mut self, pages: &[Page]) {
        let row = |place: usize| Some(&pages.get(place)?.rows.first()?.value);
        self.decoded = Some(match &self.behaviour {
            Some(behaviour) => entity(&**behaviour, row(place::RECORD), row(place::LOCK)),
            None => match row(place::RECORD) {
                None => Ok(Decoded::Run(Box::default())),
                Some(value) => record::read_run_row(value)
                    .map(|row| Decoded::Run(Box::new(row)))
                    .map_err(|error| unreadable(&error)),
            },
        });
    }
}

fn entity(
    behaviour: &dyn Behaviour,
    record: Option<&Bytes>,
    lock: Option<&Bytes>,
) -> Result<Decoded, String> {
    let lock = lock.map(record::read_lock).transpose().map_err(|error| unreadable(&error))?;
    let Some(record) = record else {
        return Ok(Decoded::Entity { header: InstanceHeader::default(), encoded: None, state: None, lock });
    };
    let (header, encoded) = record::read_instance(record).map_err(|error| unreadable(&error))?;
    let state = match &encoded {
        None => None,
        Some(encoded) => Some(behaviour.decode(encoded).map_err(|failure| misfit(&failure.message))?),
    };
    Ok(Decoded::Entity { header, encoded, state, lock })
}

/// A load of a part of an execution's history.
#[derive(Debug)]
pub(crate) struct HistoryLoad {
    pub(crate) id: InstanceId,
    pub(crate) execution: ExecutionId,
    /// How far the history has been read.
    pub(crate) cursor: Cursor,
    /// Filled in off the shard; the reason when it is no history.
    pub(crate) events: Result<Vec<Event>, String>,
}

impl HistoryLoad {
    /// Decodes the chunks.
    pub(crate) fn decode(&mut self, pages: &[Page]) {
        let mut events = Vec::new();
        for row in pages.iter().flat_map(|page| &page.rows) {
            match self.cursor.read(&row.value) {
                Ok(chunk) => events.extend(chunk),
                Err(error) => {
                    self.events = Err(format!("{error}; restore the data directory from a backup"));
                    return;
                }
            }
        }
        self.events = Ok(events);
    }
}

/// Why an entity is parked whose state does not fit its type, as [`CallError::Parked`] has it.
///
/// [`CallError::Parked`]: sarsen_protocol::CallError::Parked
pub fn misfit(reason: &str) -> String {
    format!("its stored state does not fit the running code: {reason}; it goes on when fitting code is there")
}

/// Why an entity is parked of which a record cannot be read.
pub(crate) fn unreadable(error: &RecordError) -> String {
    match error {
        RecordError::Damaged { .. } => format!("{error}; restore the data directory from a backup"),
        _ => error.to_string(),
    }
}

impl fmt::Debug for InstanceLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceLoad({})", self.address)
    }
}
