//! The instances in memory, entities and runs, and which of them was used least recently.

pub(crate) use super::queues::{Queues, Waiting};
use super::{
    dispatch::{Hand, is_dispatched, urgent},
    mailbox::Mailbox,
    pace::Pace,
    runs::Run,
    schedules::SCHEDULE_BYTES,
};
use crate::{
    Limits,
    fault::{Fault, armed},
    record::{Extras, LockRecord, Producer, Queue},
    registry::Registered,
};
use sarsen_entities::State;
use sarsen_protocol::{Address, AddressHasher, BatchNumber, HashedMap, Payload, Section, Timestamp};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Bytes that an activation is counted with beside its state and address: its cell, its place in the maps, and what an
/// allocator adds. `.ci/instructions` compares with what a hundred thousand resting counters occupy.
const ACTIVATION_BYTES: usize = 384;
/// How many bytes of memory a byte of encoded state is counted with.
const STATE_FACTOR: usize = 2;

/// Names an activation; outdated once the entity has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceId {
    index: u32,
    generation: u32,
}

/// How far an activation has got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its record is being read.
    Loading,
    /// It takes turns.
    Active,
    /// Its record does not fit the code.
    Parked(String),
}

/// Where an instance waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Round {
    /// It has nothing to do.
    Out,
    /// It has something to begin with.
    Fresh,
    /// It has something to go on with.
    Ready,
}

/// What an instance is.
pub(crate) enum Kind {
    Entity(Entity),
    Run(Box<Run>),
}

/// What is in memory of an entity.
pub(crate) struct Entity {
    /// Its type.
    pub(crate) of: Arc<Registered>,
    pub(crate) state: Option<State>,
    /// The state as it is to be written, or as it was read or written while the record may be written again without a
    /// change of the state: with producers or extras.
    pub(crate) encoded: Option<Payload>,
    pub(crate) producers: Vec<Producer>,
    /// What few entities have to be kept.
    pub(crate) extras: Option<Box<Extras>>,
    /// How fast it is asked, if its type has a rate.
    pub(crate) pace: Pace,
    /// Who holds its lock.
    pub(crate) lock: Option<Box<LockRecord>>,
    /// Whether the lock's row is to be written when the batch is sealed.
    pub(crate) lock_dirty: bool,
    /// Whether the lock has a row.
    pub(crate) lock_stored: bool,
    /// Whether its type has operations that run off the shard.
    pub(crate) dispatches: bool,
    /// The operation that keeps it busy.
    pub(crate) hand: Option<Box<Hand>>,
}

impl Entity {
    pub(crate) fn new(of: Arc<Registered>) -> Self {
        Self {
            dispatches: of.behaviour.dispatches(),
            of,
            state: None,
            encoded: None,
            producers: Vec::new(),
            extras: None,
            pace: Pace::default(),
            lock: None,
            lock_dirty: false,
            lock_stored: false,
            hand: None,
        }
    }

    /// Whether `section` holds the lock.
    pub(crate) fn is_locked_by(&self, section: &Section) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.section == *section)
    }
}

/// An entity or a run in memory.
#[expect(clippy::struct_excessive_bools, reason = "flags with lives of their own, not one state")]
pub(crate) struct Instance {
    pub(crate) address: Address,
    pub(crate) kind: Kind,
    pub(crate) stage: Stage,
    /// What waits for it.
    pub(crate) waiting: Waiting,
    /// Whether the record is to be written when the batch is sealed.
    pub(crate) dirty: bool,
    /// Whether it stands in the batch's list of touched instances.
    pub(crate) touched: bool,
    /// The last batch that wrote anything of it.
    pub(crate) written: BatchNumber,
    pub(crate) round: Round,
    /// Whether its first arrival waits for a load of its idempotency key.
    pub(crate) blocked: bool,
    /// Whether a call may wait of somebody who works for an execution.
    pub(crate) within: bool,
    /// Whether a lock request may wait for its turn that is not to wait for the lock.
    pub(crate) tries: bool,
    /// Whether it was kept once although the cache is over its bytes.
    pub(crate) spared: bool,
    pub(crate) used: Timestamp,
    /// What it is counted with in the cache.
    bytes: usize,
}

impl Instance {
    /// What is in memory of it, if it is an entity.
    pub(crate) fn entity(&self) -> Option<&Entity> {
        match &self.kind {
            Kind::Entity(entity) => Some(entity),
            Kind::Run(_) => None,
        }
    }

    /// What is in memory of it, if it is an entity.
    pub(crate) fn entity_mut(&mut self) -> Option<&mut Entity> {
        match &mut self.kind {
            Kind::Entity(entity) => Some(entity),
            Kind::Run(_) => None,
        }
    }

    /// What is in memory of it, if it is a run.
    pub(crate) fn run(&self) -> Option<&Run> {
        match &self.kind {
            Kind::Run(run) => Some(run),
            Kind::Entity(_) => None,
        }
    }

    /// What is in memory of it, if it is a run.
    pub(crate) fn run_mut(&mut self) -> Option<&mut Run> {
        match &mut self.kind {
            Kind::Run(run) => Some(run),
            Kind::Entity(_) => None,
        }
    }

    pub(crate) fn queue_mut(&mut self, queue: Queue) -> &mut Mailbox {
        match queue {
            Queue::Front => &mut self.waiting.front,
            Queue::Back => &mut self.waiting.mailbox,
        }
    }

    /// Whether there is something for a turn to do; batches up to `committed` are durable.
    pub(crate) fn has_work(&self, committed: BatchNumber) -> bool {
        let queues = &*self.waiting;
        let arrived = !queues.arrivals.is_empty() && !self.blocked;
        let asked = arrived || !queues.reads.is_empty();
        (asked && self.stage != Stage::Loading) || self.goes_on(committed)
    }

    /// Whether there is something to do beside taking in what clients have sent.
    pub(crate) fn goes_on(&self, committed: BatchNumber) -> bool {
        let parked = match self.stage {
            Stage::Loading => return false,
            Stage::Active => false,
            Stage::Parked(_) => true,
        };
        let Queues { front, mailbox, deliveries, cancelled, .. } = &*self.waiting;
        let runs = match &self.kind {
            Kind::Entity(_) if parked => false,
            Kind::Entity(Entity { hand: Some(hand), lock, dispatches, of, .. }) => {
                let ignored = armed(Fault::BusyIgnored) && lock.is_none();
                let next = mailbox.oldest().filter(|_| ignored);
                next.is_some_and(|next| !is_dispatched(of, *dispatches, &next.message))
                    || hand.is_called()
                    || urgent(&self.waiting).is_some()
            }
            Kind::Entity(entity) => {
                let held_back = if mailbox.has_gap() { cancelled.len() } else { 0 };
                front.head_len() > held_back || (entity.lock.is_none() && mailbox.is_ready())
            }
            Kind::Run(run) => run.has_work(parked, front, mailbox, self.written <= committed),
        };
        runs || !deliveries.is_empty()
    }

    /// How many messages of clients may wait for it.
    pub(crate) fn mailbox_max(&self, limits: &Limits) -> usize {
        let chosen = self.entity().and_then(|entity| entity.of.options.mailbox_messages());
        chosen.unwrap_or(limits.mailbox_messages_max)
    }

    /// Messages that wait, accepted or not.
    pub(crate) fn waiting(&self) -> usize {
        let Queues { arrivals, deliveries, front, mailbox, .. } = &*self.waiting;
        arrivals.len() + deliveries.len() + front.len() + mailbox.len()
    }

    /// Whether it may leave: nothing that it could do now is left, and nothing of it is uncommitted. Messages that it
    /// cannot take now are rows, and are read again when it comes back.
    pub(crate) fn may_leave(&self, committed: BatchNumber) -> bool {
        let Queues { arrivals, deliveries, front, mailbox, reads, .. } = &*self.waiting;
        let reading = front.reading || mailbox.reading;
        let idle = match (&self.stage, &self.kind) {
            (Stage::Loading, _) => false,
            (_, Kind::Entity(Entity { hand: Some(hand), .. })) => {
                hand.may_leave() && !reading && front.is_empty()
            }
            (Stage::Parked(_), Kind::Entity(_)) => true,
            (Stage::Active, Kind::Entity(entity)) => {
                !reading && front.is_empty() && (entity.lock.is_some() || mailbox.is_empty())
            }
            (Stage::Parked(_) | Stage::Active, Kind::Run(run)) => {
                !reading && run.may_leave(self.stage != Stage::Active, front, mailbox)
            }
        };
        idle && arrivals.is_empty()
            && deliveries.is_empty()
            && reads.is_empty()
            && !self.dirty
            && !self.touched
            && self.written <= committed
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("address", &self.address)
            .field("stage", &self.stage)
            .field("arrivals", &self.waiting.arrivals.len())
            .field("mailbox", &self.waiting.mailbox.len())
            .finish_non_exhaustive()
    }
}

/// How many cells lie together.
const CHUNK_CELLS: usize = 256;

#[derive(Debug, Default)]
struct Cell {
    generation: u32,
    /// The next cell whose address has the same hash.
    same: Option<u32>,
    instance: Option<Instance>,
}

/// The entities in memory, in a list from the most to the least recently used.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    /// In chunks, so that adding one moves none and leaves little room unused.
    cells: Vec<Vec<Cell>>,
    /// By cell. Apart from what they link, so that a use touches no neighbour's memory but these few bytes.
    links: Vec<Link>,
    free: Vec<u32>,
    /// The first cell of each hash; the addresses themselves are in the cells.
    by_hash: HashedMap<u32>,
    count: usize,
    newest: Option<u32>,
    oldest: Option<u32>,
    bytes: usize,
    /// Queues of instances that rest, to be used again.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: Vec<Box<Queues>>,
}

/// An instance's neighbours in the order of use.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    newer: Option<u32>,
    older: Option<u32>,
}

/// How many queues are kept for the next instance that needs some.
const SPARE_MAX: usize = 4_096;
/// How long a queue may have been whose memory is kept.
const SPARE_MESSAGES_MAX: usize = 16;

impl Instances {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Bytes that all activations are counted with.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn find(&self, address: &Address) -> Option<InstanceId> {
        let mut at = self.by_hash.get(&hash_of(address)).copied();
        while let Some(index) = at {
            let cell = self.cell(index);
            if cell.instance.as_ref().is_some_and(|instance| instance.address == *address) {
                return Some(InstanceId { index, generation: cell.generation });
            }
            at = cell.same;
        }
        None
    }

    fn id(&self, index: u32) -> InstanceId {
        InstanceId { index, generation: self.cell(index).generation }
    }

    fn cell(&self, index: u32) -> &Cell {
        let index = index as usize;
        &self.cells[index / CHUNK_CELLS][index % CHUNK_CELLS]
    }

    fn cell_mut(&mut self, index: u32) -> &mut Cell {
        cell_mut(&mut self.cells, index)
    }

    /// A cell that is free.
    fn free_cell(&mut self) -> u32 {
        if let Some(free) = self.free.pop() {
            return free;
        }
        if self.cells.last().is_none_or(|chunk| chunk.len() == CHUNK_CELLS) {
            self.cells.push(Vec::with_capacity(CHUNK_CELLS));
        }
        if let Some(chunk) = self.cells.last_mut() {
            chunk.push(Cell::default());
        }
        self.links.push(Link::default());
        u32::try_from(self.links.len() - 1).expect("fewer than 2^32 entities fit into memory")
    }

    pub(crate) fn get(&self, id: InstanceId) -> Option<&Instance> {
        let cell = self.cell(id.index);
        cell.instance.as_ref().filter(|_| cell.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        let cell = self.cell_mut(id.index);
        cell.instance.as_mut().filter(|_| cell.generation == id.generation)
    }

    /// Every entity in memory, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.cells.iter().flatten().filter_map(|cell| cell.instance.as_ref())
    }

    /// Adds an instance, whose record is about to be read if it is loading.
    pub(crate) fn insert(
        &mut self,
        address: Address,
        kind: Kind,
        stage: Stage,
        now: Timestamp,
    ) -> InstanceId {
        let index = self.free_cell();
        let bytes = ACTIVATION_BYTES + address.as_bytes().len();
        self.bytes += bytes;
        self.count += 1;
        let same = self.by_hash.insert(hash_of(&address), index);
        let waiting = if stage == Stage::Loading { Waiting::unknown() } else { Waiting::default() };
        let cell = self.cell_mut(index);
        cell.same = same;
        cell.instance = Some(Instance {
            address,
            kind,
            stage,
            waiting,
            dirty: false,
            touched: false,
            written: BatchNumber::default(),
            round: Round::Out,
            blocked: false,
            within: false,
            tries: false,
            spared: false,
            used: now,
            bytes,
        });
        self.link_newest(index);
        self.id(index)
    }

    /// Gives an instance queues, for something is about to wait for it.
    pub(crate) fn equip(&mut self, id: InstanceId) {
        let Self { cells, spare, .. } = self;
        let cell = cell_mut(cells, id.index);
        let Some(instance) = cell.instance.as_mut().filter(|_| cell.generation == id.generation) else {
            return;
        };
        if instance.waiting.0.is_none() {
            instance.waiting.0 = Some(spare.pop().unwrap_or_default());
        }
    }

    /// Takes an instance's queues back if nothing waits for it.
    pub(crate) fn strip(&mut self, id: InstanceId) {
        let Some(instance) = self.get_mut(id) else { return };
        let Some(mut queues) = instance.waiting.0.take_if(|queues| queues.is_idle()) else { return };
        let small = |capacity: usize| capacity <= SPARE_MESSAGES_MAX;
        let kept = small(queues.arrivals.capacity())
            && small(queues.deliveries.capacity())
            && small(queues.reads.capacity())
            && queues.front.reset(SPARE_MESSAGES_MAX)
            && queues.mailbox.reset(SPARE_MESSAGES_MAX);
        if kept && self.spare.len() < SPARE_MAX {
            self.spare.push(queues);
        }
    }

    /// Takes an entity out of memory.
    pub(crate) fn remove(&mut self, id: InstanceId) {
        let Some(instance) = self.get(id) else { return };
        let (address, bytes) = (instance.address.clone(), instance.bytes);
        self.bytes -= bytes;
        self.count -= 1;
        self.forget_address(&address, id.index);
        self.unlink(id.index);
        let cell = self.cell_mut(id.index);
        cell.instance = None;
        cell.generation = cell.generation.wrapping_add(1);
        self.free.push(id.index);
    }

    /// Takes a cell out of the chain of those with the same hash.
    fn forget_address(&mut self, address: &Address, index: u32) {
        let (hash, next) = (hash_of(address), self.cell_mut(index).same.take());
        let first = self.by_hash.get(&hash).copied();
        if first == Some(index) {
            match next {
                Some(next) => drop(self.by_hash.insert(hash, next)),
                None => drop(self.by_hash.remove(&hash)),
            }
            return;
        }
        let mut at = first;
        while let Some(before) = at {
            let before = self.cell_mut(before);
            if before.same == Some(index) {
                before.same = next;
                return;
            }
            at = before.same;
        }
    }

    /// Notes that the state's encoding has this many bytes now.
    pub(crate) fn resize(&mut self, id: InstanceId, state_bytes: usize) {
        let schedules = self.get(id).and_then(Instance::entity).map_or(0, |entity| entity.schedules().len());
        self.resize_to(id, STATE_FACTOR * state_bytes + schedules * SCHEDULE_BYTES);
    }

    /// Counts what is behind an instance twice, since a copy of it is made. Returns what it was counted with.
    pub(crate) fn lend(&mut self, id: InstanceId) -> usize {
        let Some(instance) = self.get(id) else { return 0 };
        let lent = instance.bytes.saturating_sub(ACTIVATION_BYTES + instance.address.as_bytes().len());
        self.resize_to(id, 2 * lent);
        lent
    }

    /// Notes that what is behind an instance takes this many bytes of memory now.
    pub(crate) fn resize_to(&mut self, id: InstanceId, more: usize) {
        let Some(instance) = self.get_mut(id) else { return };
        let bytes = ACTIVATION_BYTES + instance.address.as_bytes().len() + more;
        let before = std::mem::replace(&mut instance.bytes, bytes);
        self.bytes = self.bytes - before + bytes;
    }

    /// Notes that an entity is used.
    pub(crate) fn touch(&mut self, id: InstanceId, now: Timestamp) {
        let Some(instance) = self.get_mut(id) else { return };
        instance.used = now;
        instance.spared = false;
        if self.newest != Some(id.index) {
            self.unlink(id.index);
            self.link_newest(id.index);
        }
    }

    /// The least recently used entity.
    pub(crate) fn least_recent(&self) -> Option<InstanceId> {
        self.oldest.map(|index| self.id(index))
    }

    fn link_newest(&mut self, index: u32) {
        let second = self.newest.replace(index);
        self.links[index as usize] = Link { newer: None, older: second };
        match second {
            Some(second) => self.links[second as usize].newer = Some(index),
            None => self.oldest = Some(index),
        }
    }

    fn unlink(&mut self, index: u32) {
        let Link { newer, older } = std::mem::take(&mut self.links[index as usize]);
        match newer {
            Some(newer) => self.links[newer as usize].older = older,
            None => self.newest = older,
        }
        match older {
            Some(older) => self.links[older as usize].newer = newer,
            None => self.oldest = newer,
        }
    }
}

fn cell_mut(cells: &mut [Vec<Cell>], index: u32) -> &mut Cell {
    let index = index as usize;
    &mut cells[index / CHUNK_CELLS][index % CHUNK_CELLS]
}

/// The hash that an address carries.
fn hash_of(address: &Address) -> u64 {
    let mut hasher = AddressHasher::default();
    address.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resting_activation_is_counted_with_what_it_occupies() {
        // A cell, its links, and up to two buckets of the map, with a state and a text of the least size that an
        // allocator has.
        let map = 2 * (size_of::<(u64, u32)>() + 1);
        let occupied = size_of::<Cell>() + size_of::<Link>() + map + 32 + 32;
        let range = occupied * 2 / 3..=occupied * 3 / 2;
        assert!(range.contains(&ACTIVATION_BYTES), "{occupied} bytes are counted as {ACTIVATION_BYTES}");
    }
}
