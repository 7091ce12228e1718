//! The words of a history.

use crate::{Command, CommandId, command::Excerpt};
use sarsen_protocol::{
    EventName, ExecutionId, Failure, OrchestrationName, Payload, RunId, Timestamp, TraceContext, json,
};
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

/// What an execution begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The run.
    pub run: RunId,
    /// This execution of it.
    pub execution: ExecutionId,
    /// Which code runs.
    pub name: OrchestrationName,
    /// Its input.
    pub input: Payload,
    /// Where the execution's random numbers begin.
    pub seed: u64,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// When it was to start, if that was not at once.
    pub scheduled: Option<Timestamp>,
    /// What goes with it.
    pub labels: Labels,
    /// What it may produce. Kept, so that a replay decides as the execution did.
    pub limits: ExecutionLimits,
}

/// The run that waits for a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The run.
    pub run: RunId,
    /// Its execution; no other takes the answer.
    pub execution: ExecutionId,
    /// The command that started the child.
    pub command: CommandId,
    /// The parent's code.
    pub name: OrchestrationName,
    /// Its version.
    pub version: Option<String>,
}

/// What goes with a run, an activity or a child, beside its input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The version of the code that is asked for.
    pub version: Option<String>,
    /// Free words, by name.
    pub tags: Vec<(String, String)>,
    /// Where the starter's trace continues.
    pub trace: Option<TraceContext>,
}

/// What one execution may produce. Beyond a limit it fails, unless a request can be refused instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionLimits {
    /// The longest input, event, status or result, in bytes. Beyond it the request is refused; a result fails.
    pub payload_bytes_max: usize,
    /// The most commands of one turn.
    pub commands_per_turn_max: usize,
    /// The most events of the history.
    pub history_events_max: u64,
}

impl Default for ExecutionLimits {
    fn default() -> Self {
        Self { payload_bytes_max: 1 << 20, commands_per_turn_max: 10_000, history_events_max: 1_000_000 }
    }
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
            (Self::Failed(failure), Self::Failed(then)) => failure == then,
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
