//! The [`Entity`] trait, and one entity's turn as a pure function.
//!
//! An entity type says what its state is (its fields) and which operations there are ([`Operations`]). [`Typed`]
//! turns it into a [`Behaviour`], the form without a type that the engine runs: state, operations and the time go
//! in; answers, signals and the new state come out. Whoever asks for an operation does so through a [`Port`]: a
//! client's, an operation's own ([`TurnPort`]), an orchestration's, a section's.
//!
//! Nothing here reads a clock, draws a number, waits, or knows where an entity lives.

mod behaviour;
mod context;
mod detached;
mod entity;
mod inside;
mod operations;
mod options;
mod port;
mod run;
mod schedule;
mod start;
mod state;
mod typed;

pub use behaviour::{
    Asked, Behaviour, Change, Dispatched, InputError, Outcome, Outgoing, Ran, RunLimits, State,
};
pub use context::{EntityContext, TurnPort, TurnRequest};
pub use detached::{
    After, Ended, OperationContext, OperationHost, OperationOptions, OperationPort, OperationSignal,
    OperationStart, Work,
};
pub use entity::Entity;
pub use inside::inside_operation;
pub use operations::{Operations, Shared};
pub use options::{AuditOptions, EntityOptions, Rate};
pub use port::{AuditPort, StatePort};
pub use sarsen_protocol::{
    AnswerError, EntityType, IntoInput, NamedEntity, OrchestrationType, Port, Reference, Returns,
};
pub use schedule::{OperationReminder, OperationSchedule, TurnReminder, TurnSchedule};
pub use start::TurnStart;
pub use typed::{RegisterError, Typed};

/// What the macros name; no part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        AuditOptions, AuditPort, Entity, EntityContext, EntityOptions, OperationOptions, Operations,
        StatePort, entity::OperationsBlock,
    };
    pub use sarsen_protocol::{
        EntityType, Port, Reference, Returns,
        returns::{Kind, ViaError, ViaResult, ViaValue},
    };
}
