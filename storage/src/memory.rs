//! A store without files.

use crate::leases::Leases;
use crate::page::Filling;
use crate::{Counters, Error, Outcome, Store};
use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Page, Read, SlotRange};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps records in memory, as durable as the process.
///
/// Clones are handles of one store. A simulated crash drops what runs on a handle and goes on with
/// [`reopen`](Self::reopen): groups whose [`commit`](Store::commit) was called are there, others are not. Nothing
/// is ever synced, so [`Counters::syncs`] and [`Counters::bytes_written`] stay 0.
///
/// ```
/// use sarsen_protocol::SlotRange;
/// use sarsen_storage::{MemoryStore, Store};
///
/// let store = MemoryStore::new();
/// let lease = store.acquire(SlotRange::ALL).unwrap();
/// assert_eq!(store.reopen().last(lease).unwrap().map(|number| number.0), Some(0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    contents: Arc<Mutex<Contents>>,
    groups: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Contents {
    leases: Leases,
    keyspaces: [BTreeMap<Bytes, Bytes>; Keyspace::ALL.len()],
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with the same contents, as if this one had been closed and its files opened anew: leases and
    /// records stay, counters begin at 0.
    pub fn reopen(&self) -> Self {
        Self { contents: Arc::clone(&self.contents), groups: Arc::default() }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Nothing below panics while it holds the lock, so the contents are whole whatever the flag says.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        Ok(self.contents().leases.acquire(slots).0.lease)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        let mut contents = self.contents();
        let admission = contents.leases.admit(group);
        for write in admission.batches(group).flat_map(|batch| &batch.writes) {
            let keyspace = &mut contents.keyspaces[write.keyspace as usize];
            match &write.value {
                Some(value) => keyspace.insert(write.key.clone(), value.clone()),
                None => keyspace.remove(&write.key),
            };
        }
        contents.leases.advance(&admission);
        if admission.admitted().next().is_some() {
            self.groups.fetch_add(1, Ordering::Relaxed);
        }
        admission.durable(group)
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        Ok(self.contents().leases.last(lease))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        let contents = self.contents();
        Ok(reads.iter().map(|read| page(&contents.keyspaces[read.keyspace as usize], read)).collect())
    }

    fn counters(&self) -> Counters {
        Counters { groups: self.groups.load(Ordering::Relaxed), ..Counters::default() }
    }
}

fn page(keyspace: &BTreeMap<Bytes, Bytes>, read: &Read) -> Page {
    let Some(mut filling) = Filling::begin(read) else { return Page::default() };
    let range = (Bound::Included(&read.from[..]), Bound::Excluded(&read.to[..]));
    let mut records = keyspace.range::<[u8], _>(range);
    while !filling.is_full()
        && let Some((key, value)) = records.next()
    {
        filling.push(key.clone(), || value.clone());
    }
    filling.end()
}
