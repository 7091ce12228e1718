//! What a shard is given and what it asks for.

use crate::load::Load;
use sarsen_protocol::{
    Address, Delivery, Failure, Message, Origin, Page, Payload, Read, RequestId, SessionId, Task, TaskToken,
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
}

impl Request {
    /// The instance that is asked.
    pub fn to(&self) -> &Address {
        match self {
            Self::Message(message) => &message.to,
            Self::State { to, .. } => to,
        }
    }

    /// Names the request: a client leaves its id 0, its host writes the id under which it finds whom to answer.
    pub fn set_request(&mut self, id: RequestId) {
        match self {
            Self::Message(Message { from: Origin::Client { request, .. }, .. })
            | Self::State { request, .. } => *request = id,
            Self::Message(Message { from: Origin::Instance(_) | Origin::Execution { .. }, .. }) => {}
        }
    }

    /// A rough figure of the bytes that the request occupies in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.bytes(),
            Self::State { to, .. } => size_of::<Self>() + to.as_bytes().len(),
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
