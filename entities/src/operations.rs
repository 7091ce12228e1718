//! The operations of an entity type, by name.

use crate::{Entity, EntityContext, Returns};
use sarsen_protocol::{Failure, Payload, json};
use serde::de::DeserializeOwned;
use std::fmt;

/// The operations of an entity type.
///
/// An operation is a function of the state, the context and one input. An input of `()` is `null` on the wire; a
/// value is itself; a tuple is an array, which is how an operation takes several inputs. Unless an operation named
/// `delete` is added, a built-in one removes the state.
///
/// Names are checked when the type is registered ([`Typed::new`](crate::Typed::new)).
pub struct Operations<E> {
    list: Vec<Operation<E>>,
}

pub(crate) struct Operation<E> {
    pub(crate) name: &'static str,
    pub(crate) code: Code<E>,
    pub(crate) check: fn(&Payload) -> Result<(), Failure>,
}

/// An operation's code, with its input still to be decoded and its answer already encoded.
pub(crate) enum Code<E> {
    /// May change the state.
    Update(Box<Update<E>>),
    /// May look at it.
    Read(Box<Read<E>>),
}

type Update<E> = dyn Fn(&mut E, &mut EntityContext<'_>, &Payload) -> Result<Payload, Failure> + Send + Sync;
type Read<E> = dyn Fn(&E, &mut EntityContext<'_>, &Payload) -> Result<Payload, Failure> + Send + Sync;

/// The name of the built-in operation.
const DELETE: &str = "delete";

impl<E: 'static> Operations<E> {
    /// No operations yet, but for the built-in one.
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds an operation that may change the state.
    pub fn update<I, R, F>(self, name: &'static str, returns: Returns<R>, operation: F) -> Self
    where
        I: DeserializeOwned,
        R: 'static,
        F: Fn(&mut E, &mut EntityContext<'_>, I) -> R + Send + Sync + 'static,
    {
        let code = Code::Update(Box::new(move |state, cx, input| {
            returns.encode(operation(state, cx, json::decode(input)?))
        }));
        self.with(Operation { name, code, check: check::<I> })
    }

    /// Adds an operation that only looks at the state: it neither creates the entity nor writes its record.
    ///
    /// A change through a `Cell` or an atomic would be lost; debug builds and tests fail such an operation.
    pub fn read<I, R, F>(self, name: &'static str, returns: Returns<R>, operation: F) -> Self
    where
        I: DeserializeOwned,
        R: 'static,
        F: Fn(&E, &mut EntityContext<'_>, I) -> R + Send + Sync + 'static,
    {
        let code = Code::Read(Box::new(move |state, cx, input| {
            returns.encode(operation(state, cx, json::decode(input)?))
        }));
        self.with(Operation { name, code, check: check::<I> })
    }

    fn with(mut self, operation: Operation<E>) -> Self {
        self.list.push(operation);
        self
    }
}

impl<E: Entity> Operations<E> {
    /// All of them, the built-in one included, in the order of their names.
    pub(crate) fn into_sorted(self) -> Vec<Operation<E>> {
        let given = self.list.iter().any(|operation| operation.name == DELETE);
        let all = if given { self } else { self.read(DELETE, Returns::value(), |_, cx, ()| cx.delete()) };
        let mut list = all.list;
        list.sort_by_key(|operation| operation.name);
        list
    }
}

fn check<I: DeserializeOwned>(input: &Payload) -> Result<(), Failure> {
    json::decode::<I>(input).map(drop)
}

impl<E: 'static> Default for Operations<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Operations<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|operation| operation.name)).finish()
    }
}
