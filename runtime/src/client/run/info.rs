//! What is known of a run.

use sarsen_engine::RunRecord;
use sarsen_orchestration::Parent;
use sarsen_protocol::{
    CallError, ExecutionId, Payload, PendingReason, RunId, RunOutcome, RunStatus, Timestamp, json,
};
use serde::de::DeserializeOwned;

/// What is known of a run beside its history, as of a durable state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInfo {
    /// Its id.
    pub id: RunId,
    /// Its orchestration.
    pub orchestration: String,
    /// How far it has got.
    pub status: RunStatus,
    /// The execution that is under way, or was the last; another one after each continue-as-new.
    pub execution: ExecutionId,
    /// The first of its executions, which tells it from a run that had its id before.
    pub first_execution: ExecutionId,
    /// When its start was accepted.
    pub created: Timestamp,
    /// When any of this last changed.
    pub changed: Timestamp,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// What its code has last set as its status, as JSON.
    pub custom_status: Option<Payload>,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
    /// The run that waits for it, when it is a child.
    pub parent: Option<Parent>,
    /// Free words that its start was given, by name.
    pub tags: Vec<(String, String)>,
    /// When it was to begin, if that was not at once.
    pub scheduled: Option<Timestamp>,
    /// Why its code has not begun, while it waits to.
    pub pending: Option<PendingReason>,
    /// When it will be purged, once it is over; `None` when it is kept.
    pub expires: Option<Timestamp>,
    /// Why it cannot go on, while it cannot: its history or its messages do not fit the code that is there.
    pub parked: Option<String>,
}

impl RunInfo {
    pub(super) fn new(id: RunId, record: RunRecord) -> Self {
        let (scheduled, pending, expires) = {
            let extras = record.extras();
            (extras.scheduled, extras.pending, extras.expires)
        };
        Self {
            scheduled,
            pending,
            expires,
            id,
            orchestration: record.name.to_string(),
            status: record.status,
            execution: record.execution,
            first_execution: record.first,
            created: record.created,
            changed: record.changed,
            completed: record.completed,
            custom_status: record.custom_status,
            outcome: record.outcome,
            parent: record.parent,
            tags: record.labels.tags,
            parked: record.parked,
        }
    }

    /// What its code has last set as its status; `None` when it has set none.
    ///
    /// # Errors
    /// [`CallError::Misfit`] when it is none of this type.
    pub fn custom_status<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        let decoded = self.custom_status.as_ref().map(json::decode).transpose();
        decoded.map_err(|failure| CallError::Misfit {
            what: format!("the custom status of run `{}`", self.id),
            reason: failure.message,
        })
    }
}
