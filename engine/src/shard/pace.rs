//! How often clients may ask something of one entity.
//!
//! Virtual scheduling, the generic cell rate algorithm of ITU-T recommendation I.371: the moment at which the next
//! operation is expected moves on by the same interval with each operation, and one that comes too long before that
//! moment is refused. So many as a rate has may come at once to an entity that has rested, and from then on one each
//! interval. It is one number, kept in memory: an entity that leaves memory begins anew.

use sarsen_entities::Rate;
use sarsen_protocol::Timestamp;
use std::time::Duration;

/// What is known of how fast an entity is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// When the next operation is expected, in nanoseconds since the epoch: intervals may be shorter than what a
    /// timestamp can tell.
    expected: u64,
}

impl Pace {
    /// Counts an operation of a client, if there is room for it.
    ///
    /// # Errors
    /// How long until there is.
    pub(crate) fn ask(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let (now, period, interval) = (nanos(now), period(rate), interval(rate));
        let latest = now.saturating_add(period - interval);
        if self.expected > latest {
            // A timestamp tells microseconds.
            return Err(Duration::from_micros((self.expected - latest).div_ceil(1_000)));
        }
        self.expected = self.expected.max(now).saturating_add(interval);
        Ok(())
    }

    /// Counts an operation that is never refused. However many there are, clients wait for one interval at most.
    pub(crate) fn count(&mut self, rate: Rate, now: Timestamp) {
        let (now, period) = (nanos(now), period(rate));
        let expected = self.expected.max(now).saturating_add(interval(rate));
        self.expected = expected.min(now.saturating_add(period)).max(self.expected);
    }
}

fn nanos(moment: Timestamp) -> u64 {
    moment.as_micros().saturating_mul(1_000)
}

fn period(rate: Rate) -> u64 {
    u64::try_from(rate.per.as_nanos()).unwrap_or(u64::MAX)
}

/// At most as long as the period, and never nothing.
fn interval(rate: Rate) -> u64 {
    (period(rate) / u64::from(rate.operations.max(1))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { operations: 4, per: Duration::from_secs(1) };

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000 + millis * 1_000)
    }

    #[test]
    fn so_many_come_at_once_and_then_one_each_interval() {
        let mut pace = Pace::default();
        let mut asked = |millis| pace.ask(RATE, at(millis)).map_err(|wait| wait.as_millis());
        assert_eq!([0, 0, 0, 0].map(&mut asked), [Ok(()); 4]);
        assert_eq!([0, 100, 249].map(&mut asked), [Err(250), Err(150), Err(1)]);
        assert_eq!([250, 250, 500].map(&mut asked), [Ok(()), Err(250), Ok(())]);
        assert_eq!([60_000; 5].map(&mut asked), [Ok(()), Ok(()), Ok(()), Ok(()), Err(250)], "it has rested");
    }

    #[test]
    fn who_comes_back_when_told_is_let_in() {
        for rate in [RATE, Rate { operations: 3, per: Duration::from_millis(1) }] {
            let (mut pace, mut now) = (Pace::default(), at(0));
            for _ in 0..1_000 {
                if let Err(wait) = pace.ask(rate, now) {
                    assert!(!wait.is_zero() && pace.ask(rate, now).is_err());
                    now = now.after(wait);
                    assert_eq!(pace.ask(rate, now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn what_is_not_refused_counts_and_keeps_clients_out_for_an_interval_at_most() {
        let mut pace = Pace::default();
        (0..2).for_each(|_| pace.count(RATE, at(0)));
        assert_eq!([0, 0, 0].map(|millis| pace.ask(RATE, at(millis)).is_ok()), [true, true, false]);
        (0..1_000).for_each(|_| pace.count(RATE, at(0)));
        assert_eq!(pace.ask(RATE, at(0)), Err(Duration::from_millis(250)));
        assert_eq!(pace.ask(RATE, at(250)), Ok(()));
    }

    #[test]
    fn a_clock_that_jumps_back_and_ends_of_time_do_no_harm() {
        let mut pace = Pace::default();
        assert_eq!(pace.ask(RATE, Timestamp::MAX), Ok(()));
        let fast = Rate { operations: u32::MAX, per: Duration::from_nanos(1) };
        assert_eq!(Pace::default().ask(fast, at(0)), Ok(()));
        let slow = Rate { operations: 1, per: Duration::MAX };
        let mut pace = Pace::default();
        assert_eq!(pace.ask(slow, at(0)), Ok(()));
        assert!(pace.ask(slow, at(0)).is_err());
    }
}
