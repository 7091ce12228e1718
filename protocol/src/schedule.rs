//! Signals that are scheduled under an id, once or again and again.

use crate::{CommandId, Epoch, IdentityName, Operation, OperationName, Payload, Timestamp, address};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::{fmt, time::Duration};

/// Names something that is scheduled at an entity: 1 to 256 bytes without control characters. It belongs to the entity
/// whose operation it is, so entities do not share ids, and has nothing to do with idempotency keys or runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduleId(IdentityName);

/// What cannot be scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The id is empty, longer than [`IDENTITY_BYTES_MAX`](crate::IDENTITY_BYTES_MAX), or has a control character.
    #[error(
        "`{text}` is no id of a scheduled signal: use 1 to {} bytes without control characters",
        crate::IDENTITY_BYTES_MAX
    )]
    Id {
        /// The text, cut to 80 characters.
        text: String,
    },
    /// The time between two signals is less than [`Period::MIN`].
    #[error(
        "a signal cannot be repeated every {} us: the shortest period is {} us",
        period.as_micros(),
        Period::MIN.as_micros()
    )]
    Period {
        /// The time that was given.
        period: Duration,
    },
}

impl ScheduleId {
    /// Checks a text.
    ///
    /// # Errors
    /// [`ScheduleError::Id`] when it is empty, too long or has a control character.
    pub fn new(text: &str) -> Result<Self, ScheduleError> {
        let id = IdentityName::new(text).map(Self);
        id.map_err(|_| ScheduleError::Id { text: address::shorten(text) })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The time between two signals of a reminder, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Period(u64);

impl Period {
    /// The shortest one. Nothing is gained by a shorter one: each signal is a commit.
    pub const MIN: Duration = Duration::from_millis(1);

    /// Checks a duration, which is rounded down to microseconds.
    ///
    /// # Errors
    /// [`ScheduleError::Period`] when it is shorter than [`MIN`](Self::MIN).
    pub fn new(period: Duration) -> Result<Self, ScheduleError> {
        if period < Self::MIN {
            return Err(ScheduleError::Period { period });
        }
        Ok(Self(u64::try_from(period.as_micros()).unwrap_or(u64::MAX)))
    }

    /// The duration.
    pub fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The first moment after `now` that is a multiple of the period behind `due`. So what was missed is skipped, and
    /// the rest stays where it was.
    pub fn next(self, due: Timestamp, now: Timestamp) -> Timestamp {
        let (due, now) = (due.as_micros(), now.as_micros());
        let behind = now.saturating_sub(due) / self.0 + 1;
        Timestamp::from_micros(due.saturating_add(self.0.saturating_mul(behind)))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micros = u64::deserialize(deserializer)?;
        Self::new(Duration::from_micros(micros)).map_err(D::Error::custom)
    }
}

/// A signal to be scheduled at an entity, in the place of what is scheduled there under its id. The order of the fields,
/// here and in what follows, is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRequest {
    /// The id.
    pub id: ScheduleId,
    /// The operation.
    pub operation: OperationName,
    /// Its input: `null`, one value, or an array of several.
    pub input: Payload,
    /// When it is due, for the first time if it is repeated.
    pub due: Timestamp,
    /// How long after that it is due again; `None` is never.
    pub every: Option<Period>,
    /// The section inside which an execution asks for it, which holds the entity's lock.
    pub section: Option<CommandId>,
}

/// A wish that nothing is scheduled at an entity under an id any longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnscheduleRequest {
    /// The id.
    pub id: ScheduleId,
    /// The section inside which an execution asks for it, which holds the entity's lock.
    pub section: Option<CommandId>,
}

/// A scheduled signal whose time has come. It is done if it is still what is scheduled under its id by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledSignal {
    /// The id.
    pub id: ScheduleId,
    /// Tells it, with the counter, from everything else that was ever scheduled: the epoch in which it was.
    pub epoch: Epoch,
    /// Its place in that epoch.
    pub counter: u64,
    /// What is to be done.
    pub operation: Operation,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_missed_stretch_is_skipped_and_the_multiples_stay() {
        let period = Period::new(Duration::from_millis(10)).expect("it is long enough");
        for (now, next) in [(5, 10_005), (10_004, 10_005), (10_005, 20_005), (95_000, 100_005)] {
            assert_eq!(period.next(at(5), at(now)), at(next), "at {now}");
        }
        // A clock that has gone back asks for nothing that was had.
        assert_eq!(period.next(at(50_000), at(3)), at(60_000));
        assert_eq!(period.next(at(5), Timestamp::MAX), Timestamp::MAX);
        let ever = Period::new(Duration::MAX).expect("it is long enough");
        assert_eq!(ever.next(at(5), at(6)), Timestamp::MAX);
    }

    #[test]
    fn ids_and_periods_that_are_none_are_named() {
        assert_eq!(
            ScheduleId::new("").expect_err("it is empty").to_string().split(':').next(),
            Some("`` is no id of a scheduled signal")
        );
        assert!(ScheduleId::new(&"x".repeat(256)).is_ok());
        assert!(ScheduleId::new(&"x".repeat(257)).is_err() && ScheduleId::new("a\nb").is_err());
        let short = Period::new(Duration::from_micros(999)).expect_err("it is too short");
        assert_eq!(
            short.to_string(),
            "a signal cannot be repeated every 999 us: the shortest period is 1000 us"
        );
        assert!(Period::new(Duration::ZERO).is_err());
        assert_eq!(Period::new(Period::MIN).map(Period::duration), Ok(Period::MIN));
    }
}
