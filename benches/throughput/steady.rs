//! Whether a run could have gone on for ever.
//!
//! A journal takes writes faster than the tables behind it do. A run that only lengthens the journal shows a rate that
//! the machine cannot keep, so what is not yet checkpointed, the tail, must not grow over the second half of it.
//!
//! The tail grows with each commit and falls when a checkpoint is over, seconds apart: at two single moments it differs by
//! chance. So it is looked at again and again, and the highest it was in each half is compared.

use crate::arguments::Options;
use std::time::Duration;

/// A shorter run is not judged: the tail has no time to find its length.
const JUDGED_MIN: Duration = Duration::from_secs(20);

/// By which part of its length the tail may be longer in the second half, and by how much beside. Less than that is no
/// tail that anybody waits for, and is not worth a verdict.
const TOLERANCE_PART: u64 = 4;
const TOLERANCE_BYTES: u64 = 16 << 20;

/// With more entities the looks are few: a look at the runtime walks all that are in memory, which would be measured.
const OFTEN_ENTITIES_MAX: usize = 100_000;
const FEW: u32 = 4;

/// The tail in the course of a run, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tail {
    pub(crate) start: u64,
    pub(crate) middle: u64,
    pub(crate) end: u64,
    /// The highest in each half.
    pub(crate) peaks: [u64; 2],
}

impl Tail {
    /// Notes the tail behind second `n` of `count`.
    pub(crate) fn note(&mut self, n: u32, count: u32, bytes: u64) {
        let half = usize::from(n > count / 2);
        self.peaks[half] = self.peaks[half].max(bytes);
        if n == count / 2 {
            self.middle = bytes;
        }
        if n == count {
            self.end = bytes;
        }
    }

    fn has_grown(self) -> bool {
        let [first, second] = self.peaks;
        second > first + first / TOLERANCE_PART + TOLERANCE_BYTES
    }

    /// Whether the rate can be kept; `None` when the run was too short to tell.
    pub(crate) fn is_steady(self, measured: Duration) -> Option<bool> {
        (measured >= JUDGED_MIN).then_some(!self.has_grown())
    }
}

/// Whether it is looked at the tail behind second `n` of `count`. In the middle and at the end it always is.
pub(crate) fn is_looked_at(options: &Options, n: u32, count: u32) -> bool {
    let few = options.entities.get() > OFTEN_ENTITIES_MAX || options.measured < JUDGED_MIN;
    let quarter = n == count / 2 || n.is_multiple_of((count / FEW).max(1));
    n < count && (!few || quarter)
}
