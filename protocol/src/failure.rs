//! Failures: what user code did wrong, as data that is stored and sent.

mod stored;

use crate::{CallError, Payload, json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{any::Any, error::Error, fmt, iter};

/// The longest message that is kept of a failure, and of each of its causes.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// How many causes are kept of a failure.
const CAUSES_MAX: usize = 10;

/// What kind of failure it was. The numbers are part of the stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FailureKind {
    /// The operation returned `Err`; the details are the error's JSON.
    Returned,
    /// The operation panicked.
    Panicked,
    /// The input does not fit the operation.
    Undecodable,
    /// The answer, a message or the state after the operation cannot be encoded as JSON.
    Unencodable,
    /// The answer, a message or the state after the operation is over its limit.
    TooLarge,
    /// The operation sent to an address that is none.
    InvalidAddress,
    /// The entity's type has no such operation.
    UnknownOperation,
    /// No entity type of that name is registered.
    UnknownEntity,
    /// The mailbox was at ten times its limit.
    MailboxFull,
    /// The operation changed the state through `&self`.
    ChangedByRead,
    /// The execution issued more commands in a turn, or made a longer history, than it may; or more is scheduled at the
    /// entity than may be.
    OverLimit,
    /// The section in which the call was made no longer holds the entity's lock.
    LockLost,
    /// No orchestration of that name is registered.
    UnknownOrchestration,
    /// No activity of that name is registered.
    UnknownActivity,
    /// A run has the id that was to be started.
    RunExists,
    /// There is no such run.
    RunNotFound,
    /// The run was over before it took what was sent to it.
    RunFinished,
    /// Somebody ended the run.
    Terminated,
    /// The time for which it was kept has passed.
    Expired,
    /// The time that was given for it has passed.
    TimedOut,
    /// The operation scheduled something under an id that is none, or with a period that is too short.
    InvalidSchedule,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned => "returned an error",
            Self::Panicked => "panicked",
            Self::Undecodable => "input does not fit",
            Self::Unencodable => "result cannot be encoded",
            Self::TooLarge => "result is too large",
            Self::InvalidAddress => "sent to an invalid address",
            Self::UnknownOperation => "unknown operation",
            Self::UnknownEntity => "unknown entity",
            Self::MailboxFull => "mailbox full",
            Self::ChangedByRead => "changed the state through `&self`",
            Self::OverLimit => "over a limit",
            Self::LockLost => "lock lost",
            Self::UnknownOrchestration => "unknown orchestration",
            Self::UnknownActivity => "unknown activity",
            Self::RunExists => "run exists",
            Self::RunNotFound => "run not found",
            Self::RunFinished => "run finished",
            Self::Terminated => "terminated",
            Self::Expired => "expired",
            Self::TimedOut => "timed out",
            Self::InvalidSchedule => "scheduled what cannot be",
        })
    }
}

/// Why an operation, an activity or an orchestration failed. User code's, stored with histories, dead letters and
/// remembered keys; never sarsen's own errors.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// One line for people.
    pub message: String,
    /// The JSON of the error that the code returned.
    pub details: Option<Box<Payload>>,
    /// What else is known of that error.
    pub origin: Option<Box<FailureOrigin>>,
}

/// What is known of the error behind a failure, beside its text and its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureOrigin {
    /// The error's Rust type, with its path. For people: a path changes when code is moved.
    pub type_name: String,
    /// What its causes say, the nearest first: those that [`Error::source`] tells, at most 10.
    pub causes: Vec<String>,
    /// Whether the code said that another attempt would fail alike.
    pub is_final: bool,
}

impl Failure {
    /// A failure without details.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None, origin: None }
    }

    /// The failure with the JSON of what it is about.
    pub fn with_details(self, details: Option<Payload>) -> Self {
        Self { details: details.map(Box::new), ..self }
    }

    /// The failure that an `Err` is. Its causes are not known: see [`caused_by`](Self::caused_by).
    pub fn returned<E: Serialize + fmt::Display>(error: &E) -> Self {
        let type_name = std::any::type_name::<E>().to_owned();
        let origin = FailureOrigin { type_name, ..FailureOrigin::default() };
        let failure = Self::new(FailureKind::Returned, error.to_string());
        Self { origin: Some(Box::new(origin)), ..failure.with_details(json::encode(error).ok()) }
    }

    /// The failure with the causes of the error that it is; what failed behind a [`CallError`] is among them.
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut causes = behind(error).to_vec();
        for cause in iter::successors(error.source(), |&cause| cause.source()).take(CAUSES_MAX) {
            causes.push(cut(cause.to_string()));
            causes.extend_from_slice(behind(cause));
        }
        causes.truncate(CAUSES_MAX);
        self.origin.get_or_insert_default().causes = causes;
        self
    }

    /// The failure, of which another attempt would be no better.
    pub fn finally(mut self) -> Self {
        self.origin.get_or_insert_default().is_final = true;
        self
    }

    /// Whether another attempt would fail alike, so that none is made: the code said so, there is no such activity, or
    /// it cannot read its input.
    pub fn is_final(&self) -> bool {
        let unchanging = matches!(
            self.kind,
            FailureKind::UnknownActivity | FailureKind::UnknownOrchestration | FailureKind::Undecodable
        );
        unchanging || self.origin.as_ref().is_some_and(|origin| origin.is_final)
    }

    /// The error's Rust type, when the failure is an `Err` that code returned.
    pub fn type_name(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.type_name.as_str()).filter(|name| !name.is_empty())
    }

    /// What the error's causes say, the nearest first.
    pub fn causes(&self) -> &[String] {
        self.origin.as_ref().map_or(&[], |origin| &origin.causes)
    }

    /// The error that the code returned, if it was one of this type.
    pub fn error<E: DeserializeOwned>(&self) -> Option<E> {
        let details = self.details.as_ref().filter(|_| self.kind == FailureKind::Returned)?;
        json::decode(details).ok()
    }

    /// Whether both are the same to code that gets them: not so what is only for people.
    pub fn is_same(&self, other: &Self) -> bool {
        let alike = |a: &Payload, b: &Payload| json::equal(a, b);
        self.kind == other.kind
            && self.message == other.message
            && match (&self.details, &other.details) {
                (Some(a), Some(b)) => alike(a, b),
                (None, None) => true,
                _ => false,
            }
    }

    /// The failure in a size that can be kept: texts are cut, details that are too long are left out.
    pub fn bounded(mut self, details_bytes_max: usize) -> Self {
        self.message = cut(self.message);
        self.details = self.details.filter(|details| details.len() <= details_bytes_max);
        if let Some(origin) = &mut self.origin {
            origin.type_name = cut(std::mem::take(&mut origin.type_name));
        }
        self
    }

    /// The failure that a panic is.
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::new(FailureKind::Panicked, text.unwrap_or("without a message"))
    }
}

/// The causes of the failure that an error tells of.
fn behind<'e>(error: &'e (dyn Error + 'static)) -> &'e [String] {
    error.downcast_ref::<CallError>().and_then(CallError::failure).map_or(&[], Failure::causes)
}

/// A text of a length that can be kept.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MESSAGE_CHARS_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// What is not there is left out.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, message, details, origin } = self;
        let mut debug = f.debug_struct("Failure");
        debug.field("kind", kind).field("message", message).field("details", details);
        if let Some(origin) = origin {
            debug.field("origin", origin);
        }
        debug.finish()
    }
}

#[cfg(test)]
mod tests;
