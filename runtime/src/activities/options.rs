//! What may be chosen for an activity.

/// How an activity is run, given to [`Builder::activity_with`](crate::Builder::activity_with).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityOptions {
    pub(super) concurrency: usize,
}

impl ActivityOptions {
    /// How many run at a time in this process: 256 by default, at least 1. Further ones wait, in the order in which
    /// they were asked for.
    pub fn concurrency(self, tasks: usize) -> Self {
        Self { concurrency: tasks }
    }

    /// Whether none could ever run.
    pub(crate) fn is_idle(&self) -> bool {
        self.concurrency == 0
    }
}

impl Default for ActivityOptions {
    fn default() -> Self {
        Self { concurrency: 256 }
    }
}
