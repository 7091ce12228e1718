//! When an activity that failed is tried again.

use std::time::Duration;

/// When an activity that failed is tried again. The waits are durable timers.
///
/// The n-th wait is `first_interval` times `backoff` to the power n - 1, and at most `longest_interval`. What the last
/// attempt came to is what is awaited.
///
/// Every failure counts but two, which another attempt would not change: no activity of that name is registered, and
/// its input does not fit. They are what is awaited at once.
///
/// ```
/// # use sarsen_orchestration::RetryPolicy;
/// # use std::time::Duration;
/// let policy = RetryPolicy { attempts: 5, backoff: 2.0, ..RetryPolicy::every(Duration::from_secs(1)) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often it is tried in all; 0 counts as 1.
    pub attempts: u32,
    /// The first wait.
    pub first_interval: Duration,
    /// How many times longer each wait is than the one before; less than 1 counts as 1.
    pub backoff: f64,
    /// No wait is longer.
    pub longest_interval: Duration,
}

impl RetryPolicy {
    /// Three attempts with this wait between them.
    pub fn every(interval: Duration) -> Self {
        Self { attempts: 3, first_interval: interval, backoff: 1.0, longest_interval: Duration::MAX }
    }
}
