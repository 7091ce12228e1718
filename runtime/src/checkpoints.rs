//! Checkpoints: what commits leave behind, carried to its resting place by a thread of its own, beside all else.
//!
//! A walk begins when enough waits for it, since a row that is written again before costs nothing, or when the last one
//! is some time ago, so that an idle store comes to rest. It goes in steps with pauses between them, as long as the
//! steps are: the disk and the processors are wanted by commits first. With little room left there are no pauses.

use crate::lock::lock;
use sarsen_storage::{Error, Progress, Store};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether enough waits.
const LOOK: Duration = Duration::from_millis(200);

/// So much of what may wait is enough, in percent.
const BEGIN: u32 = 50;

/// From here on there are no pauses.
const HURRY: u32 = 75;

/// A walk begins so long after the one before it, however little waits.
const REST: Duration = Duration::from_secs(5);

/// How long a step should take: redb keeps the disk busy for so long.
const STEP: Duration = Duration::from_millis(30);

/// Fewest and most rows of a step, and how many the first one has.
const ROWS_MIN: usize = 256;
const ROWS_MAX: usize = 65_536;
const ROWS_FIRST: usize = 4_096;

/// What the thread of checkpoints waits for.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    closed: Mutex<bool>,
    bell: Condvar,
}

impl Checkpoints {
    /// Makes checkpoints until [`close`](Self::close).
    ///
    /// # Errors
    /// What the store said, when it has failed.
    pub(crate) fn run(&self, store: &dyn Store) -> Result<(), Error> {
        let mut rows = ROWS_FIRST;
        // The first walk begins at once: until it is over, each open reads again what the last process has left.
        let mut ended: Option<Instant> = None;
        while self.pause(LOOK) {
            if store.backlog() < BEGIN && ended.is_some_and(|ended| ended.elapsed() < REST) {
                continue;
            }
            loop {
                let begun = Instant::now();
                if store.checkpoint(rows)? != Progress::More {
                    break;
                }
                let taken = begun.elapsed();
                rows = next_rows(rows, taken);
                if store.backlog() < HURRY && !self.pause(taken) {
                    return Ok(());
                }
            }
            ended = Some(Instant::now());
        }
        Ok(())
    }

    /// Ends it: what waits is left to the next open.
    pub(crate) fn close(&self) {
        *lock(&self.closed) = true;
        self.bell.notify_all();
    }

    /// Waits; returns whether to go on.
    fn pause(&self, longest: Duration) -> bool {
        let until = Instant::now() + longest;
        let mut closed = lock(&self.closed);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if *closed || left.is_zero() {
                return !*closed;
            }
            closed = self.bell.wait_timeout(closed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// How many rows the next step has, when one of `rows` has taken so long: at most twice or half as many.
fn next_rows(rows: usize, taken: Duration) -> usize {
    let due = STEP.as_micros().saturating_mul(rows as u128) / taken.as_micros().max(1);
    let due = usize::try_from(due).unwrap_or(usize::MAX);
    due.clamp(rows / 2, rows * 2).clamp(ROWS_MIN, ROWS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_and_shrink_towards_their_time_and_stay_within_their_bounds() {
        assert_eq!(next_rows(4_096, Duration::from_millis(30)), 4_096);
        assert_eq!(next_rows(4_096, Duration::from_millis(40)), 3_072);
        assert_eq!(next_rows(4_096, Duration::from_millis(1)), 8_192);
        assert_eq!(next_rows(4_096, Duration::from_secs(1)), 2_048);
        assert_eq!(next_rows(ROWS_MAX, Duration::ZERO), ROWS_MAX);
        assert_eq!(next_rows(ROWS_MIN, Duration::from_secs(9)), ROWS_MIN);
    }

    #[test]
    fn a_closed_thread_of_checkpoints_ends_at_once() {
        let checkpoints = Checkpoints::default();
        checkpoints.close();
        assert!(!checkpoints.pause(Duration::from_secs(3600)));
    }
}
