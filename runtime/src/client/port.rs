//! The ports through which references to entities reach a client's host.

use super::{
    Asker,
    audit::AuditTrail,
    exchange::{Draft, Route},
    producer::ProducerRequest,
    request::Request,
    state::StateRequest,
};
use sarsen_entities::{AuditPort, Entity, Port, Returns, StatePort};
use sarsen_protocol::{Address, CallError, IdentityName, Payload, json};
use serde::Serialize;
use std::{fmt, sync::Arc};

/// What a reference made by [`Client::entity`](crate::Client::entity) sends through.
#[derive(Clone)]
pub struct ClientPort {
    /// The error is boxed, so that a table of references stays small.
    route: Result<Arc<Route>, Box<CallError>>,
}

impl ClientPort {
    pub(super) fn new(asker: Asker, name: &str, key: &str) -> Self {
        let to = Address::entity(name, key).map_err(|error| Box::new(error.into()));
        Self { route: to.map(|to| Route::new(asker, to)) }
    }

    fn draft<I: Serialize + ?Sized>(&self, operation: &'static str, input: &I) -> Draft {
        let input = match &self.route {
            Ok(route) => encode(route.to(), operation, input),
            Err(error) => Err(error.clone()),
        };
        Draft::operation(self.route.clone(), operation, input)
    }
}

/// Encodes an input on the caller's thread, once.
fn encode<I: Serialize + ?Sized>(
    to: &Address,
    operation: &str,
    input: &I,
) -> Result<Payload, Box<CallError>> {
    json::encode(input).map_err(|failure| {
        let (address, operation) = (to.clone(), operation.to_owned());
        Box::new(CallError::InvalidInput { address, operation, reason: failure.message })
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
        StateRequest::new(Draft::state(self.route.clone()))
    }
}

impl AuditPort for ClientPort {
    type Audit = AuditTrail;

    fn audit(&self) -> AuditTrail {
        AuditTrail::by_route(&self.route)
    }
}

impl fmt::Debug for ClientPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_to(f, "ClientPort", &self.route)
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
        ProducerRequest::new(self.port.draft(operation, input), operation, self.name.clone())
    }
}

impl fmt::Debug for ProducerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_to(f, "ProducerPort", &self.port.route)
    }
}

fn write_to(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    route: &Result<Arc<Route>, Box<CallError>>,
) -> fmt::Result {
    match route {
        Ok(route) => write!(f, "{name}({})", route.to()),
        Err(error) => write!(f, "{name}({error})"),
    }
}
