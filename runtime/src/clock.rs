//! The clock that shards are told the time by.

use sarsen_protocol::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time, as the system knows it. It may jump; delayed signals follow it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
