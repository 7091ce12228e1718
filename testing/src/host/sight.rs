//! What durable batches show of runs and locks, for the counts.

use super::env::Env;
use crate::Situation;
use sarsen_engine::{RunLookup, RunRecord};
use sarsen_protocol::{
    Address, Batch, Body, ExecutionId, Keyspace, Message, Page, PendingReason, Row, RunId, Write,
    record::decode_since,
};
use std::collections::BTreeMap;

/// The versions of messages in their rows, from the oldest to the newest.
const VERSIONS: [u8; 2] = [1, 4];

/// What is known of a run.
#[derive(Clone, Copy, Debug)]
struct Known {
    first: ExecutionId,
    execution: ExecutionId,
    finished: bool,
}

/// The runs that are durable.
#[derive(Debug, Default)]
pub(super) struct Sight(BTreeMap<RunId, Known>);

impl Sight {
    /// Whether there is a run that is not over.
    pub(super) fn is_under_way(&self, run: &RunId) -> bool {
        self.0.get(run).is_some_and(|known| !known.finished)
    }

    /// Whether there is a run at an address.
    pub(super) fn knows(&self, address: &Address) -> bool {
        address.as_run().is_some_and(|run| self.0.contains_key(&run))
    }

    /// Takes in a run's row. Returns what has happened to the run.
    fn take(&mut self, run: RunId, record: Option<&RunRecord>) -> Vec<Situation> {
        let Some(record) = record else {
            self.0.remove(&run);
            return Vec::new();
        };
        let (finished, pending) = (record.status.is_finished(), record.extras().pending);
        let known = Known { first: record.first, execution: record.execution, finished };
        let before = self.0.insert(run, known);
        let is_new = before.is_none_or(|before| before.first != record.first);
        let goes_on = record.execution != record.first
            && before.is_none_or(|before| before.execution != record.execution);
        let happened = [
            (is_new && before.is_some(), Situation::Replaced),
            (is_new && record.parent.is_some(), Situation::ChildStarted),
            (goes_on, Situation::ContinuedAsNew),
            (pending == Some(PendingReason::Scheduled), Situation::Scheduled),
            (pending == Some(PendingReason::Concurrency), Situation::WaitedForPermit),
            (record.extras().expires.is_some(), Situation::ToBePurged),
        ];
        happened.into_iter().filter(|(happened, _)| *happened).map(|(_, situation)| situation).collect()
    }
}

impl<S> Env<S> {
    /// Looks at a batch that is durable.
    pub(super) fn look(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match (write.keyspace, &write.value) {
                (Keyspace::Locks, Some(_)) => self.count(Situation::LockGranted),
                (Keyspace::Mailbox, Some(value)) => {
                    match decode_since::<Message>(VERSIONS[0], VERSIONS[1], value) {
                        Ok((Message { body: Body::Lock(_) | Body::TryLock(_), .. }, _)) => {
                            self.count(Situation::LockWaited);
                        }
                        Ok((Message { body: Body::Cancel(_), .. }, _)) => {
                            self.count(Situation::LockCancelled);
                        }
                        _ => {}
                    }
                }
                (Keyspace::Instances, _) => self.look_at_run(write),
                _ => {}
            }
        }
    }

    fn look_at_run(&mut self, write: &Write) {
        let address = write.key.get(2..).and_then(Address::from_bytes);
        let Some(run) = address.and_then(|address| address.as_run()) else { return };
        let row = write.value.clone().map(|value| Row { key: write.key.clone(), value });
        let page = Page { rows: row.into_iter().collect(), more: false };
        let Ok(record) = RunLookup::new(&run).take(&page) else { return };
        for situation in self.sight.take(run, record.as_ref()) {
            self.count(situation);
        }
    }
}
