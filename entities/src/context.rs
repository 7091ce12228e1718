//! What an operation may do besides changing its state.

use crate::{
    EntityType, IntoInput, OrchestrationType, Outgoing, Port, Reference, Returns, RunLimits, TurnReminder,
    TurnSchedule, TurnStart,
    schedule::{Plan, plan, schedule, unschedule},
};
use sarsen_protocol::{
    Address, Failure, FailureKind, NamedEntity, OperationName, OrchestrationName, Payload, Timestamp, json,
};
use serde::Serialize;
use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    time::Duration,
};

/// What an operation is told, and what it may do besides changing its state.
///
/// Nothing that an operation does here happens before it has succeeded: when it fails, its signals are not sent, its
/// orchestrations are not started and its entity is not deleted. A wrong address or run id, an input without JSON and
/// a message over a limit fail the operation when it ends, whatever its code does meanwhile.
pub struct EntityContext<'a> {
    address: &'a Address,
    now: Timestamp,
    limits: &'a RunLimits,
    messages: RefCell<Vec<Outgoing>>,
    fault: OnceCell<Failure>,
    deleted: Cell<bool>,
}

/// What an operation did through its context.
pub(crate) struct Done {
    pub(crate) messages: Vec<Outgoing>,
    pub(crate) deleted: bool,
}

impl<'a> EntityContext<'a> {
    pub(crate) fn new(address: &'a Address, now: Timestamp, limits: &'a RunLimits) -> Self {
        let (messages, fault, deleted) = (RefCell::default(), OnceCell::new(), Cell::new(false));
        Self { address, now, limits, messages, fault, deleted }
    }

    /// What was done, or the first fault.
    pub(crate) fn finish(self) -> Result<Done, Failure> {
        match self.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok(Done { messages: self.messages.into_inner(), deleted: self.deleted.get() }),
        }
    }

    /// The entity's address.
    pub fn address(&self) -> &Address {
        self.address
    }

    /// The entity's key.
    pub fn key(&self) -> &str {
        self.address.key()
    }

    /// The time of this turn; the same for every operation of it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A reference to the entity `key` of type `T`, through which signals are sent; it may be this very entity.
    ///
    /// ```
    /// # use sarsen_entities::{EntityContext, EntityType};
    /// # fn operation<T: EntityType>(cx: &mut EntityContext<'_>) {
    /// let other = cx.entity::<T>("bob");
    /// # }
    /// ```
    pub fn entity<T: EntityType>(&self, key: impl AsRef<str>) -> T::Ref<TurnPort<'_>> {
        T::refer(TurnPort { cx: self, to: self.address_of(T::NAME, key.as_ref()) })
    }

    /// As [`entity`](Self::entity), for a type that is known by its name alone.
    pub fn entity_named(&self, name: impl AsRef<str>, key: impl AsRef<str>) -> NamedEntity<TurnPort<'_>> {
        NamedEntity::new(TurnPort { cx: self, to: self.address_of(name.as_ref(), key.as_ref()) })
    }

    /// The address, or none, which fails the operation.
    fn address_of(&self, name: &str, key: &str) -> Option<Address> {
        Address::entity(name, key)
            .map_err(|error| self.fail(Failure::new(FailureKind::InvalidAddress, error.to_string())))
            .ok()
    }

    /// An orchestration to start, named by its function: a run that this operation does not wait for.
    ///
    /// ```
    /// # use sarsen_entities::{EntityContext, OrchestrationType};
    /// # fn operation<O: OrchestrationType<Input = String>>(cx: &mut EntityContext<'_>, greet: fn() -> O) {
    /// cx.start(greet, "bob").id("greeting-1").detach();
    /// # }
    /// ```
    pub fn start<O: OrchestrationType>(
        &self,
        _orchestration: fn() -> O,
        input: impl IntoInput<O::Input>,
    ) -> TurnStart<'_> {
        TurnStart::new(self, OrchestrationName::of(O::NAME), json::encode(&input.into_input()))
    }

    /// Sees to it that nothing is scheduled at an entity under this id any longer; where nothing is, nothing happens. At
    /// this very entity it takes effect with the operation, elsewhere in the order in which messages are sent.
    ///
    /// ```
    /// # use sarsen_entities::{EntityContext, EntityType, Reference, TurnPort};
    /// # fn operation<'t, T>(cx: &'t EntityContext<'t>)
    /// # where T: EntityType, T::Ref<TurnPort<'t>>: Reference<Port = TurnPort<'t>> {
    /// cx.cancel_scheduled(&cx.entity::<T>("bob"), "flush");
    /// # }
    /// ```
    pub fn cancel_scheduled<'t>(&self, entity: &impl Reference<Port = TurnPort<'t>>, id: impl AsRef<str>) {
        let Some(to) = entity.port().to.clone() else { return };
        match unschedule(to, id.as_ref()) {
            Ok(message) => self.send(message),
            Err(fault) => self.fail(fault),
        }
    }

    /// Leaves the entity without state once the operation has succeeded.
    ///
    /// What the operation changes besides is lost. The next operation begins with the initial state. Whatever was scheduled
    /// at the entity under an id is no longer; what this operation itself schedules is.
    pub fn delete(&self) {
        self.deleted.set(true);
    }

    /// Fails the operation when it ends; the first fault counts.
    pub(crate) fn fail(&self, fault: Failure) {
        let _ = self.fault.set(fault);
    }

    /// Sends it, if the operation succeeds and it is within the limits.
    pub(crate) fn send(&self, message: Outgoing) {
        if let Err(fault) = keep(&mut self.messages.borrow_mut(), message, self.limits) {
            self.fail(fault);
        }
    }
}

/// Keeps a message for the end of its operation, if it is within the limits.
pub(crate) fn keep(
    messages: &mut Vec<Outgoing>,
    message: Outgoing,
    limits: &RunLimits,
) -> Result<(), Failure> {
    let (bytes, bytes_max) = (message.input_bytes(), limits.payload_bytes_max);
    if bytes > bytes_max {
        let text = format!(
            "the input of {message} has {bytes} bytes, {bytes_max} are allowed: send a reference instead, or raise `payload_bytes_max`"
        );
        return Err(Failure::new(FailureKind::TooLarge, text));
    }
    if messages.len() == limits.messages_max {
        let text = format!(
            "it sends more than {} messages, the most that one operation may: send fewer, or raise `messages_per_operation_max`",
            messages.len()
        );
        return Err(Failure::new(FailureKind::TooLarge, text));
    }
    messages.push(message);
    Ok(())
}

/// The signal that an operation asks for, or why it is none.
pub(crate) fn signal(
    to: Address,
    operation: OperationName,
    input: Result<Payload, Failure>,
    due: Option<Timestamp>,
) -> Result<Outgoing, Failure> {
    match input {
        Ok(input) => Ok(Outgoing::Signal { to, operation, input, due }),
        Err(failure) => Err(Failure {
            message: format!("the input of the signal `{operation}` to {to}: {}", failure.message),
            ..failure
        }),
    }
}

impl fmt::Debug for EntityContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityContext")
            .field("address", self.address)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// The port of references that an operation holds: its requests can be signalled and not awaited, for entities
/// never wait.
#[derive(Clone, Debug)]
pub struct TurnPort<'t> {
    cx: &'t EntityContext<'t>,
    /// `None` when the address is none, which has failed the operation already.
    to: Option<Address>,
}

impl<'t> Port for TurnPort<'t> {
    type Request<R> = TurnRequest<'t>;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        _returns: Returns<R>,
    ) -> TurnRequest<'t> {
        let operation = operation.into();
        TurnRequest { port: self.clone(), operation, input: json::encode(input), delay: None }
    }
}

/// An operation that another operation asks for, not yet sent.
#[derive(Debug)]
#[must_use = "nothing is sent before `.signal()`"]
pub struct TurnRequest<'t> {
    port: TurnPort<'t>,
    operation: OperationName,
    input: Result<Payload, Failure>,
    delay: Option<Duration>,
}

impl<'t> TurnRequest<'t> {
    /// Sends it so much later, counted from [`EntityContext::now`].
    pub fn after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// Sends it again and again, each time so much later, for the first time after one `period` unless
    /// [`after`](Self::after) says when. The period is at least a millisecond.
    ///
    /// It is a reminder, which ends when it is cancelled or replaced under its id, or its entity is deleted.
    pub fn every(self, period: Duration) -> TurnReminder<'t> {
        TurnReminder::new(self, period)
    }

    /// Names it, so that it can be cancelled, and takes the place of what is scheduled at the receiver under this id (1 to
    /// 256 bytes without control characters). At this very entity it takes effect with the operation.
    ///
    /// An operation that is to be done once things have been quiet for a while is one line:
    ///
    /// ```
    /// # use sarsen_entities::{EntityContext, EntityType, TurnPort, TurnRequest};
    /// # use std::time::Duration;
    /// # trait Flush<'t> { fn flush(&self) -> TurnRequest<'t>; }
    /// # fn operation<'t, T>(cx: &'t EntityContext<'t>)
    /// # where T: EntityType, T::Ref<TurnPort<'t>>: Flush<'t> {
    /// cx.entity::<T>(cx.key()).flush().after(Duration::from_secs(2)).scheduled_as("flush").signal();
    /// # }
    /// ```
    pub fn scheduled_as(self, id: impl AsRef<str>) -> TurnSchedule<'t> {
        TurnSchedule::new(self, plan(None, id.as_ref()))
    }

    /// Sends it, if the operation succeeds. Signals to one entity arrive in the order in which they are sent.
    pub fn signal(self) {
        let TurnRequest { port: TurnPort { cx, to }, operation, input, delay } = self;
        let due = delay.filter(|delay| !delay.is_zero()).map(|delay| cx.now.after(delay));
        let Some(to) = to else { return };
        match signal(to, operation, input, due) {
            Ok(message) => cx.send(message),
            Err(fault) => cx.fail(fault),
        }
    }

    /// Schedules it, if the operation succeeds.
    pub(crate) fn schedule(self, plan: Plan) {
        let TurnRequest { port: TurnPort { cx, to }, operation, input, delay } = self;
        let Some(to) = to else { return };
        match schedule(to, (operation, input), (cx.now, delay), plan) {
            Ok(message) => cx.send(message),
            Err(fault) => cx.fail(fault),
        }
    }
}
