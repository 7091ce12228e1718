//! What a shard is given and what it asks for.

use crate::load::Load;
use sarsen_protocol::{Address, Delivery, Message, Origin, Page, Read, RequestId, SessionId};

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A signal or call.
    Operation(Message),
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
    /// The entity that is asked.
    pub fn to(&self) -> &Address {
        match self {
            Self::Operation(message) => &message.to,
            Self::State { to, .. } => to,
        }
    }

    /// Names the request: a client leaves its id 0, its host writes the id under which it finds whom to answer.
    pub fn set_request(&mut self, id: RequestId) {
        match self {
            Self::Operation(Message { from: Origin::Client { request, .. }, .. })
            | Self::State { request, .. } => *request = id,
            Self::Operation(Message { from: Origin::Instance(_), .. }) => {}
        }
    }

    /// A rough figure of the bytes that the request occupies in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Operation(message) => message.bytes(),
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
        if let Load::Instance(load) = &mut self.load {
            load.decode(&pages);
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
