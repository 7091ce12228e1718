//! A runtime: its threads from their start to their end.

use crate::{
    Builder, Client, Closed, OpenError, ShutdownError, clock, commit::panic_text, driver::Driver, host::Host,
    loader::Round, works::Works,
};
use sarsen_engine::{Limits, Registry, Shard, ShardConfig, SlotMap};
use sarsen_protocol::{SessionId, ShardId};
use sarsen_storage::Store;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{runtime::Handle, sync::watch, time::timeout};

/// How long [`Runtime::shutdown`] lets accepted work go on.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(30);

/// How long threads may take to end once they are told to, before the runtime is left to itself.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What a runtime is started with.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) registry: Arc<Registry>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) shards: u16,
    pub(crate) watchdog: Duration,
}

/// Entities at work on a data directory: a thread for each shard, one that commits, one that reads, and a watchdog.
///
/// [`shutdown`](Self::shutdown) ends it in good order. Dropped, it ends as well, without finishing the work that it
/// has accepted; that goes on at the next open. The drop waits for its threads, up to five seconds, so that the
/// directory can be opened again at once.
#[must_use = "a runtime that is dropped ends"]
pub struct Runtime {
    works: Arc<Works>,
    host: Arc<Host>,
    closed: watch::Receiver<Option<Closed>>,
    /// Whether its end has been waited for in vain.
    left: bool,
}

impl Runtime {
    /// Collects what a runtime is made with.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A client of the entities.
    pub fn client(&self) -> Client {
        Client::new(self.host.clone())
    }

    /// Takes no more requests, finishes the accepted ones, commits, and ends; gives up after 30 seconds as
    /// [`shutdown_within`](Self::shutdown_within) does. Afterwards the directory can be opened again at once.
    /// Delayed signals that are not due yet stay for the next open.
    ///
    /// # Errors
    /// [`ShutdownError`]. What was acknowledged is on disk in any case.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it ends the runtime as a drop does.
    pub async fn shutdown(self) -> Result<(), ShutdownError> {
        self.shutdown_within(SHUTDOWN_WITHIN).await
    }

    /// As [`shutdown`](Self::shutdown), with another time for the accepted work. After it no further operation is
    /// begun; what has run is committed.
    ///
    /// # Errors
    /// [`ShutdownError`]. What was acknowledged is on disk in any case.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it ends the runtime as a drop does.
    pub async fn shutdown_within(mut self, within: Duration) -> Result<(), ShutdownError> {
        self.works.drain();
        let drained = timeout(within, ended(&mut self.closed)).await.ok();
        let in_time = drained.is_some();
        let closed = match drained {
            Some(closed) => Some(closed),
            None => self.end_now().await,
        };
        let Some(closed) = closed else {
            self.left = true;
            return Err(self.stuck());
        };
        match closed {
            Closed::Failed { reason } => Err(ShutdownError::Failed { reason }),
            Closed::Stopped if in_time => Ok(()),
            Closed::Stopped => Err(ShutdownError::Deadline { within }),
        }
    }

    /// Ends without finishing the accepted work; `None` when a thread does not return.
    async fn end_now(&mut self) -> Option<Closed> {
        self.works.stop();
        timeout(END_WITHIN, ended(&mut self.closed)).await.ok()
    }

    /// Waits until the runtime has ended, and says how: the way to notice a failure while it serves.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn closed(&self) -> Closed {
        ended(&mut self.closed.clone()).await
    }

    fn stuck(&self) -> ShutdownError {
        match self.works.running() {
            Some(entity) => ShutdownError::Stuck { entity },
            None => ShutdownError::StoreStuck,
        }
    }

    /// Takes the slots and starts the threads.
    pub(crate) fn start<S: Store>(plan: &Plan, store: Arc<S>, tokio: Handle) -> Result<Self, OpenError> {
        let slots = Arc::new(SlotMap::split(plan.shards));
        let store: Arc<dyn Store> = store;
        let leases = slots.ranges().iter().map(|range| store.acquire(*range));
        let leases = leases.collect::<Result<Vec<_>, _>>()?;
        let works = Arc::new(Works::new(leases.clone(), &plan.limits, plan.watchdog));
        let session = SessionId(uuid::Uuid::new_v4());
        let closed = works.closed();
        let (registry, limits) = (Arc::clone(&plan.registry), Arc::clone(&plan.limits));
        let host = Host::new(Arc::clone(&works), session, Arc::clone(&slots), registry, limits, tokio);
        // From here on a drop ends the threads that were started.
        let runtime = Self { works: Arc::clone(&works), host: Arc::new(host), closed, left: false };
        for (index, lease) in (0..).zip(leases) {
            let id = ShardId(index);
            let (registry, limits) = (Arc::clone(&plan.registry), Arc::clone(&plan.limits));
            let config = ShardConfig { id, lease, slots: Arc::clone(&slots), registry, limits };
            let shard = Shard::new(config, clock::now());
            let driver = Driver::new(id, shard, Arc::clone(&works), Arc::clone(&store), session);
            spawn_driver(&works, id, driver)?;
        }
        spawn(&works, "sarsen-commit", Arc::clone(&store), |works, store| {
            while let Some(group) = works.commits.next() {
                works.commit(group, &*store);
            }
        })?;
        spawn(&works, "sarsen-load", store, |works, store| read_on(works, &*store))?;
        if !plan.watchdog.is_zero() {
            spawn(&works, "sarsen-watch", (), |works, ()| works.watchdog.run(&works.pulses))?;
        }
        tracing::info!(shards = plan.shards, registry = ?plan.registry, "the runtime is open");
        Ok(runtime)
    }
}

/// The loader's thread.
fn read_on(works: &Works, store: &dyn Store) {
    while let Some(round) = works.loads.next() {
        let deliver = |to, inputs| works.doorway(to).push(inputs);
        if let Err(error) = Round::run(round, &works.loads, store, deliver) {
            works.fail(&error.to_string(), None);
        }
    }
}

/// Starts a driver's thread.
fn spawn_driver(works: &Arc<Works>, id: ShardId, mut driver: Driver) -> Result<(), OpenError> {
    let shared = Arc::clone(works);
    works.begin_thread(true);
    let body = move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| driver.run())) {
            shared.fail(&format!("shard {} panicked: {}", id.0, panic_text(&*panic)), None);
        }
        // States are dropped here, which is code of the user's. All that has run is left to the commit thread.
        let end = move || {
            driver.end();
            drop(driver);
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(end)) {
            let panic = panic_text(&*panic);
            tracing::error!(shard = id.0, panic, "a panic while a shard was dropped; nothing is lost");
        }
        shared.end_driver();
        shared.end_thread();
    };
    start_thread(format!("sarsen-shard-{}", id.0), body).inspect_err(|_| {
        works.end_driver();
        works.end_thread();
    })
}

/// Starts a thread that owns `own` until its end.
fn spawn<T, F>(works: &Arc<Works>, name: &'static str, own: T, body: F) -> Result<(), OpenError>
where
    T: Send + 'static,
    F: FnOnce(&Works, T) + Send + 'static,
{
    let shared = Arc::clone(works);
    works.begin_thread(false);
    let body = move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&shared, own))) {
            shared.fail(&format!("the thread {name} panicked: {}", panic_text(&*panic)), None);
        }
        shared.end_thread();
    };
    start_thread(name.to_owned(), body).inspect_err(|_| works.end_thread())
}

fn start_thread(name: String, body: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    match thread::Builder::new().name(name.clone()).spawn(body) {
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::Thread { name, source }),
    }
}

/// Waits for the end.
async fn ended(closed: &mut watch::Receiver<Option<Closed>>) -> Closed {
    let told = closed.wait_for(Option::is_some).await.map(|closed| closed.clone());
    // The sender lives as long as the runtime that waits.
    told.ok().flatten().unwrap_or(Closed::Stopped)
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.works.stop();
        if self.left {
            return;
        }
        if self.works.wait(END_WITHIN) {
            tracing::info!("the runtime is closed");
        } else {
            let reason = self.stuck();
            tracing::error!(%reason, "the runtime was dropped and has not ended");
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("shards", &self.works.doorways.len()).finish_non_exhaustive()
    }
}
