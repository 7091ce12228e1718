//! One entity's accepted messages: a window in memory over rows in the store.
//!
//! Messages are numbered when they are accepted and consumed in that order. The front of the queue is in memory.
//! Beyond the window a message's row is enough: it is kept in memory only until the row is durable, and as long as a
//! read of rows is under way, so that a read as of any commit since its request misses nothing.

use super::locks::may_become_impossible;
use crate::record::RowId;
use sarsen_protocol::{BatchNumber, Body, Message, Timestamp};
use std::collections::VecDeque;

/// Bytes of messages at the front beyond which they are only rows, and bytes of rows read at a time.
pub(crate) const WINDOW_BYTES_MAX: usize = 4 << 20;

/// An accepted message.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: RowId,
    /// Boxed, since entries are moved from place to place.
    pub(crate) message: Box<Message>,
    /// The batch that wrote its row; `None` while it has none.
    pub(crate) row: Option<BatchNumber>,
}

/// What stands behind the front and a lock may make impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hidden {
    /// How many messages, if that is known.
    count: Option<usize>,
    /// Whether they have been looked for since the lock was granted.
    searched: bool,
}

impl Hidden {
    const NOTHING: Self = Self { count: Some(0), searched: false };
}

/// The accepted messages of an entity, oldest first.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// The front, without gaps.
    head: VecDeque<Entry>,
    /// Bytes of the front.
    head_bytes: usize,
    /// Whether rows between `head` and `tail` are not in memory.
    gap: bool,
    /// The newest messages, while there is a gap.
    tail: VecDeque<Entry>,
    /// The last message that ever was in `head`.
    last: Option<RowId>,
    /// Rows in the store that are not in memory.
    absent: usize,
    /// Whether a read of rows is under way.
    pub(crate) reading: bool,
    /// Whether a row cannot be read; then none is any more.
    pub(crate) broken: bool,
    hidden: Hidden,
    /// Rows behind the front that were taken, and may be read once more.
    taken: Vec<RowId>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Mailbox {
    /// One for which nothing waits.
    pub(crate) const fn new() -> Self {
        Self {
            head: VecDeque::new(),
            head_bytes: 0,
            gap: false,
            tail: VecDeque::new(),
            last: None,
            absent: 0,
            reading: false,
            broken: false,
            hidden: Hidden::NOTHING,
            taken: Vec::new(),
        }
    }

    /// Messages that wait, in memory or not.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len() + self.absent
    }

    /// Messages in memory that can be taken.
    pub(crate) fn head_len(&self) -> usize {
        self.head.len()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty() && !self.gap
    }

    /// Whether a message can be taken now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.head.is_empty()
    }

    /// Whether messages behind those in memory are only rows.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap
    }

    /// The message that is taken next.
    pub(crate) fn oldest(&self) -> Option<&Entry> {
        self.head.front()
    }

    /// Adds an accepted message; `window` is how many the front may hold, `usize::MAX` all of them.
    pub(crate) fn push(&mut self, entry: Entry, window: usize) {
        let bounded = window != usize::MAX;
        if !self.gap && bounded && (self.head.len() >= window || self.head_bytes >= WINDOW_BYTES_MAX) {
            self.gap = true;
        }
        if self.gap {
            let hidden = usize::from(may_become_impossible(&entry.message));
            self.hidden.count = self.hidden.count.map(|before| before + hidden);
            self.tail.push_back(entry);
        } else {
            self.last = Some(entry.id);
            self.push_head(entry);
        }
    }

    fn push_head(&mut self, entry: Entry) {
        self.head_bytes += entry.message.bytes();
        self.head.push_back(entry);
    }

    /// Bytes of the messages in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.head.iter().chain(&self.tail).map(|entry| entry.message.bytes()).sum()
    }

    /// Whether nothing waits, nothing is being read, and nothing is known that a new mailbox would not know.
    pub(crate) fn is_idle(&self) -> bool {
        self.head.is_empty()
            && self.tail.is_empty()
            && !self.gap
            && !self.reading
            && !self.broken
            && self.absent == 0
    }

    /// Makes an idle mailbox a new one. Returns whether its memory, for so many messages at most, may be used again.
    pub(crate) fn reset(&mut self, messages_max: usize) -> bool {
        (self.last, self.hidden.searched) = (None, false);
        self.head.capacity() <= messages_max && self.tail.capacity() <= messages_max
    }

    /// Takes the oldest message.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.head.pop_front()?;
        self.head_bytes -= entry.message.bytes();
        Some(entry)
    }

    /// Puts messages back where they were taken: they have not been dealt with.
    pub(crate) fn put_back(&mut self, entries: Vec<Entry>) {
        for entry in entries.into_iter().rev() {
            self.head_bytes += entry.message.bytes();
            let at = self.head.partition_point(|other| other.id < entry.id);
            self.head.insert(at, entry);
        }
    }

    /// Takes the oldest message of the front for which `wanted` holds, wherever it stands there. What is behind the
    /// front may be read again as long as the store has not seen it go, so it is not taken.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Message) -> bool) -> Option<Entry> {
        self.take_entry(|entry| wanted(&entry.message))
    }

    /// As [`take`](Self::take), by more than the message.
    pub(crate) fn take_entry(&mut self, wanted: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let at = self.head.iter().position(wanted)?;
        let entry = self.head.remove(at)?;
        self.head_bytes -= entry.message.bytes();
        Some(entry)
    }

    /// The messages of the front, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.head.iter()
    }

    /// Whether a message for which `wanted` holds is in memory.
    pub(crate) fn any(&self, wanted: impl Fn(&Message) -> bool) -> bool {
        self.head.iter().chain(&self.tail).any(|entry| wanted(&entry.message))
    }

    /// The messages that are in memory.
    pub(crate) fn in_memory(&self) -> impl Iterator<Item = &Message> {
        self.head.iter().chain(&self.tail).map(|entry| &*entry.message)
    }

    /// Until when the first of the events in memory is kept for a start.
    pub(crate) fn next_until(&self) -> Option<Timestamp> {
        let until = |entry: &Entry| match &entry.message.body {
            Body::Event(event) => event.keep_until,
            _ => None,
        };
        self.head.iter().chain(&self.tail).filter_map(until).min()
    }

    /// The messages that have no row yet, newest first.
    pub(crate) fn unwritten(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.head.iter_mut().chain(self.tail.iter_mut()).rev().take_while(|entry| entry.row.is_none())
    }

    /// Forgets messages behind the gap whose rows are durable. Returns how many bytes that freed.
    pub(crate) fn trim(&mut self, committed: BatchNumber) -> usize {
        let mut freed = 0;
        while !self.reading
            && let Some(front) = self.tail.front()
            && front.row.is_some_and(|batch| batch <= committed)
        {
            freed += front.message.bytes();
            self.tail.pop_front();
            self.absent += 1;
        }
        freed
    }

    /// Whether rows should be read now, behind [`last`](Self::last); a `window` of `usize::MAX` wants all of them.
    pub(crate) fn wants_rows(&self, window: usize) -> bool {
        let room = window == usize::MAX
            || (self.head.len() <= window / 2 && self.head_bytes <= WINDOW_BYTES_MAX / 2);
        self.gap && !self.reading && !self.broken && room
    }

    /// The last message that ever was in memory without a gap before it.
    pub(crate) fn last(&self) -> Option<RowId> {
        self.last
    }

    /// Takes in rows that were read behind `last`, oldest first, as of a moment not before the read was asked for;
    /// `more` says that others follow them. Returns how many bytes of them are now in memory.
    pub(crate) fn extend(&mut self, rows: impl Iterator<Item = Entry>, more: bool) -> usize {
        self.reading = false;
        let mut bytes = 0;
        for entry in rows {
            if self.last.is_some_and(|last| entry.id <= last) {
                continue;
            }
            self.last = Some(entry.id);
            if self.taken.contains(&entry.id) {
                continue;
            }
            let hidden = usize::from(may_become_impossible(&entry.message));
            self.hidden.count = self.hidden.count.map(|before| before.saturating_sub(hidden));
            let known = self.tail.front().is_some_and(|first| first.id == entry.id);
            if known {
                // The entry in memory knows which batch wrote its row.
                if let Some(known) = self.tail.pop_front() {
                    self.push_head(known);
                }
            } else {
                bytes += entry.message.bytes();
                self.absent = self.absent.saturating_sub(1);
                self.push_head(entry);
            }
        }
        self.taken.retain(|id| self.last.is_none_or(|last| *id > last));
        if !more {
            self.gap = false;
            self.absent = 0;
            self.hidden = Hidden::NOTHING;
            self.taken.clear();
            self.last = self.tail.back().map(|entry| entry.id).or(self.last);
            for entry in std::mem::take(&mut self.tail) {
                self.push_head(entry);
            }
        }
        bytes
    }

    /// Begins the mailbox of an entity that is being loaded: rows may lie before everything that is pushed.
    pub(crate) fn unknown() -> Self {
        Self { gap: true, reading: true, hidden: Hidden { count: None, searched: false }, ..Self::new() }
    }

    /// Whether rows behind the front are to be looked through for messages that the lock makes impossible.
    pub(crate) fn wants_search(&self) -> bool {
        self.gap && !self.reading && !self.broken && !self.hidden.searched && self.hidden.count != Some(0)
    }

    /// Whether a message whose row was read is not in memory, and waits.
    pub(crate) fn is_only_a_row(&self, entry: &Entry) -> bool {
        let in_memory = self.tail.front().is_some_and(|first| first.id <= entry.id)
            || self.last.is_some_and(|last| entry.id <= last);
        !in_memory && !self.taken.contains(&entry.id)
    }

    /// Takes a message that is only a row.
    pub(crate) fn take_row(&mut self, id: RowId) {
        self.absent = self.absent.saturating_sub(1);
        self.taken.push(id);
    }

    /// Takes one of the newest messages, those in memory behind the front, for which `wanted` holds.
    pub(crate) fn take_newest(&mut self, wanted: impl Fn(&Message) -> bool) -> Option<Entry> {
        let at = self.tail.iter().position(|entry| wanted(&entry.message))?;
        let entry = self.tail.remove(at)?;
        self.taken.push(entry.id);
        Some(entry)
    }

    /// All rows behind the front have been looked through: so many are left there, of those that are not in memory, that
    /// another lock may make impossible.
    pub(crate) fn searched(&mut self, left: usize) {
        let newest = self.tail.iter().filter(|entry| may_become_impossible(&entry.message)).count();
        self.hidden = Hidden { count: Some(left + newest), searched: true };
    }

    /// There is another lock.
    pub(crate) fn forget_search(&mut self) {
        self.hidden.searched = false;
    }

    /// Sets how many rows the store holds beyond those in memory, as counted in the read that began the mailbox:
    /// `rows` of them, the last being `newest`.
    pub(crate) fn count(&mut self, rows: usize, newest: Option<RowId>) {
        let seen = |entry: &&Entry| newest.is_some_and(|newest| entry.id <= newest);
        let in_memory = self.head.iter().chain(&self.tail).filter(seen).count();
        self.absent = if self.gap { rows.saturating_sub(in_memory) } else { 0 };
    }
}

#[cfg(test)]
mod tests;
