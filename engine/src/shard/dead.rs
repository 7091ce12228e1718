//! Dead letters: what was accepted and then given up, kept row by row, the oldest going first.

use crate::record::{self, RowId};
use bytes::Bytes;
use sarsen_protocol::{Epoch, record::RecordError};
use std::collections::VecDeque;

/// The dead letters of a shard, by their keys.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    keys: VecDeque<Bytes>,
    /// Rows of earlier epochs, while they are being found.
    found: Vec<(RowId, Bytes)>,
    dropped: u64,
}

impl DeadLetters {
    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.found.len()
    }

    /// Dead letters that went because there were too many, since the shard was made.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds one that the open batch writes.
    pub(crate) fn push(&mut self, key: Bytes) {
        self.keys.push_back(key);
    }

    /// Takes in a row that was there at open; those of the shard's own epoch are known already.
    pub(crate) fn found(&mut self, key: &Bytes, own: Epoch) -> Result<(), RecordError> {
        let id = record::read_dead_key(key)?;
        if id.epoch != own {
            self.found.push((id, key.clone()));
        }
        Ok(())
    }

    /// Notes that all rows of earlier epochs are found.
    pub(crate) fn found_all(&mut self) {
        self.found.sort_unstable();
        for (_, key) in self.found.drain(..).rev() {
            self.keys.push_front(key);
        }
    }

    /// The oldest one, when there are more than `max`; to be removed in the open batch. `None` until the rows of
    /// earlier epochs are found, since the oldest is not known before.
    pub(crate) fn pop_beyond(&mut self, max: usize) -> Option<Bytes> {
        if !self.found.is_empty() || self.keys.len() <= max {
            return None;
        }
        self.dropped += 1;
        self.keys.pop_front()
    }
}
