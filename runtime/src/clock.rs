//! The clock that shards and clients are told the time by: the system's, but for steps back.
//!
//! When the system's clock is set back, time goes on from where it was. So a delay is neither cut nor stretched by the
//! step, and a client and its shard agree on what is past. A process that begins later goes by the system's clock again.

use sarsen_protocol::Timestamp;
use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// The time of this process.
pub(crate) fn now() -> Timestamp {
    static CLOCK: Mutex<Steady> = Mutex::new(Steady { last: 0, ahead: 0 });
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    // Read under the lock: of two threads the later one must not look like a step back.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let system = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    Timestamp::from_micros(clock.at(system))
}

/// A clock that follows another one forwards, and does not go back with it. In microseconds.
#[derive(Debug)]
struct Steady {
    last: u64,
    /// How far the other clock was set back so far.
    ahead: u64,
}

impl Steady {
    fn at(&mut self, system: u64) -> u64 {
        let time = system.saturating_add(self.ahead);
        if time < self.last {
            self.ahead += self.last - time;
        }
        self.last = self.last.max(time);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_when_the_system_clock_is_set_back() {
        let mut clock = Steady { last: 0, ahead: 0 };
        let times = [100, 200, 50, 60, 400, 10].map(|system| clock.at(system));
        assert_eq!(times, [100, 200, 200, 210, 550, 550]);
    }
}
