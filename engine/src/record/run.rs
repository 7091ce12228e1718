//! What is known of runs.

use super::GROWN;
use bytes::Bytes;
use sarsen_protocol::{
    ExecutionId, Labels, OrchestrationName, Parent, Payload, PendingReason, RunOutcome, RunStatus, Timestamp,
    record::{RecordError, decode_since, encode_exact},
};
use serde::{Deserialize, Serialize};

/// What is known of a run beside its history. Readable without the user's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The orchestration.
    pub name: OrchestrationName,
    /// The first of its executions, which tells it from a run that had its id before.
    pub first: ExecutionId,
    /// The execution that is under way, or was the last.
    pub execution: ExecutionId,
    /// How far it has got.
    pub status: RunStatus,
    /// When its start was accepted.
    pub created: Timestamp,
    /// When this record last changed.
    pub changed: Timestamp,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// The custom status that its code has set.
    pub custom_status: Option<Payload>,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
    /// The run that waits for it.
    pub parent: Option<Parent>,
    /// What goes with it.
    pub labels: Labels,
    /// Why it cannot go on, while it cannot.
    pub parked: Option<String>,
    /// How many chunks the last execution's history has, once it is over.
    pub(crate) chunks: u32,
    /// What few runs have.
    #[serde(skip)]
    pub(crate) extras: Option<Box<RunExtras>>,
}

/// What is known of some runs beside what is known of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunExtras {
    /// When it was to begin, if that was not at once.
    pub scheduled: Option<Timestamp>,
    /// Why it has not begun.
    pub pending: Option<PendingReason>,
    /// When it will be purged, once it is over.
    pub expires: Option<Timestamp>,
    /// With what it was started, if another execution is under way than the first.
    pub input: Option<Payload>,
}

static NO_EXTRAS: RunExtras = RunExtras { scheduled: None, pending: None, expires: None, input: None };

impl RunRecord {
    /// What few runs have.
    pub fn extras(&self) -> &RunExtras {
        self.extras.as_deref().unwrap_or(&NO_EXTRAS)
    }

    pub(crate) fn extras_mut(&mut self) -> &mut RunExtras {
        self.extras.get_or_insert_default()
    }

    /// Whether the execution is the run's first.
    pub(crate) fn is_first(&self) -> bool {
        self.execution == self.first
    }
}

/// What is left of a history that nobody needs: its chunks from one number up to, not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Garbage {
    pub(crate) execution: ExecutionId,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// The row of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunRow {
    /// `None` when only garbage is left.
    pub(crate) run: Option<RunRecord>,
    pub(crate) garbage: Vec<Garbage>,
}

/// A run's row as it is written. The first two variants are those of an `Option`, which it was in version 1.
#[derive(Serialize, Deserialize)]
enum WrittenRun<R, E> {
    None,
    Plain(R),
    Extended(R, E),
}

pub(crate) fn write_run(row: &RunRow) -> Bytes {
    let run = match &row.run {
        None => WrittenRun::None,
        Some(run) if *run.extras() == NO_EXTRAS => WrittenRun::Plain(run),
        Some(run) => WrittenRun::Extended(run, run.extras()),
    };
    encode_exact(GROWN, &(run, &row.garbage)).into()
}

pub(crate) fn read_run_row(value: &Bytes) -> Result<RunRow, RecordError> {
    type Read = (WrittenRun<RunRecord, Box<RunExtras>>, Vec<Garbage>);
    let ((run, garbage), _): (Read, _) = decode_since(1, GROWN, value)?;
    let run = match run {
        WrittenRun::None => None,
        WrittenRun::Plain(run) => Some(run),
        WrittenRun::Extended(run, extras) => Some(RunRecord { extras: Some(extras), ..run }),
    };
    Ok(RunRow { run, garbage })
}
