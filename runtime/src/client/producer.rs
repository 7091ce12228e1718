//! A numbered stream of signals.

use super::{
    Asker,
    exchange::Draft,
    port::{ClientPort, ProducerPort},
    request::Signal,
};
use sarsen_entities::Entity;
use sarsen_protocol::{Address, CallError, Identity, IdentityName, NamedEntity, OperationName, Sequence};
use std::{fmt, time::Duration};

/// Sends numbered signals, each of which is done exactly once, at no cost in rows.
///
/// The producer counts 1, 2, 3, ... for each entity on its own. An entity remembers the last number of each
/// producer: up to it a number is a repeat and is acknowledged without effect, beyond its successor it is refused as
/// [`CallError::OutOfSequence`], which names the number that is expected. So a sender that was interrupted starts
/// again at any number that it knows was acknowledged. Numbers outlive the deletion of an entity and are forgotten
/// when a producer has been silent for as long as keys are kept.
///
/// One sender at a time should use a name: numbers are per name, not per handle.
#[derive(Clone)]
pub struct Producer {
    asker: Asker,
    name: Result<IdentityName, CallError>,
}

impl Producer {
    pub(super) fn new(asker: Asker, name: &str) -> Self {
        Self { asker, name: IdentityName::new(name).map_err(CallError::from) }
    }

    /// A reference to the entity with `key`, whose operations become numbered signals.
    ///
    /// It does not fail: that the producer's name, the key or the entity's type is none is told by the signal.
    pub fn entity<E: Entity>(&self, key: impl AsRef<str>) -> E::Ref<ProducerPort> {
        let port = ClientPort::new(self.asker.clone(), E::NAME, key.as_ref());
        E::refer(ProducerPort::new(port, self.name.clone()))
    }

    /// As [`entity`](Self::entity), for a type that is known by its name alone.
    pub fn entity_named(&self, name: impl AsRef<str>, key: impl AsRef<str>) -> NamedEntity<ProducerPort> {
        let port = ClientPort::new(self.asker.clone(), name.as_ref(), key.as_ref());
        NamedEntity::new(ProducerPort::new(port, self.name.clone()))
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An operation that a producer asks for, without its number yet.
#[must_use = "a request is sent when it is numbered and turned into a signal that is awaited"]
#[derive(Debug)]
pub struct ProducerRequest {
    draft: Draft,
    operation: OperationName,
    name: Result<IdentityName, CallError>,
}

impl ProducerRequest {
    pub(super) fn new(draft: Draft, operation: OperationName, name: Result<IdentityName, CallError>) -> Self {
        Self { draft, operation, name }
    }

    /// Gives it its number: the `number`-th signal of this producer to this entity, counted from 1.
    /// Zero is refused as [`CallError::NumberZero`].
    pub fn number(self, number: u64) -> NumberedRequest {
        let Self { mut draft, operation, name } = self;
        draft.identity(|to| identity(name?, Sequence(number), to));
        NumberedRequest { draft, operation }
    }
}

fn identity(name: IdentityName, number: Sequence, to: &Address) -> Result<Identity, CallError> {
    if number == Sequence(0) {
        let (address, producer) = (to.clone(), name.as_str().to_owned());
        return Err(CallError::NumberZero { address, producer });
    }
    Ok(Identity::Producer { name, number })
}

/// An operation that a producer asks for, with its number.
#[must_use = "a request is sent when it is turned into a signal that is awaited"]
#[derive(Debug)]
pub struct NumberedRequest {
    draft: Draft,
    operation: OperationName,
}

impl NumberedRequest {
    /// As [`Request::timeout`](crate::Request::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout(timeout);
        self
    }

    /// The signal: its future is ready when the request is durable, or was before.
    ///
    /// # Cancel safety
    /// Dropped before its first poll it has sent nothing. Dropped later, it may or may not be durable: send the same
    /// number again.
    pub fn signal(self) -> Signal {
        Signal::new(self.draft, self.operation)
    }
}
