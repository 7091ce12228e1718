//! Messages on their way to an instance.

use crate::{
    Address, Epoch, OperationName, Payload, RequestId, Sequence, SessionId, ShardId, Slot, Timestamp, address,
};
use std::sync::Arc;

/// The longest idempotency key or producer's name, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 256;

/// Who sent a message. Opaque to the engine but for order: messages of one sender keep theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client's request.
    Client {
        /// The client's session; answers for another are dropped.
        session: SessionId,
        /// The request within the session.
        request: RequestId,
    },
    /// An instance, by a signal.
    Instance(Address),
}

/// An idempotency key or a producer's name: 1 to 256 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityName(Arc<str>);

/// The text is no idempotency key or producer's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// An operation asked of an entity: a signal when nobody waits for the answer, else a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiver.
    pub to: Address,
    /// The sender.
    pub from: Origin,
    /// The operation's name.
    pub operation: OperationName,
    /// Its input: `null`, one value, or an array of several.
    pub input: Payload,
    /// Whether the sender waits for the answer.
    pub answered: bool,
    /// What makes a repeat recognisable.
    pub identity: Identity,
    /// Not before this moment. `None`: now.
    pub due: Option<Timestamp>,
    /// Not accepted after this moment.
    pub deadline: Option<Timestamp>,
    /// Where the sender's trace continues; boxed, since few messages have one.
    pub trace: Option<Box<TraceContext>>,
}

impl Message {
    /// A rough figure of the bytes that the message occupies in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.to.as_bytes().len() + self.input.len()
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
