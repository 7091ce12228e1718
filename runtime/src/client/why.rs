//! Why something does not go on: what it waits for, who holds that, what that one waits for, and so on.
//!
//! Everything is read from durable records. What the code of a run waits for is found by a replay of its history on the
//! caller's thread, beside the run, which takes no notice.

mod explain;
mod words;

use super::{Asker, exchange::refuse_inside};
use sarsen_orchestration::Wait;
use sarsen_protocol::{Address, CallError, PendingReason, RunId, RunStatus, Timestamp};
use std::time::Duration;

/// How many links are followed.
const LINKS_MAX: usize = 32;

/// Why an instance does not go on, link by link, as of durable states at about one moment; made by
/// [`Client::why_waiting`](crate::Client::why_waiting).
///
/// Written out it is a sentence for people, for example "run `match-13` waits for the lock of @player@7, held by run
/// `match-12` since 14 s, which waits for activity `notify`, attempt 3, next in 8 s".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WhyWaiting {
    /// What was found, the instance that was asked for first. A link that waits for another instance is followed by that
    /// one, if it is not there already.
    pub links: Vec<Link>,
}

/// One instance, and why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The instance.
    pub instance: Address,
    /// When it was looked at.
    pub at: Timestamp,
    /// Why it does not go on. One that waits for several things at once has them all.
    pub because: Vec<Because>,
}

/// Why an instance does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// There is no such run.
    NotFound,
    /// It is over.
    Finished(RunStatus),
    /// Its code has not begun.
    Pending {
        /// Why not; `None` when it is about to.
        reason: Option<PendingReason>,
        /// When it is to begin, if that is not at once.
        scheduled: Option<Timestamp>,
    },
    /// Somebody has suspended it.
    Suspended,
    /// Its records do not fit the code that is there.
    Parked {
        /// What does not fit, and what to do.
        reason: String,
    },
    /// Its code waits.
    Waits {
        /// For this.
        what: Wait,
        /// Who holds the lock of the entity that this is about, if it is about one.
        held: Option<Held>,
    },
    /// An entity's lock is held, so nobody else is served.
    Locked(Held),
    /// Nothing keeps it: it goes on as soon as it has its turn.
    Nothing,
}

/// A lock that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The entity.
    pub entity: Address,
    /// The run whose section holds the lock.
    pub by: RunId,
    /// For how long.
    pub since: Duration,
}

impl Because {
    /// The instance for which this waits.
    fn next(&self) -> Option<Address> {
        match self {
            Self::Waits { held: Some(held), .. } | Self::Locked(held) => Some(Address::run(&held.by)),
            Self::Waits { what: Wait::Child { run, again: None, .. }, .. } => Some(Address::run(run)),
            _ => None,
        }
    }
}

/// Follows the links from an instance on.
pub(super) async fn explain(asker: Asker, instance: Address) -> Result<WhyWaiting, CallError> {
    refuse_inside()?;
    let mut links: Vec<Link> = Vec::new();
    let mut open = vec![instance];
    while let Some(instance) = open.pop() {
        if links.len() == LINKS_MAX || links.iter().any(|link| link.instance == instance) {
            continue;
        }
        let link = explain::link(&asker, instance).await?;
        // The first of several is followed first.
        open.extend(link.because.iter().rev().filter_map(Because::next));
        links.push(link);
    }
    Ok(WhyWaiting { links })
}
