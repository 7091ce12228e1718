//! Ports over which a state can be read, or what was done to it.

use crate::{Entity, Port};

/// A port that can also read an entity's state.
pub trait StatePort: Port {
    /// What asking for the state of an `E` gives; awaited, it is `Result<Option<E>, CallError>`.
    type State<E: Entity>;

    /// Asks for the state as of the last commit, `None` when the entity does not exist.
    fn state<E: Entity>(&self) -> Self::State<E>;
}

/// A port that can also read what was done to an entity.
pub trait AuditPort: Port {
    /// What was done to it, entry by entry.
    type Audit;

    /// What is kept of what was done to the entity.
    fn audit(&self) -> Self::Audit;
}
