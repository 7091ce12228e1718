//! Where each record of an entity lies and what it holds.
//!
//! Keys begin with the slot, big-endian, so that a slot's records are neighbours in each keyspace. An address is
//! written as `name 0x00 key`; neither part has a 0x00 of its own, so a 0x00 behind it ends it. Each value begins
//! with a version byte of its own; each has golden bytes of all its versions.

mod audit;
mod extras;
mod meta;
mod run;

pub use audit::{Act, After, AuditEntry, Caller};
pub(crate) use audit::{AuditSpan, audit_bounds, audit_key, read_audit, write_audit};
pub(crate) use extras::{Alarm, Extras, ScheduleRecord};
pub(crate) use meta::{
    PermitRecord, changed_key, permit_key, read_changed, read_changed_key, read_permit, read_permit_key,
    span_of, write_changed, write_permit,
};
pub(crate) use run::{Garbage, RunRow, read_run_row, write_run};
pub use run::{RunExtras, RunRecord};

use bytes::{BufMut, Bytes};
use sarsen_protocol::{
    ActivityName, Address, CommandId, Epoch, ExecutionId, Failure, HashMap, IdentityName, LetterId, Message,
    Payload, RunId, Section, Sequence, Slot, SlotRange, Source, Timestamp, TraceContext,
    record::{RecordError, decode, decode_all, decode_since, encode_exact, encode_exact_before, version_of},
};
use serde::{Deserialize, Serialize};

/// The version of what has been the same since the first: a lock, an entity's record without extras.
const VERSION: u8 = 1;

/// The version of an entity's record with extras, which stand between its header and its state.
const WITH_EXTRAS: u8 = 2;

/// The version of messages, of what is kept of them, and of runs. Since version 1 an activity may be overdue, may have
/// said how far it had got, a failure may say more than its text and its details, a run may be put off and may go by
/// itself; since version 2 a lock request may be one that does not wait; since version 3 an entity may have a timer, and
/// signals may be scheduled under ids; all else is the same.
const GROWN: u8 = 4;

/// The version of tasks. Version 1 knew of no attempts.
const TASK: u8 = 2;

/// Names a row that a shard made: no two rows of a store share (epoch, counter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId {
    pub(crate) epoch: Epoch,
    pub(crate) counter: u64,
}

/// What the epoch of a row has that is named by a command: none that a shard has.
const COMMAND: u64 = 1 << 63;

impl RowId {
    /// The row of an execution's command: of a timer or a task. Its epoch is none that a shard has.
    pub(crate) fn of_command(execution: ExecutionId, command: CommandId) -> Self {
        Self::of_unique(execution.unique(), command)
    }

    /// As [`of_command`](Self::of_command), for what tells the execution from others.
    pub(crate) fn of_unique(execution: u64, command: CommandId) -> Self {
        Self { epoch: Epoch(COMMAND | execution), counter: u64::from(command.0) }
    }

    /// Whether it is one of a message, and not of a run's or an entity's timer or task.
    pub(crate) fn is_of_message(self) -> bool {
        self.epoch.0 & COMMAND == 0
    }

    /// The timer of a run as a whole, by its first execution: until it begins, or behind its end.
    pub(crate) fn of_alarm(first: ExecutionId) -> Self {
        Self::of_command(first, CommandId(u32::MAX))
    }

    fn put(self, bytes: &mut Vec<u8>) {
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

fn start(slot: Slot, more: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + more);
    bytes.extend_from_slice(&slot.number().to_be_bytes());
    bytes
}

/// The bounds of all rows of `slots` in any keyspace.
pub(crate) fn bounds(slots: SlotRange) -> (Bytes, Bytes) {
    let bound = |slot: u16| Bytes::copy_from_slice(&slot.to_be_bytes());
    (bound(slots.start()), bound(slots.end()))
}

/// The bounds of the rows whose key is exactly `key`.
pub(crate) fn exactly(key: &Bytes) -> (Bytes, Bytes) {
    let mut end = Vec::with_capacity(key.len() + 1);
    end.put_slice(key);
    end.put_u8(0);
    (key.clone(), end.into())
}

/// The slot of a row, by its key.
pub(crate) fn slot(key: &[u8]) -> Option<Slot> {
    Slot::new(u16::from_be_bytes(key.get(..2)?.try_into().ok()?))
}

pub(crate) fn instance_key(address: &Address) -> Bytes {
    let mut key = start(address.slot(), address.as_bytes().len());
    key.extend_from_slice(address.as_bytes());
    key.into()
}

pub(crate) fn read_instance_key(key: &[u8]) -> Result<Address, RecordError> {
    Address::from_bytes(key.get(2..).unwrap_or_default())
        .ok_or_else(|| damaged("an instance's key is no address"))
}

/// Which of an instance's two queues a message waits in. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Queue {
    /// What goes before everything else: of an entity, what concerns its lock and comes from its holder; of a run,
    /// its begin and what manages it.
    Front = 0,
    /// Everything else.
    Back = 1,
}

impl Queue {
    pub(crate) const ALL: [Self; 2] = [Self::Front, Self::Back];
}

fn mailbox_prefix(address: &Address, end: u8, queue: u8) -> Vec<u8> {
    let mut key = start(address.slot(), address.as_bytes().len() + 2 + 16);
    key.extend_from_slice(address.as_bytes());
    key.put_u8(end);
    key.put_u8(queue);
    key
}

pub(crate) fn mailbox_key(address: &Address, queue: Queue, id: RowId) -> Bytes {
    let mut key = mailbox_prefix(address, 0, queue as u8);
    id.put(&mut key);
    key.into()
}

/// The bounds of the mailbox rows of `address` in one queue behind `after`.
pub(crate) fn mailbox_bounds(address: &Address, queue: Queue, after: Option<RowId>) -> (Bytes, Bytes) {
    let mut from = mailbox_prefix(address, 0, queue as u8);
    if let Some(after) = after {
        RowId { counter: after.counter + 1, ..after }.put(&mut from);
    }
    (from.into(), mailbox_prefix(address, 0, queue as u8 + 1).into())
}

/// The key behind all mailbox rows of `address`.
pub(crate) fn mailbox_end(address: &Address) -> Bytes {
    mailbox_prefix(address, 1, 0).into()
}

pub(crate) fn read_mailbox_key(key: &[u8]) -> Result<(Address, Queue, RowId), RecordError> {
    let parts = key.len().checked_sub(16).and_then(|at| {
        let (address, id) = key.split_at(at);
        let (queue, address) = address.get(2..)?.split_last()?;
        let queue = Queue::ALL.into_iter().find(|one| *one as u8 == *queue)?;
        Some((Address::from_bytes(address.strip_suffix(&[0])?)?, queue, RowId::read(id)?))
    });
    parts.ok_or_else(|| damaged("a mailbox row's key is none"))
}

pub(crate) fn inbox_key(slot: Slot, source: Source, sequence: Sequence) -> Bytes {
    let mut key = start(slot, 18);
    key.put_u64(source.epoch.0);
    key.put_u16(source.shard.0);
    key.put_u64(sequence.0);
    key.into()
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
    key.into()
}

/// The bounds of a slot's timers that are due after `after` and not after `until`.
pub(crate) fn timer_bounds(slot: Slot, after: Option<Timestamp>, until: Timestamp) -> (Bytes, Bytes) {
    let behind = |moment: Timestamp| {
        let mut key = start(slot, 8);
        match moment.as_micros().checked_add(1) {
            Some(micros) => key.put_u64(micros),
            None => key.put_slice(&[0xff; 9]),
        }
        key.into()
    };
    (after.map_or_else(|| start(slot, 0).into(), behind), behind(until))
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
    key.extend_from_slice(address.as_bytes());
    key.put_u8(0);
    key.put_slice(name.as_str().as_bytes());
    key.into()
}

pub(crate) fn dead_key(letter: LetterId) -> Bytes {
    let mut key = start(letter.slot(), 16);
    RowId { epoch: letter.epoch(), counter: letter.counter() }.put(&mut key);
    key.into()
}

pub(crate) fn read_dead_key(key: &[u8]) -> Result<LetterId, RecordError> {
    let parts = || {
        let RowId { epoch, counter } = RowId::read(key.get(2..)?)?;
        Some(LetterId::new(slot(key)?, epoch, counter))
    };
    parts().ok_or_else(|| damaged("a dead letter's key is none"))
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
    /// What few entities have. Never empty.
    #[serde(skip)]
    pub(crate) extras: Option<Box<Extras>>,
}

/// Encodes a resting entity: its header, then its state as it is.
pub(crate) fn write_instance(header: &InstanceHeader, state: &[u8]) -> Bytes {
    // What nearly all entities have before their state.
    const PLAIN: [u8; 3] = [VERSION, 1, 0];
    if let Some(extras) = header.extras.as_deref() {
        debug_assert!(!extras.is_empty(), "extras are kept where there are any");
        return encode_exact_before(WITH_EXTRAS, &(header, extras), state).into();
    }
    if !header.exists || !header.producers.is_empty() {
        return encode_exact_before(VERSION, header, state).into();
    }
    debug_assert_eq!(encode_exact(VERSION, header), PLAIN, "the header's encoding is known");
    [&PLAIN, state].concat().into()
}

pub(crate) fn read_instance(value: &Bytes) -> Result<(InstanceHeader, Option<Payload>), RecordError> {
    let (header, state) = if version_of(VERSION, WITH_EXTRAS, value)? == VERSION {
        decode::<InstanceHeader>(VERSION, value)?
    } else {
        let ((header, extras), state) = decode::<(InstanceHeader, Box<Extras>)>(WITH_EXTRAS, value)?;
        (InstanceHeader { extras: Some(extras), ..header }, state)
    };
    let state = header.exists.then(|| Payload::from_encoded(state));
    Ok((header, state))
}

fn history_prefix(run: &Address, execution: ExecutionId) -> Vec<u8> {
    let mut key = start(run.slot(), run.as_bytes().len() + 1 + 16 + 4);
    key.put_slice(run.as_bytes());
    key.put_u8(0);
    key.put_slice(execution.0.as_bytes());
    key
}

pub(crate) fn history_key(run: &Address, execution: ExecutionId, chunk: u32) -> Bytes {
    let mut key = history_prefix(run, execution);
    key.put_u32(chunk);
    key.into()
}

/// The bounds of the chunks of an execution's history from a number on.
pub(crate) fn history_bounds(run: &Address, execution: ExecutionId, from: u32) -> (Bytes, Bytes) {
    let mut end = history_prefix(run, execution);
    end.put_slice(&[0xff; 5]);
    (history_key(run, execution, from), end.into())
}

/// Encodes who holds an entity's lock, and since when.
pub(crate) fn write_lock(lock: &LockRecord) -> Bytes {
    encode_exact(VERSION, lock).into()
}

pub(crate) fn read_lock(value: &Bytes) -> Result<LockRecord, RecordError> {
    Ok(decode(VERSION, value)?.0)
}

/// A lock that is held. Its key is that of its entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockRecord {
    pub(crate) section: Section,
    /// When the entity granted it.
    pub(crate) since: Timestamp,
}

/// Work that was asked for and has not ended: an activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    pub(crate) run: RunId,
    pub(crate) execution: ExecutionId,
    pub(crate) name: ActivityName,
    pub(crate) input: Payload,
    pub(crate) trace: Option<TraceContext>,
    /// Which attempt it is, counted from 1.
    pub(crate) attempt: u32,
    /// The command of the first attempt; `None` when this is it.
    pub(crate) first: Option<CommandId>,
    /// What was last said of how far it had got.
    pub(crate) progress: Option<Payload>,
}

/// A task as version 1 wrote it.
#[derive(Deserialize)]
struct TaskRecordV1 {
    run: RunId,
    execution: ExecutionId,
    name: ActivityName,
    input: Payload,
    trace: Option<TraceContext>,
}

impl From<TaskRecordV1> for TaskRecord {
    fn from(task: TaskRecordV1) -> Self {
        let TaskRecordV1 { run, execution, name, input, trace } = task;
        Self { run, execution, name, input, trace, attempt: 1, first: None, progress: None }
    }
}

pub(crate) fn task_key(slot: Slot, id: RowId) -> Bytes {
    let mut key = start(slot, 16);
    id.put(&mut key);
    key.into()
}

/// The bounds of a slot's tasks behind `after`.
pub(crate) fn task_bounds(slot: Slot, after: Option<RowId>) -> (Bytes, Bytes) {
    let mut from = start(slot, 17);
    if let Some(after) = after {
        RowId { counter: after.counter + 1, ..after }.put(&mut from);
    }
    let mut to = start(slot, 17);
    to.put_slice(&[0xff; 17]);
    (from.into(), to.into())
}

pub(crate) fn read_task_key(key: &[u8]) -> Result<(Slot, RowId), RecordError> {
    let parts = || Some((slot(key)?, RowId::read(key.get(2..)?)?));
    parts().ok_or_else(|| damaged("a task's key is none"))
}

pub(crate) fn write_task(task: &TaskRecord) -> Bytes {
    encode_exact(TASK, task).into()
}

pub(crate) fn read_task(value: &[u8]) -> Result<TaskRecord, RecordError> {
    match version_of(1, TASK, value)? {
        1 => decode_all::<TaskRecordV1>(1, value).map(TaskRecord::from),
        _ => decode_all(TASK, value),
    }
}

/// Encodes a message that waits in a mailbox, an inbox or for its time.
pub(crate) fn write_message(message: &Message) -> Bytes {
    encode_exact(GROWN, message).into()
}

pub(crate) fn read_message(value: &Bytes) -> Result<Message, RecordError> {
    Ok(decode_since(1, GROWN, value)?.0)
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
    encode_exact(GROWN, record).into()
}

pub(crate) fn read_key(value: &Bytes) -> Result<KeyRecord, RecordError> {
    Ok(decode_since(1, GROWN, value)?.0)
}

#[derive(Serialize)]
struct WrittenDead<'a> {
    at: Timestamp,
    failure: &'a Failure,
    message: &'a Message,
}

/// Encodes a message that was given up.
pub(crate) fn write_dead(at: Timestamp, failure: &Failure, message: &Message) -> Bytes {
    encode_exact(GROWN, &WrittenDead { at, failure, message }).into()
}

/// A message that was given up, read from its record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
    Ok(decode_since(1, GROWN, value)?.0)
}

fn damaged(reason: &str) -> RecordError {
    RecordError::Damaged { reason: reason.to_owned() }
}

/// Counts rows by slot; used where only the owner of a slot may write.
pub(crate) type BySlot<T> = HashMap<Slot, T>;

#[cfg(test)]
mod tests;
