//! What is asked for and has not left: nothing is issued before a request is awaited, joined or started.

mod activity;
mod child;
mod entity;
mod event;
mod plan;
mod schedule;
mod timer;

pub use activity::{ActivityRequest, NamedActivityRequest};
pub use child::ChildRequest;
pub use entity::{Caller, DelayedSignal, EntityRequest};
pub use event::{EventError, EventRequest, EventsRequest};
pub(crate) use schedule::CANCEL;
pub use schedule::{CancelScheduled, Reminder, ScheduledSignal};
pub use timer::TimerRequest;

use crate::{
    End,
    context::encode,
    core::{Core, Outcome},
};
use sarsen_protocol::{AnswerError, CallError, Failure, FailureKind, Payload, Returns};
use serde::Serialize;

impl Core {
    /// Encodes what is handed out.
    pub(crate) fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        what: impl FnOnce() -> String,
    ) -> Result<Payload, CallError> {
        encode(value, self.start.limits.payload_bytes_max)
            .map_err(|reason| CallError::Unsendable { what: what(), reason })
    }

    /// Goes on as another execution, if the input is one.
    pub(crate) fn continue_as_new(&self, input: &(impl Serialize + ?Sized)) {
        let failed = |kind, reason| Failure::new(kind, format!("the next execution's input: {reason}"));
        let input = encode(input, self.start.limits.payload_bytes_max)
            .map_err(|reason| failed(FailureKind::Unencodable, reason))
            .and_then(|input| match (self.fits)(&input) {
                Ok(()) => Ok(input),
                Err(failure) => Err(failed(FailureKind::Undecodable, failure.message)),
            });
        self.close(input.map_or_else(End::Failed, End::ContinuedAsNew));
    }
}

/// The outcome of what is answered.
fn decode<R>(
    returns: Returns<R>,
    outcome: Outcome,
    failed: impl FnOnce(Failure) -> CallError,
    what: impl FnOnce() -> String,
) -> Result<R, CallError> {
    returns.decode(outcome.answer()).map_err(|error| match error {
        AnswerError::Misfit(reason) => CallError::Misfit { what: what(), reason },
        AnswerError::Failed(failure) => failed(failure),
        other => CallError::Misfit { what: what(), reason: other.to_string() },
    })
}
