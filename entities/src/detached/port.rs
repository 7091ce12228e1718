//! What an operation that runs off its shard sends, once it has succeeded.

use super::{OperationContext, OperationHost};
use crate::{
    OperationReminder, OperationSchedule, Port, Returns,
    context::signal,
    schedule::{Plan, plan, schedule},
    start::start,
};
use sarsen_protocol::{Address, Failure, OperationName, OrchestrationName, Payload, json};
use serde::Serialize;
use std::{fmt, time::Duration};

/// The port of references that an operation off its shard holds: its requests can be signalled and not awaited. To wait,
/// take the context's client.
pub struct OperationPort<H> {
    cx: OperationContext<H>,
    /// `None` when the address is none, which has failed the operation already.
    to: Option<Address>,
}

impl<H> OperationPort<H> {
    pub(super) fn new(cx: OperationContext<H>, to: Option<Address>) -> Self {
        Self { cx, to }
    }
}

impl<H: OperationHost> Port for OperationPort<H> {
    type Request<R> = OperationSignal<H>;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        _returns: Returns<R>,
    ) -> OperationSignal<H> {
        let (port, operation, input) = (self.clone(), operation.into(), json::encode(input));
        OperationSignal { port, operation, input, delay: None }
    }
}

impl<H> OperationPort<H> {
    /// The entity's address; `None` when it is none.
    pub(super) fn to(&self) -> Option<&Address> {
        self.to.as_ref()
    }
}

impl<H> Clone for OperationPort<H> {
    fn clone(&self) -> Self {
        Self { cx: self.cx.clone(), to: self.to.clone() }
    }
}

impl<H> fmt::Debug for OperationPort<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationPort").field("to", &self.to).finish_non_exhaustive()
    }
}

/// An operation that another operation asks for, not yet sent.
#[derive(Debug)]
#[must_use = "nothing is sent before `.signal()`"]
pub struct OperationSignal<H> {
    port: OperationPort<H>,
    operation: OperationName,
    input: Result<Payload, Failure>,
    delay: Option<Duration>,
}

impl<H: OperationHost> OperationSignal<H> {
    /// Sends it so much later, counted from [`signal`](Self::signal).
    pub fn after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// As [`TurnRequest::every`](crate::TurnRequest::every).
    pub fn every(self, period: Duration) -> OperationReminder<H> {
        OperationReminder::new(self, period)
    }

    /// As [`TurnRequest::scheduled_as`](crate::TurnRequest::scheduled_as).
    pub fn scheduled_as(self, id: impl AsRef<str>) -> OperationSchedule<H> {
        OperationSchedule::new(self, plan(None, id.as_ref()))
    }

    /// Schedules it, once the operation has succeeded.
    pub(crate) fn schedule(self, plan: Plan) {
        let Self { port: OperationPort { cx, to }, operation, input, delay } = self;
        let now = cx.now();
        if let Some(to) = to {
            cx.send(schedule(to, (operation, input), (now, delay), plan));
        }
    }

    /// Sends it, once the operation has succeeded. Signals to one entity arrive in the order in which they are sent.
    pub fn signal(self) {
        let Self { port: OperationPort { cx, to }, operation, input, delay } = self;
        let due = delay.filter(|delay| !delay.is_zero()).map(|delay| cx.now().after(delay));
        if let Some(to) = to {
            cx.send(signal(to, operation, input, due));
        }
    }
}

/// An orchestration that an operation starts, from [`OperationContext::start`]; not yet sent.
#[derive(Debug)]
#[must_use = "nothing is started before `.detach()`"]
pub struct OperationStart<H> {
    cx: OperationContext<H>,
    name: OrchestrationName,
    input: Result<Payload, Failure>,
    id: Option<String>,
}

impl<H: OperationHost> OperationStart<H> {
    pub(super) fn new(
        cx: OperationContext<H>,
        name: OrchestrationName,
        input: Result<Payload, Failure>,
    ) -> Self {
        Self { cx, name, input, id: None }
    }

    /// Gives the run its id; when there is a run of that id, nothing is started. Without it, the id is generated.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Starts it, once the operation has succeeded. Starts and signals leave in the order in which they are sent.
    pub fn detach(self) {
        let Self { cx, name, input, id } = self;
        cx.send(start(name, input, id));
    }
}
