//! What sarsen is built on, by itself: the floors below every figure.

use crate::{
    Error,
    arguments::Options,
    ask::Ask,
    bare_shard::BareShard,
    closed_loop::{self, Done, Pace},
    figures::Figures,
    latencies::micros,
    raw_sync::RawFile,
    statistics::whole,
};
use std::{path::Path, sync::Arc};

/// Measures each floor for the time that is given.
pub(crate) async fn floors(data: &Path, options: &Options) -> Result<Figures, Error> {
    let (entities, in_flight) = (options.entities.get(), options.in_flight.get());
    let mut figures = Figures::options(options);
    let mut file = RawFile::beside(data)?;
    let over = file.overwrite(options.measured)?;
    figures.add("raw_sync_p50_us", micros(&over, 0.5));
    figures.add("raw_sync_p99_us", micros(&over, 0.99));
    let growing = file.grow(options.measured)?;
    figures.add("growing_sync_p50_us", micros(&growing, 0.5));
    figures.add("growing_sync_p99_us", micros(&growing, 0.99));
    let shard = BareShard::signals_per_second(entities, in_flight, options.measured);
    figures.add("shard_signals_per_s", whole(shard));
    let alone = ask(entities, Pace { in_flight: 1, ..options.pace() }).await?;
    figures.add("ask_alone_p50_us", micros(&alone.latencies, 0.5));
    figures.add("ask_per_s", whole(ask(entities, options.pace()).await?.per_second()));
    Ok(figures)
}

async fn ask(entities: usize, pace: Pace) -> Result<Done, Error> {
    closed_loop::run(Arc::new(Ask::new(entities, pace.in_flight)), pace, async |_| Ok(())).await
}
