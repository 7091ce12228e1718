//! The engine: shards, without threads, clock or disk.
//!
//! A [`Shard`] is a state machine in the shape of quinn-proto and raft-rs: inputs are queued, turns run on memory at
//! once, and what they write and let out is sealed into numbered batches. What is around a shard and can go wrong is
//! here as well: [`Lanes`], admission, [`Groups`] of batches, loads in flight, release of effects. A host lends
//! threads, a clock and files, and decides nothing.

mod fault;
mod group;
mod input;
mod lane;
mod limits;
mod listing;
mod load;
mod record;
mod registry;
mod shard;
mod withheld;

#[cfg(feature = "faults")]
pub use fault::{Armed, Fault, arm};
pub use group::{Finished, Group, Groups, Sealed};
pub use input::{Input, LetterFate, LetterRequest, LoadRequest, Loaded, Request};
pub use lane::{Hand, Lanes};
pub use limits::{BUSY_RETRY_AFTER, INSTANCE_MAILBOX_FACTOR, LOCKED_RETRY_AFTER_MAX, LimitTooLow, Limits};
pub use listing::{
    HistoryListing, InputLookup, LetterFilter, LetterListing, LetterLookup, ListedLetter, ListedLock,
    ListedRow, ListedRun, ListedSchedule, Listing, LockListing, LockLookup, LockStage, PageToken, RunFilter,
    RunListing, RunLookup, RunOrder, RunSorter, ScheduleLookup, TimeSpan,
};
pub use load::misfit;
pub use record::{DeadLetter, RunExtras, RunRecord, read_dead};
pub use registry::{Duplicate, OrchestrationOptions, Registry, SlotMap};
pub use shard::{Refusals, Shard, ShardConfig, ShardStats};
pub use withheld::Withheld;
