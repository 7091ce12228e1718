//! A runtime: its threads from their start to their end.

use crate::{
    ActivityOptions, Builder, Client, Closed, OpenError, ShutdownError,
    activities::{Activities, ActivityHandler},
    client::Asker,
    commit::panic_text,
    dispatches::Dispatches,
    driver::Driver,
    host::Host,
    loader::Round,
    works::Works,
};
use sarsen_engine::{Limits, Registry, ShardConfig, SlotMap};
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
pub(crate) struct Plan {
    pub(crate) registry: Arc<Registry>,
    pub(crate) activities: Vec<(Arc<dyn ActivityHandler>, ActivityOptions)>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) shards: u16,
    pub(crate) watchdog: Duration,
}

/// Entities and orchestrations at work on a data directory: a thread for each shard,
/// one that commits, one that makes checkpoints, one that reads, and a watchdog.
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

    /// A client of the entities and orchestrations.
    pub fn client(&self) -> Client {
        Client::of(Asker::outside(self.host.clone()))
    }

    /// Takes no more requests, finishes the accepted ones, commits, and ends; gives up after 30 seconds as
    /// [`shutdown_within`](Self::shutdown_within) does. Afterwards the directory can be opened again at once.
    ///
    /// Operations that run off their shards are accepted work: they are waited for, unless the time is over; then they are
    /// told by [`OperationContext::cancelled`](sarsen_entities::OperationContext::cancelled), what they return is dropped,
    /// and they run again at the next open. Until then what they and activities ask for is taken.
    ///
    /// Delayed signals and reminders whose time has not come, or comes meanwhile, stay for the next open. Runs that wait, for
    /// a timer, an event or an activity, hold nothing up and go on at the next open. No further activity is begun; one that is running when the accepted
    /// work is done is told by [`ActivityContext::cancelled`](crate::ActivityContext::cancelled), what it returns from
    /// then on is dropped, and it runs again at the next open.
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
    pub(crate) fn start<S: Store>(plan: Plan, store: Arc<S>, tokio: Handle) -> Result<Self, OpenError> {
        let slots = Arc::new(SlotMap::split(plan.shards));
        let store: Arc<dyn Store> = store;
        let leases = slots.ranges().iter().map(|range| store.acquire(*range));
        let leases = leases.collect::<Result<Vec<_>, _>>()?;
        let session = SessionId(uuid::Uuid::new_v4());
        let (registry, limits) = (Arc::clone(&plan.registry), Arc::clone(&plan.limits));
        let host = Arc::new_cyclic(|host| {
            let activities = Activities::new(plan.activities, host.clone(), tokio.clone());
            let dispatches = Dispatches::new(host.clone(), tokio.clone());
            let elsewhere = (Arc::new(activities), Arc::new(dispatches));
            let works = Works::new(leases.clone(), &limits, elsewhere, plan.watchdog);
            Host::new(Arc::new(works), session, Arc::clone(&slots), registry, limits, tokio)
        });
        let works = Arc::clone(host.works());
        let closed = works.closed();
        // From here on a drop ends the threads that were started.
        let runtime = Self { works: Arc::clone(&works), host, closed, left: false };
        for (index, lease) in (0..).zip(leases) {
            let (registry, limits) = (Arc::clone(&plan.registry), Arc::clone(&plan.limits));
            let config =
                ShardConfig { id: ShardId(index), lease, slots: Arc::clone(&slots), registry, limits };
            spawn_driver(&works, config, Arc::clone(&store), session)?;
        }
        spawn(&works, "sarsen-commit", Arc::clone(&store), |works, store| {
            while let Some(group) = works.commits.next() {
                works.commit(group, &*store);
            }
        })?;
        spawn(&works, "sarsen-checkpoint", Arc::clone(&store), |works, store| {
            if let Err(error) = works.checkpoints.run(&*store) {
                works.fail(&error.to_string(), None);
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

/// Starts a driver's thread, which makes its shard itself.
fn spawn_driver(
    works: &Arc<Works>,
    config: ShardConfig,
    store: Arc<dyn Store>,
    session: SessionId,
) -> Result<(), OpenError> {
    let shared = Arc::clone(works);
    works.begin_thread(true);
    let name = format!("sarsen-shard-{}", config.id.0);
    let body = move || {
        drive(&shared, config, store, session);
        shared.end_driver();
        shared.end_thread();
    };
    start_thread(name, body).inspect_err(|_| {
        works.end_driver();
        works.end_thread();
    })
}

/// The body of a driver's thread.
fn drive(works: &Arc<Works>, config: ShardConfig, store: Arc<dyn Store>, session: SessionId) {
    let id = config.id;
    let mut driver = None;
    let run = || driver.insert(Driver::new(config, Arc::clone(works), store, session)).run();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        works.fail(&format!("shard {} panicked: {}", id.0, panic_text(&*panic)), None);
    }
    // States are dropped here, which is code of the user's. All that has run is left to the commit thread.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| driver.map(Driver::end))) {
        let panic = panic_text(&*panic);
        tracing::error!(shard = id.0, panic, "a panic while a shard was dropped; nothing is lost");
    }
    works.doorway(id).turn_away();
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
