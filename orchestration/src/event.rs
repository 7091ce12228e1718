//! The words of a history.

use crate::{Command, command::Excerpt};
use sarsen_protocol::{CommandId, EventName, Failure, Payload, Start, Timestamp, json};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that happened to an execution. The order of the variants, here and in what they hold, is part of the
/// stored format: new ones go last.
///
/// A history is a row of turns. A turn opens with [`TurnStarted`](Self::TurnStarted); then come its inputs, in the
/// order in which they were applied, and behind each input the commands that the code issued because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A turn begins.
    TurnStarted {
        /// What the code is told as the time; never before that of the turn before.
        at: Timestamp,
    },
    /// The execution begins; the second event of every history.
    Started(Box<Start>),
    /// Something arrived.
    Arrived(Input),
    /// The code issued a command.
    Issued(CommandId, Command),
    /// The execution ended; the last event.
    Ended(End),
}

/// Something that arrives at an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// An activity has ended.
    TaskEnded {
        /// The command.
        id: CommandId,
        /// Its answer, or why there is none.
        result: Result<Payload, Failure>,
    },
    /// A timer's time has come.
    TimerFired {
        /// The command.
        id: CommandId,
    },
    /// A child has ended.
    ChildEnded {
        /// The command.
        id: CommandId,
        /// Its result, or why there is none.
        result: Result<Payload, Failure>,
    },
    /// A call was answered.
    CallEnded {
        /// The command.
        id: CommandId,
        /// The answer, or why there is none.
        result: Result<Payload, Failure>,
    },
    /// All locks of a section are held.
    LockGranted {
        /// The section.
        id: CommandId,
    },
    /// Somebody raised an event.
    EventRaised {
        /// Its name.
        name: EventName,
        /// What it carries.
        input: Payload,
    },
    /// The run was suspended. Changes nothing for the code; until [`Resumed`](Self::Resumed) nothing else is given.
    Suspended {
        /// Why.
        reason: Option<String>,
    },
    /// The run goes on.
    Resumed {
        /// Why.
        reason: Option<String>,
    },
    /// A section cannot be had: nothing of it is held.
    LockRefused {
        /// The section.
        id: CommandId,
        /// Why.
        failure: Failure,
    },
    /// An activity has failed that had said how far it had got.
    AttemptFailed {
        /// The command.
        id: CommandId,
        /// Why.
        failure: Failure,
        /// How far it had got.
        progress: Payload,
    },
    /// The run was rewound: it had failed behind this point, and goes on from here. Changes nothing for the code.
    Rewound {
        /// Why.
        reason: Option<String>,
    },
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The code returned this.
    Returned(Payload),
    /// The code returned an `Err`, panicked, or went over a limit.
    Failed(Failure),
    /// The run goes on as another execution, with this input.
    ContinuedAsNew(Payload),
    /// Somebody ended it.
    Terminated {
        /// What is given as its result.
        reason: Option<Payload>,
        /// Whether its children are ended too.
        recurse: bool,
    },
}

impl End {
    /// Whether replayed code that ended so did what the history says.
    pub(crate) fn repeats(&self, recorded: &Self) -> bool {
        match (self, recorded) {
            (Self::Returned(payload), Self::Returned(then))
            | (Self::ContinuedAsNew(payload), Self::ContinuedAsNew(then)) => json::equal(payload, then),
            (Self::Failed(failure), Self::Failed(then)) => failure.is_same(then),
            (Self::Terminated { .. }, Self::Terminated { .. }) => self == recorded,
            (Self::Returned(_) | Self::ContinuedAsNew(_) | Self::Failed(_) | Self::Terminated { .. }, _) => {
                false
            }
        }
    }
}

/// The end in words, as it stands in messages.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(result) => write!(f, "the end with {}", Excerpt(result)),
            Self::Failed(failure) => write!(f, "the failure `{failure}`"),
            Self::ContinuedAsNew(input) => write!(f, "another execution with {}", Excerpt(input)),
            Self::Terminated { .. } => f.write_str("a termination"),
        }
    }
}
