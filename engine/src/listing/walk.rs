//! A walk over the rows of a keyspace that have a prefix, slot by slot.
//!
//! Records lie by slot, so a walk reads in each slot the rows with its prefix.

use crate::record;
use bytes::{BufMut, Bytes, BytesMut};
use sarsen_protocol::{Keyspace, Page, Read, Row, Slot, record::RecordError};

/// Bytes of records read from one slot at a time.
const SLOT_BYTES: usize = 1 << 20;
/// Slots read at a time at first.
const SLOTS_FIRST: u16 = 64;
/// Slots read at a time when they hold little.
const SLOTS_MAX: u16 = 512;

/// A walk over rows whose keys have, behind the slot, a prefix of UTF-8.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    keyspace: Keyspace,
    prefix: Bytes,
    page_rows: usize,
    /// The slots that are walked, in ascending order; all without.
    only: Option<Vec<u16>>,
    /// How many slots are behind.
    place: u16,
    after: Option<Bytes>,
    slots_at_once: u16,
}

impl Walk {
    /// A walk that aims at `page_rows` rows a page, at least one.
    pub(super) fn new(keyspace: Keyspace, prefix: &str, page_rows: usize) -> Self {
        let prefix = Bytes::copy_from_slice(prefix.as_bytes());
        let page_rows = page_rows.max(1);
        let (only, after) = (None, None);
        Self { keyspace, prefix, page_rows, only, place: 0, after, slots_at_once: SLOTS_FIRST }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub(super) fn next_read(&self) -> Option<Vec<Read>> {
        let end = self.place.saturating_add(self.slots_at_once).min(Slot::COUNT);
        let reads: Vec<Read> =
            (self.place..end).filter_map(|place| Some(self.slot_read(place, self.slot(place)?))).collect();
        (!reads.is_empty()).then_some(reads)
    }

    /// Walks these slots alone, given in ascending order. Called before the walk begins.
    pub(super) fn only(&mut self, slots: Vec<u16>) {
        self.only = Some(slots);
    }

    fn slot(&self, place: u16) -> Option<Slot> {
        match &self.only {
            None => Slot::new(place),
            Some(slots) => slots.get(usize::from(place)).copied().and_then(Slot::new),
        }
    }

    fn slot_read(&self, place: u16, slot: Slot) -> Read {
        let mut from = BytesMut::with_capacity(3 + self.prefix.len());
        from.put_u16(slot.number());
        from.put_slice(&self.prefix);
        // No byte of a key is 0xff, since keys are UTF-8.
        let mut to = from.clone();
        to.put_u8(0xff);
        let after = self.after.as_ref().filter(|_| place == self.place);
        Read {
            keyspace: self.keyspace,
            from: after.map_or(from.freeze(), |key| record::exactly(key).1),
            to: to.freeze(),
            rows_max: self.page_rows,
            bytes_max: SLOT_BYTES,
            values: true,
        }
    }

    /// Takes in what was read, as far as it is wanted, and moves on.
    ///
    /// # Errors
    /// What `wanted` says of a row.
    pub(super) fn take<T>(
        &mut self,
        pages: &[Page],
        mut wanted: impl FnMut(&Row) -> Result<Option<T>, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let (mut found, mut rows) = (Vec::new(), 0);
        for page in pages {
            rows += page.rows.len();
            for row in &page.rows {
                found.extend(wanted(row)?);
            }
            if let Some(last) = page.rows.last().filter(|_| page.more) {
                self.after = Some(last.key.clone());
                self.slots_at_once = (self.slots_at_once / 2).max(1);
                return Ok(found);
            }
            self.place += 1;
            self.after = None;
        }
        if rows > self.page_rows {
            self.slots_at_once = (self.slots_at_once / 2).max(1);
        } else if rows < self.page_rows / 2 {
            self.slots_at_once = self.slots_at_once.saturating_mul(2).min(SLOTS_MAX);
        }
        Ok(found)
    }
}
