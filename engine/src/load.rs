//! What a shard reads, and what it does with the answer.

use crate::{
    record::{self, InstanceHeader, RowId},
    shard::InstanceId,
};
use bytes::Bytes;
use sarsen_entities::{Behaviour, State};
use sarsen_protocol::{Address, Keyspace, Page, Payload, Slot, Timestamp, record::RecordError};
use std::{fmt, sync::Arc};

/// The purpose of a load.
#[derive(Debug)]
pub(crate) enum Load {
    /// An entity's record and the first of its mailbox rows.
    Instance(InstanceLoad),
    /// The next mailbox rows of an entity, behind `after`.
    Window { id: InstanceId, after: Option<RowId> },
    /// What an idempotency key stands for.
    Key { row: Bytes, address: Address },
    /// A slot's inbox rows.
    Inbox { slot: Slot },
    /// All inbox rows, at open.
    Recovery,
    /// Timers that are due until `until`.
    Timers { until: Timestamp },
    /// The rows of a keyspace, page by page, beside other work.
    Scan { keyspace: Keyspace },
}

/// A load of an entity.
pub(crate) struct InstanceLoad {
    pub(crate) id: InstanceId,
    pub(crate) address: Address,
    pub(crate) behaviour: Arc<dyn Behaviour>,
    /// Filled in off the shard.
    pub(crate) decoded: Option<Result<Decoded, String>>,
}

/// An entity's record, decoded.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) header: InstanceHeader,
    pub(crate) encoded: Option<Payload>,
    pub(crate) state: Option<State>,
}

impl InstanceLoad {
    /// Decodes the record; the reason when it does not fit the code.
    pub(crate) fn decode(&mut self, pages: &[Page]) {
        let row = pages.first().and_then(|page| page.rows.first());
        self.decoded = Some(match row {
            None => Ok(Decoded { header: InstanceHeader::default(), encoded: None, state: None }),
            Some(row) => self.decode_row(&row.value),
        });
    }

    fn decode_row(&self, value: &Bytes) -> Result<Decoded, String> {
        let (header, encoded) = record::read_instance(value).map_err(|error| unreadable(&error))?;
        let state = match &encoded {
            None => None,
            Some(encoded) => {
                Some(self.behaviour.decode(encoded).map_err(|failure| misfit(&failure.message))?)
            }
        };
        Ok(Decoded { header, encoded, state })
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
