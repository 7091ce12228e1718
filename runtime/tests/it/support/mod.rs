//! What the tests share: an entity, orchestrations, an activity, a store that fails on command, and ears for what is logged.

mod acting;
mod entity;
mod events;
mod orchestrations;
mod store;

pub(crate) use acting::{act, hold_act, on_act};
pub(crate) use entity::{Probe, ProbeRef, Refused, Stranger, hold, hook};
pub(crate) use events::listen;
pub(crate) use orchestrations::{acts, echo, fall, gather, locked, parent, refuse, relay, work};
pub(crate) use store::{Scripted, Verdict};

use sarsen_runtime::{Builder, Runtime};
use sarsen_storage::{MemoryStore, Store};
use std::time::Duration;

/// A time that a test never reaches unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A builder that knows the entity of the tests, their orchestrations and their activity.
pub(crate) fn builder() -> Builder {
    Runtime::builder()
        .entity::<Probe>()
        .orchestration(echo)
        .orchestration(refuse)
        .orchestration(fall)
        .orchestration(gather)
        .orchestration(acts)
        .orchestration(parent)
        .orchestration(locked)
        .orchestration(relay)
        .activity(act)
}

/// A runtime on `store`.
pub(crate) async fn open(store: impl Store) -> Runtime {
    builder().open_store(store).await.expect("a store in memory opens")
}

/// A runtime on a new store in memory.
pub(crate) async fn fresh() -> Runtime {
    open(MemoryStore::new()).await
}
