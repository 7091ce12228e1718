//! The rows of the keyspace `Meta`: when runs of a slot have changed, and permits of runs.

use super::{RowId, VERSION, damaged, slot, start};
use bytes::{BufMut, Bytes};
use sarsen_protocol::{
    Address, Epoch, OrchestrationName, Slot, Timestamp,
    record::{RecordError, decode_all, encode_exact},
};
use serde::{Deserialize, Serialize};

/// How long a span of time is of which a slot's row says that runs have changed in it.
const SPAN_MICROS: u64 = 10_000_000;

/// What stands behind the slot in the keys of the keyspace `Meta`.
const CHANGED: u8 = 0;
const PERMIT: u8 = 1;

/// The span of time in which a moment lies.
pub(crate) fn span_of(moment: Timestamp) -> u64 {
    moment.as_micros() / SPAN_MICROS
}

pub(crate) fn changed_key(slot: Slot) -> Bytes {
    let mut key = start(slot, 1);
    key.put_u8(CHANGED);
    key.into()
}

/// The slot of a row that says when runs have changed; `None` for another row.
pub(crate) fn read_changed_key(key: &[u8]) -> Option<Slot> {
    (key.get(2..)? == [CHANGED]).then(|| slot(key)).flatten()
}

pub(crate) fn write_changed(span: u64) -> Bytes {
    encode_exact(VERSION, &span).into()
}

pub(crate) fn read_changed(value: &[u8]) -> Result<u64, RecordError> {
    decode_all(VERSION, value)
}

/// A run of an orchestration of which only so many may be under way: it waits for a permit, or holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PermitRecord {
    pub(crate) name: OrchestrationName,
    epoch: Epoch,
    counter: u64,
    pub(crate) holds: bool,
}

impl PermitRecord {
    pub(crate) fn new(name: &OrchestrationName, order: RowId, holds: bool) -> Self {
        Self { name: name.clone(), epoch: order.epoch, counter: order.counter, holds }
    }

    /// Its place among those who have asked.
    pub(crate) fn order(&self) -> RowId {
        RowId { epoch: self.epoch, counter: self.counter }
    }
}

pub(crate) fn permit_key(run: &Address) -> Bytes {
    let mut key = start(run.slot(), 1 + run.as_bytes().len());
    key.put_u8(PERMIT);
    key.put_slice(run.as_bytes());
    key.into()
}

/// The run of a permit's row; `None` for another row.
pub(crate) fn read_permit_key(key: &[u8]) -> Result<Option<Address>, RecordError> {
    let Some((&PERMIT, run)) = key.get(2..).and_then(<[u8]>::split_first) else { return Ok(None) };
    Address::from_bytes(run).map(Some).ok_or_else(|| damaged("a permit's key is none"))
}

pub(crate) fn write_permit(permit: &PermitRecord) -> Bytes {
    encode_exact(VERSION, permit).into()
}

pub(crate) fn read_permit(value: &[u8]) -> Result<PermitRecord, RecordError> {
    decode_all(VERSION, value)
}
