//! Whether a run could have gone on for ever.
//!
//! A journal takes writes faster than the tables behind it do. A run that only lengthens the journal shows a rate that
//! the machine cannot keep, so what is not yet checkpointed must not grow over the second half of it.

use crate::measure::Measured;
use std::time::Duration;

/// A shorter run is not judged: the tail has no time to find its length.
pub(crate) const JUDGED_MIN: Duration = Duration::from_secs(20);

/// By how much the tail may differ between two looks at a run that is steady: it grows record by record and shrinks by
/// whole segments, when a walk over them is over.
const TOLERANCE_BYTES: u64 = 64 << 20;

/// The part of its length that counts as the same length.
const TOLERANCE_PART: u64 = 4;

/// The tail at the run's start, middle and end, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) start: u64,
    pub(crate) middle: u64,
    pub(crate) end: u64,
}

impl Tail {
    /// `None` when the store tells of no tail.
    pub(crate) fn of(measured: &Measured) -> Option<Self> {
        let [start, middle, end] = measured.looks.each_ref().map(|look| look.tail_bytes);
        Some(Self { start: start?, middle: middle?, end: end? })
    }

    fn has_grown(self) -> bool {
        self.end > self.middle + self.middle / TOLERANCE_PART + TOLERANCE_BYTES
    }
}

/// Whether the rate can be kept; `None` when the run was too short to tell.
pub(crate) fn is_steady(measured: &Measured) -> Option<bool> {
    if measured.done.elapsed < JUDGED_MIN {
        return None;
    }
    Tail::of(measured).map(|tail| !tail.has_grown())
}
