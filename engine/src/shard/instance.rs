//! The entities in memory, and which of them was used least recently.

use super::mailbox::Mailbox;
use crate::record::Producer;
use bytes::Bytes;
use sarsen_entities::{Behaviour, State};
use sarsen_protocol::{Address, AddressMap, BatchNumber, Message, Payload, RequestId, SessionId, Timestamp};
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

/// An entity in memory.
#[expect(clippy::struct_excessive_bools, reason = "four flags with lives of their own, not one state")]
pub(crate) struct Instance {
    pub(crate) address: Address,
    pub(crate) behaviour: Arc<dyn Behaviour>,
    pub(crate) stage: Stage,
    pub(crate) state: Option<State>,
    /// The state as it is to be written, or as it was read or written while producers are remembered.
    pub(crate) encoded: Option<Payload>,
    pub(crate) producers: Vec<Producer>,
    /// Messages of clients that are not accepted yet; nothing of them is stored.
    pub(crate) arrivals: VecDeque<Message>,
    /// Messages of other shards that are not accepted yet, with the inbox rows that hold them.
    pub(crate) deliveries: VecDeque<(Message, Bytes)>,
    pub(crate) mailbox: Mailbox,
    pub(crate) reads: Vec<(SessionId, RequestId)>,
    /// Whether the record is to be written when the batch is sealed.
    pub(crate) dirty: bool,
    /// Whether it stands in the batch's list of touched instances.
    pub(crate) touched: bool,
    /// The last batch that wrote anything of it.
    pub(crate) written: BatchNumber,
    pub(crate) ready: bool,
    /// Whether its first arrival waits for a load of its idempotency key.
    pub(crate) blocked: bool,
    pub(crate) used: Timestamp,
    /// What it is counted with in the cache.
    bytes: usize,
    newer: Option<u32>,
    older: Option<u32>,
}

impl Instance {
    /// Whether there is something for a turn to do.
    pub(crate) fn has_work(&self) -> bool {
        let runs = match self.stage {
            Stage::Loading => return false,
            Stage::Active => self.mailbox.is_ready(),
            Stage::Parked(_) => false,
        };
        let arrived = !self.arrivals.is_empty() && !self.blocked;
        runs || arrived || !self.reads.is_empty() || !self.deliveries.is_empty()
    }

    /// Gives back the memory of queues that are empty: an idle activation holds its state and little else.
    pub(crate) fn give_back_room(&mut self) {
        if self.arrivals.is_empty() {
            self.arrivals = VecDeque::new();
        }
        if self.deliveries.is_empty() {
            self.deliveries = VecDeque::new();
        }
        self.mailbox.give_back_room();
    }

    /// Messages that wait, accepted or not.
    pub(crate) fn waiting(&self) -> usize {
        self.arrivals.len() + self.deliveries.len() + self.mailbox.len()
    }

    /// Whether it may leave: idle, and nothing of it is uncommitted.
    pub(crate) fn may_leave(&self, committed: BatchNumber) -> bool {
        let idle = match self.stage {
            Stage::Loading => false,
            Stage::Active => self.mailbox.is_empty() && !self.mailbox.reading,
            // Its messages are rows; they are read again when it is tried again.
            Stage::Parked(_) => true,
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

    /// Adds an entity whose record is about to be read.
    pub(crate) fn insert(
        &mut self,
        address: Address,
        behaviour: Arc<dyn Behaviour>,
        now: Timestamp,
    ) -> InstanceId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Cell::default());
            u32::try_from(self.cells.len() - 1).expect("fewer than 2^32 entities fit into memory")
        });
        let bytes = ACTIVATION_BYTES + address.as_bytes().len();
        self.bytes += bytes;
        self.by_address.insert(address.clone(), index);
        self.cells[index as usize].instance = Some(Instance {
            address,
            behaviour,
            stage: Stage::Loading,
            state: None,
            encoded: None,
            producers: Vec::new(),
            arrivals: VecDeque::new(),
            deliveries: VecDeque::new(),
            mailbox: Mailbox::unknown(),
            reads: Vec::new(),
            dirty: false,
            touched: false,
            written: BatchNumber::default(),
            ready: false,
            blocked: false,
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
        let Some(instance) = self.get_mut(id) else { return };
        let bytes = ACTIVATION_BYTES + instance.address.as_bytes().len() + STATE_FACTOR * state_bytes;
        let before = std::mem::replace(&mut instance.bytes, bytes);
        self.bytes = self.bytes - before + bytes;
    }

    /// Notes that an entity is used.
    pub(crate) fn touch(&mut self, id: InstanceId, now: Timestamp) {
        let Some(instance) = self.get_mut(id) else { return };
        instance.used = now;
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
