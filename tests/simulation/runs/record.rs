//! What a store holds of runs and locks at a moment, read without the engine: its formats stand here a second time.

use super::account::Account;
use bytes::Bytes;
use sarsen_entities::EntityType;
use sarsen_orchestration::{Cursor, Event, Input, Outstanding};
use sarsen_protocol::{
    Address, Body, CommandId, Completion, ExecutionId, Keyspace, Labels, Message, OrchestrationName, Parent,
    Payload, PendingReason, Read, Row, RunId, RunOutcome, RunStatus, Section, Timestamp, Uuid,
    record::{RecordError, decode, decode_all},
};
use sarsen_storage::{Error, Store};
use sarsen_testing::rows;
use serde::Deserialize;
use std::collections::BTreeMap;

const VERSION: u8 = 1;
/// Of messages and runs' rows.
pub(crate) const GROWN: u8 = 4;
/// Of entities of which more is kept than their state and their producers.
const EXTRAS: u8 = 2;
/// Of tasks.
const TASK: u8 = 2;
/// The bytes of a row's number at the end of a key.
const ROW_BYTES: usize = 16;

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) name: OrchestrationName,
    pub(crate) first: ExecutionId,
    pub(crate) execution: ExecutionId,
    pub(crate) status: RunStatus,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) completed: Option<Timestamp>,
    pub(crate) custom_status: Option<Payload>,
    pub(crate) outcome: Option<RunOutcome>,
    pub(crate) parent: Option<Parent>,
    pub(crate) labels: Labels,
    pub(crate) parked: Option<String>,
    chunks: u32,
    #[serde(skip)]
    pub(crate) extras: Extras,
}

/// What is known of some runs beside what is known of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Extras {
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) pending: Option<PendingReason>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) input: Option<Payload>,
}

#[derive(Deserialize)]
struct Garbage {
    execution: ExecutionId,
    from: u32,
    to: u32,
}

#[derive(Deserialize)]
enum Run {
    None,
    Plain(RunRecord),
    Extended(RunRecord, Extras),
}

#[derive(Deserialize)]
struct RunRow {
    run: Run,
    garbage: Vec<Garbage>,
}

impl Run {
    fn record(self) -> Option<RunRecord> {
        match self {
            Self::None => None,
            Self::Plain(record) => Some(record),
            Self::Extended(record, extras) => Some(RunRecord { extras, ..record }),
        }
    }
}

/// A run of an orchestration of which only so many may be under way.
#[derive(Debug, Deserialize)]
pub(crate) struct PermitRecord {
    pub(crate) name: OrchestrationName,
    _order: (u64, u64),
    pub(crate) holds: bool,
}

/// What stands before an entity's state: that it exists, and its producers.
type Header = (bool, Vec<(String, u64, u64)>);

/// What stands behind that since version 2: its alarm, when it last changed, which audit rows it has, its schedules. No
/// account has schedules.
type HeaderExtras = (Option<(u64, Timestamp)>, Option<Timestamp>, Option<AuditSpan>, Vec<()>);

/// The last row that was written and the last that was removed; what tells how old they are.
type AuditSpan = (u64, u64, Timestamp, Timestamp, Vec<(Timestamp, u64)>);

/// The state of an entity by its record, if it exists.
fn state_of(record: &Bytes) -> Result<Option<Bytes>, RecordError> {
    let ((exists, _), state) = if record.first() == Some(&VERSION) {
        decode::<Header>(VERSION, record)?
    } else {
        let ((header, _), state) = decode::<(Header, HeaderExtras)>(EXTRAS, record)?;
        (header, state)
    };
    Ok(exists.then_some(state))
}

#[derive(Deserialize)]
struct LockRecord {
    section: Section,
    _since: Timestamp,
}

#[derive(Deserialize)]
struct TaskRecord {
    run: RunId,
    execution: ExecutionId,
}

/// A message that waits in a row.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) message: Message,
    pub(crate) keyspace: Keyspace,
}

/// A task that waits in a row.
#[derive(Clone, Debug)]
pub(crate) struct TaskRow {
    pub(crate) run: RunId,
    pub(crate) execution: ExecutionId,
    pub(crate) command: CommandId,
}

/// A history, as far as it has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    pub(crate) outstanding: Outstanding,
    cursor: Cursor,
    chunks: Vec<Row>,
}

impl History {
    /// Whether an execution went on from a failure of an earlier one.
    pub(crate) fn is_rewound(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Arrived(Input::Rewound { .. })))
    }
}

/// The histories that were seen, by run and execution. Kept from moment to moment, since they only grow.
pub(crate) type Histories = BTreeMap<(RunId, ExecutionId), History>;

/// What is durable at a moment.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    pub(crate) runs: BTreeMap<RunId, RunRecord>,
    /// Executions of whose history some chunks are to be deleted.
    pub(crate) garbage: Vec<(RunId, ExecutionId)>,
    pub(crate) locks: Vec<(Address, Section)>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) tasks: Vec<TaskRow>,
    /// The permits of runs.
    pub(crate) permits: BTreeMap<RunId, PermitRecord>,
    pub(crate) accounts: BTreeMap<String, Account>,
}

/// Why a store could not be looked at.
#[derive(Debug)]
pub(crate) enum Unseen {
    /// It has failed.
    Store,
    /// Its records are damaged.
    Record(String),
}

impl From<Error> for Unseen {
    fn from(_failed: Error) -> Self {
        Self::Store
    }
}

impl From<RecordError> for Unseen {
    fn from(error: RecordError) -> Self {
        Self::Record(error.to_string())
    }
}

impl Durable {
    /// Reads what concerns runs, and takes in what the histories have grown by.
    ///
    /// # Errors
    /// When the store has failed, or when a record is not as it should be.
    pub(crate) fn of<S: Store>(store: &S, histories: &mut Histories) -> Result<Self, Unseen> {
        Self::of_rows(|keyspace| rows(store, keyspace), histories)
    }

    /// As [`of`](Self::of), of the rows of each keyspace.
    pub(crate) fn of_rows(
        rows: impl Fn(Keyspace) -> Result<Vec<Row>, Error>,
        histories: &mut Histories,
    ) -> Result<Self, Unseen> {
        let mut durable = Self::default();
        for row in rows(Keyspace::Instances)? {
            durable.add_instance(&row)?;
        }
        for row in rows(Keyspace::Locks)? {
            let lock: LockRecord = decode_all(VERSION, &row.value)?;
            durable.locks.push((address(&row.key[2..])?, lock.section));
        }
        for keyspace in [Keyspace::Mailbox, Keyspace::Inbox, Keyspace::Timers] {
            for row in rows(keyspace)? {
                let (message, _) = decode::<Message>(GROWN, &row.value)?;
                durable.waiting.push(Waiting { message, keyspace });
            }
        }
        for row in rows(Keyspace::Meta)? {
            // Behind the slot and a 0 stands when runs of the slot have changed.
            let Some((1, run)) = row.key[2..].split_first().map(|(kind, run)| (*kind, run)) else { continue };
            let run =
                address(run)?.as_run().ok_or_else(|| Unseen::Record("a permit of no run".to_owned()))?;
            durable.permits.insert(run, decode_all(VERSION, &row.value)?);
        }
        durable.tasks = tasks(rows(Keyspace::Tasks)?)?;
        read_histories(rows(Keyspace::History)?, histories)?;
        Ok(durable)
    }

    fn add_instance(&mut self, row: &Row) -> Result<(), Unseen> {
        let address = address(&row.key[2..])?;
        let Some(run) = address.as_run() else {
            if address.name() == Account::NAME {
                let Some(state) = state_of(&row.value)? else { return Ok(()) };
                let state =
                    serde_json::from_slice(&state).map_err(|error| Unseen::Record(error.to_string()))?;
                self.accounts.insert(address.key().to_owned(), state);
            }
            return Ok(());
        };
        let row: RunRow = decode_all(GROWN, &row.value)?;
        for Garbage { execution, from, to } in row.garbage {
            if from >= to {
                return Err(Unseen::Record(format!("garbage from {from} to {to} of {run}")));
            }
            self.garbage.push((run.clone(), execution));
        }
        self.runs.extend(row.run.record().map(|record| (run, record)));
        Ok(())
    }

    /// The messages that wait for an instance.
    pub(crate) fn waiting_for<'a>(&'a self, to: &'a Address) -> impl Iterator<Item = &'a Message> {
        self.waiting.iter().map(|waiting| &waiting.message).filter(move |message| message.to == *to)
    }

    /// What has come about for commands of an execution and is not taken yet.
    pub(crate) fn completions(
        &self,
        execution: ExecutionId,
    ) -> impl Iterator<Item = (CommandId, &Completion)> {
        self.waiting.iter().filter_map(move |waiting| match &waiting.message.body {
            Body::Completed(completed) if completed.execution == execution => {
                Some((completed.command, &completed.completion))
            }
            _ => None,
        })
    }

    /// Whether a section is held or waited for: its execution is under way and has not ended it.
    pub(crate) fn is_alive(&self, section: &Section, histories: &Histories) -> bool {
        let under_way = self
            .runs
            .get(&section.run)
            .is_some_and(|run| run.execution == section.execution && !run.status.is_finished());
        let history = histories.get(&(section.run.clone(), section.execution));
        let open = history.and_then(|history| history.outstanding.section());
        under_way && open.is_some_and(|open| open.id == section.id)
    }
}

fn tasks(rows: Vec<Row>) -> Result<Vec<TaskRow>, Unseen> {
    rows.into_iter()
        .map(|row| {
            let (task, _) = decode::<TaskRecord>(TASK, &row.value)?;
            let command = number(&row.key[row.key.len() - 8..]);
            let command = CommandId(u32::try_from(command).unwrap_or(u32::MAX));
            Ok(TaskRow { run: task.run, execution: task.execution, command })
        })
        .collect()
}

/// The record of a run, if there is one.
///
/// # Errors
/// When the store has failed, or when the record is not as it should be.
pub(crate) fn run<S: Store>(store: &S, run: &RunId) -> Result<Option<RunRecord>, Unseen> {
    let address = Address::run(run);
    let mut key = address.slot().number().to_be_bytes().to_vec();
    key.extend_from_slice(address.as_bytes());
    let to = [&key[..], &[0]].concat();
    let (from, to) = (key.into(), to.into());
    let read =
        Read { keyspace: Keyspace::Instances, from, to, rows_max: 1, bytes_max: usize::MAX, values: true };
    let row = store.read(&[read])?.into_iter().flat_map(|page| page.rows).next();
    Ok(match row {
        Some(row) => decode_all::<RunRow>(GROWN, &row.value)?.run.record(),
        None => None,
    })
}

fn read_histories(found: Vec<Row>, histories: &mut Histories) -> Result<(), Unseen> {
    let mut seen: BTreeMap<(RunId, ExecutionId), Vec<Row>> = BTreeMap::new();
    for row in found {
        seen.entry(history_of(&row)?).or_default().push(row);
    }
    // What is deleted is forgotten.
    histories.retain(|key, _| seen.contains_key(key));
    for (key, chunks) in seen {
        let history = histories.entry(key.clone()).or_default();
        if !chunks.starts_with(&history.chunks) {
            // A history that is being deleted loses its last chunks first.
            if history.chunks.starts_with(&chunks) {
                continue;
            }
            // One that was imported has the same events in other chunks; that of a rewound run begins as its first
            // execution and ends otherwise.
            let mut again = History::default();
            grow(&mut again, &key, chunks)?;
            if !again.is_rewound() && !again.events.starts_with(&history.events) {
                let what = format!("the history of execution {} of {} was changed", key.1, key.0);
                return Err(Unseen::Record(what));
            }
            *history = again;
            continue;
        }
        grow(history, &key, chunks)?;
    }
    Ok(())
}

/// Takes in what a history has grown by.
fn grow(history: &mut History, key: &(RunId, ExecutionId), chunks: Vec<Row>) -> Result<(), Unseen> {
    for chunk in &chunks[history.chunks.len()..] {
        let events = history.cursor.read(&chunk.value).map_err(|error| Unseen::Record(error.to_string()))?;
        for event in &events {
            well_formed(history, event).map_err(|what| {
                Unseen::Record(format!("the history of execution {} of {}: {what}", key.1, key.0))
            })?;
            history.outstanding.apply(event);
            history.events.push(event.clone());
        }
    }
    history.chunks = chunks;
    Ok(())
}

/// Whether an event may follow what there is of a history.
fn well_formed(history: &History, event: &Event) -> Result<(), String> {
    let number = history.events.len();
    let fits = match event {
        Event::TurnStarted { at } => *at >= history.outstanding.now() && !history.outstanding.is_ended(),
        Event::Started(_) => number == 1,
        Event::Arrived(input) => number > 1 && history.outstanding.expects(input),
        Event::Issued(..) => number > 1,
        Event::Ended(_) => number > 1 && !history.outstanding.is_ended(),
    };
    if fits { Ok(()) } else { Err(format!("event {number} cannot stand there: {event:?}")) }
}

fn history_of(row: &Row) -> Result<(RunId, ExecutionId), Unseen> {
    let (key, _chunk) = row.key.split_at(row.key.len() - 4);
    let (run, execution) = key.split_at(key.len() - ROW_BYTES);
    let run = address(&run[2..run.len() - 1])?.as_run();
    let execution = Uuid::from_slice(execution).ok();
    run.zip(execution.map(ExecutionId)).ok_or_else(|| Unseen::Record(format!("a history's key is {key:?}")))
}

fn address(bytes: &[u8]) -> Result<Address, Unseen> {
    Address::from_bytes(bytes).ok_or_else(|| Unseen::Record(format!("{bytes:?} is no address")))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
