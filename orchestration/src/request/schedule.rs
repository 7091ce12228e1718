//! Signals that are scheduled under an id.

use super::{DelayedSignal, decode};
use crate::{awaited::Awaited, core::Core};
use sarsen_protocol::{
    Address, CallError, Period, Returns, ScheduleError, ScheduleId, ScheduleRequest, UnscheduleRequest,
};
use std::{fmt, rc::Rc, time::Duration};

/// How the end of what is scheduled is called where operations are.
pub(crate) const CANCEL: &str = "cancel_scheduled";

/// A signal that is repeated, from [`EntityRequest::every`](crate::EntityRequest::every); it still needs an id.
#[must_use = "nothing is scheduled before `.signal()`"]
#[derive(Debug)]
pub struct Reminder {
    signal: DelayedSignal,
    period: Duration,
}

impl Reminder {
    pub(super) fn new(signal: DelayedSignal, period: Duration) -> Self {
        Self { signal, period }
    }

    /// As [`DelayedSignal::scheduled_as`].
    pub fn scheduled_as(self, id: impl AsRef<str>) -> ScheduledSignal {
        ScheduledSignal::new(self.signal, Some(self.period), id.as_ref())
    }
}

/// A signal to be scheduled under an id, from [`DelayedSignal::scheduled_as`].
#[must_use = "nothing is scheduled before `.signal()`"]
#[derive(Debug)]
pub struct ScheduledSignal {
    signal: DelayedSignal,
    plan: Result<(ScheduleId, Option<Period>), ScheduleError>,
}

impl ScheduledSignal {
    pub(super) fn new(signal: DelayedSignal, period: Option<Duration>, id: &str) -> Self {
        let period = period.map(Period::new).transpose();
        Self { signal, plan: ScheduleId::new(id).and_then(|id| Ok((id, period?))) }
    }

    /// Schedules it.
    ///
    /// # Errors
    /// [`CallError::InvalidSchedule`] when the id or the period is none; [`CallError::Section`] before the lock of a section
    /// is granted that is to lock the entity; [`CallError::InvalidAddress`] and [`CallError::Unsendable`] when there is no
    /// such address or the input has no JSON or is over its limit.
    pub fn signal(self) -> Result<(), CallError> {
        let DelayedSignal { core, operation, draft, delay } = self.signal;
        let ((to, input), (id, every)) = (draft?, self.plan?);
        let due = core.look().now.after(delay);
        Ok(core.schedule(to, ScheduleRequest { id, operation, input, due, every, section: None })?)
    }
}

/// A wish that nothing is scheduled under an id any longer, from
/// [`Context::cancel_scheduled`](crate::Context::cancel_scheduled).
///
/// Awaited, it is whether anything was, as `Result<bool, CallError>`.
#[must_use = "nothing is cancelled before this is awaited, joined or started"]
pub struct CancelScheduled {
    core: Rc<Core>,
    draft: Result<(Address, UnscheduleRequest), CallError>,
}

impl CancelScheduled {
    pub(super) fn new(core: &Rc<Core>, to: Result<Address, CallError>, id: &str) -> Self {
        let id = ScheduleId::new(id);
        let draft = to.and_then(|to| Ok((to, UnscheduleRequest { id: id?, section: None })));
        Self { core: Rc::clone(core), draft }
    }

    /// Cancels it, the outcome to be awaited later.
    pub fn start(self) -> Awaited<Result<bool, CallError>> {
        let Self { core, draft } = self;
        let asked = draft.and_then(|(to, request)| {
            let waiter = core.unschedule(to.clone(), request)?;
            Ok((to, waiter))
        });
        let (to, waiter) = match asked {
            Ok(asked) => asked,
            Err(error) => return Awaited::refused(Err(error)),
        };
        Awaited::new(&core, waiter, move |outcome| {
            let failed =
                |failure| CallError::Failed { address: to.clone(), operation: CANCEL.to_owned(), failure };
            decode(Returns::value(), outcome, failed, || format!("`{CANCEL}` of {to}"))
        })
    }
}

impl IntoFuture for CancelScheduled {
    type Output = Result<bool, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl fmt::Debug for CancelScheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScheduled").field("draft", &self.draft).finish_non_exhaustive()
    }
}
