//! All locks: who holds them, who waits for them, and which are about to be given back.
//!
//! A lock that is held is a row. A request waits as a message in the mailbox of its entity, or in the inbox of its slot.
//! So does the end of a section that an entity has not taken yet: a release names the section, a cancel also the set
//! along which it goes.

use crate::record;
use bytes::Bytes;
use sarsen_protocol::{
    Address, Body, HashMap, HashSet, Keyspace, Message, Page, Read, Row, Section, SlotRange, Timestamp,
    record::RecordError,
};

/// Rows of a keyspace read at a time.
const ROWS_MAX: usize = 16_384;
/// Bytes of a keyspace read at a time.
const BYTES_MAX: usize = 16 << 20;

/// How far a section is with the lock of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockStage {
    /// It holds the lock.
    Held,
    /// It waits for it.
    Waiting {
        /// Its place among those that wait, counted from 1.
        place: usize,
    },
    /// The section is over, and the entity has not taken that yet.
    Releasing,
}

/// A lock, held or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLock {
    /// The entity.
    pub entity: Address,
    /// The owner.
    pub section: Section,
    /// How far it is.
    pub stage: LockStage,
    /// Since when it is held, or was asked for.
    pub since: Timestamp,
}

/// Reads all locks. Those of a small store are read from one state; else each part is of a state of its own, and a
/// lock that changes its owner meanwhile may be found twice or not at all.
#[derive(Debug)]
pub struct LockListing {
    /// What is still to be read: the keyspaces, and from where.
    left: Vec<(Keyspace, Bytes)>,
    held: Vec<Found>,
    waiting: Vec<Found>,
    /// Those that no mailbox has accepted yet.
    coming: Vec<Found>,
    ending: HashSet<(Section, Address)>,
}

#[derive(Debug)]
struct Found {
    entity: Address,
    section: Section,
    since: Timestamp,
}

impl Default for LockListing {
    fn default() -> Self {
        Self::new()
    }
}

impl LockListing {
    /// Nothing is read yet.
    pub fn new() -> Self {
        let (from, _) = record::bounds(SlotRange::ALL);
        let all = [Keyspace::Locks, Keyspace::Mailbox, Keyspace::Inbox];
        Self {
            left: all.map(|keyspace| (keyspace, from.clone())).into(),
            held: Vec::new(),
            waiting: Vec::new(),
            coming: Vec::new(),
            ending: HashSet::default(),
        }
    }

    /// What to read next, from one state of the store; `None` when all is read.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        let (_, to) = record::bounds(SlotRange::ALL);
        let read = |(keyspace, from): &(Keyspace, Bytes)| Read {
            keyspace: *keyspace,
            from: from.clone(),
            to: to.clone(),
            rows_max: ROWS_MAX,
            bytes_max: BYTES_MAX,
            values: true,
        };
        (!self.left.is_empty()).then(|| self.left.iter().map(read).collect())
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<(), RecordError> {
        let read = std::mem::take(&mut self.left);
        for ((keyspace, _), page) in read.into_iter().zip(pages) {
            for row in &page.rows {
                self.take_row(keyspace, row)?;
            }
            if let Some(last) = page.rows.last().filter(|_| page.more) {
                self.left.push((keyspace, record::exactly(&last.key).1));
            }
        }
        Ok(())
    }

    fn take_row(&mut self, keyspace: Keyspace, row: &Row) -> Result<(), RecordError> {
        if keyspace == Keyspace::Locks {
            let (entity, lock) = (record::read_instance_key(&row.key)?, record::read_lock(&row.value)?);
            self.held.push(Found { entity, section: lock.section, since: lock.since });
        } else if keyspace == Keyspace::Inbox {
            let request = self.take_message(record::read_message(&row.value)?);
            self.coming.extend(request);
        } else if !is_of_run(row)? {
            let request = self.take_message(record::read_message(&row.value)?);
            self.waiting.extend(request);
        }
        Ok(())
    }

    /// Notes the end of a section; returns a request for a lock.
    fn take_message(&mut self, message: Message) -> Option<Found> {
        match message.body {
            Body::Lock(request) | Body::TryLock(request) => {
                let (section, since) = (request.section, request.since);
                return Some(Found { entity: message.to, section, since });
            }
            Body::Release(section) => {
                self.ending.insert((*section, message.to));
            }
            Body::Cancel(request) => {
                let position = usize::try_from(request.position).unwrap_or(usize::MAX);
                let ahead = request.entities.into_iter().skip(position);
                self.ending.extend(ahead.map(|entity| (request.section.clone(), entity)));
            }
            Body::Operation(_)
            | Body::Start(_)
            | Body::Begin(_)
            | Body::Event(_)
            | Body::Completed(_)
            | Body::Schedule(_)
            | Body::Unschedule(_)
            | Body::Scheduled(_)
            | Body::Suspend { .. }
            | Body::Resume { .. }
            | Body::Terminate { .. }
            | Body::Purge
            | Body::Sweep
            | Body::Due { .. }
            | Body::PurgeThis { .. }
            | Body::Expire { .. }
            | Body::Import(_)
            | Body::Rewind { .. } => {}
        }
        None
    }

    /// What was found, by entity; of each the lock that is held first, then those who wait, in their order.
    pub fn finish(self) -> Vec<ListedLock> {
        let Self { held, waiting, coming, ending, .. } = self;
        let mut places: HashMap<Address, usize> = HashMap::default();
        let mut locks: Vec<ListedLock> =
            held.into_iter().map(|lock| listed(lock, &ending, || LockStage::Held)).collect();
        // What has been accepted goes before what is on its way.
        for lock in waiting.into_iter().chain(coming) {
            let place = places.entry(lock.entity.clone()).or_default();
            locks.push(listed(lock, &ending, || {
                *place += 1;
                LockStage::Waiting { place: *place }
            }));
        }
        // Stable: of an entity, who holds its lock stays first, and who waits keeps the mailbox's order.
        locks.sort_by(|a, b| a.entity.cmp(&b.entity));
        locks
    }
}

/// A section that is over neither holds nor waits.
fn listed(
    found: Found,
    ending: &HashSet<(Section, Address)>,
    stage: impl FnOnce() -> LockStage,
) -> ListedLock {
    let Found { entity, section, since } = found;
    let end = (section, entity);
    let stage = if ending.contains(&end) { LockStage::Releasing } else { stage() };
    let (section, entity) = end;
    ListedLock { entity, section, stage, since }
}

/// Whether a mailbox row waits for a run, which nobody locks.
fn is_of_run(row: &Row) -> Result<bool, RecordError> {
    Ok(record::read_mailbox_key(&row.key)?.0.is_run())
}

#[cfg(test)]
mod tests;
