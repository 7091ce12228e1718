//! A delayed signal never runs before its time.

use super::Checked;
use crate::{armed::Armed, ledger::OperationId};
use sarsen_protocol::Timestamp;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "not_early";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::FastClock)];

/// Compares the latest time that a process has seen with the time before which an operation must not run.
pub(crate) fn check_run(id: OperationId, due: Option<Timestamp>, latest: Timestamp) -> Checked {
    match due {
        Some(due) if latest < due => Err(format!("{id:?} is due at {due} and ran at {latest}")),
        _ => Ok(()),
    }
}
