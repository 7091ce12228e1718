//! Signals that operations schedule under an id.

use crate::{OperationHost, OperationSignal, Outgoing, TurnRequest};
use sarsen_protocol::{
    Address, Failure, FailureKind, OperationName, Payload, Period, ScheduleError, ScheduleId,
    ScheduleRequest, Timestamp, UnscheduleRequest,
};
use std::time::Duration;

/// Under which id, and how often.
pub(crate) type Plan = Result<(ScheduleId, Option<Period>), ScheduleError>;

/// Checks an id and a period.
pub(crate) fn plan(period: Option<Duration>, id: &str) -> Plan {
    let id = ScheduleId::new(id)?;
    Ok((id, period.map(Period::new).transpose()?))
}

/// What schedules an operation, or why it cannot be.
pub(crate) fn schedule(
    to: Address,
    (operation, input): (OperationName, Result<Payload, Failure>),
    (now, delay): (Timestamp, Option<Duration>),
    plan: Plan,
) -> Result<Outgoing, Failure> {
    let (id, every) = plan.map_err(|error| fault(&error))?;
    let input = input.map_err(|failure| Failure {
        message: format!("the input of the signal `{operation}` to {to}: {}", failure.message),
        ..failure
    })?;
    let due = now.after(delay.or(every.map(Period::duration)).unwrap_or_default());
    let request = ScheduleRequest { id, operation, input, due, every, section: None };
    Ok(Outgoing::Schedule { to, request: Box::new(request) })
}

/// What ends a schedule, or why there is none such.
pub(crate) fn unschedule(to: Address, id: &str) -> Result<Outgoing, Failure> {
    let request =
        UnscheduleRequest { id: ScheduleId::new(id).map_err(|error| fault(&error))?, section: None };
    Ok(Outgoing::Unschedule { to, request: Box::new(request) })
}

fn fault(error: &ScheduleError) -> Failure {
    Failure::new(FailureKind::InvalidSchedule, error.to_string())
}

/// A signal that an operation repeats, from [`TurnRequest::every`]; it still needs an id.
#[derive(Debug)]
#[must_use = "nothing is scheduled before `.signal()`"]
pub struct TurnReminder<'t> {
    request: TurnRequest<'t>,
    period: Duration,
}

impl<'t> TurnReminder<'t> {
    pub(crate) fn new(request: TurnRequest<'t>, period: Duration) -> Self {
        Self { request, period }
    }

    /// As [`TurnRequest::scheduled_as`].
    pub fn scheduled_as(self, id: impl AsRef<str>) -> TurnSchedule<'t> {
        TurnSchedule::new(self.request, plan(Some(self.period), id.as_ref()))
    }
}

/// A signal that an operation schedules under an id, not yet sent.
#[derive(Debug)]
#[must_use = "nothing is scheduled before `.signal()`"]
pub struct TurnSchedule<'t> {
    request: TurnRequest<'t>,
    plan: Plan,
}

impl<'t> TurnSchedule<'t> {
    pub(crate) fn new(request: TurnRequest<'t>, plan: Plan) -> Self {
        Self { request, plan }
    }

    /// Schedules it, if the operation succeeds. An id or a period that is none fails the operation when it ends.
    pub fn signal(self) {
        self.request.schedule(self.plan);
    }
}

/// A signal that an operation off its shard repeats, from [`OperationSignal::every`]; it still needs an id.
#[derive(Debug)]
#[must_use = "nothing is scheduled before `.signal()`"]
pub struct OperationReminder<H> {
    request: OperationSignal<H>,
    period: Duration,
}

impl<H: OperationHost> OperationReminder<H> {
    pub(crate) fn new(request: OperationSignal<H>, period: Duration) -> Self {
        Self { request, period }
    }

    /// As [`TurnRequest::scheduled_as`].
    pub fn scheduled_as(self, id: impl AsRef<str>) -> OperationSchedule<H> {
        OperationSchedule::new(self.request, plan(Some(self.period), id.as_ref()))
    }
}

/// A signal that an operation off its shard schedules under an id, not yet sent.
#[derive(Debug)]
#[must_use = "nothing is scheduled before `.signal()`"]
pub struct OperationSchedule<H> {
    request: OperationSignal<H>,
    plan: Plan,
}

impl<H: OperationHost> OperationSchedule<H> {
    pub(crate) fn new(request: OperationSignal<H>, plan: Plan) -> Self {
        Self { request, plan }
    }

    /// Schedules it, once the operation has succeeded. An id or a period that is none fails the operation when it ends.
    pub fn signal(self) {
        self.request.schedule(self.plan);
    }
}
