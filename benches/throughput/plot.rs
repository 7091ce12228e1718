//! Throughput and latency as pictures: over how much is in flight, and over how many entities there are.

use crate::{
    Error,
    arguments::{Options, Workload},
    figures::Figures,
    latencies::micros,
    once,
    place::empty,
    svg::{self, Chart, Series},
    work::Operation,
};
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

const IN_FLIGHT: [usize; 8] = [1, 4, 16, 64, 256, 1_024, 4_096, 8_192];
const ENTITIES: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// How many of the points are measured when it is only to be seen that it works.
const FEW: usize = 2;

const LINES: [(Operation, &str); 2] = [(Operation::Signal, "#1f77b4"), (Operation::Call, "#d62728")];

/// One measured point.
struct Point {
    at: usize,
    per_second: f64,
    p50: f64,
    p99: f64,
}

/// Measures both sweeps, each point in an emptied data directory, and writes the pictures into `folder`. Each point's
/// figures are shown as they come.
pub(crate) async fn plot(
    data: &Path,
    folder: &Path,
    options: &Options,
    mut show: impl FnMut(&Figures),
) -> Result<(), Error> {
    let entities = options.entities;
    let over_in_flight = sweep(data, options, &IN_FLIGHT, &mut show, |options, n| options.in_flight = n);
    let heading = format!("over {} entities", svg::count(number(entities.get())));
    write(folder, "in-flight", &heading, "operations in flight", &over_in_flight.await?)?;
    let over_entities = sweep(data, options, &ENTITIES, &mut show, |options, n| options.entities = n);
    let heading = format!("with {} operations in flight", options.in_flight);
    write(folder, "entities", &heading, "entities", &over_entities.await?)
}

/// The points of each line.
async fn sweep(
    data: &Path,
    options: &Options,
    values: &[usize],
    show: &mut impl FnMut(&Figures),
    set: fn(&mut Options, NonZeroUsize),
) -> Result<Vec<Vec<Point>>, Error> {
    let values = if options.short { &values[..FEW] } else { values };
    let mut lines = Vec::new();
    for (operation, _) in LINES {
        let mut line = Vec::new();
        for at in values {
            let mut options = Options { workload: Workload::Operation(operation), ..options.clone() };
            set(&mut options, NonZeroUsize::new(*at).expect("no point is at zero"));
            empty(data)?;
            let measured = once(data, operation, &options, true).await?;
            show(&Figures::of(&options, &measured));
            let latencies = &measured.done.latencies;
            line.push(Point {
                at: *at,
                per_second: measured.done.per_second(),
                p50: micros(latencies, 0.5),
                p99: micros(latencies, 0.99),
            });
        }
        lines.push(line);
    }
    Ok(lines)
}

fn write(
    folder: &Path,
    name: &str,
    heading: &str,
    across: &'static str,
    lines: &[Vec<Point>],
) -> Result<(), Error> {
    let heading = format!("Durable operations {heading}, one shard, every answer synced");
    let path: PathBuf = folder.join(format!("performance-{name}.svg"));
    let picture = svg::picture(&heading, &[throughput(across, lines), latency(across, lines)]);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, picture));
    written.map_err(|source| Error::Picture { path, source })
}

fn throughput(across: &'static str, lines: &[Vec<Point>]) -> Chart {
    let series = LINES.iter().zip(lines).map(|((operation, colour), line)| Series {
        name: operation.name().to_owned(),
        colour,
        dashed: false,
        points: points(line, |point| point.per_second),
    });
    let title = "operations per second".to_owned();
    Chart { title, across, upright: svg::count, series: series.collect() }
}

fn latency(across: &'static str, lines: &[Vec<Point>]) -> Chart {
    let series = LINES.iter().zip(lines).flat_map(|((operation, colour), line)| {
        let quantile = |name: &str, dashed, value: fn(&Point) -> f64| Series {
            name: format!("{} {name}", operation.name()),
            colour,
            dashed,
            points: points(line, value),
        };
        [quantile("p50", false, |point| point.p50), quantile("p99", true, |point| point.p99)]
    });
    let title = "time until the answer".to_owned();
    Chart { title, across, upright: svg::time, series: series.collect() }
}

fn points(line: &[Point], value: fn(&Point) -> f64) -> Vec<(f64, f64)> {
    line.iter().map(|point| (number(point.at), value(point))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "it has fewer digits than an f64")]
fn number(count: usize) -> f64 {
    count as f64
}
