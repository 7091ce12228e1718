//! What the tests share: an entity, a store that fails on command, and ears for what is logged.

mod entity;
mod events;
mod store;

pub(crate) use entity::{Probe, ProbeRef, Refused, Stranger, hold, hook};
pub(crate) use events::listen;
pub(crate) use store::{Scripted, Verdict};

use sarsen_runtime::{Builder, Runtime};
use sarsen_storage::{MemoryStore, Store};
use std::time::Duration;

/// A time that a test never reaches unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A builder that knows the entity of the tests.
pub(crate) fn builder() -> Builder {
    Runtime::builder().entity::<Probe>()
}

/// A runtime on `store`.
pub(crate) async fn open(store: impl Store) -> Runtime {
    builder().open_store(store).await.expect("a store in memory opens")
}

/// A runtime on a new store in memory.
pub(crate) async fn fresh() -> Runtime {
    open(MemoryStore::new()).await
}
