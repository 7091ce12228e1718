//! When what failed is tried again.

use sarsen_protocol::Failure;
use std::time::Duration;

/// When an activity or a child that failed is tried again. The waits are durable timers.
///
/// The n-th wait is `first_interval` times `backoff` to the power n - 1, and at most `longest_interval`. What the last
/// attempt came to is what is awaited.
///
/// Every failure counts but those that another attempt would not change ([`Failure::is_final`]): its code said so, nothing
/// of that name is registered, its input does not fit. They are what is awaited at once.
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
    /// No further attempt begins when so much time has passed since the first.
    pub total: Duration,
}

impl RetryPolicy {
    /// Three attempts with this wait between them, however long they take.
    pub fn every(interval: Duration) -> Self {
        Self {
            attempts: 3,
            first_interval: interval,
            backoff: 1.0,
            longest_interval: Duration::MAX,
            total: Duration::MAX,
        }
    }

    /// As many attempts as it takes, with this wait before the second one, twice as long before each that follows, and
    /// never longer than `longest`.
    pub fn for_ever(first_interval: Duration, longest: Duration) -> Self {
        Self { attempts: u32::MAX, backoff: 2.0, longest_interval: longest, ..Self::every(first_interval) }
    }
}

/// An attempt that has failed, as a handler of retries sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempted<'a> {
    /// Which it was, counted from 1.
    pub number: u32,
    /// Why it failed; [`Failure::error`] gives the error that it returned.
    pub failure: &'a Failure,
    /// The time since the first attempt was asked for.
    pub elapsed: Duration,
    /// How long the policy would wait now; nothing without a policy.
    pub planned: Duration,
}

/// What a handler of retries says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The failure is what is awaited.
    Stop,
    /// Another attempt after this time.
    After(Duration),
}
