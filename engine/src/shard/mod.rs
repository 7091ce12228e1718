//! The shard: a single-threaded state machine that owns some slots.
//!
//! Inputs are queued by [`Shard::handle`]; [`Shard::turn`] lets one entity after the other take a turn on memory;
//! what the turns write and let out collects in the open batch until [`Shard::seal`] closes it. A driver may seal
//! between any two turns. The files of this folder each hold one concern: `intake` queues inputs, `admit` decides
//! what is accepted, `run` runs operations, `schedules` keeps what is scheduled, `locks` grants and releases, `runs`
//! gives executions their turns, `send` passes messages on, `dispatch` lets operations run elsewhere, `letters` settles
//! what was given up, `load` reads, `seal` closes batches.

mod admit;
mod audit;
mod batch;
mod behind;
mod changes;
mod dead;
mod dispatch;
mod inbox;
mod instance;
mod intake;
mod keys;
mod letters;
mod life;
mod load;
mod locks;
mod mailbox;
mod pace;
mod permits;
mod places;
mod queues;
mod refusals;
mod run;
mod runs;
mod schedules;
mod seal;
mod send;
mod tasks;
mod timers;
mod watch;

use crate::{
    Limits, LoadRequest, Registry, SlotMap,
    fault::{Fault, armed},
    record::BySlot,
    record::RowId,
};
use batch::OpenBatch;
pub(crate) use behind::Search;
use bytes::Bytes;
use changes::Changes;
use dead::DeadLetters;
use dispatch::Dispatches;
use inbox::Inboxes;
pub(crate) use instance::InstanceId;
use instance::{Instances, Round};
use keys::Keys;
use permits::Permits;
use places::Places;
pub use refusals::Refusals;
use sarsen_protocol::{
    Address, Answer, BatchNumber, CallError, ExecutionId, Lease, Message, Reply, Sequence, ShardId, Slot,
    Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tasks::Tasks;
use timers::Timers;
use watch::Watch;

/// How many turns of what was begun may come before one that begins more.
const STREAK_MAX: usize = 64;

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
    /// Operations that run off the shard now, since they are asynchronous or block.
    pub operations_running: u64,
    /// Entities that are listed to wait until fewer operations of their type run off the shard; many more may wait as rows.
    pub operations_waiting: u64,
    /// Delayed signals and timers of runs and entities that wait.
    pub timers: u64,
    /// Activities that have not ended.
    pub tasks: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Dead letters that went because there were too many.
    pub dead_letters_dropped: u64,
    /// Idempotency keys remembered.
    pub keys: u64,
    /// Entities and runs in memory that cannot go on because their records do not fit the code.
    pub parked: u64,
    /// Locks that are held for longer than [`Limits::lock_held_report_after`], of those that are watched.
    pub locks_overdue: u64,
    /// What was refused of the entities of each registered type, by the type's name.
    pub refusals: BTreeMap<&'static str, Refusals>,
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
    /// Instances with something to go on with: what was begun is finished before more is begun, so that most of it is
    /// over when the batch is sealed and never gets a row.
    ready: VecDeque<InstanceId>,
    /// Instances to which only clients have sent.
    fresh: VecDeque<InstanceId>,
    /// Turns of `ready` since one of `fresh`.
    streak: usize,
    /// Whose turn it is: it is put into the round when that is over, and not for what the turn itself will do.
    turning: Option<InstanceId>,
    /// Room for what a run takes from its queue; empty between runs.
    taken: Vec<mailbox::Entry>,
    batch: OpenBatch,
    /// Entities with something to write when the batch is sealed.
    touched: Vec<InstanceId>,
    /// Instances that have something to do once a batch is durable: to forget messages, or to read what it wrote.
    trims: VecDeque<(BatchNumber, InstanceId)>,
    sealed: BatchNumber,
    committed: BatchNumber,
    /// The last row that was numbered.
    counter: u64,
    /// The last row that was numbered before the open batch began.
    sealed_rows: u64,
    /// The last message to each slot of another shard.
    outgoing: BySlot<Sequence>,
    inboxes: Inboxes,
    timers: Timers,
    tasks: Tasks,
    dispatches: Dispatches,
    places: Places,
    keys: Keys,
    dead: DeadLetters,
    permits: Permits,
    changes: Changes,
    watch: Watch,
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
    /// Whether timers stay for a later process.
    draining: bool,
    /// Bytes of messages in memory that wait.
    queued_bytes: usize,
    operations: u64,
    /// What was refused, by type.
    refused: BTreeMap<&'static str, Refusals>,
    /// Mailboxes that were found for entity types that are not registered.
    unregistered: u64,
}

impl Shard {
    /// A shard that knows nothing yet. It first asks for the inbox rows of its slots; no turn runs before they are
    /// accepted.
    pub fn new(config: ShardConfig, now: Timestamp) -> Self {
        let mut shard = Self {
            timers: Timers::new(config.limits.timer_window, config.limits.timers_window),
            watch: Watch::new(config.limits.lock_held_report_after),
            config,
            now,
            instances: Instances::default(),
            ready: VecDeque::new(),
            fresh: VecDeque::new(),
            streak: 0,
            turning: None,
            taken: Vec::new(),
            batch: OpenBatch::default(),
            touched: Vec::new(),
            trims: VecDeque::new(),
            sealed: BatchNumber::default(),
            committed: BatchNumber::default(),
            counter: 0,
            sealed_rows: 0,
            outgoing: BySlot::default(),
            inboxes: Inboxes::default(),
            tasks: Tasks::default(),
            dispatches: Dispatches::default(),
            places: Places::default(),
            keys: Keys::default(),
            dead: DeadLetters::default(),
            permits: Permits::default(),
            changes: Changes::default(),
            recovered: false,
            held: BTreeSet::new(),
            search: None,
            loads: VecDeque::new(),
            loads_under_way: 0,
            next_sweep: now,
            refusals: VecDeque::new(),
            let_in: false,
            draining: false,
            queued_bytes: 0,
            operations: 0,
            refused: BTreeMap::new(),
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
        let late = self.end_late();
        let fired = !self.draining && self.fire_timers();
        self.report_locks();
        let taken = self.next_ready();
        if let Some(id) = taken {
            self.take_turn(id);
            // A turn that only refuses leaves nothing to seal and must not fill the batch.
            self.batch.turns += usize::from(self.has_open_batch());
        }
        self.make_room();
        late || fired || taken.is_some()
    }

    /// The entity whose turn would be next, for a watchdog.
    pub fn next_turn(&self) -> Option<&Address> {
        let mut round = self.ready.iter().chain(&self.fresh);
        let id = round.find(|id| self.instances.get(**id).is_some())?;
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
            || !self.fresh.is_empty()
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
        if !self.ready.is_empty() || !self.fresh.is_empty() {
            return Some(self.now);
        }
        let idle = self.instances.least_recent().and_then(|id| self.instances.get(id));
        let idle = idle.map(|instance| instance.used.after(self.config.limits.idle_after));
        let sweep = (!self.keys.sweeping).then_some(self.next_sweep);
        let timer = if self.draining { None } else { self.timers.next_deadline() };
        let (late, watched) = (self.dispatches.next_deadline(), self.watch.next_deadline());
        [timer, late, watched, idle, sweep].into_iter().flatten().min()
    }

    /// Unloads an entity if it is idle and nothing of it is uncommitted. Returns whether it left.
    pub fn evict(&mut self, address: &Address) -> bool {
        let Some(id) = self.instances.find(address) else { return false };
        self.leave(id)
    }

    /// Takes an entity out of memory if it may leave.
    fn leave(&mut self, id: InstanceId) -> bool {
        if armed(Fault::ReleaseOnEviction) {
            self.release_on_eviction(id);
        }
        let Some(instance) = self.instances.get(id) else { return false };
        if !instance.may_leave(self.committed) {
            return false;
        }
        // Who is parked or locked leaves messages behind, as rows.
        let hand = instance.entity().and_then(|entity| entity.hand.as_ref());
        let in_hand = hand.map_or(0, |hand| hand.entry.message.bytes());
        self.queued_bytes -= instance.waiting.front.bytes() + instance.waiting.mailbox.bytes() + in_hand;
        self.instances.remove(id);
        true
    }

    /// Whether nothing waits: no message, no load, no operation off the shard, no open batch, no uncommitted batch. Delayed
    /// signals may.
    pub fn is_idle(&self) -> bool {
        self.recovered
            && !self.is_under_way()
            && self.dispatches.len() == 0
            && self.held.is_empty()
            && self.refusals.is_empty()
    }

    /// Lets timers wait for a later process from now on, so that what was asked for comes to an end: there may be reminders
    /// for ever.
    pub fn drain(&mut self) {
        self.draining = true;
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
            operations_running: self.dispatches.len() as u64,
            operations_waiting: self.places.waiting() as u64,
            timers: self.timers.count(),
            tasks: self.tasks.count(),
            dead_letters: self.dead.len() as u64,
            dead_letters_dropped: self.dead.dropped(),
            keys: self.keys.count(),
            parked: self.instances.iter().filter(parked).count() as u64 + self.unregistered,
            locks_overdue: self.watch.overdue(),
            refusals: self.refusals_by_type(),
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

    /// An execution's id, or a generated run's, in `slot`: no two of a store are the same.
    fn next_execution(&mut self, slot: Slot) -> ExecutionId {
        let unique = self.next_unique();
        ExecutionId::generated(self.now, slot, unique)
    }

    /// A number that no other shard or life of this one gives.
    fn next_unique(&mut self) -> u64 {
        const COUNTER_BITS: u32 = 38;
        let RowId { epoch, counter } = self.next_row();
        epoch.0 << COUNTER_BITS | counter & ((1 << COUNTER_BITS) - 1)
    }

    /// The number that the open batch will have if it writes anything.
    fn open_number(&self) -> BatchNumber {
        self.sealed.next()
    }

    /// The instance whose turn it is. What was begun goes first, but not for ever.
    fn next_ready(&mut self) -> Option<InstanceId> {
        loop {
            let begin = self.streak >= STREAK_MAX && !self.fresh.is_empty();
            let (round, queue) = if begin || self.ready.is_empty() {
                (Round::Fresh, &mut self.fresh)
            } else {
                (Round::Ready, &mut self.ready)
            };
            let id = queue.pop_front()?;
            let Some(instance) = self.instances.get_mut(id).filter(|instance| instance.round == round) else {
                continue;
            };
            instance.round = Round::Out;
            self.streak = if round == Round::Fresh { 0 } else { self.streak + 1 };
            return Some(id);
        }
    }

    /// Puts an instance into the round if it has something to do.
    fn mark_ready(&mut self, id: InstanceId) {
        if self.turning == Some(id) {
            return;
        }
        let committed = self.committed;
        let Some(instance) = self.instances.get_mut(id) else { return };
        let round = if instance.goes_on(committed) {
            Round::Ready
        } else if instance.has_work(committed) {
            Round::Fresh
        } else {
            return;
        };
        if instance.round < round {
            instance.round = round;
            match round {
                Round::Ready => self.ready.push_back(id),
                Round::Fresh | Round::Out => self.fresh.push_back(id),
            }
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
        if let Some((session, request)) = message.from.client() {
            self.refusals.push_back(Reply { session, request, answer: Answer::refused(error) });
        }
    }

    /// Lets the least recently used entities leave: those that were idle for too long, and as many as the cache is
    /// over its bytes. One that may not leave yet gets another round.
    fn make_room(&mut self) {
        const CHANCES: usize = 16;
        for _ in 0..CHANCES {
            let limits = &self.config.limits;
            let Some(id) = self.instances.least_recent() else { return };
            let Some(instance) = self.instances.get(id) else { return };
            // Messages that cannot be taken now are rows: who keeps them in memory keeps others out.
            let over =
                self.instances.bytes() > limits.cache_bytes || self.queued_bytes >= limits.lane_bytes_max / 2;
            let idle = instance.used.after(limits.idle_after) <= self.now;
            if !over && !idle {
                return;
            }
            // An execution costs a replay to come back: entities go first.
            let spare = !idle && !instance.spared && instance.run().is_some_and(runs::Run::is_live);
            if spare || !self.leave(id) {
                self.instances.touch(id, self.now);
            }
            if let Some(instance) = self.instances.get_mut(id).filter(|_| spare) {
                instance.spared = true;
            }
        }
    }
}

#[cfg(test)]
mod tests;
