//! Messages of other shards: exactly the next of each stream is accepted.
//!
//! A message is durable as an inbox row of its receiver's slot before its wake-up leaves the sender. The wake-up
//! carries the message and its number. The next number is accepted; a lower one is a repeat; a gap, a stream that is
//! not known, or a wake-up without its message makes the shard read that slot's rows first, in key order.

use crate::{
    fault::{Fault, armed},
    record::{self, BySlot},
};
use bytes::Bytes;
use sarsen_protocol::{
    Delivery, HashMap, Keyspace, Message, Page, Read, Sequence, Slot, Source, record::RecordError,
};

/// Inbox rows read at a time.
const PAGE_ROWS: usize = 1_024;
/// Bytes of inbox rows read at a time.
const PAGE_BYTES: usize = 4 << 20;

/// A message that was accepted from a stream, with the key of the row that holds it.
pub(crate) type Accepted = (Message, Bytes);

/// The streams from other shards into this one.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    /// The next number of each stream.
    next: HashMap<(Slot, Source), Sequence>,
    /// The slots that are being read, and whether a wake-up came since that the read may not have seen.
    reading: BySlot<bool>,
}

impl Inboxes {
    /// Takes a wake-up. Returns the message if it is the next one, or asks for the slot's rows.
    pub(crate) fn deliver(&mut self, delivery: Delivery) -> Result<Option<Accepted>, Read> {
        let Delivery { source, slot, sequence, message } = delivery;
        let next = self.next.get_mut(&(slot, source));
        match (next, message) {
            (Some(next), Some(message)) if sequence < *next && armed(Fault::SequenceUnchecked) => {
                Ok(Some((message, record::inbox_key(slot, source, sequence))))
            }
            (Some(next), _) if sequence < *next => Ok(None),
            (Some(next), Some(message)) if sequence == *next => {
                *next = sequence.next();
                Ok(Some((message, record::inbox_key(slot, source, sequence))))
            }
            _ if self.reading.contains_key(&slot) => {
                self.reading.insert(slot, true);
                Ok(None)
            }
            _ => Err(self.read_slot(slot)),
        }
    }

    /// Asks for a slot's rows.
    pub(crate) fn read_slot(&mut self, slot: Slot) -> Read {
        self.reading.insert(slot, false);
        slot_read(slot, None)
    }

    /// Takes in rows in key order and returns those that are next in their streams.
    pub(crate) fn extend(&mut self, page: &Page) -> Result<Vec<Accepted>, RecordError> {
        let mut accepted = Vec::new();
        for row in &page.rows {
            let (slot, source, sequence) = record::read_inbox_key(&row.key)?;
            let next = self.next.entry((slot, source)).or_insert(sequence);
            if sequence >= *next {
                *next = sequence.next();
                accepted.push((record::read_message(&row.value)?, row.key.clone()));
            }
        }
        Ok(accepted)
    }

    /// What to read next of a slot whose rows were just taken in, if anything.
    pub(crate) fn read_on(&mut self, slot: Slot, page: &Page) -> Option<Read> {
        if let Some(last) = page.rows.last().filter(|_| page.more) {
            return Some(slot_read(slot, Some(&last.key)));
        }
        let again = self.reading.remove(&slot)?;
        if again {
            self.reading.insert(slot, false);
            return Some(slot_read(slot, None));
        }
        None
    }
}

/// A read of a slot's inbox rows, from the start or behind a row.
fn slot_read(slot: Slot, after: Option<&Bytes>) -> Read {
    let number = slot.number();
    let slots = sarsen_protocol::SlotRange::new(number, number + 1).expect("a slot is a range of one");
    let (start, end) = record::bounds(slots);
    read(after.map_or(start, |key| record::exactly(key).1), end)
}

/// A read of inbox rows.
pub(crate) fn read(from: Bytes, to: Bytes) -> Read {
    Read { keyspace: Keyspace::Inbox, from, to, rows_max: PAGE_ROWS, bytes_max: PAGE_BYTES, values: true }
}
