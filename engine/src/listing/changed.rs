//! The slots in which runs have changed since a moment.

use crate::record;
use sarsen_protocol::{Keyspace, Page, Read, Slot, Timestamp, record::RecordError};

/// Slots looked at at a time.
const SLOTS: u16 = 512;

/// Looks at the row of each slot that says when its runs have last changed.
#[derive(Clone, Debug)]
pub(super) struct ChangedSlots {
    since: u64,
    slot: u16,
    found: Vec<u16>,
}

impl ChangedSlots {
    pub(super) fn since(moment: Timestamp) -> Self {
        Self { since: record::span_of(moment), slot: 0, found: Vec::new() }
    }

    /// What to read next.
    pub(super) fn next_read(&self) -> Vec<Read> {
        let read = |slot: Slot| {
            let (from, to) = record::exactly(&record::changed_key(slot));
            Read { keyspace: Keyspace::Meta, from, to, rows_max: 1, bytes_max: usize::MAX, values: true }
        };
        self.slots().filter_map(Slot::new).map(read).collect()
    }

    fn slots(&self) -> std::ops::Range<u16> {
        self.slot..self.slot.saturating_add(SLOTS).min(Slot::COUNT)
    }

    /// Takes in what was read. Returns the slots, in ascending order, when all have been looked at.
    pub(super) fn take(&mut self, pages: &[Page]) -> Result<Option<Vec<u16>>, RecordError> {
        for (slot, page) in self.slots().zip(pages) {
            let Some(row) = page.rows.first() else { continue };
            if record::read_changed(&row.value)? >= self.since {
                self.found.push(slot);
            }
        }
        self.slot = self.slots().end;
        Ok((self.slot == Slot::COUNT).then(|| std::mem::take(&mut self.found)))
    }
}
