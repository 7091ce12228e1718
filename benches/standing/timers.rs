//! Delayed signals that wait, and how late a timer fires beside them.

use crate::{
    Error,
    arguments::Options,
    figures::{Figures, Latencies, milliseconds},
    filling, open,
    usage::{cpu_time, peak_bytes, resident_bytes},
};
use sarsen::{Context, Entity, Timestamp, operations, orchestration};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::sleep;

/// How many timers are fired, one after the other.
const SAMPLES: u64 = 300;

/// How long each of them is.
const SAMPLE: Duration = Duration::from_millis(20);

/// How long a store that was opened may take to count its timers.
const COUNTED_IN: Duration = Duration::from_secs(60);

/// In how many seconds the first is due, and in twice as many the last, unless it is said otherwise.
const DUE: u64 = 3_600;

/// How many entities the delayed signals are for.
const BELLS: u64 = 10_000;

/// Something that is to ring later.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bell {
    rung: u64,
}

#[operations]
impl Bell {
    pub(crate) fn ring(&mut self) {
        self.rung += 1;
    }
}

/// Sleeps for so many microseconds, and returns when that was over at the earliest, and when it was told so.
#[orchestration]
pub(crate) async fn sleeper(cx: Context, micros: u64) -> (Timestamp, Timestamp) {
    let length = Duration::from_micros(micros);
    let due = cx.now().after(length);
    cx.timer(length).await;
    (due, cx.now())
}

/// Writes the delayed signals.
pub(crate) async fn fill(options: &Options) -> Result<Figures, Error> {
    let runtime = open(options).await?;
    let client = runtime.client();
    let due = Duration::from_secs(options.due.unwrap_or(DUE));
    let (begun, count) = (Instant::now(), options.count);
    filling::ask_for(count, move |number| {
        let bell = client.entity::<Bell>((number % BELLS).to_string());
        let delay = due + due.mul_f64(fraction(number, count));
        async move { bell.ring().after(delay).signal().await }
    })
    .await?;
    runtime.shutdown().await?;
    let mut figures = Figures::default();
    figures.add("fill_seconds", begun.elapsed().as_secs());
    figures.add("resident_bytes_peak_of_fill", peak_bytes());
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "a delay has fewer digits than an f64")]
fn fraction(number: u64, count: u64) -> f64 {
    number as f64 / count as f64
}

/// Opens the store with them, lets it idle, and fires other timers beside them.
#[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
pub(crate) async fn measure(options: &Options) -> Result<Figures, Error> {
    let mut figures = Figures::of(options);
    filling::empty(options)?;
    let empty = open(options).await?;
    idle(options.watched / 4).await;
    let resident_without = resident_bytes().unwrap_or_default();
    empty.shutdown().await?;
    filling::empty(options)?;
    figures.add_printed(&filling::by_another_process(options)?);

    let begun = Instant::now();
    let runtime = open(options).await?;
    let client = runtime.client();
    figures.add("open_ms", milliseconds(begun.elapsed()));
    let mut found = 0;
    while found < options.count && begun.elapsed() < COUNTED_IN {
        sleep(Duration::from_millis(1)).await;
        found = client.stats().await?.timers;
    }
    if found != options.count {
        return Err(Error::Missing { expected: options.count, found });
    }
    figures.add("counted_ms", milliseconds(begun.elapsed()));
    idle(options.watched / 4).await;
    let cpu = idle(options.watched).await;
    let resident = resident_bytes().unwrap_or_default();
    figures.add("idle_core_percent", (cpu * 10_000.0).round() / 100.0);
    figures.add("resident_bytes", resident);
    let each = resident.saturating_sub(resident_without) as f64 / options.count as f64;
    figures.add("resident_bytes_each", (each * 10.0).round() / 10.0);

    let (mut late, mut told) = (Latencies::default(), Latencies::default());
    let samples = if options.short { 3 } else { SAMPLES };
    let micros = u64::try_from(SAMPLE.as_micros()).expect("it is short");
    for _ in 0..samples {
        let (due, fired) = client.start(sleeper, micros).await?.result().await?;
        if fired < due {
            return Err(Error::Early { early_us: due.as_micros() - fired.as_micros() });
        }
        late.note(fired.since(due));
        told.note(now().since(due));
    }
    figures.add("fired_late_p50_us", late.micros(0.5));
    figures.add("fired_late_p99_us", late.micros(0.99));
    figures.add("fired_late_max_us", late.micros(1.0));
    figures.add("told_late_p50_us", told.micros(0.5));
    figures.add("told_late_p99_us", told.micros(0.99));
    figures.add("resident_bytes_peak", peak_bytes());
    drop(client);
    runtime.shutdown().await?;
    Ok(figures)
}

/// Lets time pass; returns which part of a core it took.
async fn idle(time: Duration) -> f64 {
    let (begun, before) = (Instant::now(), cpu_time().unwrap_or_default());
    sleep(time).await;
    let spent = cpu_time().unwrap_or_default().saturating_sub(before);
    spent.as_secs_f64() / begun.elapsed().as_secs_f64()
}

/// What the wall's clock shows.
fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
