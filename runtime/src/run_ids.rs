//! Ids for runs that are given none.
//!
//! They stay in one slot for a while, so that runs which are started together lie together in the store, and then go
//! on to a slot of the next shard, so that all shards have their share.

use sarsen_engine::SlotMap;
use sarsen_protocol::{RunId, Slot, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many ids one after the other name the same slot.
const STAY: u64 = 256;

/// A step through the slots of a shard. It is a prime, and so meets all of them; and far, so that what was just
/// written is left alone.
const STRIDE: u64 = 2_654_435_761;

/// Gives each run an id of its own.
#[derive(Debug)]
pub(crate) struct RunIds {
    slots: Arc<SlotMap>,
    /// Where counting began, drawn at random: no two hosts of a store give the same ids.
    base: u64,
    given: AtomicU64,
}

impl RunIds {
    /// Begins at a random place.
    pub(crate) fn new(slots: Arc<SlotMap>) -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self { slots, base: high ^ low.rotate_left(32), given: AtomicU64::new(0) }
    }

    /// The next id.
    pub(crate) fn next(&self, now: Timestamp) -> RunId {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        RunId::generated(now, self.slot(number / STAY), self.base.wrapping_add(number))
    }

    /// The slot of the ids of one stay.
    fn slot(&self, stay: u64) -> Slot {
        let ranges = self.slots.ranges();
        let shards = ranges.len() as u64;
        let (round, shard) = (stay / shards, stay % shards);
        let range = ranges[usize::try_from(shard).unwrap_or_default()];
        let slots = u64::from(range.end() - range.start());
        let step = (self.base.wrapping_add(round.wrapping_mul(STRIDE))) % slots;
        let number = range.start() + u16::try_from(step).unwrap_or_default();
        Slot::new(number).unwrap_or_else(|| unreachable!("a range has slots only"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_stay_in_a_slot_for_a_while_and_go_round_the_shards() {
        let slots = Arc::new(SlotMap::split(3));
        let ids = RunIds::new(Arc::clone(&slots));
        let mut seen = BTreeSet::new();
        for stay in 0..6_u16 {
            let mut named = BTreeSet::new();
            for _ in 0..STAY {
                let id = ids.next(Timestamp::from_micros(1_700_000_000_000_000));
                named.insert(id.named_slot().expect("a generated id names its slot"));
                assert!(seen.insert(id), "no id twice");
            }
            assert_eq!(named.len(), 1);
            let slot = named.first().copied().expect("one");
            assert_eq!(slots.shard(slot).0, stay % 3);
        }
    }

    #[test]
    fn every_slot_has_its_stay() {
        let ids = RunIds::new(Arc::new(SlotMap::split(1)));
        let stays = (0..u64::from(Slot::COUNT)).map(|stay| ids.slot(stay));
        assert_eq!(stays.collect::<BTreeSet<_>>().len(), usize::from(Slot::COUNT));
    }
}
