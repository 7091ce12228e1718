//! The history of an execution, part by part.

use crate::record;
use sarsen_orchestration::{Cursor, Event, HistoryError};
use sarsen_protocol::{Address, ExecutionId, Keyspace, Page, Read, RunId};

/// Chunks read at a time.
const CHUNKS_MAX: usize = 256;
/// Bytes read at a time.
const PART_BYTES: usize = 1 << 20;

/// Reads the history of an execution from its beginning, as far as it is durable.
///
/// It may be deleted meanwhile, when its run goes on as another execution or is purged; then it seems to end earlier.
#[derive(Clone, Debug)]
pub struct HistoryListing {
    run: Address,
    execution: ExecutionId,
    cursor: Cursor,
    over: bool,
}

impl HistoryListing {
    /// Of this execution.
    pub fn new(run: &RunId, execution: ExecutionId) -> Self {
        Self { run: Address::run(run), execution, cursor: Cursor::default(), over: false }
    }

    /// What to read next; `None` at the end.
    pub fn next_read(&self) -> Option<Read> {
        let (from, to) = record::history_bounds(&self.run, self.execution, self.cursor.chunk().0);
        (!self.over).then_some(Read {
            keyspace: Keyspace::History,
            from,
            to,
            rows_max: CHUNKS_MAX,
            bytes_max: PART_BYTES,
            values: true,
        })
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`HistoryError`] when a chunk is none, or not the next one.
    pub fn take(&mut self, page: &Page) -> Result<Vec<Event>, HistoryError> {
        self.over = !page.more;
        let mut events = Vec::new();
        for row in &page.rows {
            events.extend(self.cursor.read(&row.value)?);
        }
        Ok(events)
    }
}
