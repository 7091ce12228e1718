//! Latencies, noted by many threads.

use hdrhistogram::Histogram;
use std::{
    cell::Cell,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The longest latency that is told from longer ones.
const LATENCY_MAX: Duration = Duration::from_secs(60);

/// As many as there are ever threads that note something; with more of them some share one.
const PARTS: usize = 16;

/// What all tasks note their latencies in. Each thread has a part of its own, so that none waits for another: one lock
/// for all would be measured with the rest.
pub(crate) struct Latencies([Mutex<Histogram<u64>>; PARTS]);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(empty())))
    }

    pub(crate) fn note(&self, latency: Duration) {
        lock(&self.0[part()]).saturating_record(nanos(latency));
    }

    /// How many have been noted.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|part| lock(part).len()).sum()
    }

    /// All that were noted, in nanoseconds.
    pub(crate) fn sum(&self) -> Histogram<u64> {
        let mut sum = empty();
        for part in &self.0 {
            sum.add(&*lock(part)).expect("the bounds are the same");
        }
        sum
    }
}

/// A histogram's quantile in microseconds, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a latency has fewer digits than an f64")]
pub(crate) fn micros(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    (latencies.value_at_quantile(quantile) as f64 / 100.0).round() / 10.0
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, nanos(LATENCY_MAX), 3).expect("the bounds are in order")
}

fn nanos(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

fn lock(part: &Mutex<Histogram<u64>>) -> MutexGuard<'_, Histogram<u64>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of this thread.
fn part() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PART: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % PARTS);
    }
    PART.get()
}
