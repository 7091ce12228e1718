//! Ports: where a reference to an entity sends what it is asked for.

use crate::{Entity, Returns};
use serde::Serialize;

/// The way from a reference to its entity.
///
/// A reference ([`Entity::Ref`]) has a method for each operation and calls [`request`](Self::request) once for
/// each call of such a method. What comes back is not yet sent: a client's request is awaited or signalled, an
/// operation's is signalled. Who implements a port fixes the address when it makes one.
pub trait Port {
    /// What asking for an operation that returns `R` gives.
    type Request<R>;

    /// Asks for `operation` with `input`, which is encoded as `null` for `()`, and as an array for a tuple.
    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: &'static str,
        input: &I,
        returns: Returns<R>,
    ) -> Self::Request<R>;
}

/// A port that can also read an entity's state.
pub trait StatePort: Port {
    /// What asking for the state of an `E` gives; awaited, it is `Result<Option<E>, CallError>`.
    type State<E: Entity>;

    /// Asks for the state as of the last commit, `None` when the entity does not exist.
    fn state<E: Entity>(&self) -> Self::State<E>;
}
