//! The words that the rooms of sarsen share.
//!
//! Everything here is data: ids, time, payloads, messages, failures, what a batch writes and what it lets out.
//! Nothing here decides, waits, reads a clock or touches a disk. The two codecs live here as well, so that a
//! record has one definition: JSON for what users own ([`json`]), bincode for what sarsen owns ([`record`]).

mod address;
mod answer;
mod call_error;
mod failure;
mod hash;
mod id;
pub mod json;
mod message;
mod name;
pub mod record;
#[doc(hidden)]
pub mod returns;
mod run;
mod section;
mod store;
mod time;

pub use address::{Address, AddressError, EntityName, KEY_BYTES_MAX, NAME_BYTES_MAX};
pub use answer::{Answer, Effect, Reply};
pub use call_error::CallError;
pub use failure::{Failure, FailureKind};
pub use hash::{AddressHasher, AddressMap, HashMap, HashSet, content_hash};
pub use id::{BatchNumber, Epoch, RequestId, Sequence, SessionId, ShardId, Slot, SlotRange};
pub use json::Payload;
pub use message::{
    Delivery, IDENTITY_BYTES_MAX, Identity, IdentityError, IdentityName, Message, Origin, Source,
    TraceContext,
};
pub use name::{ActivityName, EventName, OperationName, OrchestrationName};
pub use returns::{AnswerError, Returns};
pub use run::{ExecutionId, RUN_ID_BYTES_MAX, RunId, RunIdError};
pub use section::SectionError;
pub use store::{Batch, Keyspace, Lease, Page, Read, Receipt, Row, Write};
pub use time::Timestamp;
pub use uuid::Uuid;
