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
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::Duration,
};

/// The most timers read from one slot at a time.
const PAGE_ROWS_MAX: usize = 1_024;
/// The fewest, when there are many slots.
const PAGE_ROWS_MIN: usize = 16;
/// Bytes of timers read from one slot at a time.
const PAGE_BYTES: usize = 1 << 20;

/// How far the first reads look ahead. Each further one looks twice as far, unless it finds too much.
const SPAN_FIRST: Duration = Duration::from_secs(10);
/// The shortest look ahead.
const SPAN_MIN: Duration = Duration::from_millis(1);

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
    /// The last batch that wrote or took back a timer which was in memory.
    near_batch: BatchNumber,
    /// How many may be in memory, but for those that are due at the same moment.
    near_max: usize,
    /// How far ahead the next read looks, and the most that it ever may.
    span: Duration,
    window: Duration,
    /// The latest of those that have fired: the horizon never goes back behind it.
    fired: Timestamp,
    count: u64,
    /// How many of them are signals; the others are timers of runs and entities.
    signals: u64,
    /// How many timers of each slot are in rows alone, at most; slots without any are not read.
    far: BTreeMap<Slot, u64>,
    /// Timers that were taken back while rows are being read, which may still show them.
    removed: BTreeSet<TimerId>,
    /// The last batch that took back a timer of which there was only a row.
    removed_batch: BatchNumber,
}

impl Timers {
    pub(crate) fn new(window: Duration, near_max: usize) -> Self {
        Self {
            near: BTreeMap::new(),
            horizon: None,
            reading: Reading::No,
            far_batch: BatchNumber::default(),
            near_batch: BatchNumber::default(),
            near_max,
            span: window.min(SPAN_FIRST),
            window,
            fired: Timestamp::default(),
            count: 0,
            signals: 0,
            far: BTreeMap::new(),
            removed: BTreeSet::new(),
            removed_batch: BatchNumber::default(),
        }
    }

    /// Timers that wait, in memory or not.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Signals that wait, in memory or not.
    pub(crate) fn signals(&self) -> u64 {
        self.signals
    }

    /// Counts timers that were found in the store before the first read.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        for row in &page.rows {
            let id = record::read_timer_key(&row.key)?;
            self.count_in(id);
            *self.far.entry(id.slot).or_default() += 1;
        }
        Ok(())
    }

    fn count_in(&mut self, id: TimerId) {
        self.count += 1;
        self.signals += u64::from(id.row.is_of_message());
    }

    fn count_out(&mut self, id: TimerId) {
        self.count = self.count.saturating_sub(1);
        self.signals = self.signals.saturating_sub(u64::from(id.row.is_of_message()));
    }

    /// Notes that a timer is in memory now.
    fn came_near(&mut self, slot: Slot) {
        if let Entry::Occupied(mut far) = self.far.entry(slot) {
            *far.get_mut() -= 1;
            if *far.get() == 0 {
                far.remove();
            }
        }
    }

    /// Adds a timer whose row is in the batch that will be sealed as `batch`.
    pub(crate) fn insert(&mut self, id: TimerId, message: Message, batch: BatchNumber) {
        self.count_in(id);
        let until = match self.reading {
            Reading::No => self.horizon,
            Reading::Wanted { until, .. } | Reading::UnderWay { until } => Some(until),
        };
        if until.is_some_and(|until| id.due <= until) {
            self.near.insert(id, message);
            self.near_batch = batch;
            self.trim();
        } else {
            *self.far.entry(id.slot).or_default() += 1;
            self.far_batch = batch;
        }
    }

    /// Leaves those that are due last to their rows, for as long as too many are in memory.
    fn trim(&mut self) {
        while self.near.len() > self.near_max {
            let (first, last) = (self.near.first_key_value(), self.near.last_key_value());
            let (Some((first, _)), Some((last, _))) = (first, last) else { return };
            let due = last.due;
            if due <= first.due.max(self.fired) {
                return;
            }
            while let Some(last) = self.near.last_entry().filter(|last| last.key().due == due) {
                *self.far.entry(last.key().slot).or_default() += 1;
                last.remove();
            }
            self.far_batch = self.far_batch.max(self.near_batch);
            self.go_back(due.before(Duration::from_micros(1)));
        }
    }

    /// Lets the horizon, now and after the read under way, be no later than this.
    fn go_back(&mut self, to: Timestamp) {
        self.horizon = self.horizon.map(|horizon| horizon.min(to));
        match &mut self.reading {
            Reading::No => {}
            Reading::Wanted { until, .. } | Reading::UnderWay { until } => *until = to.min(*until),
        }
    }

    /// Takes back a timer, unless it has fired; its row goes in the batch that will be sealed as `batch`.
    pub(crate) fn remove(&mut self, id: TimerId, batch: BatchNumber) {
        if self.near.remove(&id).is_some() {
            self.near_batch = batch;
        } else {
            // All that is due up to the horizon is near until it fires.
            if self.horizon.is_some_and(|horizon| id.due <= horizon) {
                return;
            }
            // It may have fired in an earlier life, by a clock that has gone back since. So its slot is read on, for
            // the sake of the others; the figure may be too low until they have fired.
            self.removed_batch = batch;
        }
        self.count_out(id);
        if self.reading != Reading::No || self.horizon.is_none() {
            self.removed.insert(id);
        }
    }

    /// Takes the next timer that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(TimerId, Message)> {
        let due = now.min(self.horizon?);
        let first = self.near.first_entry().filter(|first| first.key().due <= due)?;
        self.fired = self.fired.max(first.key().due);
        let (id, message) = first.remove_entry();
        self.count_out(id);
        Some((id, message))
    }

    /// When something happens next: a timer in memory is due, or the window must move.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let horizon = self.horizon?;
        let first = self.near.first_key_value().map(|(id, _)| id.due).filter(|due| *due <= horizon);
        let moves = self.reading == Reading::No && horizon < Timestamp::MAX && self.has_room();
        let renewal = moves.then(|| self.renewal(horizon));
        first.into_iter().chain(renewal).min()
    }

    /// When the window must move: half of it before its end.
    fn renewal(&self, horizon: Timestamp) -> Timestamp {
        horizon.before(self.span / 2)
    }

    /// Whether a read is worth it.
    fn has_room(&self) -> bool {
        self.near.len() <= self.near_max / 2
    }

    /// The read that moves the window, when it is time for one.
    pub(crate) fn poll_read(
        &mut self,
        now: Timestamp,
        committed: BatchNumber,
    ) -> Option<(Timestamp, Vec<Read>)> {
        let due = self.horizon.is_none_or(|horizon| self.renewal(horizon) <= now);
        if self.reading == Reading::No && due && self.horizon != Some(Timestamp::MAX) && self.has_room() {
            let after = self.far_batch.max(self.removed_batch);
            self.reading = Reading::Wanted { until: now.after(self.span), after };
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
            self.timer_read(from, to)
        };
        Some((until, self.far.keys().map(read).collect()))
    }

    fn timer_read(&self, from: Bytes, to: Bytes) -> Read {
        let share = 2 * self.near_max / self.far.len().max(1);
        Read {
            keyspace: sarsen_protocol::Keyspace::Timers,
            from,
            to,
            rows_max: share.clamp(PAGE_ROWS_MIN, PAGE_ROWS_MAX),
            bytes_max: PAGE_BYTES,
            values: true,
        }
    }

    /// Takes in what was read because of a read up to `asked`; returns what remains to be read.
    ///
    /// # Errors
    /// When a row is damaged.
    pub(crate) fn extend(&mut self, asked: Timestamp, pages: &[Page]) -> Result<Vec<Read>, RecordError> {
        for row in pages.iter().flat_map(|page| &page.rows) {
            let id = record::read_timer_key(&row.key)?;
            if id.due > self.until(asked) || self.removed.contains(&id) {
                continue;
            }
            if let Entry::Vacant(vacant) = self.near.entry(id) {
                vacant.insert(record::read_message(&row.value)?);
                self.came_near(id.slot);
                self.trim();
            }
        }
        let until = self.until(asked);
        let mut rest = Vec::new();
        for last in pages.iter().filter(|page| page.more).filter_map(|page| page.rows.last()) {
            let id = record::read_timer_key(&last.key)?;
            if id.due <= until {
                let (_, from) = record::exactly(&last.key);
                rest.push(self.timer_read(from, record::timer_bounds(id.slot, None, until).1));
            }
        }
        if rest.is_empty() {
            self.span = self.next_span(asked, until);
            self.horizon = Some(until);
            self.reading = Reading::No;
            self.removed.clear();
        }
        Ok(rest)
    }

    /// Up to when the read under way counts.
    fn until(&self, asked: Timestamp) -> Timestamp {
        match self.reading {
            Reading::UnderWay { until } => until.min(asked),
            Reading::No | Reading::Wanted { .. } => asked,
        }
    }

    /// How far to look ahead behind a read which was to go up to `asked` and went up to `until`.
    fn next_span(&self, asked: Timestamp, until: Timestamp) -> Duration {
        let span = if until < asked {
            self.span.saturating_sub(asked.since(until)).max(SPAN_MIN)
        } else if self.near.len() <= self.near_max / 4 {
            self.span * 2
        } else {
            self.span
        };
        span.min(self.window)
    }
}

#[cfg(test)]
mod tests;
