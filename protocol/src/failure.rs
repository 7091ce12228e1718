//! Failures: what user code did wrong, as data that is stored and sent.

use crate::Payload;
use serde::{Deserialize, Serialize};
use std::{any::Any, fmt};

/// The longest message that is kept of a failure.
const MESSAGE_CHARS_MAX: usize = 1_000;

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
    /// The execution issued more commands in a turn, or made a longer history, than it may.
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
        })
    }
}

/// Why an operation failed. User code's, stored with dead letters and remembered keys; never sarsen's own errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// One line for people.
    pub message: String,
    /// The JSON of the error that the operation returned.
    pub details: Option<Box<Payload>>,
}

impl Failure {
    /// A failure without details.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None }
    }

    /// The failure in a size that can be kept: the message is cut, details that are too long are left out.
    pub fn bounded(mut self, details_bytes_max: usize) -> Self {
        if let Some((end, _)) = self.message.char_indices().nth(MESSAGE_CHARS_MAX) {
            self.message.truncate(end);
            self.message.push_str("...");
        }
        self.details = self.details.filter(|details| details.len() <= details_bytes_max);
        self
    }

    /// The failure that a panic is.
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::new(FailureKind::Panicked, text.unwrap_or("without a message"))
    }
}
