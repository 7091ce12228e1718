//! Delayed signals: a window in memory over rows in the store.
//!
//! What is due up to the horizon is in memory, the rest only in rows. The horizon moves by a read of all rows that
//! are due up to a new one. Two rules make that read miss nothing, whenever the store answers it: from the moment the
//! read is wanted, timers that are written and due before the new horizon stay in memory; and the read is asked for
//! only when all timers that were written before that moment are durable.

use crate::record::{self, TimerId};
use bytes::Bytes;
use sarsen_protocol::{BatchNumber, Message, Page, Read, Slot, Timestamp, record::RecordError};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Timers read from one slot at a time.
const PAGE_ROWS: usize = 1_024;
/// Bytes of timers read from one slot at a time.
const PAGE_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Nothing is read.
    No,
    /// Up to this moment, once that batch is durable.
    Wanted { until: Timestamp, after: BatchNumber },
    /// Up to this moment.
    UnderWay { until: Timestamp },
}

/// The delayed signals of a shard.
#[derive(Debug)]
pub(crate) struct Timers {
    near: BTreeMap<TimerId, Message>,
    /// All that is due until then is in `near`; `None` before the first read.
    horizon: Option<Timestamp>,
    reading: Reading,
    /// The last batch that wrote a timer behind the horizon.
    far_batch: BatchNumber,
    window: Duration,
    count: u64,
    /// How many timers of each slot are in rows alone, at most; slots without any are not read.
    far: BTreeMap<Slot, u64>,
    /// Timers that were taken back while rows are being read, which may still show them.
    removed: BTreeSet<TimerId>,
    /// The last batch that took back a timer of which there was only a row.
    removed_batch: BatchNumber,
}

impl Timers {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            near: BTreeMap::new(),
            horizon: None,
            reading: Reading::No,
            far_batch: BatchNumber::default(),
            window,
            count: 0,
            far: BTreeMap::new(),
            removed: BTreeSet::new(),
            removed_batch: BatchNumber::default(),
        }
    }

    /// Timers that wait, in memory or not.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Counts timers that were found in the store before the first read.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        self.count += page.rows.len() as u64;
        for row in &page.rows {
            *self.far.entry(record::read_timer_key(&row.key)?.slot).or_default() += 1;
        }
        Ok(())
    }

    /// Notes that a timer is in memory now.
    fn came_near(&mut self, slot: Slot) {
        if let std::collections::btree_map::Entry::Occupied(mut far) = self.far.entry(slot) {
            *far.get_mut() -= 1;
            if *far.get() == 0 {
                far.remove();
            }
        }
    }

    /// Adds a timer whose row is in the batch that will be sealed as `batch`.
    pub(crate) fn insert(&mut self, id: TimerId, message: Message, batch: BatchNumber) {
        self.count += 1;
        let until = match self.reading {
            Reading::No => self.horizon,
            Reading::Wanted { until, .. } | Reading::UnderWay { until } => Some(until),
        };
        if until.is_some_and(|until| id.due <= until) {
            self.near.insert(id, message);
        } else {
            *self.far.entry(id.slot).or_default() += 1;
            self.far_batch = batch;
        }
    }

    /// Takes back a timer, unless it has fired; its row goes in the batch that will be sealed as `batch`.
    pub(crate) fn remove(&mut self, id: TimerId, batch: BatchNumber) {
        if self.near.remove(&id).is_none() {
            // All that is due up to the horizon is near until it fires.
            if self.horizon.is_some_and(|horizon| id.due <= horizon) {
                return;
            }
            // It may have fired in an earlier life, by a clock that has gone back since. So its slot is read on, for
            // the sake of the others; the figure may be too low until they have fired.
            self.removed_batch = batch;
        }
        self.count = self.count.saturating_sub(1);
        if self.reading != Reading::No || self.horizon.is_none() {
            self.removed.insert(id);
        }
    }

    /// Takes the next timer that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(TimerId, Message)> {
        let due = now.min(self.horizon?);
        let first = self.near.first_entry().filter(|first| first.key().due <= due)?;
        self.count = self.count.saturating_sub(1);
        Some(first.remove_entry())
    }

    /// When something happens next: a timer in memory is due, or the window must move.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let horizon = self.horizon?;
        let first = self.near.first_key_value().map(|(id, _)| id.due).filter(|due| *due <= horizon);
        let moves = self.reading == Reading::No && horizon < Timestamp::MAX;
        let renewal = moves.then(|| self.renewal(horizon));
        first.into_iter().chain(renewal).min()
    }

    /// When the window must move: half of it before its end.
    fn renewal(&self, horizon: Timestamp) -> Timestamp {
        horizon.before(self.window / 2)
    }

    /// The read that moves the window, when it is time for one.
    pub(crate) fn poll_read(
        &mut self,
        now: Timestamp,
        committed: BatchNumber,
    ) -> Option<(Timestamp, Vec<Read>)> {
        let due = self.horizon.is_none_or(|horizon| self.renewal(horizon) <= now);
        if self.reading == Reading::No && due && self.horizon != Some(Timestamp::MAX) {
            let after = self.far_batch.max(self.removed_batch);
            self.reading = Reading::Wanted { until: now.after(self.window), after };
        }
        let Reading::Wanted { until, after } = self.reading else { return None };
        if after > committed {
            return None;
        }
        if self.far.is_empty() {
            (self.horizon, self.reading) = (Some(until), Reading::No);
            self.removed.clear();
            return None;
        }
        self.reading = Reading::UnderWay { until };
        let read = |slot: &Slot| {
            let (from, to) = record::timer_bounds(*slot, self.horizon, until);
            timer_read(from, to)
        };
        Some((until, self.far.keys().map(read).collect()))
    }

    /// Takes in what was read; returns what remains to be read up to the same moment.
    ///
    /// # Errors
    /// When a row is damaged.
    pub(crate) fn extend(&mut self, until: Timestamp, pages: &[Page]) -> Result<Vec<Read>, RecordError> {
        let mut rest = Vec::new();
        for page in pages {
            for row in &page.rows {
                let id = record::read_timer_key(&row.key)?;
                if self.removed.contains(&id) {
                    continue;
                }
                if let std::collections::btree_map::Entry::Vacant(vacant) = self.near.entry(id) {
                    vacant.insert(record::read_message(&row.value)?);
                    self.came_near(id.slot);
                }
            }
            if let Some(last) = page.rows.last().filter(|_| page.more) {
                let (_, from) = record::exactly(&last.key);
                let slot = record::read_timer_key(&last.key)?.slot;
                rest.push(timer_read(from, record::timer_bounds(slot, None, until).1));
            }
        }
        if rest.is_empty() {
            self.horizon = Some(until);
            self.reading = Reading::No;
            self.removed.clear();
        }
        Ok(rest)
    }
}

fn timer_read(from: Bytes, to: Bytes) -> Read {
    Read {
        keyspace: sarsen_protocol::Keyspace::Timers,
        from,
        to,
        rows_max: PAGE_ROWS,
        bytes_max: PAGE_BYTES,
        values: true,
    }
}

#[cfg(test)]
mod tests;
