//! Idempotency keys: what a request under a key became, so that a repeat gets the same.
//!
//! A key's row says "waits" from the acceptance of its message on, and the outcome from the commit of that outcome
//! on. In memory is what was read or written lately, at least until it is durable. A sweep removes what has
//! expired; while it reads, nothing is forgotten, so that it never removes a key that was used again meanwhile.

use crate::record::{KeyOutcome, KeyRecord};
use bytes::Bytes;
use sarsen_protocol::{BatchNumber, HashMap, RequestId, SessionId, Timestamp};
use std::collections::VecDeque;

/// Repeats of one key that may wait for its outcome; callers that give up and ask again add to them.
const WAITERS_MAX: usize = 256;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Its row is being read.
    Reading,
    /// It is free.
    Free,
    /// Its message waits.
    Waiting { content: u64 },
    /// Its message is done.
    Done { content: u64, outcome: KeyOutcome },
}

#[derive(Debug)]
struct Entry {
    known: Known,
    /// Repeats that wait for the outcome.
    waiters: Vec<(SessionId, RequestId)>,
    /// Whether its row is being read; it is kept until then, lest that answer is taken for a later one's.
    loading: bool,
    /// Whether an arrival waits to see it.
    wanted: bool,
    /// The last batch that wrote it; it is kept until that is durable.
    until: BatchNumber,
}

/// The idempotency keys of a shard.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    entries: HashMap<Bytes, Entry>,
    /// Entries in the order in which they may be forgotten; an entry may stand here more than once.
    order: VecDeque<(BatchNumber, Bytes)>,
    pub(crate) sweeping: bool,
    count: u64,
}

impl Keys {
    /// Keys remembered, in memory or not.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Counts keys that were there at open.
    pub(crate) fn found(&mut self, rows: u64) {
        self.count += rows;
    }

    /// What is known of a key; `None` when its row must be read. An expired outcome is as good as none.
    pub(crate) fn get(&self, row: &Bytes, now: Timestamp) -> Option<&Known> {
        self.entries.get(row).map(|entry| match &entry.known {
            Known::Done { outcome, .. } if outcome.expires <= now => &Known::Free,
            known => known,
        })
    }

    /// Whether a key is in memory at all, or on its way there.
    pub(crate) fn contains(&self, row: &Bytes) -> bool {
        self.entries.contains_key(row)
    }

    /// Whether a key was written lately, so that an older row of it says nothing.
    pub(crate) fn is_written(&self, row: &Bytes) -> bool {
        self.entries.get(row).is_some_and(|entry| entry.until > BatchNumber::default())
    }

    /// Notes that a key's row is being read for an arrival that waits.
    pub(crate) fn reading(&mut self, row: Bytes) {
        let entry = Entry {
            known: Known::Reading,
            waiters: Vec::new(),
            loading: true,
            wanted: true,
            until: BatchNumber::default(),
        };
        self.entries.insert(row, entry);
    }

    /// Takes in a row that was read.
    pub(crate) fn read(&mut self, row: &Bytes, record: Option<KeyRecord>) {
        let Some(entry) = self.entries.get_mut(row) else { return };
        entry.loading = false;
        if entry.known == Known::Reading {
            entry.known = match record {
                None => Known::Free,
                Some(KeyRecord { content, outcome: None }) => Known::Waiting { content },
                Some(KeyRecord { content, outcome: Some(outcome) }) => Known::Done { content, outcome },
            };
        }
        self.order.push_back((entry.until, row.clone()));
    }

    /// Notes whether an arrival waits to see a key, so that it is kept until then.
    pub(crate) fn set_wanted(&mut self, row: &Bytes, wanted: bool) {
        if let Some(entry) = self.entries.get_mut(row) {
            entry.wanted = wanted;
            if !wanted {
                self.order.push_back((entry.until, row.clone()));
            }
        }
    }

    /// Notes what the open batch writes of a key. Returns the repeats that waited, when it is an outcome.
    pub(crate) fn write(
        &mut self,
        row: &Bytes,
        known: Known,
        batch: BatchNumber,
    ) -> Vec<(SessionId, RequestId)> {
        let done = matches!(known, Known::Done { .. });
        let entry = self.entries.entry(row.clone()).or_insert_with(|| Entry {
            known: Known::Free,
            waiters: Vec::new(),
            loading: false,
            wanted: false,
            until: batch,
        });
        if entry.known == Known::Free && !done {
            self.count += 1;
        }
        entry.known = known;
        entry.until = batch;
        self.order.push_back((batch, row.clone()));
        if done { std::mem::take(&mut entry.waiters) } else { Vec::new() }
    }

    /// Lets a repeat wait for the outcome. Returns whether there was room for it.
    pub(crate) fn wait(&mut self, row: &Bytes, caller: (SessionId, RequestId)) -> bool {
        let room = |entry: &&mut Entry| entry.waiters.len() < WAITERS_MAX;
        let Some(entry) = self.entries.get_mut(row).filter(room) else { return false };
        entry.waiters.push(caller);
        true
    }

    /// Notes that a sweep removes a key whose outcome has expired.
    pub(crate) fn removed(&mut self, row: &Bytes) {
        self.count = self.count.saturating_sub(1);
        if let Some(entry) =
            self.entries.get_mut(row).filter(|entry| matches!(entry.known, Known::Done { .. }))
        {
            entry.known = Known::Free;
        }
    }

    /// Forgets what is durable and not needed. What is kept for somebody stands in the order again when that ends.
    pub(crate) fn trim(&mut self, committed: BatchNumber) {
        if self.sweeping {
            return;
        }
        while self.order.front().is_some_and(|(batch, _)| *batch <= committed)
            && let Some((_, row)) = self.order.pop_front()
        {
            let kept = |entry: &Entry| {
                entry.wanted || entry.loading || !entry.waiters.is_empty() || entry.until > committed
            };
            if self.entries.get(&row).is_some_and(|entry| !kept(entry)) {
                self.entries.remove(&row);
            }
        }
    }
}
