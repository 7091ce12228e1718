//! Time as data: no room below `runtime` asks a clock.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest moment that can be written down, some 584,000 years from now.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// `delay` later, rounded up to whole microseconds so that nothing is due early; at most [`Timestamp::MAX`].
    pub fn after(self, delay: Duration) -> Self {
        let micros = delay.as_nanos().div_ceil(1000);
        Self(self.0.saturating_add(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// `delay` earlier; at least the first moment.
    pub fn before(self, delay: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_shortened() {
        let start = Timestamp::from_micros(5);
        assert_eq!(start.after(Duration::from_nanos(1)), Timestamp::from_micros(6));
        assert_eq!(start.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(start.since(Timestamp::from_micros(9)), Duration::ZERO);
    }
}
