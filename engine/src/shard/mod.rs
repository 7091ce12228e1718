//! The shard: a single-threaded state machine that owns some slots.
//!
//! Inputs are queued by [`Shard::handle`]; [`Shard::turn`] lets one entity after the other take a turn on memory;
//! what the turns write and let out collects in the open batch until [`Shard::seal`] closes it. A driver may seal
//! between any two turns. The files of this folder each hold one concern: `intake` queues inputs, `admit` decides
//! what is accepted, `run` runs operations, `send` passes messages on, `load` reads, `seal` closes batches.

mod admit;
mod batch;
mod dead;
mod inbox;
mod instance;
mod intake;
mod keys;
mod load;
mod mailbox;
mod run;
mod seal;
mod send;
mod timers;

use crate::{Limits, LoadRequest, Registry, SlotMap, record::BySlot, record::RowId};
use batch::OpenBatch;
use bytes::Bytes;
use dead::DeadLetters;
use inbox::Inboxes;
pub(crate) use instance::InstanceId;
use instance::Instances;
use keys::Keys;
use sarsen_protocol::{
    Address, Answer, BatchNumber, CallError, Lease, Message, Origin, Reply, Sequence, ShardId, Slot,
    Timestamp,
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};
use timers::Timers;

/// What a shard is made with.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// The shard's place in its process.
    pub id: ShardId,
    /// The right to its slots.
    pub lease: Lease,
    /// Who owns the other slots.
    pub slots: Arc<SlotMap>,
    /// The entity types.
    pub registry: Arc<Registry>,
    /// The limits.
    pub limits: Arc<Limits>,
}

/// What is in a shard, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    /// Messages that wait: accepted, or waiting to be.
    pub pending: u64,
    /// The longest mailboxes, longest first, at most ten.
    pub deepest_mailboxes: Vec<(Address, u64)>,
    /// Entities in memory.
    pub activations: u64,
    /// Bytes that they are counted with.
    pub cache_bytes: u64,
    /// Batches sealed.
    pub batches: u64,
    /// Operations run.
    pub operations: u64,
    /// Delayed signals that wait.
    pub timers: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Dead letters that went because there were too many.
    pub dead_letters_dropped: u64,
    /// Idempotency keys remembered.
    pub keys: u64,
    /// Entities that cannot go on because their records do not fit the code.
    pub parked: u64,
}

/// A single-threaded state machine that owns some slots.
///
/// A host calls [`handle`](Self::handle) for what happens, [`turn`](Self::turn) until it returns `false`, serves
/// [`poll_load`](Self::poll_load) and [`poll_refusal`](Self::poll_refusal), seals, commits, and reports the commit by
/// [`committed`](Self::committed). It may do so in any order; correctness never depends on it.
#[derive(Debug)]
pub struct Shard {
    config: ShardConfig,
    now: Timestamp,
    instances: Instances,
    ready: VecDeque<InstanceId>,
    batch: OpenBatch,
    /// Entities with something to write when the batch is sealed.
    touched: Vec<InstanceId>,
    /// Entities that may forget messages once a batch is durable.
    trims: VecDeque<(BatchNumber, InstanceId)>,
    sealed: BatchNumber,
    committed: BatchNumber,
    /// The last row that was numbered.
    counter: u64,
    /// The last message to each slot of another shard.
    outgoing: BySlot<Sequence>,
    inboxes: Inboxes,
    timers: Timers,
    keys: Keys,
    dead: DeadLetters,
    recovered: bool,
    /// Slots for which wake-ups came before the shard had recovered.
    held: BTreeSet<Slot>,
    /// Where the search for waiting mailboxes goes on, once there is room for more of them.
    search: Option<Bytes>,
    loads: VecDeque<LoadRequest>,
    loads_under_way: usize,
    next_sweep: Timestamp,
    refusals: VecDeque<Reply>,
    /// Whether a client's request is taken although activations are over their limit.
    let_in: bool,
    /// Bytes of messages in memory that wait.
    queued_bytes: usize,
    operations: u64,
    /// Mailboxes that were found for entity types that are not registered.
    unregistered: u64,
}

impl Shard {
    /// A shard that knows nothing yet. It first asks for the inbox rows of its slots; no turn runs before they are
    /// accepted.
    pub fn new(config: ShardConfig, now: Timestamp) -> Self {
        let mut shard = Self {
            timers: Timers::new(config.limits.timer_window),
            config,
            now,
            instances: Instances::default(),
            ready: VecDeque::new(),
            batch: OpenBatch::default(),
            touched: Vec::new(),
            trims: VecDeque::new(),
            sealed: BatchNumber::default(),
            committed: BatchNumber::default(),
            counter: 0,
            outgoing: BySlot::default(),
            inboxes: Inboxes::default(),
            keys: Keys::default(),
            dead: DeadLetters::default(),
            recovered: false,
            held: BTreeSet::new(),
            search: None,
            loads: VecDeque::new(),
            loads_under_way: 0,
            next_sweep: now,
            refusals: VecDeque::new(),
            let_in: false,
            queued_bytes: 0,
            operations: 0,
            unregistered: 0,
        };
        shard.load_recovery(None);
        shard
    }

    /// Runs one turn of the next ready instance. Returns whether there was anything to do; `false` too when the open
    /// batch is at its limit and must be sealed first.
    pub fn turn(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        if !self.recovered || self.is_batch_full() {
            return false;
        }
        let fired = self.fire_timers();
        let taken = self.next_ready();
        if let Some(id) = taken {
            self.take_turn(id);
            // A turn that only refuses leaves nothing to seal and must not fill the batch.
            self.batch.turns += usize::from(self.has_open_batch());
        }
        self.make_room();
        fired || taken.is_some()
    }

    /// The entity whose turn would be next, for a watchdog.
    pub fn next_turn(&self) -> Option<&Address> {
        let id = self.ready.iter().find(|id| self.instances.get(**id).is_some())?;
        self.instances.get(*id).map(|instance| &instance.address)
    }

    /// A refusal that depends on no uncommitted state and goes out at once.
    pub fn poll_refusal(&mut self) -> Option<Reply> {
        self.refusals.pop_front()
    }

    /// Whether requests of clients are to be taken from the outside lane. Not while messages, batch or activations
    /// are over their limit and something is under way that will change that; but some are after each commit, so that
    /// entities which are larger than the cache and never rest do not keep clients out.
    pub fn accepts_outside(&self) -> bool {
        let limits = &self.config.limits;
        let crowded = self.instances.bytes() > limits.cache_bytes && self.is_under_way();
        self.recovered
            && (!crowded || self.let_in)
            && !self.is_batch_full()
            && self.queued_bytes < limits.lane_bytes_max
    }

    fn is_under_way(&self) -> bool {
        !self.ready.is_empty()
            || self.search.is_some()
            // A sweep of keys goes on beside everything and waits for nothing.
            || self.loads.len() + self.loads_under_way > usize::from(self.keys.sweeping)
            || self.has_open_batch()
            || self.committed < self.sealed
    }

    /// When `turn` or `poll_load` is next worth calling without a new input or a seal.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if !self.recovered || self.is_batch_full() {
            return None;
        }
        if !self.ready.is_empty() {
            return Some(self.now);
        }
        let idle = self.instances.least_recent().and_then(|id| self.instances.get(id));
        let idle = idle.map(|instance| instance.used.after(self.config.limits.idle_after));
        let sweep = (!self.keys.sweeping).then_some(self.next_sweep);
        [self.timers.next_deadline(), idle, sweep].into_iter().flatten().min()
    }

    /// Unloads an entity if it is idle and nothing of it is uncommitted. Returns whether it left.
    pub fn evict(&mut self, address: &Address) -> bool {
        let Some(id) = self.instances.find(address) else { return false };
        self.leave(id)
    }

    /// Takes an entity out of memory if it may leave.
    fn leave(&mut self, id: InstanceId) -> bool {
        let Some(instance) = self.instances.get(id) else { return false };
        if !instance.may_leave(self.committed) {
            return false;
        }
        // A parked entity leaves messages behind, as rows.
        self.queued_bytes -= instance.mailbox.bytes();
        self.instances.remove(id);
        true
    }

    /// Whether nothing waits: no message, no load, no open batch, no uncommitted batch. Delayed signals may.
    pub fn is_idle(&self) -> bool {
        self.recovered && !self.is_under_way() && self.held.is_empty() && self.refusals.is_empty()
    }

    /// Whether a host may stop now without leaving anything undone that was asked for: the shard is idle, or it has not
    /// even begun to take requests.
    pub fn may_stop(&self) -> bool {
        let begun = self.recovered || self.has_open_batch() || self.committed < self.sealed;
        self.is_idle() || !begun
    }

    /// Whether the inbox rows of earlier lives are accepted, so that turns run.
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// What is in the shard. Walks all activations.
    pub fn stats(&self) -> ShardStats {
        let mut depths: Vec<(&Address, usize)> = self
            .instances
            .iter()
            .map(|instance| (&instance.address, instance.waiting()))
            .filter(|(_, depth)| *depth > 0)
            .collect();
        let pending = depths.iter().map(|(_, depth)| *depth as u64).sum();
        depths.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let parked = |instance: &&instance::Instance| matches!(instance.stage, instance::Stage::Parked(_));
        ShardStats {
            pending,
            deepest_mailboxes: depths
                .iter()
                .take(10)
                .map(|(at, depth)| ((*at).clone(), *depth as u64))
                .collect(),
            activations: self.instances.len() as u64,
            cache_bytes: self.instances.bytes() as u64,
            batches: self.sealed.0,
            operations: self.operations,
            timers: self.timers.count(),
            dead_letters: self.dead.len() as u64,
            dead_letters_dropped: self.dead.dropped(),
            keys: self.keys.count(),
            parked: self.instances.iter().filter(parked).count() as u64 + self.unregistered,
        }
    }

    /// Time never goes back for a shard, whatever the clock does.
    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn next_row(&mut self) -> RowId {
        self.counter += 1;
        RowId { epoch: self.config.lease.epoch, counter: self.counter }
    }

    /// The number that the open batch will have if it writes anything.
    fn open_number(&self) -> BatchNumber {
        self.sealed.next()
    }

    fn next_ready(&mut self) -> Option<InstanceId> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(instance) = self.instances.get_mut(id) {
                instance.ready = false;
                return Some(id);
            }
        }
        None
    }

    /// Puts an entity into the round if it has something to do.
    fn mark_ready(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if !instance.ready && instance.has_work() {
            instance.ready = true;
            self.ready.push_back(id);
        }
    }

    /// Notes that an entity has something to write when the batch is sealed.
    fn mark_touched(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if !instance.touched {
            instance.touched = true;
            self.touched.push(id);
        }
    }

    /// Tells a client at once that its request is refused.
    fn refuse(&mut self, message: &Message, error: CallError) {
        if let Origin::Client { session, request } = message.from {
            self.refusals.push_back(Reply { session, request, answer: Answer::Refused(error) });
        }
    }

    /// Lets the least recently used entities leave: those that were idle for too long, and as many as the cache is
    /// over its bytes. One that may not leave yet gets another round.
    fn make_room(&mut self) {
        const CHANCES: usize = 16;
        let limits = self.config.limits.clone();
        for _ in 0..CHANCES {
            let Some(id) = self.instances.least_recent() else { return };
            let Some(instance) = self.instances.get(id) else { return };
            let over = self.instances.bytes() > limits.cache_bytes;
            let idle = instance.used.after(limits.idle_after) <= self.now;
            if !over && !idle {
                return;
            }
            if !self.leave(id) {
                self.instances.touch(id, self.now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
