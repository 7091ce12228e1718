//! The ports through which references to entities reach a client's host.

use super::{Asker, exchange::Draft, producer::ProducerRequest, request::Request, state::StateRequest};
use sarsen_entities::{Entity, Port, Returns, StatePort};
use sarsen_protocol::{Address, CallError, IdentityName, Payload, json};
use serde::Serialize;
use std::fmt;

/// What a reference made by [`Client::entity`](crate::Client::entity) sends through.
#[derive(Clone)]
pub struct ClientPort {
    asker: Asker,
    to: Result<Address, CallError>,
}

impl ClientPort {
    pub(super) fn new(asker: Asker, name: &str, key: &str) -> Self {
        Self { asker, to: Address::entity(name, key).map_err(CallError::from) }
    }

    fn draft<I: Serialize + ?Sized>(&self, operation: &'static str, input: &I) -> Draft {
        let input = self.to.clone().and_then(|to| encode(to, operation, input));
        Draft::operation(self.asker.clone(), self.to.clone(), operation, input)
    }
}

/// Encodes an input on the caller's thread, once.
fn encode<I: Serialize + ?Sized>(to: Address, operation: &str, input: &I) -> Result<Payload, CallError> {
    json::encode(input).map_err(|failure| CallError::InvalidInput {
        address: to,
        operation: operation.to_owned(),
        reason: failure.message,
    })
}

impl Port for ClientPort {
    type Request<R> = Request<R>;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: &'static str,
        input: &I,
        returns: Returns<R>,
    ) -> Request<R> {
        Request::new(self.draft(operation, input), operation, returns)
    }
}

impl StatePort for ClientPort {
    type State<E: Entity> = StateRequest<E>;

    fn state<E: Entity>(&self) -> StateRequest<E> {
        StateRequest::new(Draft::state(self.asker.clone(), self.to.clone()))
    }
}

impl fmt::Debug for ClientPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_to(f, "ClientPort", &self.to)
    }
}

/// What a reference made by [`Producer::entity`](crate::Producer::entity) sends through.
#[derive(Clone)]
pub struct ProducerPort {
    port: ClientPort,
    name: Result<IdentityName, CallError>,
}

impl ProducerPort {
    pub(super) fn new(port: ClientPort, name: Result<IdentityName, CallError>) -> Self {
        Self { port, name }
    }
}

impl Port for ProducerPort {
    type Request<R> = ProducerRequest;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: &'static str,
        input: &I,
        _returns: Returns<R>,
    ) -> ProducerRequest {
        ProducerRequest::new(
            self.port.draft(operation, input),
            operation,
            self.name.clone(),
            self.port.to.clone(),
        )
    }
}

impl fmt::Debug for ProducerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_to(f, "ProducerPort", &self.port.to)
    }
}

fn write_to(f: &mut fmt::Formatter<'_>, name: &str, to: &Result<Address, CallError>) -> fmt::Result {
    match to {
        Ok(to) => write!(f, "{name}({to})"),
        Err(error) => write!(f, "{name}({error})"),
    }
}
