//! Few entities in use among very many at rest, which `load` has written.

use crate::{
    Error,
    arguments::Options,
    closed_loop::{self, Done, Pace, Turn, Work},
    counter::Counter,
    figures::Figures,
    interleave::ROUNDS,
    latencies::micros,
    open,
    place::empty,
    random::Random,
    snapshot::resident_bytes,
    statistics::{hundredths, median, whole},
    work::{Operation, Sarsen},
};
use sarsen::{CallError, Client};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use tokio::time::sleep;

/// How many of the entities are hot, if there are as many.
const HOT: usize = 10_000;

/// The count of a counter that `load` has written and that was called once.
const FIRST: u64 = 2;

/// Calls of entities of which hardly any is in memory.
struct Cold {
    client: Client,
    /// Those from `hot` to `entities`.
    hot: u64,
    entities: u64,
}

impl Work for Cold {
    type Error = Error;

    async fn one(&self, _turn: Turn, random: &mut Random) -> Result<(), Error> {
        let n = self.hot + random.below(self.entities - self.hot);
        let counter = self.client.entity::<Counter>(n.to_string());
        loop {
            match counter.add(1).await {
                Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
                Err(error) => return Err(error.into()),
                Ok(count) if count < FIRST => return Err(Error::NotLoaded { key: n }),
                Ok(_) => return Ok(()),
            }
        }
    }
}

/// Opens the store, calls cold entities, and compares hot ones among them with hot ones alone.
pub(crate) async fn cold(data: &Path, options: &Options) -> Result<Figures, Error> {
    let mut figures = Figures::options(options);
    let begun = Instant::now();
    let runtime = open(data, options).await?;
    figures.add("open_ms", hundredths(begun.elapsed().as_secs_f64() * 1e3));
    figures.add("resident_bytes_open", resident_bytes());
    let entities = options.entities.get();
    let hot = HOT.min(entities / 2);
    let client = runtime.client();
    let work = Arc::new(Cold { client: client.clone(), hot: hot as u64, entities: entities as u64 });
    let alone = Pace { in_flight: 1, ..options.pace() };
    let first = quiet(&work, alone).await?;
    figures.add("cold_call_p50_us", micros(&first.latencies, 0.5));
    figures.add("cold_call_p99_us", micros(&first.latencies, 0.99));
    let uniform = quiet(&work, options.pace()).await?;
    figures.add("uniform_calls_per_s", whole(uniform.per_second()));
    figures.add("uniform_call_p99_us", micros(&uniform.latencies, 0.99));
    figures.add("resident_bytes", resident_bytes());

    let apart = Apart::at(data)?;
    let other = open(&apart.0, options).await?;
    compare(&client, &other.client(), &work, hot, options, &mut figures).await?;
    other.shutdown().await?;
    drop((client, work));
    runtime.shutdown().await?;
    Ok(figures)
}

/// By turns: hot ones in a store of their own; among the others, which rest; and while one of the others is called
/// after the other.
async fn compare(
    among: &Client,
    apart: &Client,
    cold: &Arc<Cold>,
    hot: usize,
    options: &Options,
    figures: &mut Figures,
) -> Result<(), Error> {
    let [among, apart] = [among, apart].map(|client| Arc::new(Sarsen::new(client, Operation::Signal, hot)));
    let pace = options.pace();
    among.touch_all(pace.in_flight).await?;
    apart.touch_all(pace.in_flight).await?;
    let (mut rates, mut called) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = quiet(&apart, pace).await?.per_second();
        let resting = quiet(&among, pace).await?.per_second();
        let one = Pace { in_flight: 1, ..pace };
        let (beside, cold) = tokio::try_join!(quiet(&among, pace), quiet(cold, one))?;
        rates.push([alone, resting, beside.per_second()]);
        called.push(micros(&cold.latencies, 0.5));
    }
    figures.add("hot_entities", hot);
    figures.add("hot_alone_per_s", whole(median(rates.iter().map(|[alone, ..]| *alone))));
    figures.add("hot_of_alone", hundredths(median(rates.iter().map(|[alone, among, _]| among / alone))));
    let beside = median(rates.iter().map(|[alone, _, beside]| beside / alone));
    figures.add("hot_beside_cold_of_alone", hundredths(beside));
    figures.add("cold_beside_hot_p50_us", median(called));
    Ok(())
}

/// The closed loop, with nobody looking on.
async fn quiet<W: Work<Error = Error>>(work: &Arc<W>, pace: Pace) -> Result<Done, Error> {
    closed_loop::run(Arc::clone(work), pace, async |_| Ok(())).await
}

/// A data directory beside the first one, for as long as it is compared with that.
struct Apart(PathBuf);

impl Apart {
    fn at(data: &Path) -> Result<Self, Error> {
        let mut path = OsString::from(data);
        path.push(".alone");
        let path = PathBuf::from(path);
        empty(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // It is in the way of nothing when it stays.
        let _ = empty(&self.0);
    }
}
