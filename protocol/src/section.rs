//! The rules of critical sections.

use crate::{Address, AddressError, Failure, FailureKind, RunId, json};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a rule of critical sections forbids, and why the locks of a section are not had.
///
/// Rules are checked before anything leaves the orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// No entity was named.
    #[error("a section over no entity: name at least one to lock")]
    Empty,
    /// An address is none.
    #[error("cannot lock: {0}")]
    InvalidAddress(#[from] AddressError),
    /// A second section while one is held or waited for.
    #[error(
        "cannot lock {entity} while the section over {held} is open: lock all in one section, or release that one first"
    )]
    Nested {
        /// The first entity of the section that was asked for.
        entity: Address,
        /// The first entity of the open section.
        held: Address,
    },
    /// A child while a section is held or waited for.
    #[error(
        "cannot await orchestration `{orchestration}` while the section over {held} is open: release it first, or start it detached"
    )]
    Child {
        /// The child's orchestration.
        orchestration: String,
        /// The first entity of the open section.
        held: Address,
    },
    /// A signal to an entity of the own section.
    #[error("cannot signal {entity}, which the open section locks: call it instead")]
    SignalToLocked {
        /// The entity.
        entity: Address,
    },
    /// A second call to a locked entity while the first is not answered.
    #[error("cannot call {entity} while an earlier call to it is not answered: await that one first")]
    CallPending {
        /// The entity.
        entity: Address,
    },
    /// A call to an entity that the open section does not lock.
    #[error(
        "cannot call {entity} while a section is open that does not lock it: add it to the section, or signal it"
    )]
    NotLocked {
        /// The entity.
        entity: Address,
    },
    /// No entity type of that name is registered, so that its lock cannot be had.
    #[error("cannot lock {entity}: {reason}")]
    Unavailable {
        /// The first entity of the section.
        entity: Address,
        /// Why.
        reason: String,
    },
    /// A call while the section is still waited for.
    #[error("cannot call {entity} before the lock is granted: await the lock first")]
    NotGranted {
        /// The entity.
        entity: Address,
    },
    /// The locks were not held within the time that was given; the request is cancelled and holds nothing.
    #[error(
        "the locks of the section over {entity} were not held within {} ms: nothing of it is locked, ask again, or give it longer",
        timeout.as_millis()
    )]
    TimedOut {
        /// The first entity of the section.
        entity: Address,
        /// The time that was given.
        timeout: Duration,
    },
    /// Another section holds a lock that was not to be waited for; nothing is held of the one that was asked for.
    #[error(
        "{entity} is locked by run `{run}`: nothing was locked, try again later, or wait for it with `cx.lock(..)`"
    )]
    Taken {
        /// The entity.
        entity: Address,
        /// The run that holds its lock.
        run: RunId,
    },
}

impl SectionError {
    /// The failure by which an execution is told, with this error's JSON.
    #[must_use]
    pub fn into_failure(self, kind: FailureKind) -> Failure {
        let details = json::encode(&self).ok();
        Failure::new(kind, self.to_string()).with_details(details)
    }

    /// Why the locks of the section over `first` are not had, out of the failure by which that was told.
    #[must_use]
    pub fn of_failure(failure: Failure, first: Address) -> Self {
        let told = failure.details.as_deref().and_then(|details| json::decode(details).ok());
        told.unwrap_or(Self::Unavailable { entity: first, reason: failure.message })
    }
}
