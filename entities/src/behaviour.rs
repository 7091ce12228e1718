//! An entity type without its type: what the engine runs.

use crate::{EntityOptions, Work};
use sarsen_protocol::{
    Address, Failure, OperationName, OrchestrationName, Payload, RunId, ScheduleRequest, Timestamp,
    UnscheduleRequest,
};
use std::{any::Any, fmt, time::Duration};

/// The typed state of one entity, opaque to the engine.
pub struct State(pub(crate) Box<dyn Any + Send>);

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State(..)")
    }
}

/// The bounds of what one operation may produce, in bytes and pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// The longest answer or input of a message, in bytes.
    pub payload_bytes_max: usize,
    /// The longest encoded state, in bytes.
    pub state_bytes_max: usize,
    /// The most messages that one operation may send, signals and starts together.
    pub messages_max: usize,
    /// Whether to read back every encoded state and to compare it, and whether to compare the state before and
    /// after each `&self` operation. For tests and debug builds; it costs several encodings an operation.
    pub verify: bool,
}

/// One operation of a run.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its name.
    pub operation: &'a OperationName,
    /// Its input.
    pub input: &'a Payload,
}

/// What an operation sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// An operation whose answer nobody waits for.
    Signal {
        /// The receiver.
        to: Address,
        /// The operation.
        operation: OperationName,
        /// Its input.
        input: Payload,
        /// Not before this moment; `None` is now.
        due: Option<Timestamp>,
    },
    /// A run that nobody waits for.
    Start {
        /// Its id; `None` is one that the engine generates.
        run: Option<RunId>,
        /// The orchestration.
        name: OrchestrationName,
        /// Its input.
        input: Payload,
    },
    /// An operation to be scheduled under an id.
    Schedule {
        /// The receiver.
        to: Address,
        /// What is scheduled.
        request: Box<ScheduleRequest>,
    },
    /// That nothing is scheduled under an id any longer.
    Unschedule {
        /// The receiver.
        to: Address,
        /// The id.
        request: Box<UnscheduleRequest>,
    },
}

impl Outgoing {
    /// How many bytes what it carries has.
    pub fn input_bytes(&self) -> usize {
        match self {
            Self::Signal { input, .. } | Self::Start { input, .. } => input.len(),
            Self::Schedule { request, .. } => request.input.len(),
            Self::Unschedule { .. } => 0,
        }
    }
}

/// The message in a few words, as it stands in other messages.
impl fmt::Display for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { to, operation, .. } => write!(f, "the signal `{operation}` to {to}"),
            Self::Start { name, .. } => write!(f, "orchestration `{name}`"),
            Self::Schedule { to, request } => {
                write!(f, "the scheduled signal `{}` to {to}", request.operation)
            }
            Self::Unschedule { to, request } => {
                write!(f, "the end of what is scheduled as `{}` at {to}", request.id)
            }
        }
    }
}

/// What became of one operation. When it failed, its messages and its change of the state are undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The encoded answer, or why there is none.
    pub answer: Result<Payload, Failure>,
    /// What it sent, in order; nothing when it failed.
    pub messages: Vec<Outgoing>,
    /// Whether it left the entity without state by [`delete`](crate::EntityContext::delete).
    pub deleted: bool,
}

/// How a run leaves the entity, as a record should hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// As it was before the run.
    None,
    /// With this state.
    Put(Payload),
    /// Without state.
    Deleted,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// One for each operation, in order.
    pub outcomes: Vec<Outcome>,
    /// What happened to the state.
    pub change: Change,
    /// How many operations failed because the state would have become too long.
    pub outgrown: u32,
}

/// An operation that is to run off its shard.
#[derive(Debug)]
pub struct Dispatched {
    /// The code, with a copy of the state and the input.
    pub work: Work,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// Why an input is refused before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// There is no such operation; the names of those that there are, separated by `, `.
    UnknownOperation {
        /// The operations that there are.
        known: String,
    },
    /// The operation cannot read this input.
    Misfit {
        /// What does not fit.
        reason: String,
    },
}

/// An entity type with its type erased. Implemented by `Typed` alone.
pub trait Behaviour: Send + Sync + 'static {
    /// The type's name.
    fn name(&self) -> &'static str;

    /// What the type says of its entities.
    fn options(&self) -> EntityOptions;

    /// Whether `operation` exists and can read `input`. Called on the client's thread.
    ///
    /// # Errors
    /// [`InputError`] when it does not exist or cannot.
    fn check(&self, operation: &OperationName, input: &Payload) -> Result<(), InputError>;

    /// Whether `operation` is one that takes `&self`, wherever it runs.
    fn is_read(&self, operation: &OperationName) -> bool;

    /// Decodes a stored state. Called off the shard.
    ///
    /// # Errors
    /// A failure of kind `Undecodable` when the state does not fit the type.
    fn decode(&self, state: &Payload) -> Result<State, Failure>;

    /// Encodes a state.
    ///
    /// # Errors
    /// A failure when it cannot be encoded; never for a state that a run has left behind.
    fn encode(&self, state: &State) -> Result<Payload, Failure>;

    /// Whether any operation runs off its shard.
    fn dispatches(&self) -> bool;

    /// Whether this operation runs off its shard: then it is given to [`dispatch`](Self::dispatch), and is no part of a run.
    fn is_dispatched(&self, operation: &OperationName) -> bool;

    /// Prepares an operation that runs off its shard, with a copy of `state` (`None`: the entity does not exist).
    ///
    /// # Errors
    /// The operation's failure, when the state cannot be copied.
    ///
    /// # Panics
    /// If it is none that [`is_dispatched`](Self::is_dispatched).
    fn dispatch(
        &self,
        address: &Address,
        state: Option<&State>,
        asked: Asked<'_>,
        limits: &RunLimits,
    ) -> Result<Dispatched, Failure>;

    /// Runs consecutive operations on `state` (`None`: the entity does not exist) and leaves the new state there.
    ///
    /// Each failed operation is undone exactly, its messages with it; the others stand. A panic of user code is
    /// such a failure. The same state, operations and `now` give the same result.
    fn run(
        &self,
        address: &Address,
        state: &mut Option<State>,
        asked: &[Asked<'_>],
        now: Timestamp,
        limits: &RunLimits,
    ) -> Ran;
}
