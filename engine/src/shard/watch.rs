//! Locks that outlive their batch, so that an owner who holds one for long is reported: once, and never disturbed.
//!
//! A lock is watched from the batch that writes its row to the one that deletes it. One that comes and goes within a batch
//! has no row and is never seen here. Rows of earlier processes are found beside the first turns; what changes while they
//! are read is newer than what is read.

use crate::record::{self, LockRecord};
use sarsen_protocol::{Address, HashMap, Page, Section, Timestamp, record::RecordError};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many locks are watched in a shard. One that is taken beyond it never is, which the limit's page says.
const WATCHED_MAX: usize = 65_536;

/// The locks that are held for longer than a batch.
#[derive(Debug)]
pub(crate) struct Watch {
    /// How long one may be held.
    time: Duration,
    /// Since when the lock of each entity is held.
    since: HashMap<Address, Timestamp>,
    /// Those that were not reported, in the order in which they are.
    due: BTreeMap<(Timestamp, Address), Section>,
    /// The entities whose locks have changed while the rows of earlier processes are read.
    changed: Option<BTreeSet<Address>>,
}

/// A lock that is held for long.
#[derive(Debug)]
pub(crate) struct Overdue {
    pub(crate) entity: Address,
    pub(crate) section: Section,
    pub(crate) since: Timestamp,
}

impl Watch {
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, since: HashMap::default(), due: BTreeMap::new(), changed: Some(BTreeSet::new()) }
    }

    /// Notes the lock of an entity as it is written.
    pub(crate) fn note(&mut self, entity: &Address, lock: Option<&LockRecord>) {
        if let Some(changed) = &mut self.changed {
            changed.insert(entity.clone());
        }
        self.forget(entity);
        if let Some(lock) = lock {
            self.add(entity.clone(), lock);
        }
    }

    fn forget(&mut self, entity: &Address) {
        if let Some(since) = self.since.remove(entity) {
            self.due.remove(&(since, entity.clone()));
        }
    }

    fn add(&mut self, entity: Address, lock: &LockRecord) {
        if self.time != Duration::MAX && self.since.len() < WATCHED_MAX {
            self.since.insert(entity.clone(), lock.since);
            self.due.insert((lock.since, entity), lock.section.clone());
        }
    }

    /// Takes in rows of earlier processes.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        for row in &page.rows {
            let entity = record::read_instance_key(&row.key)?;
            if !self.changed.as_ref().is_some_and(|changed| changed.contains(&entity)) {
                self.add(entity, &record::read_lock(&row.value)?);
            }
        }
        Ok(())
    }

    /// All rows of earlier processes have been read.
    pub(crate) fn found_all(&mut self) {
        self.changed = None;
    }

    /// When the next is to be reported.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((since, _), _)| since.after(self.time))
    }

    /// The next that is to be reported, each once.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Overdue> {
        let first = self.due.first_entry().filter(|first| first.key().0.after(self.time) <= now)?;
        let ((since, entity), section) = first.remove_entry();
        Some(Overdue { entity, section, since })
    }

    /// How many are held that have been reported.
    pub(crate) fn overdue(&self) -> u64 {
        (self.since.len() - self.due.len()) as u64
    }
}
