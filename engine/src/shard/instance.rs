//! The instances in memory, entities and runs, and which of them was used least recently.

use super::{mailbox::Mailbox, runs::Run};
use crate::record::{LockRecord, Producer, Queue};
use bytes::Bytes;
use sarsen_entities::{Behaviour, State};
use sarsen_protocol::{
    Address, AddressMap, BatchNumber, Message, Payload, RequestId, Section, SessionId, Timestamp,
};
use std::{collections::VecDeque, fmt, sync::Arc};

/// Bytes that an activation is counted with beside its state and address.
const ACTIVATION_BYTES: usize = 512;
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
    pub(crate) behaviour: Arc<dyn Behaviour>,
    pub(crate) state: Option<State>,
    /// The state as it is to be written, or as it was read or written while producers are remembered.
    pub(crate) encoded: Option<Payload>,
    pub(crate) producers: Vec<Producer>,
    /// Who holds its lock.
    pub(crate) lock: Option<LockRecord>,
    /// Whether the lock's row is to be written when the batch is sealed.
    pub(crate) lock_dirty: bool,
    /// Whether the lock has a row.
    pub(crate) lock_stored: bool,
    /// Sections that were given up while their request is in a row that has not been read: their cancels stay in the
    /// front queue until it is.
    pub(crate) cancelled: Vec<Section>,
}

impl Entity {
    pub(crate) fn new(behaviour: Arc<dyn Behaviour>) -> Self {
        Self {
            behaviour,
            state: None,
            encoded: None,
            producers: Vec::new(),
            lock: None,
            lock_dirty: false,
            lock_stored: false,
            cancelled: Vec::new(),
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
    /// Messages of clients that are not accepted yet; nothing of them is stored.
    pub(crate) arrivals: VecDeque<Message>,
    /// Messages of other shards that are not accepted yet, with the inbox rows that hold them.
    pub(crate) deliveries: VecDeque<(Message, Bytes)>,
    /// What goes before the mailbox; see [`Queue::Front`].
    pub(crate) front: Mailbox,
    pub(crate) mailbox: Mailbox,
    pub(crate) reads: Vec<(SessionId, RequestId)>,
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
    /// Whether it was kept once although the cache is over its bytes.
    pub(crate) spared: bool,
    pub(crate) used: Timestamp,
    /// What it is counted with in the cache.
    bytes: usize,
    newer: Option<u32>,
    older: Option<u32>,
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
            Queue::Front => &mut self.front,
            Queue::Back => &mut self.mailbox,
        }
    }

    /// Whether there is something for a turn to do; batches up to `committed` are durable.
    pub(crate) fn has_work(&self, committed: BatchNumber) -> bool {
        let arrived = !self.arrivals.is_empty() && !self.blocked;
        let asked = arrived || !self.reads.is_empty();
        (asked && self.stage != Stage::Loading) || self.goes_on(committed)
    }

    /// Whether there is something to do beside taking in what clients have sent.
    pub(crate) fn goes_on(&self, committed: BatchNumber) -> bool {
        let parked = match self.stage {
            Stage::Loading => return false,
            Stage::Active => false,
            Stage::Parked(_) => true,
        };
        let runs = match &self.kind {
            Kind::Entity(_) if parked => false,
            Kind::Entity(entity) => {
                let held_back = if self.mailbox.has_gap() { entity.cancelled.len() } else { 0 };
                self.front.head_len() > held_back || (entity.lock.is_none() && self.mailbox.is_ready())
            }
            Kind::Run(run) => run.has_work(parked, &self.front, &self.mailbox, self.written <= committed),
        };
        runs || !self.deliveries.is_empty()
    }

    /// Gives back the memory of queues that are empty: an idle activation holds its state and little else.
    pub(crate) fn give_back_room(&mut self) {
        if self.arrivals.is_empty() {
            self.arrivals = VecDeque::new();
        }
        if self.deliveries.is_empty() {
            self.deliveries = VecDeque::new();
        }
        self.front.give_back_room();
        self.mailbox.give_back_room();
    }

    /// Messages that wait, accepted or not.
    pub(crate) fn waiting(&self) -> usize {
        self.arrivals.len() + self.deliveries.len() + self.front.len() + self.mailbox.len()
    }

    /// Whether it may leave: nothing that it could do now is left, and nothing of it is uncommitted. Messages that it
    /// cannot take now are rows, and are read again when it comes back.
    pub(crate) fn may_leave(&self, committed: BatchNumber) -> bool {
        let reading = self.front.reading || self.mailbox.reading;
        let idle = match (&self.stage, &self.kind) {
            (Stage::Loading, _) => false,
            (Stage::Parked(_), Kind::Entity(_)) => true,
            (Stage::Active, Kind::Entity(entity)) => {
                !reading && self.front.is_empty() && (entity.lock.is_some() || self.mailbox.is_empty())
            }
            (Stage::Parked(_) | Stage::Active, Kind::Run(run)) => {
                !reading && run.may_leave(self.stage != Stage::Active, &self.front, &self.mailbox)
            }
        };
        idle && self.arrivals.is_empty()
            && self.deliveries.is_empty()
            && self.reads.is_empty()
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
            .field("arrivals", &self.arrivals.len())
            .field("mailbox", &self.mailbox.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Cell {
    generation: u32,
    instance: Option<Instance>,
}

/// The entities in memory, in a list from the most to the least recently used.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    cells: Vec<Cell>,
    free: Vec<u32>,
    by_address: AddressMap<u32>,
    newest: Option<u32>,
    oldest: Option<u32>,
    bytes: usize,
}

impl Instances {
    pub(crate) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Bytes that all activations are counted with.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn find(&self, address: &Address) -> Option<InstanceId> {
        self.by_address.get(address).map(|index| self.id(*index))
    }

    fn id(&self, index: u32) -> InstanceId {
        InstanceId { index, generation: self.cells[index as usize].generation }
    }

    pub(crate) fn get(&self, id: InstanceId) -> Option<&Instance> {
        let cell = &self.cells[id.index as usize];
        cell.instance.as_ref().filter(|_| cell.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        let cell = &mut self.cells[id.index as usize];
        cell.instance.as_mut().filter(|_| cell.generation == id.generation)
    }

    /// Every entity in memory, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.cells.iter().filter_map(|cell| cell.instance.as_ref())
    }

    /// Adds an instance whose record is about to be read.
    pub(crate) fn insert(&mut self, address: Address, kind: Kind, now: Timestamp) -> InstanceId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Cell::default());
            u32::try_from(self.cells.len() - 1).expect("fewer than 2^32 entities fit into memory")
        });
        let bytes = ACTIVATION_BYTES + address.as_bytes().len();
        self.bytes += bytes;
        self.by_address.insert(address.clone(), index);
        self.cells[index as usize].instance = Some(Instance {
            address,
            kind,
            stage: Stage::Loading,
            arrivals: VecDeque::new(),
            deliveries: VecDeque::new(),
            front: Mailbox::unknown(),
            mailbox: Mailbox::unknown(),
            reads: Vec::new(),
            dirty: false,
            touched: false,
            written: BatchNumber::default(),
            round: Round::Out,
            blocked: false,
            within: false,
            spared: false,
            used: now,
            bytes,
            newer: None,
            older: None,
        });
        self.link_newest(index);
        self.id(index)
    }

    /// Takes an entity out of memory.
    pub(crate) fn remove(&mut self, id: InstanceId) {
        let Some(instance) = self.get(id) else { return };
        let (address, bytes) = (instance.address.clone(), instance.bytes);
        self.bytes -= bytes;
        self.by_address.remove(&address);
        self.unlink(id.index);
        let cell = &mut self.cells[id.index as usize];
        cell.instance = None;
        cell.generation = cell.generation.wrapping_add(1);
        self.free.push(id.index);
    }

    /// Notes that the state's encoding has this many bytes now.
    pub(crate) fn resize(&mut self, id: InstanceId, state_bytes: usize) {
        self.resize_to(id, STATE_FACTOR * state_bytes);
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

    fn cell(&mut self, index: u32) -> &mut Instance {
        self.cells[index as usize].instance.as_mut().expect("a linked cell holds an instance")
    }

    fn link_newest(&mut self, index: u32) {
        let second = self.newest.replace(index);
        let instance = self.cell(index);
        (instance.newer, instance.older) = (None, second);
        match second {
            Some(second) => self.cell(second).newer = Some(index),
            None => self.oldest = Some(index),
        }
    }

    fn unlink(&mut self, index: u32) {
        let instance = self.cell(index);
        let (newer, older) = (instance.newer.take(), instance.older.take());
        match newer {
            Some(newer) => self.cell(newer).older = older,
            None => self.newest = older,
        }
        match older {
            Some(older) => self.cell(older).newer = newer,
            None => self.oldest = newer,
        }
    }
}
