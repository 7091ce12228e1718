//! Rows that do not rest in the tables yet: the newest value of each key.
//!
//! Keys and values lie one behind the other in large chunks, and a hash table says where; a value that fits into the
//! place of the one before it is written over it. So a row costs its bytes and some thirty more, and rows that are
//! written again and again cost nothing. Order is made when it is asked for: of a small space at once, and then kept
//! up; of a frozen layer once and for all.

use crate::journal::{Row, Space};
use bytes::Bytes;
use hashbrown::{HashTable, hash_table::Entry};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::OnceLock;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Rows lie in chunks of so many bytes; a larger one has a chunk of its own.
const CHUNK_BYTES: usize = 1 << 20;

/// A space with more rows is not put in order while commits wait: the layer is to be frozen first.
const ORDERED_AT_ONCE_MAX: usize = 4096;

/// What a value's place is rounded up to, so that a counter that gains a digit stays where it is.
const ROOM_UNIT: usize = 16;

/// The length of a value that removes its row.
const REMOVED: u32 = u32::MAX;

/// Rows of all spaces.
#[derive(Debug)]
pub(crate) struct Layer {
    spaces: [Places; Space::COUNT],
    chunks: Vec<Vec<u8>>,
    chunk_bytes: usize,
    /// Keeps keys that somebody chooses from falling into one place.
    seed: u64,
}

/// Where the rows of a space are.
#[derive(Debug, Default)]
struct Places {
    table: HashTable<Place>,
    /// The keys in order, once they have been asked for.
    order: Option<BTreeSet<Box<[u8]>>>,
    /// Whether anybody has asked for an order.
    asked: bool,
    /// All rows in order, once the layer is frozen.
    sorted: OnceLock<Vec<(u64, Place)>>,
}

/// Where a row is.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    chunk: u32,
    offset: u32,
    key_bytes: u32,
    /// Or [`REMOVED`].
    value_bytes: u32,
    /// What the value may grow to.
    room: u32,
}

/// What layers say of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<T> {
    /// Nothing: what is below counts.
    Nothing,
    /// That there is no row, whatever is below.
    Removed,
    /// Its value.
    Value(T),
}

/// A row as a layer has it; without a value it hides what is below.
pub(crate) type Seen<'a> = (&'a [u8], Option<&'a [u8]>);

/// The same, copied.
pub(crate) type Found = (Bytes, Option<Bytes>);

impl Layer {
    pub(crate) fn new() -> Self {
        let spaces = std::array::from_fn(|_| Places::default());
        Self { spaces, chunks: Vec::new(), chunk_bytes: 0, seed: RandomState::new().hash_one(0) }
    }

    /// A layer without rows to follow this one; spaces whose order was asked for are in order from the first row on.
    pub(crate) fn successor(&self) -> Self {
        let mut successor = Self::new();
        for (next, space) in successor.spaces.iter_mut().zip(&self.spaces) {
            next.order = space.asked.then(BTreeSet::new);
        }
        successor
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.spaces.iter().all(|space| space.table.is_empty())
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let sorted = |space: &Places| space.sorted.get().map_or(0, |sorted| size_of_val(&sorted[..]));
        let places = self.spaces.iter().map(|space| space.table.allocation_size() + sorted(space));
        self.chunk_bytes + places.sum::<usize>()
    }

    /// Sets or removes a row.
    pub(crate) fn apply(&mut self, row: Row<'_>) {
        let hash = self.hash(row.key);
        let space = &mut self.spaces[row.space.index()];
        let chunks = &mut self.chunks;
        let is_same = |place: &Place| place.hash == hash && place.key(chunks) == row.key;
        match space.table.entry(spread(hash), is_same, |place| spread(place.hash)) {
            Entry::Occupied(mut entry) if entry.get().has_room(row.value) => {
                entry.get_mut().write(chunks, row.value);
            }
            Entry::Occupied(mut entry) => *entry.get_mut() = put(chunks, &mut self.chunk_bytes, hash, row),
            Entry::Vacant(entry) => {
                entry.insert(put(chunks, &mut self.chunk_bytes, hash, row));
                if let Some(order) = &mut space.order {
                    order.insert(row.key.into());
                }
            }
        }
    }

    /// What the layer says of `key`.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Said<&[u8]> {
        let hash = self.hash(key);
        let table = &self.spaces[space.index()].table;
        let found = table.find(spread(hash), |place| place.hash == hash && place.key(&self.chunks) == key);
        found.map_or(Said::Nothing, |place| place.value(&self.chunks).map_or(Said::Removed, Said::Value))
    }

    /// Whether [`range`](Self::range) may be asked for while commits wait; it then is cheap.
    pub(crate) fn has_order(&mut self, space: Space) -> bool {
        let space = &mut self.spaces[space.index()];
        space.asked = true;
        if space.order.is_none() && space.table.len() <= ORDERED_AT_ONCE_MAX {
            let chunks = &self.chunks;
            space.order = Some(space.table.iter().map(|place| place.key(chunks).into()).collect());
        }
        space.order.is_some()
    }

    /// The rows with `from <= key < to` in order, of a space that has an order.
    pub(crate) fn range<'a>(
        &'a self,
        space: Space,
        from: &'a [u8],
        to: &'a [u8],
    ) -> impl Iterator<Item = Seen<'a>> {
        let order = self.spaces[space.index()].order.as_ref();
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let keys = order.into_iter().flat_map(move |order| order.range::<[u8], _>(bounds));
        keys.filter_map(move |key| match self.get(space, key) {
            Said::Nothing => None,
            Said::Removed => Some((&**key, None)),
            Said::Value(value) => Some((&**key, Some(value))),
        })
    }

    /// The rows with `from <= key < to` in order, of any space. Only once nothing is applied any more.
    pub(crate) fn inside<'a>(
        &'a self,
        space: Space,
        from: &'a [u8],
        to: &'a [u8],
    ) -> Box<dyn Iterator<Item = Seen<'a>> + 'a> {
        if self.spaces[space.index()].order.is_some() {
            return Box::new(self.range(space, from, to));
        }
        let sorted = self.sorted(space);
        Box::new(sorted.from(sorted.find(from)).take_while(move |(key, _)| *key < to))
    }

    /// All rows of a space in order. Only once nothing is applied any more.
    pub(crate) fn sorted(&self, space: Space) -> Sorted<'_> {
        let places = &self.spaces[space.index()];
        let sorted = places.sorted.get_or_init(|| {
            // The begin of a key decides most comparisons, without a look at the key.
            let mut sorted: Vec<(u64, Place)> =
                places.table.iter().map(|place| (begin(place.key(&self.chunks)), *place)).collect();
            sorted.sort_unstable_by(|(a, x), (b, y)| {
                a.cmp(b).then_with(|| x.key(&self.chunks).cmp(y.key(&self.chunks)))
            });
            sorted
        });
        Sorted { chunks: &self.chunks, places: sorted }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        (xxh3_64_with_seed(key, self.seed) >> 32) as u32
    }
}

/// The rows of a space in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sorted<'a> {
    chunks: &'a [Vec<u8>],
    places: &'a [(u64, Place)],
}

impl<'a> Sorted<'a> {
    pub(crate) fn len(self) -> usize {
        self.places.len()
    }

    /// The row at `index` and all behind it.
    pub(crate) fn from(self, index: usize) -> impl Iterator<Item = Seen<'a>> {
        self.places[index..].iter().map(move |(_, place)| (place.key(self.chunks), place.value(self.chunks)))
    }

    /// Where the first key that is not less than `key` is.
    pub(crate) fn find(self, key: &[u8]) -> usize {
        self.places.partition_point(|(_, place)| place.key(self.chunks) < key)
    }
}

impl Place {
    fn key(self, chunks: &[Vec<u8>]) -> &[u8] {
        let from = self.offset as usize;
        &chunks[self.chunk as usize][from..from + self.key_bytes as usize]
    }

    fn value(self, chunks: &[Vec<u8>]) -> Option<&[u8]> {
        let from = (self.offset + self.key_bytes) as usize;
        let len = (self.value_bytes != REMOVED).then_some(self.value_bytes as usize)?;
        Some(&chunks[self.chunk as usize][from..from + len])
    }

    fn has_room(&self, value: Option<&[u8]>) -> bool {
        value.is_none_or(|value| value.len() <= self.room as usize)
    }

    fn write(&mut self, chunks: &mut [Vec<u8>], value: Option<&[u8]>) {
        self.value_bytes = length(value);
        if let Some(value) = value {
            let from = (self.offset + self.key_bytes) as usize;
            chunks[self.chunk as usize][from..from + value.len()].copy_from_slice(value);
        }
    }
}

/// Puts a row behind the last one.
fn put(chunks: &mut Vec<Vec<u8>>, chunk_bytes: &mut usize, hash: u32, row: Row<'_>) -> Place {
    let value = row.value.unwrap_or_default();
    let room = value.len().next_multiple_of(ROOM_UNIT);
    let bytes = row.key.len() + room;
    if chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < bytes) {
        // The first one is small: many stores never hold more.
        let chunk =
            Vec::with_capacity(bytes.max(if chunks.is_empty() { CHUNK_BYTES / 16 } else { CHUNK_BYTES }));
        *chunk_bytes += chunk.capacity();
        chunks.push(chunk);
    }
    let index = chunks.len() - 1;
    let chunk = &mut chunks[index];
    let offset = chunk.len();
    chunk.extend_from_slice(row.key);
    chunk.extend_from_slice(value);
    chunk.resize(offset + bytes, 0);
    let narrow = |number: usize| u32::try_from(number).expect("rows and chunks are below 4 GiB");
    Place {
        hash,
        chunk: narrow(index),
        offset: narrow(offset),
        key_bytes: narrow(row.key.len()),
        value_bytes: length(row.value),
        room: narrow(room),
    }
}

fn length(value: Option<&[u8]>) -> u32 {
    value.map_or(REMOVED, |value| u32::try_from(value.len()).expect("rows are below 4 GiB"))
}

/// The hash as the table wants it, which looks at its first and last bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The first bytes of a key, as a number in the order of keys.
fn begin(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = key.len().min(8);
    bytes[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(bytes)
}
