//! Listing locks.

use super::{Asker, exchange::refuse_inside, listing::refused};
use sarsen_engine::{ListedLock, LockListing};
use sarsen_protocol::{Address, CallError, CommandId, ExecutionId, RunId, Timestamp};

pub use sarsen_engine::LockStage;

/// The lock of an entity, held or waited for by a section of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lock {
    /// The entity.
    pub entity: Address,
    /// The run whose section it is.
    pub run: RunId,
    /// The execution of the run.
    pub execution: ExecutionId,
    /// The section: the command that asked for it.
    pub section: CommandId,
    /// How far it is.
    pub stage: LockStage,
    /// Since when it is held, or was asked for.
    pub since: Timestamp,
}

impl Lock {
    fn new(lock: ListedLock) -> Self {
        let ListedLock { entity, section, stage, since } = lock;
        Self { entity, run: section.run, execution: section.execution, section: section.id, stage, since }
    }
}

/// Reads all locks.
pub(super) async fn read(asker: Asker) -> Result<Vec<Lock>, CallError> {
    refuse_inside()?;
    let mut listing = LockListing::new();
    while let Some(reads) = listing.next_read() {
        listing.take(&asker.gate().read(reads).await?).map_err(refused)?;
    }
    Ok(listing.finish().into_iter().map(Lock::new).collect())
}
