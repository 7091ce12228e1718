//! The host of sarsen's shards: threads, clock, files, and the client.
//!
//! A [`Runtime`] gives each shard a thread that drives it, lets whoever has time commit what shards have sealed, and
//! reads what they ask for. A [`Client`] encodes requests and puts them into the lanes of shards. What a request
//! means, and what becomes of it, is decided in the engine: nothing here looks into a message.

mod activities;
mod builder;
mod cancellation;
mod checkpoints;
mod client;
mod clock;
mod commit;
mod dispatches;
mod doorway;
mod driver;
mod error;
#[doc(hidden)]
pub mod gate;
mod host;
mod loader;
mod lock;
mod log;
mod outward;
mod run_ends;
mod run_ids;
mod runtime;
mod stats;
mod waiters;
mod watchdog;
mod works;

pub use activities::{ActivityContext, ActivityOptions};
pub use builder::Builder;
pub use client::{
    AnyRun, Because, Call, CancelRequest, Client, ClientPort, CustomStatusRequest, DeadLetter, DeadLetters,
    DelayedRequest, Held, History, LetterContent, LetterSender, Link, Listed, ListedState, Listing, Lock,
    LockStage, ManageRequest, Managing, NumberedRequest, PageRequest, Producer, ProducerPort,
    ProducerRequest, PurgeRequest, PurgeRunsRequest, Purged, RaiseRequest, ReminderRequest, Request,
    RestartRequest, ResultRequest, Returning, RewindRequest, Run, RunInfo, RunListing, RunPage, RunResult,
    Scheduled, ScheduledRequest, Signal, StartRequest, Starting, State, StateListing, StateRequest,
    TerminateRequest, Untyped, WhyWaiting,
};
pub use dispatches::{OperationContext, OperationDesk};
pub use error::{OpenError, ShutdownError};
pub use runtime::Runtime;
pub use stats::Stats;
pub use works::Closed;

// What is said beside it; the facade takes everything from here.
#[doc(no_inline)]
pub use sarsen_engine::{Duplicate, Limits, OrchestrationOptions, PageToken, Refusals, RunOrder};
#[doc(no_inline)]
pub use sarsen_entities::{
    Entity, EntityContext, EntityOptions, EntityType, OperationHost, OperationOptions, OperationPort,
    OperationReminder, OperationSchedule, OperationSignal, OperationStart, Operations, Port, Rate, Reference,
    RegisterError, Returns, StatePort, TurnPort, TurnReminder, TurnRequest, TurnSchedule, TurnStart,
};
#[doc(no_inline)]
pub use sarsen_orchestration::{
    Activity, ActivityCode, ActivityRequest, Again, Attempted, Awaited, Branch, Caller, CancelScheduled,
    ChildRequest, Children, Completions, Contenders, Context, DelayedSignal, Durable, Either, EntityRequest,
    EventError, EventRequest, EventsRequest, ExportedHistory, FailureDetails, Guard, HistoryEvent,
    HistoryEventKind, ImportError, Instance, Join, LockSet, Locked, LockedCaller, LockedRequest,
    NamedActivityRequest, Next, NextWindowed, Orchestration, OrchestrationType, Parent, ParentInstance,
    Reminder, Requests, RetryPolicy, ScheduledSignal, Select, TimerRequest, Wait, Windowed, join, join_all,
    select, select_all,
};
#[doc(no_inline)]
pub use sarsen_protocol::{
    Address, AddressError, CallError, CommandId, ExecutionId, Failure, FailureKind, FailureOrigin,
    IdentityError, IntoInput, LetterId, NamedEntity, NamedStatePort, Payload, PendingReason, Reuse, RunId,
    RunIdError, RunOutcome, RunStatus, ScheduleError, SectionError, Sequence, Timestamp, Uuid,
};

/// What the macros name; no part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::OperationContext;
    pub use sarsen_entities::__private::*;
    pub use sarsen_orchestration::__private::*;
    pub use tracing;
}
