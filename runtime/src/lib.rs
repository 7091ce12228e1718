//! The host of sarsen's shards: threads, clock, files, and the client.
//!
//! A [`Runtime`] gives each shard a thread that drives it, lets whoever has time commit what shards have sealed, and
//! reads what they ask for. A [`Client`] encodes requests and puts them into the lanes of shards. What a request
//! means, and what becomes of it, is decided in the engine: nothing here looks into a message.

mod builder;
mod client;
mod clock;
mod commit;
mod doorway;
mod driver;
mod error;
#[doc(hidden)]
pub mod gate;
mod host;
mod loader;
mod lock;
mod runtime;
mod stats;
mod waiters;
mod watchdog;
mod works;

pub use builder::Builder;
pub use client::{
    Call, Client, ClientPort, DelayedRequest, Listed, ListedState, Listing, NumberedRequest, Producer,
    ProducerPort, ProducerRequest, Request, Signal, State, StateListing, StateRequest,
};
pub use error::{OpenError, ShutdownError};
pub use runtime::Runtime;
pub use stats::Stats;
pub use works::Closed;

// What is said beside it; the facade takes everything from here.
#[doc(no_inline)]
pub use sarsen_engine::Limits;
#[doc(hidden)]
pub use sarsen_entities::__private;
#[doc(no_inline)]
pub use sarsen_entities::{
    Entity, EntityContext, Operations, Port, RegisterError, Returns, StatePort, TurnPort, TurnRequest,
};
#[doc(no_inline)]
pub use sarsen_protocol::{
    Address, AddressError, CallError, Failure, FailureKind, IdentityError, Payload, Sequence, Timestamp,
};
