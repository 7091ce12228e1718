//! The client: requests to entities and orchestrations from outside.
//!
//! A client is written over a [`Gate`] alone, without thread or clock, so the same client runs on the runtime and on
//! the virtual host of `testing`. It encodes inputs and decodes answers on the caller's thread, refuses what no state
//! is needed to refuse, and decides nothing else.

mod asker;
mod audit;
mod exchange;
mod letters;
mod listing;
mod locks;
mod pages;
mod port;
mod producer;
mod request;
mod run;
mod schedules;
mod state;
mod why;

pub(crate) use asker::Asker;
pub use audit::AuditTrail;
pub use letters::{DeadLetter, DeadLetters, LetterContent, LetterSender};
pub use listing::{Listed, ListedState, Listing, StateListing};
pub use locks::{Lock, LockStage};
pub use port::{ClientPort, ProducerPort};
pub use producer::{NumberedRequest, Producer, ProducerRequest};
pub use request::{Call, DelayedRequest, Request, Signal};
pub use run::{
    AnyRun, CustomStatusRequest, History, ManageRequest, Managing, PageRequest, PurgeRequest,
    PurgeRunsRequest, Purged, RaiseRequest, RestartRequest, ResultRequest, Returning, RewindRequest, Run,
    RunInfo, RunListing, RunPage, RunResult, StartRequest, Starting, TerminateRequest, Untyped,
};
pub use schedules::{CancelRequest, ReminderRequest, Scheduled, ScheduledRequest};
pub use state::{State, StateRequest};
pub use why::{Because, Held, Link, WhyWaiting};

use crate::{Stats, gate::Gate};
use sarsen_entities::{Entity, Reference};
use sarsen_orchestration::{ExportedHistory, IntoInput, Orchestration};
use sarsen_protocol::{Address, CallError, LetterId, NamedEntity, RunId};
use serde::Serialize;
use std::{fmt, sync::Arc};

/// Reaches the entities and orchestrations of a runtime, from any thread and any task.
///
/// Requests of one handle to one entity or run keep their order, by the first poll of each; a clone is another handle.
/// A client may outlive its runtime; its requests are then refused as [`CallError::Stopped`].
///
/// A client locks nothing: it could be gone at any time, and nobody would give the lock back. Who needs entities to stay
/// as they are starts an orchestration.
///
/// ```compile_fail,E0599
/// # use sarsen_runtime::{Client, Entity};
/// async fn lock<E: Entity>(client: Client) {
///     let held = client.lock((client.entity::<E>("a"),)).await;
/// }
/// ```
#[derive(Clone)]
pub struct Client {
    asker: Asker,
}

impl Client {
    /// A client of the host behind `gate`.
    #[doc(hidden)]
    pub fn new(gate: Arc<dyn Gate>) -> Self {
        Self::of(Asker::outside(gate))
    }

    pub(crate) fn of(asker: Asker) -> Self {
        Self { asker }
    }

    /// A reference to the entity with `key` (0 to 512 bytes without control characters). Keep it to use it again: it
    /// is cheaper than another one.
    ///
    /// It does not fail: that the key or the entity's type is none is told by the request.
    pub fn entity<E: Entity>(&self, key: impl AsRef<str>) -> E::Ref<ClientPort> {
        E::refer(ClientPort::new(self.asker.clone(), E::NAME, key.as_ref()))
    }

    /// A reference to the entity with `key` of the type `name`, whose Rust type is not known here, for tools and gateways:
    /// operations are named by text, inputs and answers are whatever has JSON, such as a `serde_json::Value`.
    ///
    /// ```
    /// # async fn deposit(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let bob = client.entity_named("account", "bob");
    /// let balance: i64 = bob.operation("deposit", &5).await?;
    /// bob.operation::<()>("deposit", &5).idempotency_key("payday").signal().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// It does not fail: that the name, the key, the operation or its input is none is told by the request.
    pub fn entity_named(&self, name: impl AsRef<str>, key: impl AsRef<str>) -> NamedEntity<ClientPort> {
        NamedEntity::new(ClientPort::new(self.asker.clone(), name.as_ref(), key.as_ref()))
    }

    /// A sender of numbered signals under `name` (1 to 256 bytes without control characters).
    ///
    /// It does not fail: that the name is none is told by the signal.
    pub fn producer(&self, name: impl AsRef<str>) -> Producer {
        Producer::new(self.asker.clone(), name.as_ref())
    }

    /// The entities of a type that exist, page by page.
    pub fn entities<E: Entity>(&self) -> Listing<E> {
        Listing::new(self.asker.clone())
    }

    /// Starts a run of an orchestration, which is named by its function. Awaited, it is a [`Run`], and the start is on
    /// disk.
    ///
    /// ```
    #[doc = include_str!("client/run/greet_of_docs.txt")]
    /// # async fn start(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let run = client.start(greet, "Ada").id("greet-ada").await?;
    /// assert_eq!(run.result().await?, "hello, Ada");
    /// # Ok(()) }
    /// ```
    pub fn start<O: Orchestration>(
        &self,
        _orchestration: fn() -> O,
        input: impl IntoInput<O::Input>,
    ) -> StartRequest<O> {
        StartRequest::new(self.asker.clone(), &input.into_input())
    }

    /// As [`start`](Self::start), for an orchestration that is known by its name alone, with an input of whatever has JSON.
    /// Awaited, it is an [`AnyRun`], whose [`result_as`](AnyRun::result_as) has the type that is asked for.
    ///
    /// ```
    /// # async fn start(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let run = client.start_named("greet", &"Ada").id("greet-ada").await?;
    /// let greeting: String = run.result_as().await?;
    /// # Ok(()) }
    /// ```
    pub fn start_named(
        &self,
        name: impl Into<String>,
        input: &(impl Serialize + ?Sized),
    ) -> StartRequest<Untyped> {
        StartRequest::named(self.asker.clone(), name.into(), input)
    }

    /// The run with this id, of this orchestration.
    ///
    /// It does not fail: that the id is none, that there is no such run, or that it is of another orchestration is
    /// told by what is asked of it.
    pub fn run<O: Orchestration>(&self, _orchestration: fn() -> O, id: impl AsRef<str>) -> Run<O> {
        Run::existing(self.asker.clone(), id.as_ref())
    }

    /// The run with this id, whatever its orchestration.
    ///
    /// It does not fail: that the id is none, or that there is no such run, is told by what is asked of it.
    pub fn any_run(&self, id: impl AsRef<str>) -> AnyRun {
        AnyRun::existing_of_any(self.asker.clone(), id.as_ref())
    }

    /// All runs, those that are over as well, page by page.
    pub fn runs(&self) -> RunListing {
        RunListing::new(self.asker.clone())
    }

    /// Keeps a run that is over and was exported, here or elsewhere, under its own id: to be looked at, listed, purged, and
    /// its result to be asked for. It does not go on, and its children are not here.
    ///
    /// # Errors
    /// [`CallError::RunExists`] when there is a run of that id, [`CallError::RunNotFinished`] when the history has no end,
    /// [`CallError::Unsendable`] when it is over 32 MiB, [`CallError::Busy`] while what was purged of the same run is being
    /// deleted, and those of sending.
    ///
    /// # Cancel safety
    /// Dropped, the run may or may not be kept: import it again.
    pub async fn import(&self, history: &ExportedHistory) -> Result<AnyRun, CallError> {
        run::import(self.asker.clone(), history).await
    }

    /// All locks of entities: those that are held, with who waits for them and which are about to be given back;
    /// sorted by entity.
    ///
    /// It shows what is durable and reads the mailboxes of all entities. A small store is read in one piece, a larger
    /// one in parts: a lock that changes its owner meanwhile may then be listed twice or not at all.
    ///
    /// # Errors
    /// [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`] and
    /// [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn locks(&self) -> Result<Vec<Lock>, CallError> {
        locks::read(self.asker.clone()).await
    }

    /// Takes a listed lock from the section that holds it, whatever its owner does; for operators. Returns whether it was
    /// held: nothing is done to a section that has come after, nor to one that waits. Who waits goes on.
    ///
    /// The owner goes on too: what it calls of that entity inside its section is answered by
    /// [`FailureKind::LockLost`](crate::FailureKind::LockLost) from then on, and its own release changes nothing. A warning
    /// in the log says whose lock was taken, and so does the entity's [`audit`](Self::audit), whatever its type.
    ///
    /// ```
    /// # use sarsen_runtime::{CallError, Client, LockStage};
    /// # async fn release(client: Client) -> Result<(), CallError> {
    /// for lock in client.locks().await? {
    ///     if lock.stage == LockStage::Held && lock.run.as_str() == "stuck" {
    ///         client.force_release(&lock).await?;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`CallError::UnknownEntity`], [`CallError::Parked`], [`CallError::Stopped`], [`CallError::OutcomeUnknown`] and
    /// [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// A future that is dropped before its first poll has done nothing. Dropped later, it may or may not be done: it may be
    /// asked for again.
    pub async fn force_release(&self, lock: &Lock) -> Result<bool, CallError> {
        locks::force(self.asker.clone(), lock).await
    }

    /// What was done to an entity, the newest first, whether or not its type is registered. As `audit()` of a reference,
    /// for who has an address.
    pub fn audit(&self, entity: &Address) -> AuditTrail {
        AuditTrail::new(self.asker.clone(), entity.clone())
    }

    /// The dead letters: messages that were accepted and then given up, page by page.
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.asker.clone())
    }

    /// The dead letter with this id.
    ///
    /// # Errors
    /// [`CallError::LetterGone`], [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`],
    /// [`CallError::Stopped`] and [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn dead_letter(&self, id: LetterId) -> Result<DeadLetter, CallError> {
        letters::read(self.asker.clone(), id).await
    }

    /// Sees to it that nothing is scheduled at an entity under this id any longer; where nothing is, nothing happens.
    ///
    /// Awaited, it is whether anything was. It waits behind what the entity has accepted before, and while somebody has
    /// locked it: a signal whose time has come before this is accepted is done first. It keeps the order of the requests
    /// of the handle that made the reference.
    ///
    /// ```
    /// # use sarsen_entities::{EntityType, Reference};
    /// # use sarsen_runtime::{CallError, Client, ClientPort};
    /// # async fn cancel<R: Reference<Port = ClientPort>>(client: Client, document: R) -> Result<(), CallError> {
    /// let was_scheduled = client.cancel_scheduled(&document, "save").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of a call, and [`CallError::InvalidSchedule`] for an id that is none.
    pub fn cancel_scheduled(
        &self,
        entity: &impl Reference<Port = ClientPort>,
        id: impl AsRef<str>,
    ) -> CancelRequest {
        CancelRequest::new(entity.port(), id.as_ref())
    }

    /// What is scheduled at an entity under ids, in the order in which it was. It shows what is durable and has had its turn
    /// in the entity's mailbox.
    ///
    /// # Errors
    /// [`CallError::InvalidAddress`], [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`],
    /// [`CallError::Stopped`] and [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn scheduled(
        &self,
        entity: &impl Reference<Port = ClientPort>,
    ) -> Result<Vec<Scheduled>, CallError> {
        schedules::read(self.asker.clone(), entity.port()).await
    }

    /// Why the run with this id, or the entity `@name@key`, does not go on: what it waits for, who holds that, and so on, up
    /// to 32 instances. Written out it is a sentence.
    ///
    /// It shows what is durable. The history of each run on the way is read and replayed on the caller's thread: a long one
    /// takes its time.
    ///
    /// # Errors
    /// [`CallError::InvalidRun`] and [`CallError::InvalidAddress`] for an id that is none, [`CallError::Unreadable`],
    /// [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`] and [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn why_waiting(&self, id: impl AsRef<str>) -> Result<WhyWaiting, CallError> {
        let id = id.as_ref();
        let is_entity = id.starts_with('@');
        let instance = if is_entity { Address::parse(id)? } else { Address::run(&RunId::new(id)?) };
        why::explain(self.asker.clone(), instance).await
    }

    /// What is in the runtime.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the runtime has stopped, [`CallError::InsideOperation`] inside an operation or an
    /// orchestration.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn stats(&self) -> Result<Stats, CallError> {
        exchange::refuse_inside()?;
        self.asker.gate().stats().await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.asker).finish()
    }
}
