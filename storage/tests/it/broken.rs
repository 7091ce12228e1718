//! The conformance kit can fail: each of these stores breaks a promise, and the kit names it. The empty fault breaks
//! none, so it is the faults that are found and not their wrapper.

use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Page, Read, Receipt, SlotRange};
use sarsen_storage::conformance::{self, Harness};
use sarsen_storage::{Counters, Error, MemoryStore, Outcome, Store};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    ReversesRows,
    IncludesTheEnd,
    ReadsReversedRanges,
    IgnoresRowsMax,
    NeverSaysMore,
    IgnoresBytesMax,
    AlwaysReadsValues,
    MixesKeyspaces,
    ReversesPages,
    CutsLargeValues,
    FirstWriteStands,
    LosesDeletes,
    FailsOnMissingDeletes,
    SkipsEmptyBatches,
    NumbersFromZero,
    AcceptsGaps,
    ReversesOutcomes,
    CountsReads,
    ForgetsOnReopen,
    ReusesEpochs,
    VoidsAll,
    IgnoresFencing,
    FencesWholeGroups,
    RevivesOnReopen,
    ShowsBatchesEarly,
    ReadsSeveralStates,
}

/// Each fault with the promise that it breaks; together they break all.
const FAULTS: [(Fault, &str); 26] = [
    (Fault::ReversesRows, "records come back in the order of their keys"),
    (Fault::IncludesTheEnd, "a read holds its first key, not its last, and nothing outside"),
    (Fault::ReadsReversedRanges, "an empty or reversed range is an empty page"),
    (Fault::IgnoresRowsMax, "a read ends at rows_max and says so, also at the exact end"),
    (Fault::NeverSaysMore, "a read ends at rows_max and says so, also at the exact end"),
    (Fault::IgnoresBytesMax, "a read ends behind the record that reaches bytes_max and says so"),
    (Fault::AlwaysReadsValues, "without values a read returns the keys alone"),
    (Fault::MixesKeyspaces, "keyspaces do not share their keys"),
    (Fault::ReversesPages, "no read is answered by no page, and many in their order"),
    (Fault::CutsLargeValues, "large keys and values come back as they were"),
    (Fault::FirstWriteStands, "of several writes to a key in a group the last one stands"),
    (Fault::LosesDeletes, "a deleted record is gone"),
    (Fault::FailsOnMissingDeletes, "deleting what is not there is no error"),
    (Fault::SkipsEmptyBatches, "an empty batch counts and an empty group does nothing"),
    (Fault::NumbersFromZero, "the last number is that of the last durable batch"),
    (Fault::AcceptsGaps, "a batch that does not continue its lease is not written, the others are"),
    (Fault::ReversesOutcomes, "a group answers each lease once, in the order of their first batches"),
    (Fault::CountsReads, "committed groups are counted, and reads are not"),
    (Fault::ForgetsOnReopen, "records, leases and numbers are there when the store is opened again"),
    (Fault::ReusesEpochs, "each acquisition has a greater epoch, also after the store is opened again"),
    (Fault::VoidsAll, "acquiring slots voids the leases that share one and no others"),
    (Fault::IgnoresFencing, "a void lease writes nothing, and the others of its group are written"),
    (Fault::FencesWholeGroups, "a void lease writes nothing, and the others of its group are written"),
    (Fault::RevivesOnReopen, "a lease from before a reopen is void once its slots are acquired again"),
    (Fault::ShowsBatchesEarly, "all reads of a call see one state, in which each group is whole"),
    (Fault::ReadsSeveralStates, "all reads of a call see one state, in which each group is whole"),
];

/// A memory store with a fault between it and its caller.
struct Broken {
    inner: MemoryStore,
    fault: Fault,
    opened: u64,
    /// All leases that were ever given, over every open.
    given: Arc<Mutex<Vec<Lease>>>,
    reads: AtomicU64,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Gives readers time to look, but does not wait for ever: most checks have none.
    fn let_readers_look(&self) {
        let seen = self.reads.load(Ordering::SeqCst);
        for _ in 0..300 {
            if self.reads.load(Ordering::SeqCst) > seen + 2 {
                return;
            }
            thread::yield_now();
        }
    }

    /// Writes `batch` whoever has its slots, and says that it was in order.
    fn force(&self, batch: &Batch) -> (Lease, Outcome) {
        let lease = self.inner.acquire(SlotRange::ALL).unwrap();
        self.inner.commit(&[Batch { lease, number: BatchNumber(1), writes: batch.writes.clone() }]);
        (batch.lease, Outcome::Durable(Receipt::durable(batch)))
    }

    fn is_missing(&self, keyspace: Keyspace, key: &[u8]) -> bool {
        let to = [key, &[0]].concat().into();
        let from = key.to_vec().into();
        let read = Read { keyspace, from, to, rows_max: 1, bytes_max: 1, values: false };
        self.inner.read(&[read]).unwrap()[0].rows.is_empty()
    }

    /// The group as the inner store gets it.
    fn alter(&self, group: &[Batch]) -> Vec<Batch> {
        let mut group = group.to_vec();
        let mut written = BTreeSet::new();
        for batch in &mut group {
            for write in &mut batch.writes {
                match &mut write.value {
                    Some(value) if self.is(Fault::CutsLargeValues) => value.truncate(65_536),
                    _ => {}
                }
                if self.is(Fault::MixesKeyspaces) {
                    write.keyspace = Keyspace::Instances;
                }
            }
            batch.writes.retain(|write| {
                let is_first = written.insert((write.keyspace, write.key.clone()));
                let is_kept = write.value.is_some() || !self.is(Fault::LosesDeletes);
                is_kept && (is_first || !self.is(Fault::FirstWriteStands))
            });
        }
        group
    }

    fn page(&self, read: &Read) -> Page {
        let mut read = read.clone();
        match self.fault {
            Fault::IncludesTheEnd => read.to = [&read.to[..], &[0]].concat().into(),
            Fault::ReadsReversedRanges if read.to < read.from => std::mem::swap(&mut read.from, &mut read.to),
            Fault::IgnoresRowsMax => read.rows_max = usize::MAX,
            Fault::IgnoresBytesMax => read.bytes_max = usize::MAX,
            Fault::AlwaysReadsValues => read.values = true,
            Fault::MixesKeyspaces => read.keyspace = Keyspace::Instances,
            Fault::ReadsSeveralStates => self.let_writers_write(),
            _ => {}
        }
        let mut page = self.inner.read(&[read]).unwrap().remove(0);
        match self.fault {
            Fault::ReversesRows => page.rows.reverse(),
            Fault::NeverSaysMore => page.more = false,
            _ => {}
        }
        page
    }

    fn let_writers_write(&self) {
        let groups = self.inner.counters().groups;
        for _ in 0..300 {
            if self.inner.counters().groups > groups {
                return;
            }
            thread::yield_now();
        }
    }
}

impl Store for Broken {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        let mut given = self.given.lock().unwrap();
        let held = given.iter().rfind(|lease| lease.slots == slots).copied();
        if let Some(lease) = held.filter(|_| self.is(Fault::ReusesEpochs)) {
            return Ok(lease);
        }
        if self.is(Fault::VoidsAll) {
            self.inner.acquire(SlotRange::ALL)?;
        }
        let lease = self.inner.acquire(slots)?;
        given.push(lease);
        Ok(lease)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        let altered = self.alter(group);
        let is_void = |batch: &Batch| self.inner.last(batch.lease).unwrap().is_none();
        let follows =
            |batch: &Batch| self.inner.last(batch.lease).unwrap() == Some(BatchNumber(batch.number.0 - 1));
        let has_missing = |batch: &Batch| {
            batch.writes.iter().any(|w| w.value.is_none() && self.is_missing(w.keyspace, &w.key))
        };
        match self.fault {
            Fault::FailsOnMissingDeletes if altered.iter().any(has_missing) => {
                vec![(group[0].lease, Outcome::Unknown(Error::Stopped))]
            }
            Fault::SkipsEmptyBatches => {
                let full: Vec<Batch> = altered.into_iter().filter(|batch| !batch.writes.is_empty()).collect();
                self.inner.commit(&full)
            }
            Fault::AcceptsGaps if !altered.iter().all(follows) => {
                altered.iter().map(|b| self.force(b)).collect()
            }
            Fault::IgnoresFencing if altered.iter().any(is_void) => {
                altered.iter().map(|b| self.force(b)).collect()
            }
            Fault::RevivesOnReopen if self.opened > 1 && altered.iter().any(is_void) => {
                altered.iter().map(|b| self.force(b)).collect()
            }
            Fault::FencesWholeGroups if altered.iter().any(is_void) => {
                altered.iter().map(|batch| (batch.lease, Outcome::Fenced)).collect()
            }
            Fault::ReversesOutcomes => self.inner.commit(&altered).into_iter().rev().collect(),
            Fault::ShowsBatchesEarly => {
                let mut outcomes = Vec::new();
                for batch in altered {
                    outcomes.extend(self.inner.commit(&[batch]));
                    self.let_readers_look();
                }
                outcomes
            }
            _ => self.inner.commit(&altered),
        }
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        let last = self.inner.last(lease)?;
        Ok(last.map(
            |number| if self.is(Fault::NumbersFromZero) { BatchNumber(number.0.max(1) - 1) } else { number },
        ))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if matches!(self.fault, Fault::None | Fault::ShowsBatchesEarly) {
            return self.inner.read(reads);
        }
        let mut pages: Vec<Page> = reads.iter().map(|read| self.page(read)).collect();
        if self.is(Fault::ReversesPages) {
            pages.reverse();
        }
        Ok(pages)
    }

    fn counters(&self) -> Counters {
        let reads = if self.is(Fault::CountsReads) { self.reads.load(Ordering::SeqCst) } else { 0 };
        let counters = self.inner.counters();
        Counters { groups: counters.groups + reads, ..counters }
    }
}

struct Breaking {
    store: MemoryStore,
    fault: Fault,
    opened: u64,
    given: Arc<Mutex<Vec<Lease>>>,
}

impl Harness for Breaking {
    fn create(&mut self) -> Box<dyn Store> {
        *self = Self { opened: 0, ..breaking(self.fault) };
        self.reopen()
    }

    fn reopen(&mut self) -> Box<dyn Store> {
        self.opened += 1;
        if self.fault == Fault::ForgetsOnReopen && self.opened > 1 {
            self.store = MemoryStore::new();
        }
        Box::new(Broken {
            inner: self.store.reopen(),
            fault: self.fault,
            opened: self.opened,
            given: Arc::clone(&self.given),
            reads: AtomicU64::new(0),
        })
    }
}

fn breaking(fault: Fault) -> Breaking {
    Breaking { store: MemoryStore::new(), fault, opened: 0, given: Arc::default() }
}

#[test]
fn a_store_without_a_fault_passes() {
    assert_eq!(conformance::violations(&mut breaking(Fault::None)), []);
}

#[test]
fn every_fault_breaks_its_promise() {
    for (fault, promise) in FAULTS {
        let broken = conformance::violations(&mut breaking(fault));
        assert!(broken.iter().any(|violation| violation.promise == promise), "{fault:?}: {broken:?}");
    }
}

#[test]
fn every_promise_is_broken_by_a_fault() {
    let broken: BTreeSet<&str> = FAULTS.iter().map(|(_, promise)| *promise).collect();
    let promises: BTreeSet<&str> = conformance::promises().collect();
    assert_eq!(broken, promises);
}

#[test]
fn a_violation_names_the_promise_and_what_was_found() {
    let violation = conformance::check(&mut breaking(Fault::LosesDeletes)).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "the store breaks a promise: of several writes to a key in a group the last one stands; the records should be \
         [([97], [50]), ([99], [51])] and is [([97], [50]), ([98], [49]), ([99], [51])]"
    );
}
