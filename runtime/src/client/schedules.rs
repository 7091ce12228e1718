//! Signals that are scheduled under ids: making, cancelling, listing.

use super::{
    Asker, ClientPort,
    exchange::{Draft, refuse_inside},
    listing::refused,
    request::{Call, DelayedRequest, Signal, identity},
};
use sarsen_engine::ScheduleLookup;
use sarsen_entities::Returns;
use sarsen_protocol::{Body, CallError, OperationName, Period, ScheduleId, Timestamp, UnscheduleRequest};
use std::{fmt, future::IntoFuture, time::Duration};

/// How the end of what is scheduled is called where operations are.
const CANCEL: &str = "cancel_scheduled";

/// A signal that is repeated, from [`Request::every`](crate::Request::every); it still needs an id.
#[must_use = "a request is sent when it is turned into a signal that is awaited"]
#[derive(Debug)]
pub struct ReminderRequest {
    request: DelayedRequest,
    period: Duration,
}

impl ReminderRequest {
    pub(super) fn new(request: DelayedRequest, period: Duration) -> Self {
        Self { request, period }
    }

    /// As [`DelayedRequest::scheduled_as`](crate::DelayedRequest::scheduled_as).
    pub fn scheduled_as(self, id: impl AsRef<str>) -> ScheduledRequest {
        ScheduledRequest::new(self.request, Some(self.period), id.as_ref())
    }
}

/// An operation to be scheduled under an id.
///
/// That the id or the period is none is told by the signal, as [`CallError::InvalidSchedule`]; that as many are scheduled at
/// the entity as may be, as [`CallError::Busy`].
#[must_use = "a request is sent when it is turned into a signal that is awaited"]
#[derive(Debug)]
pub struct ScheduledRequest {
    draft: Draft,
    operation: OperationName,
}

impl ScheduledRequest {
    pub(super) fn new(request: DelayedRequest, period: Option<Duration>, id: &str) -> Self {
        let DelayedRequest { mut draft, operation } = request;
        let period = period.map(Period::new).transpose();
        let plan = ScheduleId::new(id).and_then(|id| Ok((id, period?)));
        draft.schedule(plan.map_err(CallError::from));
        Self { draft, operation }
    }

    /// The signal: its future is ready when it is durable that it is scheduled, long before it is due. It is accepted in
    /// the order of the handle's requests, and like them it waits while somebody has locked the entity.
    pub fn signal(self) -> Signal {
        Signal::new(self.draft, self.operation)
    }

    /// Makes repeats recognisable: for a `key` (1 to 256 bytes without control characters) it is scheduled once, for as long
    /// as keys are kept, also when it has been done, cancelled or replaced since.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.draft.identity(|_| identity(key.as_ref()));
        self
    }
}

/// A wish that nothing is scheduled under an id any longer, from
/// [`Client::cancel_scheduled`](crate::Client::cancel_scheduled).
///
/// Awaited, it is whether anything was whose time had not come.
///
/// # Cancel safety
/// As of a [`Request`](crate::Request).
#[must_use = "nothing is cancelled before this is awaited"]
pub struct CancelRequest {
    draft: Draft,
}

impl CancelRequest {
    pub(super) fn new(port: &ClientPort, id: &str) -> Self {
        let request = ScheduleId::new(id).map(|id| UnscheduleRequest { id, section: None });
        let body = request.map(|request| Body::Unschedule(Box::new(request)));
        Self { draft: port.ask(body.map_err(CallError::from)) }
    }

    /// As [`Request::timeout`](crate::Request::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout(timeout);
        self
    }

    /// As [`Request::idempotency_key`](crate::Request::idempotency_key): a repeat gets the first answer.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.draft.identity(|_| identity(key.as_ref()));
        self
    }
}

impl IntoFuture for CancelRequest {
    type Output = Result<bool, CallError>;
    type IntoFuture = Call<bool>;

    fn into_future(self) -> Call<bool> {
        Call::new(self.draft, OperationName::of(CANCEL), Returns::value())
    }
}

impl fmt::Debug for CancelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelRequest").field(&self.draft).finish()
    }
}

/// A signal that is scheduled at an entity under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduled {
    /// Its id.
    pub id: String,
    /// The operation.
    pub operation: String,
    /// When it is due next; in the past, when it waits for its turn.
    pub due: Timestamp,
    /// The time between two of them, of a reminder.
    pub every: Option<Duration>,
}

/// Reads what is scheduled at an entity.
pub(super) async fn read(asker: Asker, port: &ClientPort) -> Result<Vec<Scheduled>, CallError> {
    refuse_inside()?;
    let lookup = ScheduleLookup::new(&port.address()?);
    let pages = asker.gate().read(vec![lookup.read()]).await?;
    let found = pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?;
    let scheduled = |found: sarsen_engine::ListedSchedule| Scheduled {
        id: found.id.as_str().to_owned(),
        operation: found.operation.to_string(),
        due: found.due,
        every: found.every.map(Period::duration),
    };
    Ok(found.unwrap_or_default().into_iter().map(scheduled).collect())
}
