//! The words that the rooms of sarsen share.
//!
//! Everything here is data: ids, time, payloads, messages, failures, what a batch writes and what it lets out; and the
//! traits by which code names entities and orchestrations ([`EntityType`], [`OrchestrationType`]). Nothing here
//! decides, waits, reads a clock or touches a disk. The two codecs live here as well, so that a record has one
//! definition: JSON for what users own ([`json`]), bincode for what sarsen owns ([`record`]).

mod address;
mod answer;
mod call_error;
mod dispatch;
mod entity_type;
mod failure;
mod hash;
mod id;
pub mod json;
mod launch;
mod letter;
mod message;
mod name;
mod named;
mod orchestration_type;
pub mod record;
#[doc(hidden)]
pub mod returns;
mod run;
mod schedule;
mod section;
mod store;
mod time;

pub use address::{Address, AddressError, EntityName, KEY_BYTES_MAX, NAME_BYTES_MAX};
pub use answer::{Answer, Effect, PendingReason, Reply, RunOutcome, RunStatus, Task, TaskToken};
pub use call_error::CallError;
pub use dispatch::{Dispatch, DispatchToken, Parcel};
pub use entity_type::{EntityType, Port, Reference};
pub use failure::{Failure, FailureKind, FailureOrigin};
pub use hash::{AddressHasher, AddressMap, HashMap, HashSet, HashedMap, PlainHasher, content_hash};
pub use id::{BatchNumber, Epoch, Life, RequestId, Sequence, SessionId, ShardId, Slot, SlotRange};
pub use json::Payload;
pub use launch::{ExecutionLimits, Labels, Launch, Parent, Start};
pub use letter::LetterId;
pub use message::{
    Begin, Body, Completed, Completion, Delivery, FailedAttempt, IDENTITY_BYTES_MAX, Identity, IdentityError,
    IdentityName, ImportRequest, LockRequest, Message, Operation, Origin, RaisedEvent, Reuse, Section,
    Source, StartRequest, TraceContext, Within,
};
pub use name::{ActivityName, EventName, OperationName, OrchestrationName};
pub use named::{NamedEntity, NamedStatePort};
pub use orchestration_type::{IntoInput, OrchestrationType};
pub use returns::{AnswerError, Returns};
pub use run::{CommandId, ExecutionId, RUN_ID_BYTES_MAX, RunId, RunIdError};
pub use schedule::{Period, ScheduleError, ScheduleId, ScheduleRequest, ScheduledSignal, UnscheduleRequest};
pub use section::SectionError;
pub use store::{Batch, Keyspace, Lease, Page, Read, Receipt, Row, Write};
pub use time::Timestamp;
pub use uuid::Uuid;
