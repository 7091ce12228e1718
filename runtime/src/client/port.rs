//! The ports through which references to entities reach a client's host.

use super::{
    Asker,
    exchange::{Draft, Route},
    producer::ProducerRequest,
    request::Request,
    state::StateRequest,
};
use sarsen_entities::{Entity, Port, Returns, StatePort};
use sarsen_protocol::{Address, Body, CallError, IdentityName, NamedStatePort, OperationName, Payload, json};
use serde::{Serialize, de::DeserializeOwned};
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

    /// Anything that is asked of the entity.
    pub(super) fn ask(&self, body: Result<Body, CallError>) -> Draft {
        Draft::asking(self.route.clone(), body)
    }

    /// The entity's address.
    pub(super) fn address(&self) -> Result<Address, CallError> {
        self.route.as_ref().map(|route| route.to().clone()).map_err(|error| (**error).clone())
    }

    fn draft<I: Serialize + ?Sized>(&self, operation: OperationName, input: &I) -> Draft {
        let input = match &self.route {
            Ok(route) => encode(route.to(), operation.as_str(), input),
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
        operation: impl Into<OperationName>,
        input: &I,
        returns: Returns<R>,
    ) -> Request<R> {
        let operation = operation.into();
        Request::new(self.draft(operation.clone(), input), operation, returns)
    }
}

impl StatePort for ClientPort {
    type State<E: Entity> = StateRequest<E>;

    fn state<E: Entity>(&self) -> StateRequest<E> {
        StateRequest::new(Draft::state(self.route.clone()))
    }
}

impl NamedStatePort for ClientPort {
    type NamedState<T: DeserializeOwned> = StateRequest<T>;

    fn named_state<T: DeserializeOwned>(&self) -> StateRequest<T> {
        StateRequest::new(Draft::state(self.route.clone()))
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
        operation: impl Into<OperationName>,
        input: &I,
        _returns: Returns<R>,
    ) -> ProducerRequest {
        let operation = operation.into();
        ProducerRequest::new(self.port.draft(operation.clone(), input), operation, self.name.clone())
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
