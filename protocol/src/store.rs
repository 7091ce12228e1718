//! What a store is given and gives back: records under ordered keys, and nothing of their meaning.

use crate::{BatchNumber, Epoch, SlotRange};
use bytes::Bytes;

/// One of the ordered maps of a store. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Keyspace {
    /// Instances at rest.
    Instances = 0,
    /// History chunks of orchestrations.
    History = 1,
    /// Messages of other shards, not yet accepted.
    Inbox = 2,
    /// Accepted messages, waiting for their instance.
    Mailbox = 3,
    /// What is due later.
    Timers = 4,
    /// Dispatched work.
    Tasks = 5,
    /// Remembered idempotency keys.
    Keys = 6,
    /// Messages that were given up.
    Dead = 7,
    /// What is known of the store as a whole.
    Meta = 8,
    /// Locks that are held.
    Locks = 9,
    /// What was done to entities.
    Audit = 10,
}

impl Keyspace {
    /// All keyspaces, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Instances,
        Self::History,
        Self::Inbox,
        Self::Mailbox,
        Self::Timers,
        Self::Tasks,
        Self::Keys,
        Self::Dead,
        Self::Meta,
        Self::Locks,
        Self::Audit,
    ];
}

/// Sets or removes one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The map.
    pub keyspace: Keyspace,
    /// The record's key.
    pub key: Bytes,
    /// The record; `None` removes it.
    pub value: Option<Bytes>,
}

/// The right to write the records of some slots, given by a store until it gives them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The slots.
    pub slots: SlotRange,
    /// The epoch of the acquisition; no two acquisitions of a store share one.
    pub epoch: Epoch,
}

/// A numbered batch as a store sees it: writes, and no effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The right under which it is written.
    pub lease: Lease,
    /// Its place in the order of the lease, counted from 1 without gaps.
    pub number: BatchNumber,
    /// At most one write for each (keyspace, key), in any order.
    pub writes: Vec<Write>,
}

/// A store's word that all batches of a lease up to a number are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    lease: Lease,
    number: BatchNumber,
}

impl Receipt {
    /// Made by stores alone, once `batch` and all before it are durable.
    pub fn durable(batch: &Batch) -> Self {
        Self { lease: batch.lease, number: batch.number }
    }

    /// Whose batches.
    pub fn lease(&self) -> Lease {
        self.lease
    }

    /// The last durable batch.
    pub fn number(&self) -> BatchNumber {
        self.number
    }
}

/// A read of the records with `from <= key < to` in key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The map.
    pub keyspace: Keyspace,
    /// The first key.
    pub from: Bytes,
    /// The key behind the last one.
    pub to: Bytes,
    /// At most so many records.
    pub rows_max: usize,
    /// Stops behind the record with which keys and values reach so many bytes; at least one record is read.
    pub bytes_max: usize,
    /// Whether values are wanted; else they come back empty.
    pub values: bool,
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// What a [`Read`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records in key order.
    pub rows: Vec<Row>,
    /// Whether the read ended at one of its limits; more records may follow the last one.
    pub more: bool,
}
