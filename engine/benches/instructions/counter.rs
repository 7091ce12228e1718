//! The entity of the scripts: a counter.

use crate::script::Ask;
use sarsen_entities::{Entity, EntityType, Operations, Port, Reference, Returns};
use sarsen_protocol::{Address, Body, OperationName, json};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    count: u64,
}

/// An addition to a counter.
pub(crate) fn add(ask: &mut Ask<'_>, answered: bool) -> (Address, Body) {
    let input = json::encode(&1_u64).expect("a number has JSON");
    (ask.entity(), Body::operation(OperationName::of("add"), input, answered))
}

/// A look at a counter.
pub(crate) fn read(ask: &mut Ask<'_>) -> (Address, Body) {
    let input = json::encode(&()).expect("nothing has JSON");
    (ask.entity(), Body::operation(OperationName::of("count"), input, true))
}

pub(crate) struct CounterRef<P>(P);

impl<P: Port> CounterRef<P> {
    pub(crate) fn add(&self, amount: u64) -> P::Request<u64> {
        self.0.request("add", &amount, Returns::value())
    }

    pub(crate) fn count(&self) -> P::Request<u64> {
        self.0.request("count", &(), Returns::value())
    }
}

impl<P: Port> Reference for CounterRef<P> {
    type Port = P;
    type Over<Q: Port> = CounterRef<Q>;

    fn port(&self) -> &P {
        &self.0
    }

    fn over<Q: Port>(port: Q) -> CounterRef<Q> {
        CounterRef(port)
    }
}

impl EntityType for Counter {
    const NAME: &'static str = "counter";
    type Ref<P: Port> = CounterRef<P>;

    fn refer<P: Port>(port: P) -> CounterRef<P> {
        CounterRef(port)
    }
}

impl Entity for Counter {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("add", Returns::value(), |counter: &mut Self, _cx, amount: u64| {
                counter.count += amount;
                counter.count
            })
            .read("count", Returns::value(), |counter: &Self, _cx, ()| counter.count)
    }
}
