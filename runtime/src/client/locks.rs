//! Listing locks, and taking them from their owners.

use super::{
    Asker,
    exchange::{Draft, Exchange, refuse_inside},
    listing::refused,
    request::{call_error, foreign},
};
use crate::gate::Gate;
use sarsen_engine::{ListedLock, LockListing};
use sarsen_protocol::{Address, Answer, Body, CallError, CommandId, ExecutionId, RunId, Section, Timestamp};
use std::future::poll_fn;

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
    /// Whether it is held for longer than [`Limits::lock_held_report_after`](crate::Limits::lock_held_report_after).
    pub overdue: bool,
}

impl Lock {
    fn new(lock: ListedLock, gate: &dyn Gate) -> Self {
        let ListedLock { entity, section, stage, since } = lock;
        let Section { run, execution, id: section } = section;
        let held_for = gate.now().since(since);
        let overdue = stage == LockStage::Held && held_for >= gate.limits().lock_held_report_after;
        Self { entity, run, execution, section, stage, since, overdue }
    }
}

/// Reads all locks.
pub(super) async fn read(asker: Asker) -> Result<Vec<Lock>, CallError> {
    refuse_inside()?;
    let mut listing = LockListing::new();
    while let Some(reads) = listing.next_read() {
        listing.take(&asker.gate().read(reads).await?).map_err(refused)?;
    }
    Ok(listing.finish().into_iter().map(|lock| Lock::new(lock, asker.gate())).collect())
}

/// Takes a lock from its section. Returns whether it held it.
pub(super) async fn force(asker: Asker, lock: &Lock) -> Result<bool, CallError> {
    let section = Section { run: lock.run.clone(), execution: lock.execution, id: lock.section };
    let body = Body::Release(Box::new(section));
    let mut exchange = Exchange::new(Draft::message(asker, Ok(lock.entity.clone()), Ok(body)));
    let (route, answer) = poll_fn(|cx| exchange.poll(cx)).await?;
    match answer {
        Answer::Returned(held) => Ok(held.as_bytes() == b"true"),
        other => Err(call_error(foreign(&other), route.to().clone(), "release")),
    }
}
