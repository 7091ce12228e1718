//! Orchestrations: ordinary `async` code whose every step is recorded, so that it can be run again.
//!
//! A [`Typed`] orchestration begins an [`Execution`], which is given inputs, one at a time, and returns what is to be
//! appended to its history: the inputs and the commands that the code issued because of them. Run again over its
//! history, the code is brought to where it was; what it does then is compared with what it did.
//!
//! The code sees a [`Context`]. What that gives is *durable*: settled by the history and by nothing else. Time,
//! randomness, disk and messages are inputs and commands; nothing here reads a clock, waits, or knows where an entity
//! lives.

mod awaited;
mod branch;
mod command;
mod compose;
mod context;
mod convert;
mod core;
mod durable;
mod event;
mod execution;
mod exported;
mod fault;
mod history;
mod marker;
mod orchestrator;
mod outstanding;
mod parked;
mod place;
mod promise;
mod random;
mod request;
mod retry_policy;
mod rewind;
#[cfg(test)]
mod samples;
mod section;
mod tasks;
mod wait;

pub use awaited::Awaited;
pub use branch::Branch;
pub use command::{Attempt, Command};
pub use compose::{
    Children, Completions, Contenders, Either, Join, Next, NextWindowed, Requests, Select, Windowed, join,
    join_all, select, select_all,
};
pub use context::Context;
pub use convert::{Converter, FailureDetails, HistoryEvent, HistoryEventKind, Instance, ParentInstance};
pub use durable::Durable;
pub use event::{End, Event, Input};
pub use execution::{Execution, Turn};
pub use exported::{ExportedHistory, ImportError};
#[cfg(feature = "faults")]
pub use fault::{Armed, Fault, arm};
pub use history::{Chunk, ChunkNumber, Cursor, EventNumber, HistoryError};
pub use marker::{Activity, ActivityCode, Orchestration};
pub use orchestrator::{Orchestrator, Typed};
pub use outstanding::{OpenSection, Outstanding};
pub use parked::Parked;
pub use place::inside_execution;
pub use promise::Moment;
pub use request::{
    ActivityRequest, Caller, CancelScheduled, ChildRequest, DelayedSignal, EntityRequest, EventError,
    EventRequest, EventsRequest, NamedActivityRequest, Reminder, ScheduledSignal, TimerRequest,
};
pub use retry_policy::{Again, Attempted, RetryPolicy};
pub use rewind::{RewindError, Rewound};
pub use sarsen_protocol::{
    CommandId, EntityType, ExecutionLimits, IntoInput, Labels, Launch, OrchestrationType, Parent, Port,
    Reference, Start,
};
pub use section::{Guard, LockSet, Locked, LockedCaller, LockedRequest};

pub use wait::{Wait, waits};

/// What the macros name; no part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::{Activity, ActivityCode, Orchestration};
    pub use sarsen_protocol::{
        OrchestrationType, Returns,
        returns::{Kind, ViaError, ViaResult, ViaValue},
    };
}
