//! Runs that are over and come from elsewhere: their history is kept as it is, and nothing of them goes on.

use super::Run;
use crate::{
    record::{self, RunRecord},
    shard::{InstanceId, Shard, intake::busy, mailbox::Entry},
};
use sarsen_protocol::{Answer, Body, ImportRequest, Keyspace, RunOutcome, RunStatus};

impl Shard {
    /// Keeps a run that is over, unless there is one of its id.
    pub(super) fn import(&mut self, id: InstanceId, entry: Entry) {
        let message = self.done(id, entry);
        let Body::Import(import) = &message.body else { return };
        if let Some(status) = self.run_of(id).and_then(Run::status) {
            self.refuse_start(&message, status);
            return;
        }
        let going = |run: &Run| run.row.garbage.iter().any(|garbage| garbage.execution == import.execution);
        if self.run_of(id).is_some_and(going) {
            // What is left of it is deleted by its name, and would take this with it.
            let error = busy(&message.to, "the history of a run that had its id, which is being deleted,");
            self.reply(&message, Answer::refused(error));
            return;
        }
        let ImportRequest { history, .. } = &**import;
        for (chunk, number) in history.iter().zip(0..) {
            let key = record::history_key(&message.to, import.execution, number);
            self.batch.write(Keyspace::History, key, Some(chunk.clone()));
        }
        if let Some(run) = self.run_mut(id) {
            run.row.run = Some(imported(import));
        }
        self.mark_dirty(id);
        self.set_expiry(id);
        self.answer_start(id, &message);
    }
}

/// The record of a run that is imported.
fn imported(import: &ImportRequest) -> RunRecord {
    let ImportRequest { name, execution, created, completed, custom_status, outcome, labels, history } =
        import.clone();
    RunRecord {
        name,
        first: execution,
        execution,
        status: match &outcome {
            RunOutcome::Returned(_) => RunStatus::Completed,
            RunOutcome::Failed(_) => RunStatus::Failed,
            RunOutcome::Terminated { .. } => RunStatus::Terminated,
        },
        created,
        changed: completed,
        completed: Some(completed),
        custom_status,
        outcome: Some(outcome),
        parent: None,
        labels,
        parked: None,
        chunks: u32::try_from(history.len()).unwrap_or(u32::MAX),
        extras: None,
    }
}
