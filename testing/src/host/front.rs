//! The side of the host that clients see: its lanes, its clock, and what they wait for beside requests.

use super::awaited::{Owed, owed};
use crate::{Random, clock::Clock};
use sarsen_engine::{Input, Lanes, Limits, Registry, Request, SlotMap};
use sarsen_protocol::{CallError, Page, Payload, Read, RunId, SessionId, Slot, Task, Timestamp};
use sarsen_runtime::{
    Stats,
    gate::{Coming, Gate, Replier, RunEnds, Standing},
};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// When a client refused by a full lane is told to come back.
const RETRY_AFTER: Duration = Duration::from_millis(1);

/// A client's request in a lane.
pub(super) type Asked = (Request, Replier);

/// What a client waits for that no shard answers.
#[derive(Debug)]
pub(super) enum Errand {
    /// Durable records.
    Read(Vec<Read>, Owed<Result<Vec<Page>, CallError>>),
    /// Figures.
    Stats(Owed<Result<Stats, CallError>>),
}

impl Errand {
    /// The host has stopped.
    fn stop(self) {
        match self {
            Self::Read(_, owed) => owed.pay(Err(CallError::Stopped)),
            Self::Stats(owed) => owed.pay(Err(CallError::Stopped)),
        }
    }
}

/// A timeout that runs.
#[derive(Debug)]
struct Sleeper {
    until: Duration,
    owed: Owed<()>,
}

/// What lies between clients and one process of the host.
#[derive(Debug)]
pub(super) struct Inner {
    /// Whether requests are taken.
    pub(super) open: bool,
    pub(super) clock: Clock,
    pub(super) lanes: Vec<Lanes<Asked>>,
    /// How much the inside lane of each shard holds.
    inside: Vec<usize>,
    pub(super) errands: Vec<Errand>,
    /// For the ids of runs.
    ids: Random,
    sleepers: Vec<Sleeper>,
}

/// The gate of one process of the host; a reopened host has another.
pub(super) struct Front {
    session: SessionId,
    slots: SlotMap,
    registry: Arc<Registry>,
    limits: Arc<Limits>,
    run_ends: RunEnds,
    inner: Mutex<Inner>,
}

impl Front {
    pub(super) fn new(
        session: SessionId,
        slots: SlotMap,
        registry: Arc<Registry>,
        limits: Arc<Limits>,
        (clock, ids): (Clock, Random),
    ) -> Self {
        let lanes: Vec<_> = slots.ranges().iter().map(|_| Lanes::new(&limits)).collect();
        let inside = vec![0; lanes.len()];
        let (errands, sleepers) = (Vec::new(), Vec::new());
        let inner = Inner { open: true, clock, lanes, inside, errands, ids, sleepers };
        let run_ends = RunEnds::new();
        Self { session, slots, registry, limits, run_ends, inner: Mutex::new(inner) }
    }

    /// What is behind the front.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        // A test's panic elsewhere leaves nothing half done here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Puts something into a shard's inside lane.
    pub(super) fn push_inside(&mut self, shard: usize, input: Input) {
        self.inside[shard] += 1;
        self.lanes[shard].push(input);
    }

    /// How much a shard's inside lane holds.
    pub(super) fn inside_len(&self, shard: usize) -> usize {
        self.inside[shard]
    }

    /// Takes a shard's inside lane.
    pub(super) fn take_inside(&mut self, shard: usize) -> VecDeque<Input> {
        self.inside[shard] = 0;
        self.lanes[shard].take_inside()
    }

    /// Takes no more requests, and returns those that nobody has taken.
    pub(super) fn close(&mut self) -> Vec<Asked> {
        self.open = false;
        for errand in self.errands.drain(..) {
            errand.stop();
        }
        self.lanes.iter_mut().flat_map(|lane| lane.take_outside(usize::MAX).collect::<Vec<_>>()).collect()
    }

    /// Lets time pass and wakes those whose time it was.
    pub(super) fn pass(&mut self, time: Duration) {
        self.clock.pass(time);
        let now = self.clock.elapsed();
        for due in self.sleepers.extract_if(.., |sleeper| sleeper.until <= now) {
            due.owed.pay(());
        }
    }

    /// The time until the next timeout.
    pub(super) fn next_timeout(&mut self) -> Option<Duration> {
        self.sleepers.retain(|sleeper| !sleeper.owed.is_abandoned());
        let now = self.clock.elapsed();
        self.sleepers.iter().map(|sleeper| sleeper.until.saturating_sub(now)).min()
    }

    /// Takes over the clock and the timeouts of the process before.
    pub(super) fn inherit(&mut self, earlier: &mut Self) {
        self.clock = earlier.clock.of_next_process();
        self.sleepers.append(&mut earlier.sleepers);
    }
}

impl Gate for Front {
    fn now(&self) -> Timestamp {
        self.inner().clock.now()
    }

    fn session(&self) -> SessionId {
        self.session
    }

    fn submit(&self, request: Request, reply: Replier, _standing: Standing) -> Result<(), CallError> {
        let mut inner = self.inner();
        if !inner.open {
            return Err(CallError::Stopped);
        }
        let (address, bytes) = (request.to().clone(), request.bytes());
        let shard = usize::from(self.slots.shard(request.slot()).0);
        inner.lanes[shard].offer((request, reply), bytes).map_err(|_| CallError::Busy {
            address,
            what: "the lane of its shard".into(),
            limit: None,
            retry_after: RETRY_AFTER,
        })
    }

    fn sleep(&self, duration: Duration) -> Coming<()> {
        let (owed, awaited) = owed();
        let mut inner = self.inner();
        let until = inner.clock.elapsed() + duration;
        inner.sleepers.push(Sleeper { until, owed });
        Box::pin(awaited)
    }

    fn read(&self, reads: Vec<Read>) -> Coming<Result<Vec<Page>, CallError>> {
        let (owed, awaited) = owed();
        self.run(Errand::Read(reads, owed));
        Box::pin(awaited)
    }

    fn stats(&self) -> Coming<Result<Stats, CallError>> {
        let (owed, awaited) = owed();
        self.run(Errand::Stats(owed));
        Box::pin(awaited)
    }

    fn progress(&self, task: Task, progress: Payload) {
        let shard = usize::from(self.slots.shard(task.token.slot).0);
        self.inner().push_inside(shard, Input::Progressed { task: Box::new(task), progress });
    }

    fn next_run(&self) -> RunId {
        let inner = &mut *self.inner();
        let slot = inner.ids.below(usize::from(Slot::COUNT));
        let slot = u16::try_from(slot).ok().and_then(Slot::new).expect("it is below the number of slots");
        RunId::generated(inner.clock.now(), slot, inner.ids.draw())
    }

    fn run_ends(&self) -> &RunEnds {
        &self.run_ends
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Front {
    fn run(&self, errand: Errand) {
        let mut inner = self.inner();
        if inner.open {
            inner.errands.push(errand);
        } else {
            errand.stop();
        }
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("session", &self.session).finish_non_exhaustive()
    }
}
