//! What is durable in the journal and does not rest in the tables yet.
//!
//! Layers lie one over the other: a live one, to which each durable group is applied whole, and frozen ones, which a
//! checkpoint carries into the tables, the oldest first. A layer is let go only when all of it is there. Deletions
//! stay in their layer as deletions, since they hide what lies below.

mod layer;

use crate::journal::{GroupNumber, Row, Space};
use bytes::Bytes;
pub(crate) use layer::{Found, Layer, Said, Seen};
use sarsen_protocol::Read;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::Arc;

/// A place in the journal: how much had been written up to a group, since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) group: GroupNumber,
    /// Bytes of all records so far.
    pub(crate) bytes: u64,
    /// Rows of all records so far.
    pub(crate) rows: u64,
}

/// A layer to which nothing is applied any more.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) layer: Layer,
    /// The last group in it.
    pub(crate) end: Mark,
}

/// The layers.
#[derive(Debug)]
pub(crate) struct Overlay {
    live: Layer,
    /// The oldest first.
    frozen: VecDeque<Arc<Frozen>>,
    /// What the live layer holds, ends here.
    end: Mark,
    /// What rests in the tables, ends here.
    resting: Mark,
}

impl Overlay {
    /// Without rows; what rests in the tables ends at `resting`.
    pub(crate) fn new(resting: GroupNumber) -> Self {
        let mark = Mark { group: resting, ..Mark::default() };
        Self { live: Layer::new(), frozen: VecDeque::new(), end: mark, resting: mark }
    }

    /// Applies a durable group, whose record has so many bytes.
    pub(crate) fn apply<'a>(
        &mut self,
        group: GroupNumber,
        bytes: u64,
        rows: impl IntoIterator<Item = Row<'a>>,
    ) {
        for row in rows {
            self.live.apply(row);
            self.end.rows += 1;
        }
        self.end.group = group;
        self.end.bytes += bytes;
    }

    /// The bytes of the journal's records that do not rest in the tables.
    pub(crate) fn tail_bytes(&self) -> u64 {
        self.end.bytes - self.resting.bytes
    }

    /// The rows of the journal's records that do not rest in the tables.
    pub(crate) fn tail_rows(&self) -> u64 {
        self.end.rows - self.resting.rows
    }

    /// The memory that the layers take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.live.bytes() + self.frozen.iter().map(|frozen| frozen.layer.bytes()).sum::<usize>()
    }

    /// The oldest frozen layer; when there is none, the live one is frozen, if it holds anything.
    pub(crate) fn oldest(&mut self) -> Option<Arc<Frozen>> {
        if self.frozen.is_empty() {
            self.freeze();
        }
        self.frozen.front().cloned()
    }

    /// Lets the oldest frozen layer go: all of it is durable in the tables.
    pub(crate) fn settle(&mut self) {
        if let Some(frozen) = self.frozen.pop_front() {
            self.resting = frozen.end;
        }
    }

    fn freeze(&mut self) {
        if self.live.is_empty() {
            return;
        }
        let live = self.live.successor();
        let layer = std::mem::replace(&mut self.live, live);
        self.frozen.push_back(Arc::new(Frozen { layer, end: self.end }));
    }

    /// What the layers say of one key.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Said<Bytes> {
        let frozen = self.frozen.iter().rev().map(|frozen| &frozen.layer);
        for layer in std::iter::once(&self.live).chain(frozen) {
            match layer.get(space, key) {
                Said::Nothing => {}
                Said::Removed => return Said::Removed,
                Said::Value(value) => return Said::Value(Bytes::copy_from_slice(value)),
            }
        }
        Said::Nothing
    }

    /// Looks for what the layers say of a range. Cheap: what is not, is left to [`Sight::rows`], which needs no lock.
    pub(crate) fn look(&mut self, space: Space, read: &Read) -> Sight {
        let mut live = Vec::new();
        if self.live.has_order(space) {
            live = Limit::of(read).take(self.live.range(space, &read.from, &read.to));
        } else {
            self.freeze();
        }
        Sight { live, frozen: self.frozen.iter().cloned().collect() }
    }
}

/// What was seen of a range: the live layer's rows, and the frozen layers.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// All of them, or as many as fill the page: nothing lies over the live layer.
    live: Vec<Found>,
    /// The oldest first.
    frozen: Vec<Arc<Frozen>>,
}

impl Sight {
    /// What the layers say of the range, in order; of a key that several know, what the newest says.
    pub(crate) fn rows<'a>(&'a self, space: Space, read: &'a Read) -> Merged<'a> {
        let live = self.live.iter().map(|(key, value)| (&key[..], value.as_deref()));
        let mut layers: Vec<Peekable<Box<dyn Iterator<Item = Seen<'a>> + 'a>>> = Vec::new();
        layers.push((Box::new(live) as Box<dyn Iterator<Item = Seen<'a>>>).peekable());
        for frozen in self.frozen.iter().rev() {
            layers.push(frozen.layer.inside(space, &read.from, &read.to).peekable());
        }
        Merged { layers }
    }
}

/// The rows of several layers as one.
pub(crate) struct Merged<'a> {
    /// The newest first.
    layers: Vec<Peekable<Box<dyn Iterator<Item = Seen<'a>> + 'a>>>,
}

impl<'a> Iterator for Merged<'a> {
    type Item = Seen<'a>;

    fn next(&mut self) -> Option<Seen<'a>> {
        let key = self.layers.iter_mut().filter_map(|layer| layer.peek().map(|(key, _)| *key)).min()?;
        let mut newest = None;
        for layer in &mut self.layers {
            if let Some(row) = layer.next_if(|(own, _)| *own == key) {
                newest.get_or_insert(row);
            }
        }
        newest
    }
}

/// How many rows of a layer fill a page.
struct Limit {
    rows_left: usize,
    bytes_left: usize,
    values: bool,
}

impl Limit {
    fn of(read: &Read) -> Self {
        Self { rows_left: read.rows_max, bytes_left: read.bytes_max.max(1), values: read.values }
    }

    fn is_reached(&self) -> bool {
        self.rows_left == 0 || self.bytes_left == 0
    }

    fn count(&mut self, key: usize, value: Option<usize>) {
        if let Some(value) = value {
            self.rows_left = self.rows_left.saturating_sub(1);
            self.bytes_left = self.bytes_left.saturating_sub(key + if self.values { value } else { 0 });
        }
    }

    /// The first rows, up to the one that fills the page.
    fn take<'a>(&mut self, rows: impl Iterator<Item = Seen<'a>>) -> Vec<Found> {
        let mut found = Vec::new();
        for (key, value) in rows {
            if self.is_reached() {
                break;
            }
            self.count(key.len(), value.map(<[u8]>::len));
            found.push((Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice)));
        }
        found
    }
}
