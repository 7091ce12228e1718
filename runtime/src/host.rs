//! The runtime, as its clients see it.

use crate::{
    Stats, clock,
    doorway::{Asked, Doorway, Turned},
    gate::{Coming, Gate, Performed, Replier, Standing},
    loader::ClientRead,
    run_ends::RunEnds,
    run_ids::RunIds,
    works::Works,
};
use sarsen_engine::{BUSY_RETRY_AFTER, Input, Limits, Registry, Request, SlotMap};
use sarsen_entities::Ended;
use sarsen_protocol::{
    CallError, DispatchToken, Page, Payload, Read, RunId, SessionId, Task, TaskToken, Timestamp,
};
use sarsen_storage::Counters;
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

/// How many clients' reads may wait for the loader; further ones wait for their turn.
const READS_MAX: usize = 64;

/// The way from clients to the shards. It outlives the threads of the runtime and does not hold its store.
#[derive(Debug)]
pub(crate) struct Host {
    works: Arc<Works>,
    session: SessionId,
    slots: Arc<SlotMap>,
    run_ids: RunIds,
    registry: Arc<Registry>,
    limits: Arc<Limits>,
    reads: Arc<Semaphore>,
    /// Whose timers clients wait by.
    tokio: Handle,
}

impl Host {
    pub(crate) fn new(
        works: Arc<Works>,
        session: SessionId,
        slots: Arc<SlotMap>,
        registry: Arc<Registry>,
        limits: Arc<Limits>,
        tokio: Handle,
    ) -> Self {
        let reads = Arc::new(Semaphore::new(READS_MAX));
        let run_ids = RunIds::new(Arc::clone(&slots));
        Self { works, session, slots, run_ids, registry, limits, reads, tokio }
    }

    pub(crate) fn works(&self) -> &Arc<Works> {
        &self.works
    }

    /// Gives the outcome of an operation that ran off its shard, to the shard that asked.
    pub(crate) fn operated(&self, token: DispatchToken, ended: Ended) {
        let shard = self.slots.shard(token.slot);
        self.works.doorway(shard).push([Input::Operated { token, ended: Box::new(ended) }]);
    }

    /// Gives what an activity has come to, to the shard that asked.
    pub(crate) fn performed(&self, token: TaskToken, performed: Performed) {
        let Performed { result, progress } = performed;
        let shard = self.slots.shard(token.slot);
        self.works.doorway(shard).push([Input::Performed { token, result, progress }]);
    }
}

impl Gate for Host {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn session(&self) -> SessionId {
        self.session
    }

    fn submit(&self, request: Request, replier: Replier, standing: Standing) -> Result<(), CallError> {
        let doorway = self.works.doorway(self.slots.shard(request.slot()));
        doorway.offer(Asked { request, replier }, standing).map_err(|turned| match turned {
            Turned::Full(address) => CallError::Busy {
                address,
                what: "the lane of its shard".into(),
                limit: None,
                retry_after: BUSY_RETRY_AFTER,
            },
            Turned::Closed => CallError::Stopped,
        })
    }

    fn sleep(&self, duration: Duration) -> Coming<()> {
        let _entered = self.tokio.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn read(&self, reads: Vec<Read>) -> Coming<Result<Vec<Page>, CallError>> {
        let (works, permits) = (Arc::clone(&self.works), Arc::clone(&self.reads));
        Box::pin(async move {
            // Never closed: a loader that has ended drops what it is asked, which gives the permits back.
            let _permit = permits.acquire_owned().await.map_err(|_| CallError::Stopped)?;
            let (answer, told) = oneshot::channel();
            works.loads.ask(ClientRead { reads, answer });
            match told.await {
                Ok(Ok(pages)) => Ok(pages),
                Ok(Err(reason)) => Err(CallError::Unreadable { reason }),
                Err(_) => Err(CallError::Stopped),
            }
        })
    }

    fn progress(&self, task: Task, progress: Payload) {
        let shard = self.slots.shard(task.token.slot);
        self.works.doorway(shard).push([Input::Progressed { task: Box::new(task), progress }]);
    }

    fn stats(&self) -> Coming<Result<Stats, CallError>> {
        // Asked here, so that all shards answer at about the same time.
        let told: Vec<_> = self.works.doorways.iter().map(Doorway::ask).collect();
        let operations_overrun = self.works.dispatches.overrun();
        Box::pin(async move {
            let (mut shards, mut store) = (Vec::with_capacity(told.len()), Counters::default());
            for report in told {
                let report = report.await.map_err(|_| CallError::Stopped)?;
                shards.push(report.shard);
                store = report.store;
            }
            Ok(Stats { operations_overrun, ..Stats::sum(shards, store) })
        })
    }

    fn next_run(&self) -> RunId {
        self.run_ids.next(clock::now())
    }

    fn run_ends(&self) -> &RunEnds {
        &self.works.run_ends
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}
