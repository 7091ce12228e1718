//! What a runtime is made with.

use crate::{
    ActivityContext, ActivityOptions, OpenError, Runtime,
    activities::{ANY_ACTIVITY, ActivityHandler, activity_handler, closure_handler},
    runtime::Plan,
};
use sarsen_engine::{Limits, OrchestrationOptions, Registry};
use sarsen_entities::{Entity, EntityOptions, Typed};
use sarsen_orchestration::{self as orchestration, Activity, ActivityCode, Orchestration};
use sarsen_protocol::Slot;
use sarsen_storage::{Directory, RedbOptions, Store};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, future::Future, panic::catch_unwind, path::Path, sync::Arc, time::Duration};
use tokio::{runtime::Handle, task::spawn_blocking};

/// Collects entity types, orchestrations, activities and options of a [`Runtime`], made by [`Runtime::builder`].
#[must_use = "a builder does nothing until a runtime is opened with it"]
pub struct Builder {
    registry: Registry,
    activities: Vec<(Arc<dyn ActivityHandler>, ActivityOptions)>,
    /// The first thing that could not be registered.
    refused: Option<OpenError>,
    shards: u16,
    cache_bytes: Option<usize>,
    limits: Limits,
    watchdog: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            registry: Registry::new(),
            activities: Vec::new(),
            refused: None,
            shards: 1,
            cache_bytes: None,
            limits: Limits::default(),
            watchdog: Duration::from_secs(1),
        }
    }

    /// Registers an entity type. Types whose entities are in the data directory and that are not registered stay
    /// there untouched. What is wrong with a type is told when the runtime is opened.
    pub fn entity<E: Entity>(self) -> Self {
        self.entity_with::<E>(|options| options)
    }

    /// As [`entity`](Self::entity), with other options than the type's own, which `choose` is given:
    ///
    /// ```
    /// # fn register<Account: sarsen_runtime::Entity>() {
    /// let builder = sarsen_runtime::Runtime::builder().entity_with::<Account>(|options| options.mailbox(500));
    /// # }
    /// ```
    pub fn entity_with<E: Entity>(mut self, choose: impl FnOnce(EntityOptions) -> EntityOptions) -> Self {
        let registered = self.register_entity::<E>(choose(E::options()));
        self.note(registered)
    }

    /// Registers an orchestration, named by its function. Runs of orchestrations that are not registered stay as they
    /// are and go on when they are. What is wrong with one is told when the runtime is opened.
    pub fn orchestration<O: Orchestration>(self, orchestration: fn() -> O) -> Self {
        self.orchestration_with(orchestration, |options| options)
    }

    /// As [`orchestration`](Self::orchestration), with options.
    ///
    /// ```
    /// # use std::time::Duration;
    #[doc = include_str!("client/run/greet_of_docs.txt")]
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let builder = sarsen_runtime::Runtime::builder()
    ///     .orchestration_with(greet, |options| options.concurrency(8).retention(7 * day));
    /// ```
    pub fn orchestration_with<O: Orchestration>(
        mut self,
        _orchestration: fn() -> O,
        choose: impl FnOnce(OrchestrationOptions) -> OrchestrationOptions,
    ) -> Self {
        let registered = self.register_orchestration::<O>(choose(OrchestrationOptions::default()));
        self.note(registered)
    }

    /// Registers an activity, named by its function, with the default [`ActivityOptions`]. Activities run on the tokio
    /// runtime in which this one is opened: they must not block its threads for long.
    pub fn activity<A>(self, activity: fn() -> A) -> Self
    where
        A: Activity + ActivityCode<ActivityContext>,
    {
        self.activity_with(activity, |options| options)
    }

    /// As [`activity`](Self::activity), with other options: `.activity_with(notify, |options| options.concurrency(8))`.
    pub fn activity_with<A>(
        mut self,
        _activity: fn() -> A,
        choose: impl FnOnce(ActivityOptions) -> ActivityOptions,
    ) -> Self
    where
        A: Activity + ActivityCode<ActivityContext>,
    {
        let registered = self.register_activity::<A>(choose(ActivityOptions::default()));
        self.note(registered)
    }

    /// Registers an activity by a name of its own, without a type: orchestrations ask for it by
    /// [`Context::activity_named`](sarsen_orchestration::Context::activity_named). Its input is what it takes, of any type that
    /// has JSON.
    pub fn activity_named<I, T, E, F, W>(self, name: &'static str, code: F) -> Self
    where
        I: DeserializeOwned + 'static,
        T: Serialize + DeserializeOwned + 'static,
        E: Serialize + DeserializeOwned + fmt::Display + 'static,
        F: Fn(ActivityContext, I) -> W + Send + Sync + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.closure(name, code)
    }

    /// Registers an activity for all names that no other has; [`ActivityContext::activity`] tells which was asked for.
    pub fn activity_of_any_name<I, T, E, F, W>(self, code: F) -> Self
    where
        I: DeserializeOwned + 'static,
        T: Serialize + DeserializeOwned + 'static,
        E: Serialize + DeserializeOwned + fmt::Display + 'static,
        F: Fn(ActivityContext, I) -> W + Send + Sync + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.closure(ANY_ACTIVITY, code)
    }

    fn closure<I, T, E, F, W>(mut self, name: &'static str, code: F) -> Self
    where
        I: DeserializeOwned + 'static,
        T: Serialize + DeserializeOwned + 'static,
        E: Serialize + DeserializeOwned + fmt::Display + 'static,
        F: Fn(ActivityContext, I) -> W + Send + Sync + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        let handler = closure_handler(name, code).map_err(|_| OpenError::Name { kind: "an activity", name });
        let registered = handler.and_then(|handler| self.add_activity(handler, ActivityOptions::default()));
        self.note(registered)
    }

    fn add_activity(
        &mut self,
        handler: Arc<dyn ActivityHandler>,
        options: ActivityOptions,
    ) -> Result<(), OpenError> {
        let name = handler.name();
        if options.is_idle() {
            return Err(OpenError::Concurrency { activity: name });
        }
        match name {
            ANY_ACTIVITY => self.registry.insert_any_activity()?,
            name => self.registry.insert_activity(name)?,
        }
        self.activities.push((handler, options));
        Ok(())
    }

    /// Keeps the first thing that was wrong.
    fn note(mut self, registered: Result<(), OpenError>) -> Self {
        if let Err(error) = registered {
            self.refused.get_or_insert(error);
        }
        self
    }

    fn register_entity<E: Entity>(&mut self, options: EntityOptions) -> Result<(), OpenError> {
        let behaviour = Typed::<E>::new()?;
        options.check(E::NAME)?;
        Ok(self.registry.insert_with(Arc::new(behaviour), options)?)
    }

    fn register_orchestration<O: Orchestration>(
        &mut self,
        options: OrchestrationOptions,
    ) -> Result<(), OpenError> {
        if options.is_idle() {
            return Err(OpenError::RunConcurrency { orchestration: O::NAME });
        }
        let bad_name = |_| OpenError::Name { kind: "an orchestration", name: O::NAME };
        let orchestrator = orchestration::Typed::<O>::new().map_err(bad_name)?;
        Ok(self.registry.insert_orchestration_with(Arc::new(orchestrator), options)?)
    }

    fn register_activity<A>(&mut self, options: ActivityOptions) -> Result<(), OpenError>
    where
        A: Activity + ActivityCode<ActivityContext>,
    {
        let bad_name = |_| OpenError::Name { kind: "an activity", name: A::NAME };
        let handler = activity_handler::<A>().map_err(bad_name)?;
        self.add_activity(handler, options)
    }

    /// Over how many threads entities are spread: 1 by default, 4,096 at most. It may differ at each open.
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards;
        self
    }

    /// The memory for entities, for pages of the store and for what does not rest in them yet, together, in bytes: half
    /// of it for entities, a quarter for each of the others. 512 MiB for one shard by default.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = Some(bytes);
        self
    }

    /// Changes limits. What [`cache_bytes`](Self::cache_bytes) says stands above [`Limits::cache_bytes`], which is
    /// for each shard and for entities alone.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// How long a turn may run before a warning names its entity: a second by default. Zero warns of none.
    pub fn watchdog(mut self, limit: Duration) -> Self {
        self.watchdog = limit;
        self
    }

    /// Opens the data directory at `path`, which is created when it is missing, and starts. The directory is this
    /// runtime's own until it is shut down or dropped. Called inside a tokio runtime with time enabled, whose timers
    /// the timeouts of clients use.
    ///
    /// # Errors
    /// [`OpenError`]: when the directory is in use, foreign, newer or damaged, when a type could not be registered,
    /// when an option is out of range, or when tokio is missing or has no timers; tokio prints a panic then too.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, what was opened is closed again, a moment later.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<Runtime, OpenError> {
        let path = path.as_ref().to_owned();
        let options = match self.cache_bytes {
            Some(bytes) => RedbOptions { cache_bytes: bytes / 2, ..RedbOptions::default() },
            None => RedbOptions::default(),
        };
        let runtime = self
            .start(move || {
                let directory = Directory::open(&path)?;
                Ok(Arc::new(directory.open_store(options)?))
            })
            .await?;
        Ok(runtime)
    }

    /// As [`open`](Self::open), on any store.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[doc(hidden)]
    pub async fn open_store(self, store: impl Store) -> Result<Runtime, OpenError> {
        self.start(move || Ok(Arc::new(store))).await
    }

    /// Checks the options, opens the store where blocking does no harm, and starts.
    async fn start<S, F>(self, open: F) -> Result<Runtime, OpenError>
    where
        S: Store,
        F: FnOnce() -> Result<Arc<S>, OpenError> + Send + 'static,
    {
        let plan = self.plan()?;
        let tokio = Handle::try_current().map_err(|_| OpenError::NoTokio)?;
        if !has_timers() {
            return Err(OpenError::NoTimers);
        }
        let started = spawn_blocking(move || Runtime::start(plan, open()?, tokio));
        match started.await {
            Ok(runtime) => runtime,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(OpenError::NoTokio),
            },
        }
    }

    fn plan(self) -> Result<Plan, OpenError> {
        if cfg!(panic = "abort") {
            return Err(OpenError::PanicAborts);
        }
        if let Some(error) = self.refused {
            return Err(error);
        }
        if !(1..=Slot::COUNT).contains(&self.shards) {
            return Err(OpenError::Shards { shards: self.shards });
        }
        let mut limits = self.limits;
        if let Some(bytes) = self.cache_bytes {
            limits.cache_bytes = bytes / 2 / usize::from(self.shards);
        }
        limits.check()?;
        Ok(Plan {
            registry: Arc::new(self.registry),
            activities: self.activities,
            limits: Arc::new(limits),
            shards: self.shards,
            watchdog: self.watchdog,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("registry", &self.registry)
            .field("refused", &self.refused)
            .field("shards", &self.shards)
            .field("cache_bytes", &self.cache_bytes)
            .field("limits", &self.limits)
            .field("watchdog", &self.watchdog)
            .finish_non_exhaustive()
    }
}

/// Whether the tokio runtime here has timers. Tokio tells by a panic only, and the panic hook prints it.
fn has_timers() -> bool {
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}
