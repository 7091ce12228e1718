//! Messages on their way to an instance.

use crate::{
    Address, CommandId, Epoch, EventName, ExecutionId, Failure, Labels, Launch, Life, OperationName,
    OrchestrationName, Parent, Payload, RequestId, RunId, RunOutcome, ScheduleRequest, ScheduledSignal,
    Sequence, SessionId, ShardId, Slot, Start, Timestamp, UnscheduleRequest, address,
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, sync::Arc};

/// The longest idempotency key or producer's name, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 256;

/// Who sent a message. Opaque to the engine but for order: messages of one sender keep theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A client's request.
    Client {
        /// The client's session; answers for another are dropped.
        session: SessionId,
        /// The request within the session.
        request: RequestId,
        /// The execution for which the client works, when an activity holds it.
        within: Option<Box<Within>>,
    },
    /// An instance, which waits for no answer.
    Instance(Address),
    /// An execution that waits for the answer to its command.
    Execution {
        /// The run.
        run: RunId,
        /// The execution; the answer is for no other.
        execution: ExecutionId,
        /// The command.
        command: CommandId,
    },
}

impl Origin {
    /// The client's request, if it was one.
    pub fn client(&self) -> Option<(SessionId, RequestId)> {
        match self {
            Self::Client { session, request, .. } => Some((*session, *request)),
            Self::Instance(_) | Self::Execution { .. } => None,
        }
    }
}

/// The execution for which a client works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// The run.
    pub run: RunId,
    /// The execution.
    pub execution: ExecutionId,
}

/// The owner of locks: one critical section of one execution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Section {
    /// The run.
    pub run: RunId,
    /// The execution.
    pub execution: ExecutionId,
    /// The command that asked for it.
    pub id: CommandId,
}

/// An idempotency key or a producer's name: 1 to 256 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityName(Arc<str>);

/// The text is no idempotency key or producer's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Empty, longer than [`IDENTITY_BYTES_MAX`], or with a control character.
    #[error(
        "`{text}` is no idempotency key or producer's name: use 1 to {IDENTITY_BYTES_MAX} bytes without control characters"
    )]
    Form {
        /// The text, cut to 80 characters.
        text: String,
    },
}

impl Serialize for IdentityName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdentityName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl IdentityName {
    /// Checks a text.
    ///
    /// # Errors
    /// [`IdentityError::Form`] when it is empty, too long or has a control character.
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        if text.is_empty() || text.len() > IDENTITY_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(IdentityError::Form { text: address::shorten(text) });
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes a repeat of a message recognisable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// Nothing: a repeat is another message.
    #[default]
    None,
    /// An idempotency key, remembered for a time after the outcome.
    Key(IdentityName),
    /// The producer's n-th message to this entity, counted from 1.
    Producer {
        /// The producer's name.
        name: IdentityName,
        /// Its count for this entity.
        number: Sequence,
    },
}

/// Where a trace continues: a W3C trace context's ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TraceContext {
    /// The trace's id.
    pub trace_id: u128,
    /// The sending span's id.
    pub span_id: u64,
    /// The flags; bit 0 says that the trace is sampled.
    pub flags: u8,
}

/// What an instance is asked. The order of the fields, here and in what they hold, is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The receiver.
    pub to: Address,
    /// The sender.
    pub from: Origin,
    /// What is asked.
    pub body: Body,
    /// What makes a repeat recognisable.
    pub identity: Identity,
    /// Not before this moment. `None`: now.
    pub due: Option<Timestamp>,
    /// Not accepted after this moment.
    pub deadline: Option<Timestamp>,
    /// Where the sender's trace continues; boxed, since few messages have one.
    pub trace: Option<Box<TraceContext>>,
}

/// What a message asks. The first four, the lock request that does not wait and what concerns schedules are for entities,
/// the others for runs. New ones go last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// An operation.
    Operation(Operation),
    /// The lock of a section, and then those of the entities behind this one in its set.
    Lock(Box<LockRequest>),
    /// The end of a section that was granted; of a client, that its lock is taken from it.
    Release(Box<Section>),
    /// The end of a section that may still wait somewhere on the path of its request.
    Cancel(Box<LockRequest>),
    /// A run to begin, if its id is free.
    Start(Box<StartRequest>),
    /// An execution to begin, which its run has accepted.
    Begin(Box<Begin>),
    /// An event.
    Event(Box<RaisedEvent>),
    /// What an execution waits for.
    Completed(Box<Completed>),
    /// Nothing but suspend, resume and terminate from now on.
    Suspend {
        /// Why.
        reason: Option<String>,
    },
    /// On with it.
    Resume {
        /// Why.
        reason: Option<String>,
    },
    /// The end of the run.
    Terminate {
        /// What is given as its result.
        reason: Option<Payload>,
        /// Whether its children are ended too.
        recurse: bool,
        /// The execution that ends with its children; no run but a child of it is ended then.
        child_of: Option<Box<Within>>,
    },
    /// That nothing of a run that is over is kept.
    Purge,
    /// A moment at which a run has something to give up: an event that no start has taken, old history.
    Sweep,
    /// The moment up to which the begin of a run's first execution was put off.
    Due {
        /// The execution; the begin of no other is meant.
        execution: ExecutionId,
    },
    /// That nothing of this very run is kept, if it is over.
    PurgeThis {
        /// Its first execution; a run that has its id since is left alone.
        first: ExecutionId,
    },
    /// A run that is over and was elsewhere, to be kept under its id, if that is free.
    Import(Box<ImportRequest>),
    /// That a run which has failed goes on from its point of failure.
    Rewind {
        /// Why.
        reason: Option<String>,
    },
    /// As [`Lock`](Self::Lock), but refused by the first entity that somebody else has locked.
    TryLock(Box<LockRequest>),
    /// Of an entity: something of it may have had its time. It comes from a timer.
    Expire {
        /// The alarm; another one that is set since takes nothing from this.
        life: Life,
    },
    /// An operation to be scheduled under an id.
    Schedule(Box<ScheduleRequest>),
    /// That nothing is scheduled under an id any longer; who waits is told whether anything was.
    Unschedule(Box<UnscheduleRequest>),
    /// A scheduled operation whose time has come.
    Scheduled(Box<ScheduledSignal>),
}

/// A run that is over, out of a history that was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The orchestration.
    pub name: OrchestrationName,
    /// The execution of which the history is.
    pub execution: ExecutionId,
    /// When it began.
    pub created: Timestamp,
    /// When it ended.
    pub completed: Timestamp,
    /// What its code had last set as its status.
    pub custom_status: Option<Payload>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What went with it.
    pub labels: Labels,
    /// Its history, in chunks as they are written.
    pub history: Vec<Bytes>,
}

/// An operation of an entity: a signal when nobody waits for the answer, else a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name.
    pub name: OperationName,
    /// Its input: `null`, one value, or an array of several.
    pub input: Payload,
    /// Whether the sender waits for the answer.
    pub answered: bool,
    /// The section inside which an execution calls, which holds the entity's lock.
    pub section: Option<CommandId>,
}

/// A request for the locks of a section, on its way along the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRequest {
    /// Who owns the locks.
    pub section: Section,
    /// The entities, in ascending order, each once.
    pub entities: Vec<Address>,
    /// Whose turn it is.
    pub position: u32,
    /// When it was asked for.
    pub since: Timestamp,
}

/// A run to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRequest {
    /// What to start.
    pub launch: Launch,
    /// What to do about a run that has the id.
    pub reuse: Reuse,
    /// The run that waits for it.
    pub parent: Option<Parent>,
    /// Whether the id was generated for this start and is known to nobody else, so that nothing can be stored under it.
    pub generated: bool,
}

/// What to do about a run that already has the id of one that is to start. The order is part of the stored format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reuse {
    /// Refuse the start, whatever has become of the run.
    #[default]
    Fail,
    /// Start nothing and give back the run that is there, whatever has become of it.
    Return,
    /// Put the new one in the place of one that is over; refuse the start while it is not.
    ReplaceFinished,
    /// Terminate the run if it is not over, and put the new one in its place.
    TerminateAndReplace,
}

/// An execution to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// What it begins with.
    pub start: Start,
    /// Events that the execution before it was given and has not taken.
    pub carried: Vec<(EventName, Payload)>,
}

/// An event that was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedEvent {
    /// Its name.
    pub name: EventName,
    /// What it carries.
    pub input: Payload,
    /// For a run that does not exist: kept until then for its start. Without it the event is refused.
    pub keep_until: Option<Timestamp>,
}

/// Something that an execution waits for has come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// The execution; no other takes it.
    pub execution: ExecutionId,
    /// The command that is completed.
    pub command: CommandId,
    /// What has come about.
    pub completion: Completion,
}

/// What has come about. The order is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Completion {
    /// An activity has ended.
    Task(Result<Payload, Failure>),
    /// A timer is due.
    Timer,
    /// A child has ended.
    Child(Result<Payload, Failure>),
    /// A call was answered.
    Call(Result<Payload, Failure>),
    /// All locks of a section are held: those of these entities.
    Granted(Vec<Address>),
    /// A section cannot be had.
    Refused(Failure),
    /// The time that an activity was given is over.
    Overdue,
    /// An activity has failed that had said how far it had got.
    Failed(Box<FailedAttempt>),
}

/// An activity that has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Why.
    pub failure: Failure,
    /// How far it had got.
    pub progress: Payload,
}

impl Body {
    /// An operation outside of a section.
    pub fn operation(name: OperationName, input: Payload, answered: bool) -> Self {
        Self::Operation(Operation { name, input, answered, section: None })
    }

    /// The operation to be done: one that is asked for, or one that was scheduled and whose time has come.
    pub fn asked(&self) -> Option<&Operation> {
        match self {
            Self::Operation(operation) => Some(operation),
            Self::Scheduled(signal) => Some(&signal.operation),
            _ => None,
        }
    }

    /// The request for the locks of a section, whether or not it waits for them.
    pub fn lock_request(&self) -> Option<&LockRequest> {
        match self {
            Self::Lock(request) | Self::TryLock(request) => Some(request),
            _ => None,
        }
    }

    /// A rough figure of the bytes that stand behind the body.
    fn bytes(&self) -> usize {
        match self {
            Self::Operation(operation) => operation.input.len(),
            Self::Lock(request) | Self::TryLock(request) | Self::Cancel(request) => {
                size_of::<LockRequest>() + request.entities.len() * size_of::<Address>()
            }
            Self::Release(_) => size_of::<Section>(),
            Self::Start(start) => size_of::<StartRequest>() + start.launch.input.len(),
            Self::Begin(begin) => {
                let carried = begin.carried.iter().map(|(_, input)| input.len() + 64);
                size_of::<Begin>() + begin.start.input.len() + carried.sum::<usize>()
            }
            Self::Event(event) => size_of::<RaisedEvent>() + event.input.len(),
            Self::Completed(completed) => size_of::<Completed>() + completed.completion.bytes(),
            Self::Suspend { reason } | Self::Resume { reason } | Self::Rewind { reason } => {
                reason.as_ref().map_or(0, String::len)
            }
            Self::Terminate { reason, .. } => reason.as_ref().map_or(0, Payload::len),
            Self::Import(import) => {
                size_of::<ImportRequest>() + import.history.iter().map(Bytes::len).sum::<usize>()
            }
            Self::Schedule(request) => size_of::<ScheduleRequest>() + request.input.len(),
            Self::Unschedule(_) => size_of::<UnscheduleRequest>(),
            Self::Scheduled(signal) => size_of::<ScheduledSignal>() + signal.operation.input.len(),
            Self::Purge | Self::Sweep | Self::Due { .. } | Self::PurgeThis { .. } | Self::Expire { .. } => 0,
        }
    }
}

impl Completion {
    fn bytes(&self) -> usize {
        match self {
            Self::Task(result) | Self::Child(result) | Self::Call(result) => {
                result.as_ref().map_or_else(|failure| failure.message.len(), Payload::len)
            }
            Self::Granted(entities) => entities.len() * size_of::<Address>(),
            Self::Refused(failure) => failure.message.len(),
            Self::Failed(failed) => {
                size_of::<FailedAttempt>() + failed.failure.message.len() + failed.progress.len()
            }
            Self::Timer | Self::Overdue => 0,
        }
    }
}

/// The body in a few words, as it stands in messages.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(operation) => fmt::Display::fmt(&operation.name, f),
            Self::Lock(_) | Self::TryLock(_) => f.write_str("a lock request"),
            Self::Release(_) => f.write_str("the release of a lock"),
            Self::Cancel(_) => f.write_str("the end of a lock request"),
            Self::Start(start) => write!(f, "the start of `{}`", start.launch.name),
            Self::Begin(begin) => write!(f, "an execution of `{}`", begin.start.name),
            Self::Event(event) => write!(f, "event `{}`", event.name),
            Self::Completed(_) => f.write_str("an answer"),
            Self::Suspend { .. } => f.write_str("a suspension"),
            Self::Resume { .. } => f.write_str("a resumption"),
            Self::Terminate { .. } => f.write_str("a termination"),
            Self::Import(import) => write!(f, "the import of a run of `{}`", import.name),
            Self::Purge | Self::PurgeThis { .. } => f.write_str("a purge"),
            Self::Sweep => f.write_str("a sweep"),
            Self::Expire { .. } => f.write_str("the end of its time"),
            Self::Due { .. } => f.write_str("the moment of a begin"),
            Self::Rewind { .. } => f.write_str("a rewinding"),
            Self::Schedule(request) => {
                write!(f, "the scheduling of `{}` as `{}`", request.operation, request.id)
            }
            Self::Unschedule(request) => write!(f, "the end of what is scheduled as `{}`", request.id),
            Self::Scheduled(signal) => fmt::Display::fmt(&signal.operation.name, f),
        }
    }
}

impl Message {
    /// A rough figure of the bytes that the message occupies in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.to.as_bytes().len() + self.body.bytes()
    }

    /// Whether the sender waits for an answer beyond the acknowledgement.
    pub fn is_answered(&self) -> bool {
        match &self.body {
            Body::Operation(operation) => operation.answered,
            Body::Start(_) | Body::Import(_) | Body::Rewind { .. } => true,
            // A client's: an operator asks whether there was anything to give back.
            Body::Release(_) => self.from.client().is_some(),
            Body::Unschedule(_) => !matches!(self.from, Origin::Instance(_)),
            _ => false,
        }
    }

    /// A message of an instance that waits for no answer.
    pub fn one_way(to: Address, from: Address, body: Body) -> Self {
        let from = Origin::Instance(from);
        Self { to, from, body, identity: Identity::None, due: None, deadline: None, trace: None }
    }

    /// The section that an operation is called or scheduled in, or a release or cancel ends.
    pub fn section(&self) -> Option<Section> {
        let asked_in = |section: Option<CommandId>| match &self.from {
            Origin::Execution { run, execution, .. } => {
                section.map(|id| Section { run: run.clone(), execution: *execution, id })
            }
            Origin::Client { .. } | Origin::Instance(_) => None,
        };
        match &self.body {
            Body::Operation(operation) => asked_in(operation.section),
            Body::Schedule(request) => asked_in(request.section),
            Body::Unschedule(request) => asked_in(request.section),
            Body::Release(section) => Some((**section).clone()),
            Body::Lock(request) | Body::TryLock(request) | Body::Cancel(request) => {
                Some(request.section.clone())
            }
            _ => None,
        }
    }
}

/// The stream of messages from one shard, in one epoch, to one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The epoch in which the shard sends.
    pub epoch: Epoch,
    /// The sending shard.
    pub shard: ShardId,
}

/// A message of another shard, durable there as an inbox row of the receiver's slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose stream.
    pub source: Source,
    /// The receiver's slot.
    pub slot: Slot,
    /// The place in the stream of (source, slot), without gaps.
    pub sequence: Sequence,
    /// The message; `None` when the lane was over its bytes and the row is to be read instead.
    pub message: Option<Message>,
}
