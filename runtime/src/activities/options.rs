//! What may be chosen for an activity.

use std::time::Duration;

/// How an activity is run, given to [`Builder::activity_with`](crate::Builder::activity_with).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityOptions {
    pub(super) concurrency: usize,
    /// The time between the beginnings of two.
    pub(super) pace: Option<Duration>,
}

impl ActivityOptions {
    /// How many run at a time in this process: 256 by default, at least 1. Further ones wait, in the order in which
    /// they were asked for.
    pub fn concurrency(self, tasks: usize) -> Self {
        Self { concurrency: tasks, ..self }
    }

    /// How many begin in a time in this process, evenly spread over it: as many as will by default, at least 1. Further ones
    /// wait, and count as running meanwhile.
    pub fn rate(self, tasks: u32, each: Duration) -> Self {
        match each.checked_div(tasks) {
            Some(pace) => Self { pace: Some(pace), ..self },
            None => Self { concurrency: 0, ..self },
        }
    }

    /// Whether none could ever run.
    pub(crate) fn is_idle(&self) -> bool {
        self.concurrency == 0
    }
}

impl Default for ActivityOptions {
    fn default() -> Self {
        Self { concurrency: 256, pace: None }
    }
}
