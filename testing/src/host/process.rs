//! What dies with a process: shards, batches on their way, loads in flight, callers that wait, activities.

use super::{
    commits::Commit,
    effects::{Callers, Leaving},
    elsewhere::Elsewhere,
    env::Env,
    front::Front,
    loads::Loads,
    work::Work,
};
use crate::{Situation, World};
use sarsen_engine::{Groups, Input, Shard, ShardConfig, SlotMap};
use sarsen_protocol::{Effect, Lease, Receipt, SessionId, ShardId, Timestamp};
use sarsen_storage::{Error, Store};
use std::{collections::VecDeque, sync::Arc};

/// One shard and what is on its way to it.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) shard: Shard,
    pub(super) lease: Lease,
    /// Inputs that were taken from the inside lane and not handed over yet.
    pub(super) staged: VecDeque<Input>,
    /// Receipts that were not handed over yet.
    pub(super) receipts: VecDeque<Receipt>,
    /// Nothing has happened since a turn found nothing to do.
    pub(super) quiet: bool,
    /// Batches sealed so far.
    pub(super) sealed: u64,
}

/// A process of the host.
#[derive(Debug)]
pub(super) struct Process<S> {
    pub(super) store: Arc<S>,
    pub(super) front: Arc<Front>,
    pub(super) drivers: Vec<Driver>,
    pub(super) slots: Arc<SlotMap>,
    pub(super) groups: Groups<Effect>,
    pub(super) commit: Option<Commit>,
    /// Groups applied to the store so far.
    pub(super) applied: u64,
    pub(super) loads: Loads,
    pub(super) leaving: Leaving,
    pub(super) callers: Callers,
    pub(super) work: Work,
    pub(super) elsewhere: Elsewhere,
}

impl<S: Store> Process<S> {
    /// Opens a process with a number of shards of the host's choice.
    ///
    /// # Errors
    /// What the store reports; also when a crash comes between.
    pub(super) fn open<W: World<Store = S>>(
        world: &mut W,
        earlier: Option<&Front>,
        env: &mut Env<S>,
    ) -> Result<Self, Error> {
        let store = world.open()?;
        let count = env.random.pick(&env.odds.shards);
        if env.shards.replace(count).is_some_and(|last| last != count) {
            env.situations.count(Situation::ShardsChanged);
        }
        env.note(|| format!("open with {count} shards"));
        let slots = SlotMap::split(count);
        let session = SessionId(uuid::Uuid::from_u64_pair(env.random.draw(), env.random.draw()));
        let front = Arc::new(Front::new(
            session,
            slots.clone(),
            Arc::clone(&env.registry),
            Arc::clone(&env.limits),
            (env.clock, env.random.fork()),
        ));
        if let Some(earlier) = earlier {
            front.inner().inherit(&mut earlier.inner());
        }
        let groups = Groups::new(env.random.pick(&[1, 2_000, 1 << 20]));
        let mut process = Self {
            store,
            front,
            drivers: Vec::new(),
            slots: Arc::new(slots),
            groups,
            commit: None,
            applied: 0,
            loads: Loads::default(),
            leaving: Leaving::default(),
            callers: Callers::default(),
            work: Work::default(),
            elsewhere: Elsewhere::default(),
        };
        process.acquire(env)?;
        Ok(process)
    }

    /// Acquires the slots of each shard, in an order of the host's choice, and makes the shards. A crash may come
    /// between.
    fn acquire(&mut self, env: &mut Env<S>) -> Result<(), Error> {
        let ranges = self.slots.ranges().to_vec();
        let mut leases = vec![None; ranges.len()];
        let first = env.random.below(ranges.len());
        for at in (0..ranges.len()).map(|more| (first + more) % ranges.len()) {
            if env.crashes_now(8) {
                return Err(Error::Stopped);
            }
            leases[at] = Some(self.store.acquire(ranges[at])?);
        }
        let now = self.now();
        for (at, lease) in leases.into_iter().enumerate() {
            let lease = lease.expect("each range was acquired");
            let config = ShardConfig {
                id: shard_id(at),
                lease,
                slots: Arc::clone(&self.slots),
                registry: Arc::clone(&env.registry),
                limits: Arc::clone(&env.limits),
            };
            self.drivers.push(Driver {
                shard: Shard::new(config, now),
                lease,
                staged: VecDeque::new(),
                receipts: VecDeque::new(),
                quiet: false,
                sealed: 0,
            });
            self.after_input(at, env);
        }
        self.loads.recovering();
        Ok(())
    }

    /// What the wall's clock shows.
    pub(super) fn now(&self) -> Timestamp {
        self.front.inner().clock.now()
    }

    /// Collects what a shard asks for and refuses, after anything has happened to it.
    pub(super) fn after_input(&mut self, at: usize, env: &mut Env<S>) {
        self.drivers[at].quiet = false;
        while let Some(request) = self.drivers[at].shard.poll_load() {
            self.loads.push(at, request, self.applied, env);
        }
        while let Some(reply) = self.drivers[at].shard.poll_refusal() {
            self.reply(reply, env);
        }
    }
}

/// The id of the shard at a place.
pub(super) fn shard_id(at: usize) -> ShardId {
    ShardId(u16::try_from(at).expect("there are at most 4,096 shards"))
}
