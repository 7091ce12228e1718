//! Why an execution cannot go on.

use crate::{CommandId, EventNumber};
use sarsen_protocol::OrchestrationName;

/// Why an execution cannot go on with the code that is there.
///
/// Nothing is lost: its history stays as it is, its inputs wait, its locks stay held, and it goes on when code is
/// there that fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Parked {
    /// The code waits for something that no history can answer: a sleep, a socket, a channel, a lock.
    #[error(
        "orchestration `{name}` awaits what its context does not know, {}: await only what the context gives, and let an activity do the rest",
        behind(*after)
    )]
    Foreign {
        /// The orchestration.
        name: OrchestrationName,
        /// The last command before.
        after: Option<CommandId>,
    },
    /// The code does not do what it did.
    #[error(
        "orchestration `{name}` has changed: event {at} of the history is {expected}, the code comes to {found}; it goes on when code is there that does what is recorded"
    )]
    Changed {
        /// The orchestration.
        name: OrchestrationName,
        /// Where in the history.
        at: EventNumber,
        /// What is recorded.
        expected: String,
        /// What the code did.
        found: String,
    },
    /// The events are no history of this execution.
    #[error("event {at} cannot stand in the history of orchestration `{name}`: {reason}")]
    Disorder {
        /// The orchestration.
        name: OrchestrationName,
        /// Where in the history.
        at: EventNumber,
        /// What is wrong.
        reason: &'static str,
    },
}

fn behind(after: Option<CommandId>) -> String {
    after.map_or_else(|| "before its first command".to_owned(), |id| format!("behind its command {id}"))
}
