//! What a batch lets out once it is durable.

use crate::{Address, CallError, Delivery, Failure, OperationName, Payload, RequestId, SessionId, ShardId};

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The signal is durable.
    Acknowledged,
    /// The operation's answer.
    Returned(Payload),
    /// The operation failed.
    Failed(Failure),
    /// The entity's state; `None` when it does not exist.
    State(Option<Payload>),
    /// The request was refused.
    Refused(CallError),
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
        delivery: Delivery,
    },
    /// An accepted message was given up and kept as a dead letter.
    DeadLetter {
        /// Who was to receive it.
        address: Address,
        /// The operation.
        operation: OperationName,
        /// Why it was given up.
        failure: Failure,
    },
}
