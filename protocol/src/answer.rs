//! What a batch lets out once it is durable.

use crate::{
    ActivityName, Address, CallError, CommandId, Delivery, Dispatch, DispatchToken, Epoch, ExecutionId,
    Failure, Payload, RequestId, RunId, Section, SessionId, ShardId, Slot, Timestamp, TraceContext,
};
use std::fmt;

/// What a client is told. What is rare is boxed, since thousands are on their way at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The signal is durable.
    Acknowledged,
    /// The operation's answer.
    Returned(Payload),
    /// The operation failed.
    Failed(Box<Failure>),
    /// The entity's state; `None` when it does not exist.
    State(Option<Payload>),
    /// The request was refused.
    Refused(Box<CallError>),
}

impl Answer {
    /// The operation failed.
    pub fn failed(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }

    /// The request was refused.
    pub fn refused(error: CallError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// An answer on its way to a client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The session that asked.
    pub session: SessionId,
    /// The request within it.
    pub request: RequestId,
    /// What it is told.
    pub answer: Answer,
}

/// Whatever an outsider can notice of a batch; withheld until the batch is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A client is answered.
    Reply(Reply),
    /// A message that is durable as an inbox row is handed to the shard of its slot.
    Deliver {
        /// The shard that owns the slot.
        to: ShardId,
        /// The message.
        delivery: Box<Delivery>,
    },
    /// An accepted message was given up and kept as a dead letter.
    DeadLetter {
        /// Who was to receive it.
        address: Address,
        /// What it was, in a few words.
        what: Box<str>,
        /// Why it was given up.
        failure: Box<Failure>,
    },
    /// An activity is to run; answered by its token.
    Perform(Box<Task>),
    /// An activity's result is of no more use.
    CancelTask(TaskToken),
    /// A run is over, or is gone.
    RunEnded {
        /// The run.
        run: RunId,
        /// The first of its executions, which tells it from one that had its id before.
        first: ExecutionId,
        /// How it ended; `None` when it was purged.
        outcome: Option<Box<RunOutcome>>,
    },
    /// A run that had failed goes on.
    RunRewound {
        /// The run.
        run: RunId,
        /// The first of its executions.
        first: ExecutionId,
    },
    /// The custom status of a run is another.
    StatusSet {
        /// The run.
        run: RunId,
        /// The first of its executions, which tells it from one that had its id before.
        first: ExecutionId,
        /// The status.
        status: Box<Payload>,
    },
    /// An operator has taken a lock from its section, which is not told before it calls the entity.
    LockForced {
        /// The entity.
        entity: Address,
        /// The section that held its lock.
        section: Box<Section>,
    },
    /// A section holds a lock for longer than is usual. Nothing is taken from it.
    LockOverdue {
        /// The entity.
        entity: Address,
        /// The section that holds its lock.
        section: Box<Section>,
        /// Since when.
        since: Timestamp,
    },
    /// An instance cannot go on, since its records do not fit the code.
    Parked {
        /// The instance.
        address: Address,
        /// What does not fit, and what to do.
        reason: String,
    },
    /// An operation is to run off its shard; answered by its token.
    Operate(Box<Dispatch>),
    /// The outcome of an operation that runs off its shard is of no more use.
    CancelOperation(DispatchToken),
}

/// Names work that was handed out. Only the token of the current epoch counts, and only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskToken {
    /// In which the work was handed out.
    pub epoch: Epoch,
    /// The slot of the execution.
    pub slot: Slot,
    /// Names the execution among those of the slot.
    pub execution: u64,
    /// The command.
    pub command: CommandId,
}

/// An activity to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// With what it is answered.
    pub token: TaskToken,
    /// The run that asks for it.
    pub run: RunId,
    /// Its execution.
    pub execution: ExecutionId,
    /// The activity.
    pub name: ActivityName,
    /// Its input.
    pub input: Payload,
    /// Where the run's trace continues.
    pub trace: Option<TraceContext>,
    /// Which attempt it is, counted from 1.
    pub attempt: u32,
    /// The command of the first attempt, which names what all of them are to do.
    pub first: CommandId,
    /// What was last said of how far it had got, in this attempt or one before.
    pub progress: Option<Payload>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RunOutcome {
    /// Its code returned this.
    Returned(Payload),
    /// Its code returned an `Err`, panicked, or went over a limit.
    Failed(Failure),
    /// Somebody ended it.
    Terminated {
        /// What is given as its result.
        reason: Option<Payload>,
    },
}

/// How far a run has got. The order is part of the stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum RunStatus {
    /// Accepted; its code has not run.
    Pending,
    /// Under way.
    Running,
    /// Under way, and takes nothing but a resumption or termination.
    Suspended,
    /// Its code has returned.
    Completed,
    /// Its code has failed.
    Failed,
    /// Somebody has ended it.
    Terminated,
}

impl RunStatus {
    /// Whether the run is over.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Terminated)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Terminated => "terminated",
        })
    }
}

/// Why the code of an accepted run has not begun yet. The order is part of the stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum PendingReason {
    /// It is to begin at a later moment.
    Scheduled,
    /// As many runs of its orchestration are under way as may be.
    Concurrency,
}

impl fmt::Display for PendingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheduled => "it is to begin later",
            Self::Concurrency => "as many runs of its orchestration are under way as may be",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_many_at_a_time_stays_small() {
        assert_eq!([size_of::<Payload>(), size_of::<Answer>(), size_of::<Effect>()], [32, 40, 64]);
        assert_eq!([size_of::<Address>(), size_of::<crate::Message>()], [32, 224]);
    }
}
