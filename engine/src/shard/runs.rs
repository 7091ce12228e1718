//! Runs: what is in memory of one, and when it has something to do.
//!
//! A run's record says which execution is under way and how it ended; its history is in chunks. An execution that is
//! in memory is its waiting code. One that is not is read and replayed when something has come for it, once for all
//! that has. `turn` gives executions their turns, `manage` does what concerns the run as a whole, `carry` carries
//! commands out, `pending` lets runs wait before they begin, `finish` ends executions, `rewind`
//! takes up failed ones, `history` reads and replays, `garbage` deletes what nobody needs.

mod carry;
mod fault;
mod finish;
mod garbage;
mod history;
mod import;
mod manage;
mod pending;
mod rewind;
mod turn;

use super::{batch::OpenBatch, mailbox::Mailbox};
use crate::record::{self, RunRecord, RunRow};
use history::Replay;
use sarsen_orchestration::{Chunk, Cursor, Event, Execution, OpenSection, Outstanding};
use sarsen_protocol::{
    Address, Body, CommandId, Effect, ExecutionId, HashMap, Keyspace, Message, RunStatus, Timestamp,
};

/// What a live execution is counted with in the cache, beside its history.
const EXECUTION_BYTES: usize = 1_536;
/// What an event of a live execution's history is counted with.
const EVENT_BYTES: usize = 48;

/// The code of a run's execution.
#[derive(Debug, Default)]
enum Code {
    /// There is none: no run, one that has not begun, or one that is over.
    #[default]
    None,
    /// Its history is in the store.
    Stored,
    /// Its history is being read.
    Reading(Box<Replay>),
    /// Its history is being replayed.
    Replaying(Box<Replay>),
    /// The whole history of a run that is over has been read; or why it cannot be.
    Collected(Result<Vec<Event>, String>),
    /// It waits for what comes.
    Live(Box<Execution>),
}

/// What is in memory of a run.
#[expect(clippy::struct_excessive_bools, reason = "flags with lives of their own, not one state")]
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Whether its record has been read.
    loaded: bool,
    row: RunRow,
    code: Code,
    /// How far the execution's history has been written.
    cursor: Cursor,
    /// What its turns have recorded and no batch has taken yet.
    unwritten: Chunk,
    /// What a replayed history leaves, until the first turn behind it.
    outstanding: Option<Outstanding>,
    /// When the timers of the live execution are due.
    timers: HashMap<CommandId, Timestamp>,
    /// The section of the live execution.
    section: Option<OpenSection>,
    /// Whether something has come since its queues were last looked through.
    pub(crate) unsettled: bool,
    /// Whether a sweep of old history waits in its front queue.
    sweeping: bool,
    /// Whether events that wait for a start may wait without a sweep that will give them up.
    unwatched: bool,
    /// Whether its custom status was set since its record was last written.
    status_set: bool,
}

impl Run {
    /// A run of which nothing is stored.
    pub(super) fn absent() -> Self {
        Self { loaded: true, ..Self::default() }
    }

    /// Takes in the record that was read.
    pub(super) fn load(&mut self, row: RunRow) {
        let under_way = row
            .run
            .as_ref()
            .is_some_and(|run| matches!(run.status, RunStatus::Running | RunStatus::Suspended));
        self.code = if under_way { Code::Stored } else { Code::None };
        self.row = row;
        (self.loaded, self.unsettled) = (true, true);
    }

    /// Notes that a record of it cannot be read: nothing is decided on what is left.
    pub(super) fn give_up_hope(&mut self) {
        self.loaded = false;
        self.code = Code::None;
    }

    /// Whether its code is in memory.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.code, Code::Live(_))
    }

    /// Whether its history is to be read once all of it is durable.
    pub(super) fn waits_for_store(&self) -> bool {
        matches!(self.code, Code::Stored)
    }

    fn record(&self) -> Option<&RunRecord> {
        self.row.run.as_ref()
    }

    fn status(&self) -> Option<RunStatus> {
        Some(self.record()?.status)
    }

    /// Whether there is no run of that id.
    pub(super) fn is_absent(&self) -> bool {
        self.record().is_none()
    }

    /// Whether a message that manages the run is for it: the end of a parent ends its own children only.
    fn obeys(&self, message: &Message) -> bool {
        let Body::Terminate { child_of: Some(parent), .. } = &message.body else { return true };
        let own = self.record().and_then(|record| record.parent.as_ref());
        own.is_some_and(|own| own.run == parent.run && own.execution == parent.execution)
    }

    /// Whether there is a run that is not over.
    fn is_under_way(&self) -> bool {
        self.status().is_some_and(|status| !status.is_finished())
    }

    fn is_suspended(&self) -> bool {
        self.status() == Some(RunStatus::Suspended)
    }

    /// Whether its begin is not to be taken yet.
    fn holds_begin(&self) -> bool {
        self.is_suspended() || self.record().is_some_and(|record| record.extras().pending.is_some())
    }

    fn execution(&self) -> Option<ExecutionId> {
        Some(self.record()?.execution)
    }

    /// How many chunks of the last execution's history are in the store.
    fn chunks(&self) -> u32 {
        self.record().map_or(0, |run| run.chunks).max(self.cursor.chunk().0)
    }

    /// What the execution has asked for and has not got, if that is known without reading its history.
    fn outstanding(&self) -> Option<&Outstanding> {
        match &self.code {
            Code::Live(execution) if !execution.is_over() => Some(execution.outstanding()),
            _ => self.outstanding.as_ref(),
        }
    }

    /// Whether there is something for a turn to do. `durable`: whether all that was written of it is.
    pub(super) fn has_work(&self, parked: bool, front: &Mailbox, back: &Mailbox, durable: bool) -> bool {
        if !self.loaded {
            return false;
        }
        // What manages it is looked at as a whole: a termination takes back the begin that stands behind it.
        if front.has_gap() && !matches!(self.code, Code::Replaying(_)) {
            return false;
        }
        let holds_begin = parked || self.holds_begin();
        let managed = if holds_begin { front.any(|message| !is_begin(message)) } else { front.is_ready() };
        match &self.code {
            Code::Reading(_) => false,
            Code::Replaying(_) => true,
            // What was written must be durable before it can be read.
            Code::Stored => {
                let come = managed || (!parked && !self.holds_begin() && back.is_ready());
                come && durable && self.unwritten.is_empty()
            }
            Code::Collected(_) => managed,
            Code::None if parked => managed,
            Code::None if self.is_under_way() => managed,
            Code::None if self.record().is_none() => managed || self.unsettled,
            Code::None => managed || back.is_ready(),
            Code::Live(_) => managed || (!parked && !self.is_suspended() && back.is_ready()),
        }
    }

    /// Whether nothing that it could do now is left.
    pub(super) fn may_leave(&self, parked: bool, front: &Mailbox, back: &Mailbox) -> bool {
        if !self.unwritten.is_empty() {
            return false;
        }
        if !self.loaded {
            return true;
        }
        let holds_begin = parked || self.holds_begin();
        let managed = if holds_begin { front.any(|message| !is_begin(message)) } else { !front.is_empty() };
        match &self.code {
            Code::Reading(_) | Code::Replaying(_) => false,
            _ if managed => false,
            Code::None if self.record().is_none() => !self.unsettled,
            _ => parked || self.holds_begin() || back.is_empty(),
        }
    }

    /// Writes what the batch has recorded of it: a chunk of its history, and its record if that has changed.
    pub(super) fn write(&mut self, batch: &mut OpenBatch, address: &Address, dirty: bool, now: Timestamp) {
        if let (false, Some(run)) = (self.unwritten.is_empty(), self.row.run.as_ref()) {
            let key = record::history_key(address, run.execution, self.cursor.chunk().0);
            let chunk = std::mem::take(&mut self.unwritten);
            batch.write(Keyspace::History, key, Some(self.cursor.close(&chunk).into()));
        }
        if !dirty {
            return;
        }
        let chunks = self.chunks();
        if let Some(run) = &mut self.row.run {
            run.changed = now;
            run.chunks = if run.status.is_finished() { chunks } else { 0 };
            if std::mem::take(&mut self.status_set) {
                tell_status(batch, address, run);
            }
        }
        let kept = self.row.run.is_some() || !self.row.garbage.is_empty();
        let value = kept.then(|| record::write_run(&self.row));
        batch.write(Keyspace::Instances, record::instance_key(address), value);
    }

    /// What it is counted with in the cache beside its address.
    fn bytes(&self) -> usize {
        let events = match &self.code {
            Code::Live(execution) => execution.events().0,
            _ => 0,
        };
        EXECUTION_BYTES + EVENT_BYTES * usize::try_from(events).unwrap_or(usize::MAX / EVENT_BYTES)
    }
}

/// Tells who waits for a run's custom status: of several in a batch the last, which is in its record.
fn tell_status(batch: &mut OpenBatch, address: &Address, record: &RunRecord) {
    if let (Some(run), Some(status)) = (address.as_run(), record.custom_status.clone()) {
        let bytes = status.len();
        let status = Box::new(status);
        batch.release(Effect::StatusSet { run, first: record.first, status }, bytes);
    }
}

/// Whether a message begins an execution, which is not possible while the run is parked.
fn is_begin(message: &Message) -> bool {
    matches!(message.body, Body::Begin(_))
}
