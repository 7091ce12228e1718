//! Operations of entities.

use super::{CancelScheduled, Reminder, ScheduledSignal};
use crate::{awaited::Awaited, core::Core};
use sarsen_protocol::{Address, AddressError, AnswerError, CallError, OperationName, Payload, Port, Returns};
use serde::Serialize;
use std::{fmt, rc::Rc, time::Duration};

/// The way to one entity. References from [`Context::entity`](crate::Context::entity) are built over it;
/// [`Context::caller`](crate::Context::caller) gives it as it is.
#[derive(Clone)]
pub struct Caller {
    core: Rc<Core>,
    to: Result<Address, AddressError>,
}

impl Caller {
    pub(crate) fn new(core: &Rc<Core>, to: Result<Address, AddressError>) -> Self {
        Self { core: Rc::clone(core), to }
    }

    /// The entity's address.
    ///
    /// # Errors
    /// [`AddressError`] when it was made of what is none.
    pub fn address(&self) -> Result<Address, AddressError> {
        self.to.clone()
    }

    /// As [`Context::cancel_scheduled`](crate::Context::cancel_scheduled).
    pub fn cancel_scheduled(&self, id: impl AsRef<str>) -> CancelScheduled {
        CancelScheduled::new(&self.core, self.to.clone().map_err(CallError::from), id.as_ref())
    }
}

impl Port for Caller {
    type Request<R> = EntityRequest<R>;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        returns: Returns<R>,
    ) -> EntityRequest<R> {
        let operation = operation.into();
        let what = |to: &Address| format!("the input of `{operation}` of {to}");
        let draft = match &self.to {
            Ok(to) => self.core.encode(input, || what(to)).map(|input| (to.clone(), input)),
            Err(error) => Err(error.clone().into()),
        };
        EntityRequest { core: Rc::clone(&self.core), operation, draft, returns }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("to", &self.to).finish_non_exhaustive()
    }
}

/// An operation that is asked for.
///
/// Awaited, it is a call, answered as `Result<R, CallError>`. [`signal`](Self::signal) sends it one way.
#[must_use = "nothing is sent before this is awaited, joined, started or signalled"]
pub struct EntityRequest<R> {
    core: Rc<Core>,
    operation: OperationName,
    draft: Result<(Address, Payload), CallError>,
    returns: Returns<R>,
}

impl<R: 'static> EntityRequest<R> {
    /// Calls the entity, to be awaited later.
    pub fn start(self) -> Awaited<Result<R, CallError>> {
        let Self { core, operation, draft, returns } = self;
        let (to, waiter) = match draft.and_then(|(to, input)| {
            let waiter = core.call(to.clone(), operation.clone(), input)?;
            Ok((to, waiter))
        }) {
            Ok(called) => called,
            Err(error) => return Awaited::refused(Err(error)),
        };
        Awaited::new(&core, waiter, move |outcome| {
            let operation = operation.to_string();
            returns.decode(outcome.answer()).map_err(|error| match error {
                AnswerError::Failed(failure) => CallError::Failed { address: to, operation, failure },
                misfit => CallError::InvalidAnswer { address: to, operation, reason: misfit.to_string() },
            })
        })
    }

    /// Sends it one way. Signals and calls to one entity arrive in the order in which they are sent.
    ///
    /// # Errors
    /// [`CallError::Section`] when the open section locks the entity; [`CallError::InvalidAddress`] and
    /// [`CallError::Unsendable`] when there is no such address or the input has no JSON or is over its limit.
    pub fn signal(self) -> Result<(), CallError> {
        self.after(Duration::ZERO).signal()
    }

    /// Sends it one way, again and again, each time so much later, for the first time after one `period`. The period is at
    /// least a millisecond.
    ///
    /// It is a reminder, which goes on behind the end of this run: it ends when it is cancelled or replaced under its id, or
    /// its entity is deleted.
    pub fn every(self, period: Duration) -> Reminder {
        self.after(period).every(period)
    }

    /// Sends it so much later, counted from [`Context::now`](crate::Context::now), and one way.
    pub fn after(self, delay: Duration) -> DelayedSignal {
        let Self { core, operation, draft, .. } = self;
        DelayedSignal { core, operation, draft, delay }
    }
}

impl<R: 'static> IntoFuture for EntityRequest<R> {
    type Output = Result<R, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<R> fmt::Debug for EntityRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityRequest")
            .field("operation", &self.operation)
            .field("draft", &self.draft)
            .finish_non_exhaustive()
    }
}

/// A signal for later, from [`EntityRequest::after`].
#[must_use = "nothing is sent before `.signal()`"]
pub struct DelayedSignal {
    pub(super) core: Rc<Core>,
    pub(super) operation: OperationName,
    pub(super) draft: Result<(Address, Payload), CallError>,
    pub(super) delay: Duration,
}

impl DelayedSignal {
    /// Sends it again and again from then on, each time so much later; see [`EntityRequest::every`].
    pub fn every(self, period: Duration) -> Reminder {
        Reminder::new(self, period)
    }

    /// Names it, so that it can be cancelled, and takes the place of what is scheduled at the entity under this id (1 to
    /// 256 bytes without control characters).
    ///
    /// While the open section locks the entity it goes there in the order of the section's calls, and takes effect in spite
    /// of the lock. The operation itself waits, when it is due, until nobody holds the lock.
    pub fn scheduled_as(self, id: impl AsRef<str>) -> ScheduledSignal {
        ScheduledSignal::new(self, None, id.as_ref())
    }

    /// Sends it.
    ///
    /// # Errors
    /// As [`EntityRequest::signal`].
    pub fn signal(self) -> Result<(), CallError> {
        let Self { core, operation, draft, delay } = self;
        let (to, input) = draft?;
        let due = (!delay.is_zero()).then(|| core.look().now.after(delay));
        Ok(core.signal(to, operation, input, due)?)
    }
}

impl fmt::Debug for DelayedSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayedSignal")
            .field("operation", &self.operation)
            .field("draft", &self.draft)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}
