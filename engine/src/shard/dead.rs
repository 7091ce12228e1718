//! Dead letters: what was accepted and then given up, kept row by row, the oldest going first.

use crate::record;
use sarsen_protocol::{LetterId, record::RecordError};
use std::collections::BTreeSet;

/// The dead letters of a shard.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    /// By age: epochs grow, and so do the counters of an epoch.
    ids: BTreeSet<LetterId>,
    /// Whether those of earlier epochs are all found.
    complete: bool,
    dropped: u64,
}

impl DeadLetters {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Dead letters that went because there were too many, since the shard was made.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds one that the open batch writes.
    pub(crate) fn push(&mut self, letter: LetterId) {
        self.ids.insert(letter);
    }

    /// Takes in a row that was there at open. None goes before all are found, so one of the shard's own epoch is known
    /// already.
    pub(crate) fn found(&mut self, key: &[u8]) -> Result<(), RecordError> {
        self.ids.insert(record::read_dead_key(key)?);
        Ok(())
    }

    /// Notes that all rows of earlier epochs are found.
    pub(crate) fn found_all(&mut self) {
        self.complete = true;
    }

    /// Takes out one that the open batch removes. Returns whether it was there.
    pub(crate) fn remove(&mut self, letter: LetterId) -> bool {
        debug_assert!(self.complete, "nobody asks before all are found");
        self.ids.remove(&letter)
    }

    /// The oldest one, when there are more than `max`; to be removed in the open batch. `None` until the rows of
    /// earlier epochs are found, since the oldest is not known before.
    pub(crate) fn pop_beyond(&mut self, max: usize) -> Option<LetterId> {
        if !self.complete || self.ids.len() <= max {
            return None;
        }
        self.dropped += 1;
        self.ids.pop_first()
    }
}
