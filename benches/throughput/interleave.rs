//! A workload and the floors below it, by turns.
//!
//! The machine is not the same at each moment: what is compared is measured in turns, and the ratio is the median of the
//! rounds' own ratios. The runtime is closed while a floor is measured, so that nothing of it is on the disk then.

use crate::{
    Error,
    arguments::Options,
    bare_shard::BareShard,
    figures::Figures,
    latencies::micros,
    measure::{Measured, measure},
    open, proof,
    raw_sync::RawFile,
    statistics::{hundredths, median, tenths, whole},
    work::Operation,
};
use std::{path::Path, time::Duration};

pub(crate) const ROUNDS: u32 = 5;

/// The longest that a floor is measured in a round.
const FLOOR_MAX: Duration = Duration::from_secs(1);

struct Round {
    raw_sync_p50: f64,
    raw_sync_p99: f64,
    /// Signals per second of the bare shard, for many of them: one alone waits for the disk.
    shard: Option<f64>,
    per_second: f64,
    p50: f64,
    p99: f64,
}

/// Measures the operation in five rounds, which share the time that is given.
pub(crate) async fn interleave(
    data: &Path,
    operation: Operation,
    options: &Options,
) -> Result<Figures, Error> {
    let options = &Options { measured: options.measured / ROUNDS, ..options.clone() };
    let mut done_before = None;
    let (mut rounds, mut acknowledged) = (Vec::new(), 0);
    let mut file = RawFile::beside(data)?;
    for _ in 0..ROUNDS {
        let (raw_sync, shard) = floors(&mut file, operation, options)?;
        let runtime = open(data, options).await?;
        let client = runtime.client();
        if done_before.is_none() {
            done_before = Some(proof::done(&client, operation).await?);
        }
        let measured = measure(&client, operation, options, false).await?;
        drop(client);
        runtime.shutdown().await?;
        acknowledged += measured.acknowledged;
        rounds.push(Round::new(raw_sync, shard, &measured));
    }
    proof::check(data, operation, options, done_before.unwrap_or_default(), acknowledged).await?;
    Ok(figures(options, &rounds))
}

/// The raw sync's p50 and p99, and the bare shard's rate.
fn floors(
    file: &mut RawFile,
    operation: Operation,
    options: &Options,
) -> Result<((f64, f64), Option<f64>), Error> {
    let time = options.measured.min(FLOOR_MAX);
    let sync = file.overwrite(time)?;
    let many = options.in_flight.get() > 1;
    let shard = (operation == Operation::Signal && many)
        .then(|| BareShard::signals_per_second(options.entities.get(), options.in_flight.get(), time));
    Ok(((micros(&sync, 0.5), micros(&sync, 0.99)), shard))
}

impl Round {
    fn new((raw_sync_p50, raw_sync_p99): (f64, f64), shard: Option<f64>, measured: &Measured) -> Self {
        let latencies = &measured.done.latencies;
        Self {
            raw_sync_p50,
            raw_sync_p99,
            shard,
            per_second: measured.done.per_second(),
            p50: micros(latencies, 0.5),
            p99: micros(latencies, 0.99),
        }
    }
}

fn figures(options: &Options, rounds: &[Round]) -> Figures {
    let middle = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
    let mut figures = Figures::options(options);
    figures.add("rounds", ROUNDS);
    figures.add("seconds_per_round", tenths(options.measured.as_secs_f64()));
    figures.add("ops_per_s", whole(middle(|round| round.per_second)));
    figures.add("p50_us", tenths(middle(|round| round.p50)));
    figures.add("p99_us", tenths(middle(|round| round.p99)));
    figures.add("raw_sync_p50_us", tenths(middle(|round| round.raw_sync_p50)));
    figures.add("raw_sync_p99_us", tenths(middle(|round| round.raw_sync_p99)));
    figures.add("p50_in_raw_syncs", hundredths(middle(|round| round.p50 / round.raw_sync_p50)));
    if rounds.iter().all(|round| round.shard.is_some()) {
        let shard = |round: &Round| round.shard.unwrap_or(f64::NAN);
        figures.add("shard_signals_per_s", whole(median(rounds.iter().map(shard))));
        let ratio = median(rounds.iter().map(|round| round.per_second / shard(round)));
        figures.add("ops_per_shard_signal", hundredths(ratio));
    }
    figures
}
