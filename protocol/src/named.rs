//! An entity whose type is not known here.

use crate::{OperationName, Port, Reference, Returns};
use serde::{Serialize, de::DeserializeOwned};

/// Refers to an entity by the name of its type, for tools and gateways that do not know the type: operations are named by
/// text, inputs and answers are whatever has JSON, such as a `serde_json::Value`.
///
/// Whoever gives typed references gives these too, under `entity_named`: a client, a producer, an operation's context, an
/// orchestration's, and the section that locks it.
#[derive(Clone, Debug)]
pub struct NamedEntity<P> {
    port: P,
}

/// A port over which a state can be read whose type is not known.
pub trait NamedStatePort: Port {
    /// What asking for a state as a `T` gives; awaited, it is `Result<Option<T>, CallError>`.
    type NamedState<T: DeserializeOwned>;

    /// Asks for the state as of the last commit, `None` when the entity does not exist.
    fn named_state<T: DeserializeOwned>(&self) -> Self::NamedState<T>;
}

impl<P: Port> NamedEntity<P> {
    /// Refers to the entity behind `port`.
    pub const fn new(port: P) -> Self {
        Self { port }
    }

    /// An operation of this name, which is to answer with an `R`. An operation without input takes `&()`, one with several
    /// an array or a tuple.
    ///
    /// It does not fail: that there is no such entity type or operation, or that the input does not fit, is told by the
    /// request. An `Err` that the operation returns is the failure of the request, since its type is not known.
    pub fn operation<R: Serialize + DeserializeOwned>(
        &self,
        name: impl Into<String>,
        input: &(impl Serialize + ?Sized),
    ) -> P::Request<R> {
        self.port.request(OperationName::from(name.into()), input, Returns::value())
    }
}

impl<P: NamedStatePort> NamedEntity<P> {
    /// The state as of the last commit, as a `T`; `None` when the entity does not exist.
    pub fn state<T: DeserializeOwned>(&self) -> P::NamedState<T> {
        self.port.named_state()
    }
}

impl<P: Port> Reference for NamedEntity<P> {
    type Port = P;
    type Over<Q: Port> = NamedEntity<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> NamedEntity<Q> {
        NamedEntity { port }
    }
}
