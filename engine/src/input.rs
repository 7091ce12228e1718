//! What a shard is given and what it asks for.

use crate::load::Load;
use sarsen_entities::Ended;
use sarsen_protocol::{
    Address, Delivery, DispatchToken, Failure, LetterId, Message, Origin, Page, Payload, Read, RequestId,
    SessionId, Slot, Task, TaskToken,
};

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something asked of an instance: an operation, a start, an event, or what manages a run.
    Message(Message),
    /// A read of the entity's state, beside lock and queue.
    State {
        /// The entity.
        to: Address,
        /// The client's session.
        session: SessionId,
        /// The request within it.
        request: RequestId,
    },
    /// What is to become of a dead letter.
    Letter(Box<LetterRequest>),
}

/// What is to become of a dead letter. Answered by an acknowledgement, or by a refusal when it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRequest {
    /// The letter.
    pub letter: LetterId,
    /// The message in it, as it was read.
    pub message: Message,
    /// What is to become of it.
    pub fate: LetterFate,
    /// The client's session.
    pub session: SessionId,
    /// The request within it.
    pub request: RequestId,
}

/// What may become of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterFate {
    /// Its message is accepted anew, and the letter goes.
    SentAgain,
    /// It goes.
    Discarded,
}

impl Request {
    /// The instance that is asked, or that was to receive the letter.
    pub fn to(&self) -> &Address {
        match self {
            Self::Message(message) => &message.to,
            Self::State { to, .. } => to,
            Self::Letter(asked) => &asked.message.to,
        }
    }

    /// The slot whose shard takes it.
    pub fn slot(&self) -> Slot {
        match self {
            Self::Message(_) | Self::State { .. } => self.to().slot(),
            Self::Letter(asked) => asked.letter.slot(),
        }
    }

    /// Names the request: a client leaves its id 0, its host writes the id under which it finds whom to answer.
    pub fn set_request(&mut self, id: RequestId) {
        match self {
            Self::Message(Message { from: Origin::Client { request, .. }, .. })
            | Self::State { request, .. } => *request = id,
            Self::Message(Message { from: Origin::Instance(_) | Origin::Execution { .. }, .. }) => {}
            Self::Letter(asked) => asked.request = id,
        }
    }

    /// A rough figure of the bytes that the request occupies in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.bytes(),
            Self::State { to, .. } => size_of::<Self>() + to.as_bytes().len(),
            Self::Letter(asked) => size_of::<LetterRequest>() + asked.message.bytes(),
        }
    }
}

/// What happens to a shard.
#[derive(Debug)]
pub enum Input {
    /// A client asks.
    Requested(Request),
    /// Another shard sends.
    Delivered(Delivery),
    /// A [`LoadRequest`] is answered.
    Loaded(Loaded),
    /// An activity has ended. What is not of the current epoch, or was answered before, counts for nothing.
    Performed {
        /// With what it was handed out.
        token: TaskToken,
        /// Its answer, or why there is none.
        result: Result<Payload, Failure>,
        /// What it has last said of how far it had got.
        progress: Option<Payload>,
    },
    /// An activity says how far it has got. What is not of the current epoch, or has ended, counts for nothing.
    Progressed {
        /// The activity, as it was handed out.
        task: Box<Task>,
        /// How far it has got.
        progress: Payload,
    },
    /// An operation that ran off the shard has ended. What is not of the current epoch, or is over, counts for nothing.
    Operated {
        /// With what it was dispatched.
        token: DispatchToken,
        /// What it has come to.
        ended: Box<Ended>,
    },
}

/// Something that a shard needs to read.
#[derive(Debug)]
#[must_use = "a load must be answered"]
pub struct LoadRequest {
    pub(crate) load: Load,
    pub(crate) reads: Vec<Read>,
}

impl LoadRequest {
    /// What to read, all from one state of the store.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// Decodes what was read. Called off the shard: this is where a large state costs its time.
    pub fn answer(mut self, pages: Vec<Page>) -> Loaded {
        match &mut self.load {
            Load::Instance(load) => load.decode(&pages),
            Load::History(load) => load.decode(&pages),
            _ => {}
        }
        Loaded { load: self.load, pages }
    }
}

/// An answered [`LoadRequest`].
#[derive(Debug)]
pub struct Loaded {
    pub(crate) load: Load,
    pub(crate) pages: Vec<Page>,
}
