//! Names turns that run too long, while they run.
//!
//! A driver writes down which entity's turn begins, and a number that is odd while a turn runs. The watchdog looks
//! at these numbers a few times per limit: one that stays odd and the same is a turn that has not ended. The driver
//! asks no clock for it.

use crate::lock::lock;
use sarsen_protocol::Address;
use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How often the watchdog looks within its limit.
const LOOKS: u32 = 4;

/// The shortest time between two looks, so that a tiny limit does not make the watchdog spin.
const LOOK_MIN: Duration = Duration::from_millis(1);

/// What a driver shows of its turns.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Odd while a turn runs; each turn has a number of its own.
    turn: AtomicU64,
    /// The bytes of the entity's address whose turn it is; none: nobody's. A copy, since a count of the address would be
    /// shared with clients. The driver and the watchdog meet here once in a long turn.
    entity: Mutex<Vec<u8>>,
}

impl Pulse {
    /// Called by the driver before a turn.
    pub(crate) fn begin(&self, entity: Option<&Address>) {
        let mut running = lock(&self.entity);
        running.clear();
        running.extend_from_slice(entity.map_or(&[], Address::as_bytes));
        drop(running);
        let next = (self.turn.load(Ordering::Relaxed) + 1) | 1;
        self.turn.store(next, Ordering::Release);
    }

    /// Called by the driver when it goes on to something else.
    pub(crate) fn rest(&self) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn + (turn & 1), Ordering::Release);
    }

    /// The entity whose turn it is, if there is one.
    pub(crate) fn running(&self) -> Option<Address> {
        let turn = self.turn.load(Ordering::Acquire);
        let entity = Address::from_bytes(&lock(&self.entity));
        entity.filter(|_| turn % 2 == 1 && self.turn.load(Ordering::Acquire) == turn)
    }
}

/// Watches the pulses of all drivers until it is closed.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limit: Duration,
    closed: Mutex<bool>,
    bell: Condvar,
}

/// What the watchdog knows of a driver.
struct Watched {
    turn: u64,
    since: Instant,
    warned: bool,
}

impl Watchdog {
    /// Warns of turns that run longer than `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, closed: Mutex::new(false), bell: Condvar::new() }
    }

    /// Ends [`run`](Self::run).
    pub(crate) fn close(&self) {
        *lock(&self.closed) = true;
        self.bell.notify_all();
    }

    /// Watches; the thread's body.
    pub(crate) fn run(&self, pulses: &[Pulse]) {
        let now = Instant::now();
        let mut watched: Vec<Watched> =
            pulses.iter().map(|_| Watched { turn: 0, since: now, warned: false }).collect();
        let between = between_looks(self.limit);
        let mut closed = lock(&self.closed);
        while !*closed {
            closed = self.bell.wait_timeout(closed, between).unwrap_or_else(PoisonError::into_inner).0;
            for (pulse, watched) in pulses.iter().zip(&mut watched) {
                watched.look(pulse, self.limit);
            }
        }
    }
}

impl Watched {
    fn look(&mut self, pulse: &Pulse, limit: Duration) {
        let turn = pulse.turn.load(Ordering::Acquire);
        if turn != self.turn {
            *self = Self { turn, since: Instant::now(), warned: false };
            return;
        }
        let running = self.since.elapsed();
        if self.warned || turn.is_multiple_of(2) || running < limit {
            return;
        }
        self.warned = true;
        if let Some(entity) = pulse.running() {
            tracing::warn!(
                %entity,
                running_ms = running.as_millis(),
                "a turn runs too long and holds up all others of its shard"
            );
        }
    }
}

fn between_looks(limit: Duration) -> Duration {
    (limit / LOOKS).max(LOOK_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_limit_does_not_make_the_watchdog_spin() {
        assert_eq!(between_looks(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(between_looks(Duration::from_secs(1)), Duration::from_millis(250));
    }
}
