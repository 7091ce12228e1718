//! The closed loop: so many tasks, each of which waits for its answer before it asks for the next.

use crate::{latencies::Latencies, random::Random};
use hdrhistogram::Histogram;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

/// Where the keys come from.
pub(crate) const SEED: u64 = 20_260_101;

/// What the tasks do again and again.
pub(crate) trait Work: Send + Sync + 'static {
    /// Why one could not be done.
    type Error: Send + 'static;

    /// Does one operation to its end and checks what it came to.
    fn one(&self, turn: Turn, random: &mut Random) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Which operation of which task.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) task: usize,
    pub(crate) number: u64,
}

/// How many tasks, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) in_flight: usize,
    /// Not counted.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// The moments at which somebody may want to look around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Start,
    /// Behind second `n` of `count`, counted from 1; a run that is shorter is one second.
    Second {
        n: u32,
        count: u32,
    },
    End {
        count: u32,
    },
}

/// What the loop did.
pub(crate) struct Done {
    /// All operations that were acknowledged, those of the warm-up included.
    pub(crate) acknowledged: u64,
    /// The latencies of the measured operations, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) elapsed: Duration,
    /// Operations per second, for each second of the run; for all of it when it is shorter.
    pub(crate) seconds: Vec<f64>,
}

impl Done {
    #[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The rate of the slowest second.
    pub(crate) fn lowest_second(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What the tasks share.
struct Loop<W> {
    work: Arc<W>,
    phase: AtomicU8,
    latencies: Latencies,
}

/// Warms up, measures, stops, and waits for every task. `look` is called at each moment, in order.
pub(crate) async fn run<W: Work>(
    work: Arc<W>,
    pace: Pace,
    mut look: impl AsyncFnMut(Moment) -> Result<(), W::Error>,
) -> Result<Done, W::Error> {
    let shared = Arc::new(Loop { work, phase: AtomicU8::new(WARM_UP), latencies: Latencies::new() });
    let mut tasks = JoinSet::new();
    let mut seeds = Random::new(SEED);
    for task in 0..pace.in_flight {
        tasks.spawn(Arc::clone(&shared).work(task, Random::new(seeds.next())));
    }
    sleep(pace.warm_up).await;
    look(Moment::Start).await?;
    let begun = Instant::now();
    shared.phase.store(MEASURE, Ordering::Relaxed);
    let count = u32::try_from(pace.measured.as_secs().max(1)).unwrap_or(u32::MAX);
    let seconds = shared.watch(begun, pace.measured, count, &mut look).await?;
    shared.phase.store(STOP, Ordering::Relaxed);
    let elapsed = begun.elapsed();
    look(Moment::End { count }).await?;

    let mut acknowledged = 0;
    while let Some(task) = tasks.join_next().await {
        acknowledged += task.expect("a task does not panic")?;
    }
    Ok(Done { acknowledged, latencies: shared.latencies.sum(), elapsed, seconds })
}

impl<W: Work> Loop<W> {
    /// Does one operation after the other; returns how many were acknowledged.
    async fn work(self: Arc<Self>, task: usize, mut random: Random) -> Result<u64, W::Error> {
        let mut acknowledged = 0;
        let mut begun = Instant::now();
        loop {
            self.work.one(Turn { task, number: acknowledged }, &mut random).await?;
            acknowledged += 1;
            let ended = Instant::now();
            match self.phase.load(Ordering::Relaxed) {
                MEASURE => self.latencies.note(ended - begun),
                STOP => return Ok(acknowledged),
                _ => {}
            }
            begun = ended;
        }
    }

    /// Waits until the time is up; returns the rate of each second.
    #[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
    async fn watch(
        &self,
        begun: Instant,
        measured: Duration,
        count: u32,
        look: &mut impl AsyncFnMut(Moment) -> Result<(), W::Error>,
    ) -> Result<Vec<f64>, W::Error> {
        let mut seconds = Vec::new();
        let (mut last, mut noted) = (begun, 0);
        for second in 1..=count {
            sleep_until((begun + measured * second / count).into()).await;
            let (now, all) = (Instant::now(), self.latencies.count());
            seconds.push((all - noted) as f64 / (now - last).as_secs_f64());
            (last, noted) = (now, all);
            look(Moment::Second { n: second, count }).await?;
        }
        Ok(seconds)
    }
}
