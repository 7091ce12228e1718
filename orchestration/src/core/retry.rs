//! An activity that is attempted more than once.

use crate::{Command, Labels, RetryPolicy};
use sarsen_protocol::{ActivityName, Failure, FailureKind, Payload};
use std::time::Duration;

/// An activity and what is left of its policy. Attempts and the waits between them follow one another whether or
/// not somebody polls.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    pub(crate) name: ActivityName,
    pub(crate) input: Payload,
    pub(crate) labels: Labels,
    /// Attempts behind this one.
    attempts_left: u32,
    /// The wait before the next attempt.
    interval: Duration,
    policy: RetryPolicy,
}

impl Retry {
    pub(crate) fn new(name: ActivityName, input: Payload, labels: Labels, policy: RetryPolicy) -> Self {
        let interval = policy.first_interval.min(policy.longest_interval);
        Self { name, input, labels, attempts_left: policy.attempts.saturating_sub(1), interval, policy }
    }

    pub(super) fn command(&self) -> Command {
        Command::Task { name: self.name.clone(), input: self.input.clone(), labels: self.labels.clone() }
    }

    /// After a failure: how long to wait, and what is left then; `None` when it was the last attempt, or another one
    /// would come to the same.
    pub(super) fn again(&self, failure: &Failure) -> Option<(Duration, Box<Self>)> {
        if is_final(failure) {
            return None;
        }
        let attempts_left = self.attempts_left.checked_sub(1)?;
        // Plain multiplication is the same everywhere, which `powi` need not be.
        let seconds = self.interval.as_secs_f64() * self.policy.backoff.max(1.0);
        let longest = self.policy.longest_interval;
        let interval = Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest);
        Some((self.interval, Box::new(Self { attempts_left, interval, ..self.clone() })))
    }
}

/// Whether another attempt would fail alike: there is no such activity, or it cannot read its input.
pub(crate) fn is_final(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::UnknownActivity | FailureKind::Undecodable)
}
