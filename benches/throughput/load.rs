//! The closed loop.

use crate::{
    Error, SEED,
    arguments::Options,
    random::Random,
    work::{Turn, Work},
};
use hdrhistogram::Histogram;
use sarsen::{CallError, Client, Stats};
use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// The longest latency that is told from longer ones, in microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// The kernel's unit of CPU time in `/proc`, the same on all its architectures.
const TICKS_PER_SECOND: u64 = 100;

/// What the loop did.
pub(crate) struct Measured {
    /// All operations that were acknowledged, those of the warm-up included.
    pub(crate) acknowledged: u64,
    /// The latencies of the measured operations, in microseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) elapsed: Duration,
    pub(crate) bytes_written: u64,
    pub(crate) syncs: u64,
    /// `None` where the system does not tell.
    pub(crate) cpu: Option<Duration>,
}

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What the tasks share.
struct Load {
    work: Work,
    phase: AtomicU8,
    latencies: Mutex<Histogram<u64>>,
}

/// Warms up, measures, stops, and waits for every task.
pub(crate) async fn run(client: &Client, options: &Options) -> Result<Measured, Error> {
    let load = Arc::new(Load::new(client, options));
    let mut tasks = JoinSet::new();
    let mut seeds = Random::new(SEED);
    for task in 0..options.in_flight.get() {
        tasks.spawn(Arc::clone(&load).work(task, Random::new(seeds.next())));
    }
    sleep(options.warm_up).await;
    let before = Snapshot::take(client).await?;
    load.phase.store(MEASURE, Ordering::Relaxed);
    sleep(options.measured).await;
    load.phase.store(STOP, Ordering::Relaxed);
    let after = Snapshot::take(client).await?;

    let mut acknowledged = 0;
    while let Some(task) = tasks.join_next().await {
        acknowledged += task.expect("a task does not panic")?;
    }
    let latencies = load.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Measured {
        acknowledged,
        latencies,
        elapsed: after.at - before.at,
        bytes_written: after.stats.bytes_written - before.stats.bytes_written,
        syncs: after.stats.syncs - before.stats.syncs,
        cpu: after.cpu.zip(before.cpu).map(|(after, before)| after.saturating_sub(before)),
    })
}

impl Load {
    fn new(client: &Client, options: &Options) -> Self {
        let latencies = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order");
        Self {
            work: Work::new(client, options),
            phase: AtomicU8::new(WARM_UP),
            latencies: Mutex::new(latencies),
        }
    }

    /// Does one operation after the other; returns how many were acknowledged.
    async fn work(self: Arc<Self>, task: usize, mut random: Random) -> Result<u64, Error> {
        let mut acknowledged = 0;
        let mut begun = Instant::now();
        loop {
            self.work.one(Turn { task, number: acknowledged }, &mut random).await?;
            acknowledged += 1;
            let ended = Instant::now();
            match self.phase.load(Ordering::Relaxed) {
                MEASURE => self.record(ended - begun),
                STOP => return Ok(acknowledged),
                _ => {}
            }
            begun = ended;
        }
    }

    fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }
}

/// What the process has done so far.
struct Snapshot {
    at: Instant,
    stats: Stats,
    cpu: Option<Duration>,
}

impl Snapshot {
    async fn take(client: &Client) -> Result<Self, CallError> {
        let stats = client.stats().await?;
        Ok(Self { at: Instant::now(), stats, cpu: cpu_time() })
    }
}

/// The CPU time of this process, as Linux tells it: user and system time are the 14th and 15th word, of which the
/// second, the program's name in parentheses, may hold blanks.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = words.next()?.parse::<u64>().ok()? + words.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}
