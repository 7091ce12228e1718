//! What an orchestration may do.

use crate::{
    Activity, Branch, Command, EntityType, Guard, IntoInput, LockSet, Orchestration, Parent, Reference,
    awaited::Awaited,
    core::{Core, Mode},
    random::Random,
    request::{
        ActivityRequest, Caller, CancelScheduled, ChildRequest, EventRequest, NamedActivityRequest,
        TimerRequest,
    },
};
use sarsen_protocol::{
    Address, AddressError, CallError, EventName, ExecutionId, NamedEntity, Payload, RunId, Timestamp, Uuid,
    json,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, rc::Rc, time::Duration};

/// What an orchestration is told, and what it may do.
///
/// Cheap to clone, for branches, and bound to its execution's thread. Methods that return a request do nothing until
/// it is awaited, joined or started: from then on its command is issued, in the order of the code.
///
/// ```compile_fail
/// fn elsewhere(cx: sarsen_orchestration::Context) {
///     std::thread::spawn(move || cx.now()); // a context stays on its thread
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    core: Rc<Core>,
    /// Not `Send`, whatever the core becomes.
    _bound: PhantomData<*const ()>,
}

impl Context {
    pub(crate) fn new(core: &Rc<Core>) -> Self {
        Self { core: Rc::clone(core), _bound: PhantomData }
    }

    /// The run's id.
    pub fn run_id(&self) -> &RunId {
        &self.core.start.run
    }

    /// The execution's id, another one after each [`continue_as_new`](Self::continue_as_new).
    pub fn execution_id(&self) -> ExecutionId {
        self.core.start.execution
    }

    /// The run that waits for this one, if it is a child.
    pub fn parent(&self) -> Option<&Parent> {
        self.core.start.parent.as_ref()
    }

    /// The time of the turn: the same in every replay, and never earlier than before.
    pub fn now(&self) -> Timestamp {
        self.core.look().now
    }

    /// A random number, the same in every replay.
    pub fn random(&self) -> u64 {
        self.core.draw(Random::draw)
    }

    /// A random UUID (version 4), the same in every replay.
    pub fn uuid(&self) -> Uuid {
        self.core.draw(Random::uuid)
    }

    /// Whether the code does again what it did before. For logging alone: what depends on it cannot be replayed.
    pub fn is_replaying(&self) -> bool {
        self.core.look().mode != Mode::Live
    }

    /// An activity, awaited as `Result<A::Output, CallError>`. It is named by its function.
    pub fn activity<A: Activity>(
        &self,
        _activity: fn() -> A,
        input: impl IntoInput<A::Input>,
    ) -> ActivityRequest<A> {
        ActivityRequest::new(&self.core, &input.into_input())
    }

    /// The activity of this name, whose types are not known here: what it returns is to be a `T`, and a failure is
    /// [`CallError::ActivityFailed`], also that of an `Err`.
    ///
    /// ```
    /// # async fn orchestration(cx: sarsen_orchestration::Context) -> Result<(), sarsen_protocol::CallError> {
    /// let tool = cx.event::<String>("tool").await.unwrap_or_default();
    /// let found: Vec<String> = cx.activity_named(tool, &"durable").await?;
    /// # Ok(()) }
    /// ```
    pub fn activity_named<T: Serialize + DeserializeOwned + 'static>(
        &self,
        name: impl Into<String>,
        input: &(impl Serialize + ?Sized),
    ) -> NamedActivityRequest<T> {
        NamedActivityRequest::new(&self.core, name.into(), input)
    }

    /// A timer, counted from [`now`](Self::now), of any length.
    pub fn timer(&self, duration: Duration) -> TimerRequest {
        TimerRequest::new(&self.core, self.now().after(duration))
    }

    /// A timer for a moment, which may have passed.
    pub fn timer_until(&self, moment: Timestamp) -> TimerRequest {
        TimerRequest::new(&self.core, moment)
    }

    /// The next event of this name, from the start of the run: events wait, first in, first out, until they are
    /// asked for, also over [`continue_as_new`](Self::continue_as_new).
    pub fn event<T: DeserializeOwned>(&self, name: impl Into<String>) -> EventRequest<T> {
        EventRequest::new(&self.core, name.into().into())
    }

    /// A child: another run, whose result is awaited as `Result<O::Output, CallError>`. It is named by its
    /// function.
    pub fn child<O: Orchestration>(
        &self,
        _orchestration: fn() -> O,
        input: impl IntoInput<O::Input>,
    ) -> ChildRequest<O> {
        ChildRequest::new(&self.core, &input.into_input())
    }

    /// Raises an event at another run. It is not told whether there is one.
    ///
    /// # Errors
    /// [`CallError::Unsendable`] when the value has no JSON or is over its limit.
    pub fn send_event<T: Serialize + ?Sized>(
        &self,
        run: &RunId,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), CallError> {
        let name = EventName::from(name.into());
        let input = self.core.encode(value, || format!("event `{name}`"))?;
        self.core.act(Command::SendEvent { run: run.clone(), name, input });
        Ok(())
    }

    /// Sets the run's custom status, which clients see and list by.
    ///
    /// # Errors
    /// [`CallError::Unsendable`] when the value has no JSON or is over its limit.
    pub fn set_status<T: Serialize + ?Sized>(&self, status: &T) -> Result<(), CallError> {
        let status = self.core.encode(status, || "the status".to_owned())?;
        self.core.act(Command::SetStatus { status });
        Ok(())
    }

    /// A reference to the entity `key` of type `E`, through which it is called and signalled. An address that is none
    /// is told by what is asked for.
    ///
    /// ```
    /// # use sarsen_orchestration::{Caller, Context, EntityType};
    /// # async fn orchestration<E: EntityType>(cx: Context) -> E::Ref<Caller> {
    /// let alice = cx.entity::<E>("alice");
    /// # alice }
    /// ```
    pub fn entity<E: EntityType>(&self, key: impl AsRef<str>) -> E::Ref<Caller> {
        E::refer(self.caller(Address::entity(E::NAME, key.as_ref())))
    }

    /// A reference to the entity `key` of the type `name`, whose Rust type is not known here: operations are named by text,
    /// and what they answer is to be what is asked for.
    ///
    /// ```
    /// # async fn orchestration(cx: sarsen_orchestration::Context) -> Result<(), sarsen_protocol::CallError> {
    /// let balance: i64 = cx.entity_named("account", "alice").operation("deposit", &20).await?;
    /// # Ok(()) }
    /// ```
    pub fn entity_named(&self, name: impl AsRef<str>, key: impl AsRef<str>) -> NamedEntity<Caller> {
        NamedEntity::new(self.caller(Address::entity(name.as_ref(), key.as_ref())))
    }

    /// The way to an entity whose type is not known here: through it operations are called and signalled.
    pub fn caller(&self, to: Result<Address, AddressError>) -> Caller {
        Caller::new(&self.core, to)
    }

    /// Sees to it that nothing is scheduled at an entity under this id any longer. Awaited, it is whether anything was that
    /// had not had its turn.
    ///
    /// It is a call: in a section the entity must be locked by it, and then it takes effect in spite of the lock.
    ///
    /// ```
    /// # use sarsen_orchestration::{Caller, Context, EntityType, Reference};
    /// # use sarsen_protocol::CallError;
    /// # async fn orchestration<E>(cx: Context) -> Result<(), CallError>
    /// # where E: EntityType, E::Ref<Caller>: Reference<Port = Caller> {
    /// let was_scheduled: bool = cx.cancel_scheduled(&cx.entity::<E>("alice"), "expire").await?;
    /// # Ok(()) }
    /// ```
    pub fn cancel_scheduled(
        &self,
        entity: &impl Reference<Port = Caller>,
        id: impl AsRef<str>,
    ) -> CancelScheduled {
        entity.port().cancel_scheduled(id)
    }

    /// A critical section over a set of entities, a tuple, a `Vec` or an array of references: whole when it is awaited,
    /// in whatever order they are named. The lock request leaves at once; an entity that is named twice is locked once.
    ///
    /// Awaited, it is a [`Guard`], whose [`refs`](Guard::refs) call the entities while they are locked. Dropped before,
    /// the request is cancelled. With [`timeout`](Awaited::timeout) it waits so long and no longer.
    ///
    /// # Errors
    /// Awaited, [`CallError::Section`] with a [`SectionError`](sarsen_protocol::SectionError): `Empty` for a set without entities; `InvalidAddress` when one of them is none;
    /// `Nested` while another section is open; `Unavailable` when the locks cannot be had; `TimedOut` when they are not
    /// held within the time that was given.
    ///
    /// ```
    #[doc = include_str!("section/account_of_docs.txt")]
    /// async fn swap(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
    ///     let held = cx.lock((cx.entity::<Account>("a"), cx.entity::<Account>("b"))).await?;
    ///     let (a, b) = held.refs();
    ///     let (in_a, in_b) = sarsen_orchestration::join((a.add(0), b.add(0))).await;
    ///     let difference = in_b? - in_a?;
    ///     a.add(difference).await?;
    ///     b.add(-difference).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn lock<S: LockSet>(&self, set: S) -> Awaited<Result<Guard<S>, CallError>> {
        Guard::lock(&self.core, wait_for, set.addresses(), set)
    }

    /// As [`lock`](Self::lock), but not to wait for others: all locks at once, or none.
    ///
    /// The request takes the same path in the same order, behind what an entity has accepted before it. The first
    /// entity that somebody else has locked by then refuses it, and what was locked before on the path is given back.
    ///
    /// # Errors
    /// As [`lock`](Self::lock), and [`SectionError::Taken`](sarsen_protocol::SectionError::Taken), which names the
    /// entity and the run that holds its lock.
    ///
    /// ```
    /// # use sarsen_orchestration::{Context, LockSet};
    /// # use sarsen_protocol::{CallError, SectionError};
    /// # async fn orchestration<S: LockSet>(cx: Context, set: S) -> Result<(), CallError> {
    /// match cx.try_lock(set).await {
    ///     Ok(held) => held.release(),
    ///     Err(CallError::Section(SectionError::Taken { entity, .. })) => cx.set_status(&entity.to_string())?,
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn try_lock<S: LockSet>(&self, set: S) -> Awaited<Result<Guard<S>, CallError>> {
        Guard::lock(&self.core, only_free, set.addresses(), set)
    }

    /// As [`lock`](Self::lock), over entities whose types are not known here; inside, they are called by
    /// [`caller`](Self::caller).
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    pub fn lock_addresses(
        &self,
        entities: impl IntoIterator<Item = Result<Address, AddressError>>,
    ) -> Awaited<Result<Guard<()>, CallError>> {
        Guard::lock(&self.core, wait_for, entities, ())
    }

    /// As [`try_lock`](Self::try_lock), over entities whose types are not known here.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock).
    pub fn try_lock_addresses(
        &self,
        entities: impl IntoIterator<Item = Result<Address, AddressError>>,
    ) -> Awaited<Result<Guard<()>, CallError>> {
        Guard::lock(&self.core, only_free, entities, ())
    }

    /// The entities that can be called now in the open section; `None` outside of one.
    pub fn section(&self) -> Option<Vec<Address>> {
        self.core.look().callable()
    }

    /// Runs a future beside this code: it can be joined and raced like any durable future.
    pub fn branch<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Branch<T> {
        Branch::new(&self.core, future)
    }

    /// Ends this execution and goes on with another one of the same run, with a new input and an empty history.
    ///
    /// Locks are given back; events that nobody took are there for the next execution; what was asked for and has
    /// not ended is dropped. An input that does not fit fails the execution. It never returns, so its type is
    /// whatever is returned here.
    pub async fn continue_as_new<T>(&self, input: &(impl Serialize + ?Sized)) -> T {
        self.core.continue_as_new(input);
        std::future::pending().await
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = &self.core.start;
        f.debug_struct("Context")
            .field("run", &start.run)
            .field("name", &start.name)
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

fn wait_for(entities: Vec<Address>) -> Command {
    Command::Lock { entities }
}

fn only_free(entities: Vec<Address>) -> Command {
    Command::TryLock { entities }
}

/// Checks that a value can be handed out, and is not too long.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, bytes_max: usize) -> Result<Payload, String> {
    let payload = json::encode(value).map_err(|failure| failure.message)?;
    if payload.len() > bytes_max {
        return Err(format!("it has {} bytes, {bytes_max} are allowed", payload.len()));
    }
    Ok(payload)
}
