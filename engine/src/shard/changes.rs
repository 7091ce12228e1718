//! When runs of a slot last changed, coarsely: an index for those who ask what has changed since a moment.
//!
//! A slot has one small row. It is written with the first record that changes in each span of time, so a slot whose runs
//! change all the time costs a row in ten seconds. A row says a span, never an earlier one than before: what a clock
//! that has gone back says later is found too.

use super::batch::OpenBatch;
use crate::record::{self, BySlot};
use sarsen_protocol::{Keyspace, Page, Slot, Timestamp, record::RecordError};

/// The last span of time in which runs of each slot have changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    spans: BySlot<u64>,
}

impl Changes {
    /// Takes in rows that are there at open.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        for row in &page.rows {
            if let Some(slot) = record::read_changed_key(&row.key) {
                let span = self.spans.entry(slot).or_default();
                *span = record::read_changed(&row.value)?.max(*span);
            }
        }
        Ok(())
    }

    /// Notes that the record of a run changes.
    pub(crate) fn note(&mut self, batch: &mut OpenBatch, slot: Slot, now: Timestamp) {
        let span = record::span_of(now);
        let last = self.spans.entry(slot).or_default();
        if *last < span {
            *last = span;
            batch.write(Keyspace::Meta, record::changed_key(slot), Some(record::write_changed(span)));
        }
    }
}
