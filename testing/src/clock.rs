//! Virtual time.

use sarsen_protocol::Timestamp;
use std::time::Duration;

/// When every run begins: 2026-01-01T00:00:00Z.
const START_MICROS: u64 = 1_767_225_600_000_000;

/// Two clocks: one that only goes forwards, by which timeouts run, and the wall's, which may jump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    elapsed: Duration,
    wall_micros: u64,
    /// The latest time that the wall's clock has shown since the process began.
    latest_micros: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { elapsed: Duration::ZERO, wall_micros: START_MICROS, latest_micros: START_MICROS }
    }

    /// Time passed since the beginning.
    pub(crate) fn elapsed(self) -> Duration {
        self.elapsed
    }

    /// What the wall's clock shows.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::from_micros(self.wall_micros)
    }

    /// The latest time that the process has seen: a shard's time never goes back.
    pub(crate) fn latest(self) -> Timestamp {
        Timestamp::from_micros(self.latest_micros)
    }

    /// The clock with which the next process begins: it knows no other time than now.
    pub(crate) fn of_next_process(self) -> Self {
        Self { latest_micros: self.wall_micros, ..self }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        self.jump_forward(time);
    }

    /// Moves the wall's clock ahead.
    pub(crate) fn jump_forward(&mut self, by: Duration) {
        self.wall_micros = self.now().after(by).as_micros();
        self.latest_micros = self.latest_micros.max(self.wall_micros);
    }

    /// Moves the wall's clock back.
    pub(crate) fn jump_back(&mut self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.wall_micros = self.wall_micros.saturating_sub(micros).max(START_MICROS / 2);
    }
}
