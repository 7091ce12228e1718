//! Ids, indices and sequence numbers, each a type of its own.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the [`Slot::COUNT`] parts into which all instances are hashed.
///
/// A slot never changes for an address; which shard owns it may. Records are keyed by slot, so the number of
/// shards may differ at each open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(u16);

impl Slot {
    /// How many slots there are. Written down by stores; another figure is another format.
    pub const COUNT: u16 = 4096;

    /// The version of the hash that places addresses, xxh3-64. Written down by stores.
    pub const HASH_VERSION: u16 = 1;

    /// The slot of a hash.
    pub fn of_hash(hash: u64) -> Self {
        let [.., high, low] = (hash % u64::from(Self::COUNT)).to_be_bytes();
        Self(u16::from_be_bytes([high, low]))
    }

    /// The slot with this number, if there is one.
    pub fn new(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// The number, below [`Slot::COUNT`].
    pub fn number(self) -> u16 {
        self.0
    }
}

/// A contiguous, non-empty range of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotRange {
    start: u16,
    end: u16,
}

impl SlotRange {
    /// All slots.
    pub const ALL: Self = Self { start: 0, end: Slot::COUNT };

    /// The slots from `start` up to, not including, `end`; `None` when empty or out of range.
    pub fn new(start: u16, end: u16) -> Option<Self> {
        (start < end && end <= Slot::COUNT).then_some(Self { start, end })
    }

    /// Cuts all slots into `shards` ranges whose sizes differ by one at most.
    ///
    /// # Panics
    /// If `shards` is 0 or more than [`Slot::COUNT`].
    pub fn split(shards: u16) -> Vec<Self> {
        assert!((1..=Slot::COUNT).contains(&shards), "1 to {} shards, not {shards}", Slot::COUNT);
        let cut = |index: u16| -> u16 {
            let at = u32::from(index) * u32::from(Slot::COUNT) / u32::from(shards);
            u16::try_from(at).expect("a cut is at most the number of slots")
        };
        (0..shards).map(|index| Self { start: cut(index), end: cut(index + 1) }).collect()
    }

    /// The first slot's number.
    pub fn start(self) -> u16 {
        self.start
    }

    /// One past the last slot's number.
    pub fn end(self) -> u16 {
        self.end
    }

    /// Whether `slot` is in this range.
    pub fn contains(self, slot: Slot) -> bool {
        (self.start..self.end).contains(&slot.0)
    }

    /// Whether the two ranges have a slot in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The slots in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Slot> {
        (self.start..self.end).map(Slot)
    }
}

impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A shard's place among the shards of its process, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(pub u16);

/// Grows durably each time slots are acquired; no two acquisitions of a store share one. Counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// A batch's place in the order of its lease: 1, 2, 3, ...; 0 means "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchNumber(pub u64);

impl BatchNumber {
    /// The number that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Names one life of an entity, from a creation to the next deletion. No two of a store are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Life(pub u64);

/// A place in a stream of messages or rows: 1, 2, 3, ... within its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Names one run of a client's process. An answer for a session that is over is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub uuid::Uuid);

/// Names a request within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_covers_every_slot_once() {
        for shards in [1, 2, 3, 7, 4096] {
            let ranges = SlotRange::split(shards);
            assert_eq!(ranges.len(), usize::from(shards));
            let slots: Vec<u16> = ranges.iter().flat_map(|range| range.iter()).map(Slot::number).collect();
            assert_eq!(slots, (0..Slot::COUNT).collect::<Vec<_>>());
        }
    }

    #[test]
    fn ranges_overlap_only_when_they_share_a_slot() {
        let range = |start, end| SlotRange::new(start, end).expect("a valid range");
        assert!(range(0, 2).overlaps(range(1, 3)));
        assert!(!range(0, 2).overlaps(range(2, 3)));
        assert_eq!(SlotRange::new(3, 3), None);
        assert_eq!(SlotRange::new(0, Slot::COUNT + 1), None);
    }
}
