//! Places: how many operations of a type run off the shard at a time, and who waits for one.
//!
//! Who waits is listed in the order in which it came, up to a limit, and *called* when there is a place for it. It need not
//! stay in memory for that: what it is to do is a row. Beyond the limit the rows are all there is. They are looked through,
//! key by key and round after round, when the list has become short; so the list is bounded, whoever waits comes into it,
//! and nobody passes those who are in it. Such a look may be answered as of any commit since it was asked for, so it begins
//! when the rows that it is to find are durable.

use bytes::Bytes;
use sarsen_protocol::{Address, BatchNumber, HashSet};
use std::collections::{BTreeMap, VecDeque};

/// The places of all types, by their names.
#[derive(Debug, Default)]
pub(crate) struct Places {
    kinds: BTreeMap<&'static str, Kind>,
    /// Whether some entities that wait are not listed.
    far: bool,
}

/// The places of one type.
#[derive(Debug, Default)]
struct Kind {
    running: usize,
    /// Who waits, in order.
    waiting: VecDeque<Address>,
    /// The same.
    listed: HashSet<Address>,
    /// For whom there is a place, and who has not taken it.
    called: HashSet<Address>,
    /// The batches with rows of entities that wait and are not listed and that the round does not find for sure.
    missed: Option<Missed>,
    /// Where the round goes on.
    cursor: Option<Bytes>,
    reading: bool,
}

/// Batches, from the first to the last.
#[derive(Clone, Copy, Debug)]
struct Missed {
    first: BatchNumber,
    last: BatchNumber,
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Operations that run.
    pub(crate) running: usize,
    /// Entities that are listed.
    pub(crate) listed: usize,
}

impl Kind {
    fn has_place(&self, most: Most) -> bool {
        self.running + self.called.len() < most.running
    }

    /// Whether entities wait that may not be listed.
    fn is_far(&self) -> bool {
        self.missed.is_some() || self.cursor.is_some() || self.reading
    }

    fn wants_rows(&self, committed: BatchNumber, listed_max: usize) -> bool {
        // Not the last: as long as more come in, there is always one that is not durable.
        let durable = self.missed.is_some_and(|missed| missed.first <= committed);
        !self.reading && self.waiting.len() <= listed_max / 2 && (self.cursor.is_some() || durable)
    }
}

impl Places {
    /// Entities that are listed.
    pub(crate) fn waiting(&self) -> usize {
        self.kinds.values().map(|kind| kind.waiting.len() + kind.called.len()).sum()
    }

    /// Takes a place for an entity, or lists it; `row` is the batch that writes its row.
    pub(crate) fn take(
        &mut self,
        name: &'static str,
        address: &Address,
        most: Most,
        row: BatchNumber,
    ) -> bool {
        let kind = self.kinds.entry(name).or_default();
        let first = kind.waiting.is_empty() && !kind.is_far();
        if kind.called.remove(address) || (first && kind.has_place(most)) {
            kind.running += 1;
            return true;
        }
        if kind.listed.contains(address) {
            return false;
        }
        if kind.is_far() || kind.waiting.len() >= most.listed {
            let first = kind.missed.map_or(row, |missed| missed.first);
            kind.missed = Some(Missed { first, last: row });
            self.far = true;
        } else {
            kind.listed.insert(address.clone());
            kind.waiting.push_back(address.clone());
        }
        false
    }

    /// Gives the place of an operation back that has ended.
    pub(crate) fn leave(&mut self, name: &str) {
        if let Some(kind) = self.kinds.get_mut(name) {
            debug_assert!(kind.running > 0, "who leaves a place has taken it");
            kind.running = kind.running.saturating_sub(1);
        }
    }

    /// Calls the next who waits, if there is a place for it.
    pub(crate) fn call(&mut self, name: &str, most: Most) -> Option<Address> {
        let kind = self.kinds.get_mut(name).filter(|kind| kind.has_place(most))?;
        let next = kind.waiting.pop_front()?;
        kind.listed.remove(&next);
        kind.called.insert(next.clone());
        Some(next)
    }

    /// Whether an entity is called and has not taken its place.
    pub(crate) fn is_called(&self, address: &Address) -> bool {
        self.kinds.get(address.name()).is_some_and(|kind| kind.called.contains(address))
    }

    /// Notes that an entity which is called has no use for its place.
    pub(crate) fn decline(&mut self, address: &Address) {
        if let Some(kind) = self.kinds.get_mut(address.name()) {
            kind.called.remove(address);
        }
    }

    /// The type whose rows are to be looked through, and from where on; `None` is from the beginning.
    pub(crate) fn poll_read(
        &mut self,
        committed: BatchNumber,
        listed_max: usize,
    ) -> Option<(&'static str, Option<Bytes>)> {
        if !self.far {
            return None;
        }
        let wants = |(_, kind): &(&&'static str, &mut Kind)| kind.wants_rows(committed, listed_max);
        let (name, kind) = self.kinds.iter_mut().find(wants)?;
        kind.reading = true;
        let from = kind.cursor.take();
        if from.is_none() {
            let later = kind.missed.map(|missed| missed.last).filter(|last| *last > committed);
            kind.missed = later.map(|last| Missed { first: last, last });
        }
        Some((name, from))
    }

    /// Lists entities whose rows were found, those for which `is_free` holds and that are not listed; `next`: where the
    /// round goes on behind them.
    pub(crate) fn found(
        &mut self,
        name: &str,
        found: impl Iterator<Item = (Address, Bytes)>,
        next: Option<Bytes>,
        listed_max: usize,
    ) {
        let Some(kind) = self.kinds.get_mut(name) else { return };
        kind.reading = false;
        kind.cursor = next;
        for (address, row) in found {
            if kind.waiting.len() >= listed_max {
                kind.cursor = Some(row);
                break;
            }
            if !kind.called.contains(&address) && kind.listed.insert(address.clone()) {
                kind.waiting.push_back(address);
            }
        }
        self.far = self.kinds.values().any(Kind::is_far);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Most = Most { running: 2, listed: 2 };
    const BATCH: BatchNumber = BatchNumber(7);

    fn at(key: &str) -> Address {
        Address::entity("probe", key).expect("valid")
    }

    fn take(places: &mut Places, key: &str) -> bool {
        places.take("probe", &at(key), MOST, BATCH)
    }

    fn next(places: &mut Places) -> Option<String> {
        places.call("probe", MOST).map(|address| address.key().to_owned())
    }

    #[test]
    fn who_waits_is_called_in_order_and_nobody_passes() {
        let mut places = Places::default();
        assert!(take(&mut places, "a") && take(&mut places, "b"));
        assert!(!take(&mut places, "c") && !take(&mut places, "d") && !take(&mut places, "c"));
        assert_eq!(next(&mut places), None, "there is no place");
        places.leave("probe");
        assert!(!take(&mut places, "e"), "others wait");
        assert_eq!(next(&mut places).as_deref(), Some("c"));
        assert_eq!(next(&mut places), None, "the place is c's");
        assert!(take(&mut places, "c"));
        places.leave("probe");
        assert_eq!(next(&mut places).as_deref(), Some("d"));
        places.decline(&at("d"));
        assert_eq!(next(&mut places), None, "who is not listed is not known");
    }

    #[test]
    fn who_is_not_listed_is_found_by_its_row_once_that_is_durable() {
        let mut places = Places::default();
        assert!(take(&mut places, "a") && take(&mut places, "b"));
        for key in ["c", "d", "e", "f", "g"] {
            assert!(!take(&mut places, key));
        }
        assert_eq!(places.poll_read(BATCH, 2), None, "the list is full");
        places.leave("probe");
        assert_eq!(next(&mut places).as_deref(), Some("c"));
        assert_eq!(places.poll_read(BatchNumber(6), 2), None, "the rows are not durable");
        assert_eq!(places.poll_read(BATCH, 2), Some(("probe", None)));
        assert_eq!(places.poll_read(BATCH, 2), None, "one round at a time");
        let rows = ["d", "e", "f", "g"].map(|key| (at(key), Bytes::copy_from_slice(key.as_bytes())));
        places.found("probe", rows.into_iter(), None, 2);
        places.leave("probe");
        assert_eq!((next(&mut places).as_deref(), next(&mut places)), (Some("d"), None));
        assert_eq!(
            places.poll_read(BATCH, 2),
            Some(("probe", Some(Bytes::from_static(b"f")))),
            "where it stopped"
        );
        assert!(!take(&mut places, "h"), "it is not listed before the others");
        places.found("probe", std::iter::empty(), None, 2);
        assert_eq!(places.poll_read(BATCH, 2), Some(("probe", None)), "h is looked for in another round");
    }

    #[test]
    fn a_stream_of_others_does_not_put_off_the_search_for_those_who_wait() {
        let (mut places, nobody) = (Places::default(), Most { running: 0, listed: 0 });
        assert!(!places.take("probe", &at("first"), nobody, BatchNumber(1)));
        for committed in 1..100 {
            let (committed, open) = (BatchNumber(committed), BatchNumber(committed + 1));
            assert!(!places.take("probe", &at(&format!("later-{open:?}")), nobody, open));
            assert_eq!(places.poll_read(committed, 0), Some(("probe", None)), "{committed:?} is durable");
            places.found("probe", std::iter::empty(), None, 0);
        }
    }
}
