//! The client: requests to entities from outside.
//!
//! A client is written over a [`Gate`] alone, without thread or clock, so the same client runs on the runtime and on
//! the virtual host of `testing`. It encodes inputs and decodes answers on the caller's thread, refuses what no state
//! is needed to refuse, and decides nothing else.

mod exchange;
mod listing;
mod port;
mod producer;
mod request;
mod state;

pub use listing::{Listed, ListedState, Listing, StateListing};
pub use port::{ClientPort, ProducerPort};
pub use producer::{NumberedRequest, Producer, ProducerRequest};
pub use request::{Call, DelayedRequest, Request, Signal};
pub use state::{State, StateRequest};

use crate::{Stats, gate::Gate};
use sarsen_entities::Entity;
use sarsen_protocol::CallError;
use std::{fmt, sync::Arc};

/// Reaches the entities of a runtime, from any thread and any task.
///
/// Requests of one handle to one entity keep their order, by the first poll of each; a clone is another handle. A
/// client may outlive its runtime; its requests are then refused as [`CallError::Stopped`].
#[derive(Clone)]
pub struct Client {
    gate: Arc<dyn Gate>,
}

impl Client {
    /// A client of the host behind `gate`.
    #[doc(hidden)]
    pub fn new(gate: Arc<dyn Gate>) -> Self {
        Self { gate }
    }

    /// A reference to the entity with `key` (0 to 512 bytes without control characters). Keep it to use it again: it
    /// is cheaper than another one.
    ///
    /// It does not fail: that the key or the entity's type is none is told by the request.
    pub fn entity<E: Entity>(&self, key: impl AsRef<str>) -> E::Ref<ClientPort> {
        E::refer(ClientPort::new(Arc::clone(&self.gate), E::NAME, key.as_ref()))
    }

    /// A sender of numbered signals under `name` (1 to 256 bytes without control characters).
    ///
    /// It does not fail: that the name is none is told by the signal.
    pub fn producer(&self, name: impl AsRef<str>) -> Producer {
        Producer::new(Arc::clone(&self.gate), name.as_ref())
    }

    /// The entities of a type that exist, page by page.
    pub fn entities<E: Entity>(&self) -> Listing<E> {
        Listing::new(Arc::clone(&self.gate))
    }

    /// What is in the runtime.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the runtime has stopped, [`CallError::InsideOperation`] inside an operation.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn stats(&self) -> Result<Stats, CallError> {
        exchange::refuse_inside_operation()?;
        self.gate.stats().await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", &self.gate.session()).finish_non_exhaustive()
    }
}
