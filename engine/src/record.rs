//! Where each record of an entity lies and what it holds.
//!
//! Keys begin with the slot, big-endian, so that a slot's records are neighbours in each keyspace. An address is
//! written as `name 0x00 key`; neither part has a 0x00 of its own, so a 0x00 behind it ends it. Each value begins
//! with a version byte of its own; the golden bytes below are those of version 1.

use bytes::{BufMut, Bytes, BytesMut};
use sarsen_protocol::{
    Address, Epoch, Failure, HashMap, Identity, IdentityName, Message, Origin, Payload, RequestId, Sequence,
    SessionId, Slot, SlotRange, Source, Timestamp, TraceContext,
    record::{RecordError, decode, encode, encode_into},
};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

/// Names a row that a shard made: no two rows of a store share (epoch, counter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId {
    pub(crate) epoch: Epoch,
    pub(crate) counter: u64,
}

impl RowId {
    fn put(self, bytes: &mut BytesMut) {
        bytes.put_u64(self.epoch.0);
        bytes.put_u64(self.counter);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (epoch, counter) = bytes.split_at_checked(8)?;
        Some(Self { epoch: Epoch(number(epoch)?), counter: number(counter)? })
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

fn start(slot: Slot, more: usize) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(2 + more);
    bytes.put_u16(slot.number());
    bytes
}

/// The bounds of all rows of `slots` in any keyspace.
pub(crate) fn bounds(slots: SlotRange) -> (Bytes, Bytes) {
    let bound = |slot: u16| Bytes::copy_from_slice(&slot.to_be_bytes());
    (bound(slots.start()), bound(slots.end()))
}

/// The bounds of the rows whose key is exactly `key`.
pub(crate) fn exactly(key: &Bytes) -> (Bytes, Bytes) {
    let mut end = BytesMut::with_capacity(key.len() + 1);
    end.put_slice(key);
    end.put_u8(0);
    (key.clone(), end.freeze())
}

/// The slot of a row, by its key.
pub(crate) fn slot(key: &[u8]) -> Option<Slot> {
    Slot::new(u16::from_be_bytes(key.get(..2)?.try_into().ok()?))
}

pub(crate) fn instance_key(address: &Address) -> Bytes {
    let mut key = start(address.slot(), address.as_bytes().len());
    key.put_slice(address.as_bytes());
    key.freeze()
}

pub(crate) fn read_instance_key(key: &[u8]) -> Result<Address, RecordError> {
    Address::from_bytes(key.get(2..).unwrap_or_default())
        .ok_or_else(|| damaged("an instance's key is no address"))
}

fn mailbox_prefix(address: &Address, end: u8) -> BytesMut {
    let mut key = start(address.slot(), address.as_bytes().len() + 1 + 16);
    key.put_slice(address.as_bytes());
    key.put_u8(end);
    key
}

pub(crate) fn mailbox_key(address: &Address, id: RowId) -> Bytes {
    let mut key = mailbox_prefix(address, 0);
    id.put(&mut key);
    key.freeze()
}

/// The bounds of the mailbox rows of `address` behind `after`.
pub(crate) fn mailbox_bounds(address: &Address, after: Option<RowId>) -> (Bytes, Bytes) {
    let mut from = mailbox_prefix(address, 0);
    if let Some(after) = after {
        RowId { counter: after.counter + 1, ..after }.put(&mut from);
    }
    (from.freeze(), mailbox_prefix(address, 1).freeze())
}

pub(crate) fn read_mailbox_key(key: &[u8]) -> Result<(Address, RowId), RecordError> {
    let parts = key.len().checked_sub(16).and_then(|at| {
        let (address, id) = key.split_at(at);
        let address = address.get(2..)?.strip_suffix(&[0])?;
        Some((Address::from_bytes(address)?, RowId::read(id)?))
    });
    parts.ok_or_else(|| damaged("a mailbox row's key is none"))
}

pub(crate) fn inbox_key(slot: Slot, source: Source, sequence: Sequence) -> Bytes {
    let mut key = start(slot, 18);
    key.put_u64(source.epoch.0);
    key.put_u16(source.shard.0);
    key.put_u64(sequence.0);
    key.freeze()
}

pub(crate) fn read_inbox_key(key: &[u8]) -> Result<(Slot, Source, Sequence), RecordError> {
    let parts = || {
        let slot = slot(key)?;
        let (epoch, rest) = key[2..].split_at_checked(8)?;
        let (shard, sequence) = rest.split_at_checked(2)?;
        let shard = sarsen_protocol::ShardId(u16::from_be_bytes(shard.try_into().ok()?));
        Some((slot, Source { epoch: Epoch(number(epoch)?), shard }, Sequence(number(sequence)?)))
    };
    parts().ok_or_else(|| damaged("an inbox row's key is none"))
}

/// A timer's place: first by slot, then by when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TimerId {
    pub(crate) due: Timestamp,
    pub(crate) row: RowId,
    pub(crate) slot: Slot,
}

pub(crate) fn timer_key(id: TimerId) -> Bytes {
    let mut key = start(id.slot, 24);
    key.put_u64(id.due.as_micros());
    id.row.put(&mut key);
    key.freeze()
}

/// The bounds of a slot's timers that are due after `after` and not after `until`.
pub(crate) fn timer_bounds(slot: Slot, after: Option<Timestamp>, until: Timestamp) -> (Bytes, Bytes) {
    let behind = |moment: Timestamp| {
        let mut key = start(slot, 8);
        match moment.as_micros().checked_add(1) {
            Some(micros) => key.put_u64(micros),
            None => key.put_slice(&[0xff; 9]),
        }
        key.freeze()
    };
    (after.map_or_else(|| start(slot, 0).freeze(), behind), behind(until))
}

pub(crate) fn read_timer_key(key: &[u8]) -> Result<TimerId, RecordError> {
    let parts = || {
        let (due, row) = key.get(2..)?.split_at_checked(8)?;
        Some(TimerId { slot: slot(key)?, due: Timestamp::from_micros(number(due)?), row: RowId::read(row)? })
    };
    parts().ok_or_else(|| damaged("a timer's key is none"))
}

pub(crate) fn key_key(address: &Address, name: &IdentityName) -> Bytes {
    let mut key = start(address.slot(), address.as_bytes().len() + 1 + name.as_str().len());
    key.put_slice(address.as_bytes());
    key.put_u8(0);
    key.put_slice(name.as_str().as_bytes());
    key.freeze()
}

pub(crate) fn dead_key(slot: Slot, id: RowId) -> Bytes {
    let mut key = start(slot, 16);
    id.put(&mut key);
    key.freeze()
}

pub(crate) fn read_dead_key(key: &[u8]) -> Result<RowId, RecordError> {
    key.get(2..).and_then(RowId::read).ok_or_else(|| damaged("a dead letter's key is none"))
}

/// A producer's last number at an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Producer {
    pub(crate) name: String,
    pub(crate) number: Sequence,
    /// When it was last heard of, in whole seconds.
    pub(crate) seen_secs: u64,
}

/// What is known of a resting entity beside its state. Readable without the user's type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceHeader {
    pub(crate) exists: bool,
    pub(crate) producers: Vec<Producer>,
}

/// Encodes a resting entity: its header, then its state as it is.
pub(crate) fn write_instance(header: &InstanceHeader, state: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(8 + state.len());
    encode_into(&mut bytes, VERSION, header);
    bytes.extend_from_slice(state);
    bytes.into()
}

pub(crate) fn read_instance(value: &Bytes) -> Result<(InstanceHeader, Option<Payload>), RecordError> {
    let (header, state) = decode::<InstanceHeader>(VERSION, value)?;
    let state = header.exists.then(|| Payload::from_encoded(state));
    Ok((header, state))
}

#[derive(Serialize, Deserialize)]
enum OriginRecord {
    Client(SessionId, RequestId),
    Instance(Bytes),
}

#[derive(Serialize, Deserialize)]
enum IdentityRecord {
    None,
    Key(String),
    Producer(String, Sequence),
}

#[derive(Serialize, Deserialize)]
struct MessageRecord {
    to: Bytes,
    from: OriginRecord,
    operation: String,
    input: Payload,
    answered: bool,
    identity: IdentityRecord,
    due: Option<Timestamp>,
    deadline: Option<Timestamp>,
    trace: Option<Box<TraceContext>>,
}

impl MessageRecord {
    fn of(message: &Message) -> Self {
        let address = |address: &Address| Bytes::copy_from_slice(address.as_bytes());
        Self {
            to: address(&message.to),
            from: match &message.from {
                Origin::Client { session, request } => OriginRecord::Client(*session, *request),
                Origin::Instance(from) => OriginRecord::Instance(address(from)),
            },
            operation: message.operation.to_string(),
            input: message.input.clone(),
            answered: message.answered,
            identity: match &message.identity {
                Identity::None => IdentityRecord::None,
                Identity::Key(key) => IdentityRecord::Key(key.as_str().to_owned()),
                Identity::Producer { name, number } => {
                    IdentityRecord::Producer(name.as_str().to_owned(), *number)
                }
            },
            due: message.due,
            deadline: message.deadline,
            trace: message.trace.clone(),
        }
    }

    fn into_message(self) -> Result<Message, RecordError> {
        let address =
            |bytes: &[u8]| Address::from_bytes(bytes).ok_or_else(|| damaged("a message names no address"));
        let name = |text: &str| IdentityName::new(text).map_err(|error| damaged(&error.to_string()));
        Ok(Message {
            to: address(&self.to)?,
            from: match self.from {
                OriginRecord::Client(session, request) => Origin::Client { session, request },
                OriginRecord::Instance(from) => Origin::Instance(address(&from)?),
            },
            operation: self.operation.into(),
            input: self.input,
            answered: self.answered,
            identity: match self.identity {
                IdentityRecord::None => Identity::None,
                IdentityRecord::Key(key) => Identity::Key(name(&key)?),
                IdentityRecord::Producer(producer, number) => {
                    Identity::Producer { name: name(&producer)?, number }
                }
            },
            due: self.due,
            deadline: self.deadline,
            trace: self.trace,
        })
    }
}

/// Encodes a message that waits in a mailbox, an inbox or for its time.
pub(crate) fn write_message(message: &Message) -> Bytes {
    encode(VERSION, &MessageRecord::of(message)).into()
}

pub(crate) fn read_message(value: &Bytes) -> Result<Message, RecordError> {
    decode::<MessageRecord>(VERSION, value)?.0.into_message()
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    /// Tells another operation or input under the same key.
    pub(crate) content: u64,
    /// `None` while the message waits.
    pub(crate) outcome: Option<KeyOutcome>,
}

/// What became of a request under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyOutcome {
    pub(crate) answer: Result<Payload, Failure>,
    pub(crate) expires: Timestamp,
}

pub(crate) fn write_key(record: &KeyRecord) -> Bytes {
    encode(VERSION, record).into()
}

pub(crate) fn read_key(value: &Bytes) -> Result<KeyRecord, RecordError> {
    Ok(decode(VERSION, value)?.0)
}

#[derive(Serialize, Deserialize)]
struct DeadRecord {
    at: Timestamp,
    failure: Failure,
    message: MessageRecord,
}

/// Encodes a message that was given up.
pub(crate) fn write_dead(at: Timestamp, failure: &Failure, message: &Message) -> Bytes {
    let record = DeadRecord { at, failure: failure.clone(), message: MessageRecord::of(message) };
    encode(VERSION, &record).into()
}

/// A message that was given up, read from its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub failure: Failure,
    /// The message.
    pub message: Message,
}

/// Reads a record of the keyspace `Dead`.
///
/// # Errors
/// [`RecordError`] when it is none.
pub fn read_dead(value: &Bytes) -> Result<DeadLetter, RecordError> {
    let record = decode::<DeadRecord>(VERSION, value)?.0;
    Ok(DeadLetter { at: record.at, failure: record.failure, message: record.message.into_message()? })
}

fn damaged(reason: &str) -> RecordError {
    RecordError::Damaged { reason: reason.to_owned() }
}

/// Counts rows by slot; used where only the owner of a slot may write.
pub(crate) type BySlot<T> = HashMap<Slot, T>;

#[cfg(test)]
mod tests;
