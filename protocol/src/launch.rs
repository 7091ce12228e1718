//! What an execution begins with.

use crate::{CommandId, ExecutionId, OrchestrationName, Payload, RunId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

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

/// A run to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Its id.
    pub run: RunId,
    /// The orchestration.
    pub name: OrchestrationName,
    /// Its input.
    pub input: Payload,
    /// What goes with it.
    pub labels: Labels,
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
    /// The most commands that the code may issue because of one input, or in the beginning.
    pub commands_per_turn_max: usize,
    /// The most events of the history.
    pub history_events_max: u64,
}

impl Default for ExecutionLimits {
    fn default() -> Self {
        Self { payload_bytes_max: 1 << 20, commands_per_turn_max: 10_000, history_events_max: 1_000_000 }
    }
}
