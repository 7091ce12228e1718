//! What may be chosen for an operation that runs off its shard.

use std::time::Duration;

/// What may be chosen for an operation that runs off its shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationOptions {
    timeout: Option<Duration>,
}

impl OperationOptions {
    /// Nothing chosen: the operation takes as long as it takes.
    pub const fn new() -> Self {
        Self { timeout: None }
    }

    /// Fails the operation as [`TimedOut`](sarsen_protocol::FailureKind::TimedOut) when it takes longer, counted from
    /// when it is dispatched, and after a crash anew. Its entity then goes on. The time ends the waiting, not the code:
    /// that is told so, by [`cancelled`](crate::OperationContext::cancelled), and what it returns is dropped. Until it returns it
    /// goes on beside whatever is asked next, of its entity too, and no longer counts among those that
    /// [`concurrency`](crate::EntityOptions::concurrency) allows. Code that does not heed the token should bound itself.
    pub const fn timeout(self, time: Duration) -> Self {
        Self { timeout: Some(time) }
    }

    pub(crate) fn time(&self) -> Option<Duration> {
        self.timeout
    }
}
