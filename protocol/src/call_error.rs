//! What a caller learns when it does not get its answer.

use crate::{
    Address, AddressError, Failure, IdentityError, LetterId, Payload, RunId, RunIdError, RunStatus,
    ScheduleError, SectionError, Sequence,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Why a call, signal or read did not succeed.
///
/// It has JSON, so an error type of the user's may hold it: an orchestration whose error is made `#[from]` it uses `?` on
/// whatever it awaits.
///
/// Callers branch on [`is_retryable`](Self::is_retryable) and [`is_unknown_outcome`](Self::is_unknown_outcome)
/// rather than on variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The operation failed; its state change and its messages were undone.
    #[error("operation `{operation}` of {address} failed: {failure}")]
    Failed {
        /// The entity.
        address: Address,
        /// The operation.
        operation: String,
        /// What it did wrong.
        failure: Failure,
    },
    /// The entity's name or key is none.
    #[error(transparent)]
    InvalidAddress(#[from] AddressError),
    /// The idempotency key or producer's name is none.
    #[error(transparent)]
    InvalidIdentity(#[from] IdentityError),
    /// No entity type of that name is registered.
    #[error("no entity `{name}` is registered: register its type with `Runtime::builder().entity::<T>()`")]
    UnknownEntity {
        /// The name.
        name: String,
    },
    /// The entity's type has no such operation.
    #[error("entity `{name}` has no operation `{operation}`: it has {known}")]
    UnknownOperation {
        /// The entity's name.
        name: String,
        /// The operation that was asked for.
        operation: String,
        /// The operations that there are, separated by commas.
        known: String,
    },
    /// The input is no input of this operation.
    #[error("the input does not fit operation `{operation}` of {address}: {reason}")]
    InvalidInput {
        /// The entity.
        address: Address,
        /// The operation.
        operation: String,
        /// What does not fit.
        reason: String,
    },
    /// The input is over its limit.
    #[error(
        "the input of operation `{operation}` of {address} has {bytes} bytes, {bytes_max} are allowed: send a reference instead, or raise `payload_bytes_max`"
    )]
    TooLarge {
        /// The entity.
        address: Address,
        /// The operation.
        operation: String,
        /// The input's length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Too much is waiting there; nothing was accepted.
    #[error("{address} is busy, {what} is full: try again in {} ms{}", retry_after.as_millis(), or_raise(limit.as_deref()))]
    Busy {
        /// The entity.
        address: Address,
        /// What is full.
        what: Cow<'static, str>,
        /// The limit to raise when it is full again and again.
        limit: Option<Cow<'static, str>>,
        /// When to come back.
        retry_after: Duration,
    },
    /// The idempotency key was given before with another operation or input.
    #[error(
        "idempotency key `{key}` was used for another request to {address}: give each request its own key"
    )]
    KeyReused {
        /// The entity.
        address: Address,
        /// The key.
        key: String,
    },
    /// The producer left out a number.
    #[error("producer `{producer}` is out of sequence for {address}: send number {} next", expected.0)]
    OutOfSequence {
        /// The entity.
        address: Address,
        /// The producer.
        producer: String,
        /// The number that is expected.
        expected: Sequence,
    },
    /// The producer gave the number 0.
    #[error("producer `{producer}` gave number 0 for {address}: numbers count from 1")]
    NumberZero {
        /// The entity.
        address: Address,
        /// The producer.
        producer: String,
    },
    /// The deadline passed before the request was accepted; it was not done.
    #[error("the deadline passed before {address} accepted the request: it was not done, send it again")]
    Expired {
        /// The entity.
        address: Address,
    },
    /// The time given by `.timeout(..)` passed; whether the request was or will be done is not known.
    #[error("no answer from {address} within {} ms: whether the request is done is not known, with an idempotency key it can be asked again", timeout.as_millis())]
    TimedOut {
        /// The entity.
        address: Address,
        /// The time that was given.
        timeout: Duration,
    },
    /// The time given by `.timeout(..)` passed before the state was there.
    #[error("no answer from {address} within {} ms: read again", timeout.as_millis())]
    ReadTimedOut {
        /// The entity.
        address: Address,
        /// The time that was given.
        timeout: Duration,
    },
    /// The entity's stored state or messages do not fit the code that is running; nothing is lost.
    #[error("{address} is parked: {reason}")]
    Parked {
        /// The entity.
        address: Address,
        /// What does not fit, and what to do.
        reason: String,
    },
    /// The answer is no answer of this operation.
    #[error("the answer of operation `{operation}` of {address} does not fit its type: {reason}")]
    InvalidAnswer {
        /// The entity.
        address: Address,
        /// The operation.
        operation: String,
        /// What does not fit.
        reason: String,
    },
    /// The state is none of this type.
    #[error("the state of {address} does not fit its type: {reason}")]
    InvalidState {
        /// The entity.
        address: Address,
        /// What does not fit.
        reason: String,
    },
    /// An activity failed, and was not or no longer retried.
    #[error("activity `{activity}` failed: {failure}")]
    ActivityFailed {
        /// The activity.
        activity: String,
        /// What it did wrong.
        failure: Failure,
    },
    /// A child of an orchestration failed.
    #[error("orchestration `{orchestration}`, run `{run}`, failed: {failure}")]
    ChildFailed {
        /// Its name.
        orchestration: String,
        /// Its run.
        run: RunId,
        /// What it did wrong.
        failure: Failure,
    },
    /// What an orchestration was to hand out cannot be sent.
    #[error("{what} cannot be sent: {reason}")]
    Unsendable {
        /// What it was: an input, an event, a status.
        what: String,
        /// Why it cannot.
        reason: String,
    },
    /// The answer of an activity or of a child is no answer of it.
    #[error("the answer of {what} does not fit its type: {reason}")]
    Misfit {
        /// What answered.
        what: String,
        /// What does not fit.
        reason: String,
    },
    /// The run's id is none.
    #[error("{0}")]
    InvalidRun(#[from] RunIdError),
    /// No orchestration of that name is registered.
    #[error(
        "no orchestration `{name}` is registered: register it with `Runtime::builder().orchestration({name})`"
    )]
    UnknownOrchestration {
        /// The name.
        name: String,
    },
    /// The input of a run is no input of its orchestration.
    #[error("the input does not fit orchestration `{orchestration}`: {reason}")]
    InvalidStart {
        /// The orchestration.
        orchestration: String,
        /// What does not fit.
        reason: String,
    },
    /// A run has the id already, and the policy for that does not allow the start.
    #[error("run `{run}` exists and is {status}: choose another id, or another policy with `.reuse(..)`")]
    RunExists {
        /// The run.
        run: RunId,
        /// How far it has got.
        status: RunStatus,
    },
    /// There is no run of that id.
    #[error("there is no run `{run}`: start it first, or raise the event with `.before_start(..)`")]
    RunNotFound {
        /// The run.
        run: RunId,
    },
    /// The run is over and takes nothing more.
    #[error("run `{run}` is over, it is {status}: nothing more can be asked of it")]
    RunFinished {
        /// The run.
        run: RunId,
        /// How it ended.
        status: RunStatus,
    },
    /// The run is not over, so it is kept.
    #[error("run `{run}` is {status} and cannot be purged: let it end, or terminate it first")]
    RunNotFinished {
        /// The run.
        run: RunId,
        /// How far it has got.
        status: RunStatus,
    },
    /// The run that was started has given its place to another of the same id.
    #[error("run `{run}` was replaced by another of the same id: its result is no longer kept")]
    RunReplaced {
        /// The run.
        run: RunId,
    },
    /// The run failed, other than by an error that its type can hold.
    #[error("run `{run}` of orchestration `{orchestration}` failed: {failure}")]
    RunFailed {
        /// The run.
        run: RunId,
        /// Its orchestration.
        orchestration: String,
        /// What it did wrong.
        failure: Failure,
    },
    /// Somebody ended the run.
    #[error("run `{run}` was terminated{}", reason_given(reason.as_ref()))]
    RunTerminated {
        /// The run.
        run: RunId,
        /// What was given as its result.
        reason: Option<Payload>,
    },
    /// The run is of another orchestration than was asked for.
    #[error("run `{run}` is of orchestration `{found}`, not of `{expected}`: ask for it by its own")]
    OtherOrchestration {
        /// The run.
        run: RunId,
        /// What was asked for.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The call would wait for the lock of the very execution for which the caller works, or for the operation that
    /// makes it.
    #[error("calling {address} would wait for {}", awaited_by(run.as_ref()))]
    WouldDeadlock {
        /// The entity.
        address: Address,
        /// The run; `None` when an operation calls its own entity.
        run: Option<RunId>,
    },
    /// A rule of critical sections forbids it; nothing was sent.
    #[error("{0}")]
    Section(#[from] SectionError),
    /// A client was used inside an operation or an orchestration, which must not wait for it.
    #[error("a client was used inside {}", inside_of(inside))]
    InsideOperation {
        /// The entity or run whose code was running.
        inside: Address,
    },
    /// The runtime is closing or has stopped; the request was not done.
    #[error("the runtime has stopped: the request was not done, send it again once it is open")]
    Stopped,
    /// The runtime stopped while the request was being made durable.
    #[error(
        "the runtime stopped while the request was on its way to disk: whether it is done is not known, ask again under the same idempotency key"
    )]
    OutcomeUnknown,
    /// The store could not be read.
    #[error("the store could not be read: {reason}; open the runtime again")]
    Unreadable {
        /// What the store said.
        reason: String,
    },
    /// A record that was read is not as sarsen writes it.
    #[error("a record is damaged: {reason}; restore the data directory from a backup")]
    Damaged {
        /// What was found.
        reason: String,
    },
    /// A record that was read was written by a later version of sarsen.
    #[error("a record has version {found}, this build knows up to {known}: use the sarsen that wrote it")]
    Newer {
        /// The record's version.
        found: u8,
        /// The newest version that this build reads.
        known: u8,
    },
    /// The run ended before its custom status was what was waited for.
    #[error("run `{run}` is over, it is {status}, and its custom status was never what was waited for")]
    CustomStatusMissed {
        /// The run.
        run: RunId,
        /// How it ended.
        status: RunStatus,
    },
    /// The run has not failed, so there is no point of failure to which it could go back.
    #[error("run `{run}` is {status} and cannot be rewound: only a run that has failed can")]
    RunNotFailed {
        /// The run.
        run: RunId,
        /// How far it has got.
        status: RunStatus,
    },
    /// The run failed where it cannot be taken up again.
    #[error("run `{run}` cannot be rewound: {reason}")]
    CannotRewind {
        /// The run.
        run: RunId,
        /// Why, and what to do.
        reason: String,
    },
    /// There is no such dead letter any more.
    #[error(
        "dead letter {letter} is gone: it was sent again or discarded, or made room when there were more than `dead_letters_max`"
    )]
    LetterGone {
        /// The letter.
        letter: LetterId,
    },
    /// The id or the period of what was to be scheduled is none; nothing was sent.
    #[error(transparent)]
    InvalidSchedule(#[from] ScheduleError),
}

impl CallError {
    /// Whether the same request may succeed later and was certainly not done.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Expired { .. }
                | Self::ReadTimedOut { .. }
                | Self::Stopped
                | Self::Unreadable { .. }
        )
    }

    /// Whether the request may or may not have been done. Ask again under the same idempotency key.
    pub fn is_unknown_outcome(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::OutcomeUnknown)
    }

    /// The failure of the operation, activity or child, if that is what it was.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed { failure, .. }
            | Self::ActivityFailed { failure, .. }
            | Self::ChildFailed { failure, .. }
            | Self::RunFailed { failure, .. } => Some(failure),
            _ => None,
        }
    }
}

/// The end of a text about a call that would wait for ever.
fn awaited_by(run: Option<&RunId>) -> String {
    match run {
        Some(run) => format!(
            "run `{run}`, which holds its lock and waits for this work: signal it, or call it from the orchestration"
        ),
        None => "its own operation that makes the call: signal it through the operation's context".to_owned(),
    }
}

/// The end of a text about code that must not wait.
fn inside_of(inside: &Address) -> String {
    if inside.is_run() {
        format!("the orchestration of run `{inside}`: ask through its context, or let an activity do it")
    } else {
        format!("an operation of {inside}: send signals through the operation's context instead")
    }
}

/// The end of a text about what was terminated.
fn reason_given(reason: Option<&Payload>) -> String {
    reason.map(|reason| format!(": {}", String::from_utf8_lossy(reason.as_bytes()))).unwrap_or_default()
}

/// The end of a text about what is full.
fn or_raise(limit: Option<&str>) -> String {
    limit.map(|limit| format!(", or raise `{limit}`")).unwrap_or_default()
}
