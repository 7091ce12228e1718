//! The course of a run: all devices report, some are asked, what nobody needs leaves.

use crate::{
    Error,
    devices::{Device, Visitor, reading_of},
    report::Progress,
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Client};
use std::{
    num::NonZeroUsize,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many devices are asked before the run and in the end.
const ASKED: u64 = 2_000;

/// How long to wait for what is to leave or to be forgotten.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets all devices and visitors report, some at a time.
pub async fn report_all(
    client: &Client,
    (devices, visitors): (u64, u64),
    in_flight: NonZeroUsize,
    progress: &Progress,
) -> Result<(), Error> {
    let reports = stream::iter(0..devices + visitors).map(async |number| match number.checked_sub(devices) {
        None => patiently(async || client.entity::<Device>(Device::key(number)).refresh().await)
            .await?
            .map_err(Error::from),
        Some(visitor) => {
            let visitor = client.entity::<Visitor>(Visitor::key(visitor));
            patiently(async || visitor.refresh().await).await?.map_err(Error::from)
        }
    });
    let mut reports = pin!(reports.buffer_unordered(in_flight.get()));
    let mut count = 0;
    while let Some(_reading) = reports.try_next().await? {
        count += 1;
        progress.reported(count)?;
    }
    Ok(())
}

/// Asks again for as long as the entity or its shard is busy.
async fn patiently<R>(ask: impl AsyncFn() -> Result<R, CallError>) -> Result<R, CallError> {
    loop {
        match ask().await {
            Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
            done => return done,
        }
    }
}

/// A device here or there, and how often it had been read before the run.
pub struct Sample {
    number: u64,
    reports: u64,
}

/// Asks devices here and there how often they were read. What an interrupted process has left is done before they answer.
pub async fn sample(client: &Client, devices: u64) -> Result<Vec<Sample>, Error> {
    let numbers = (0..devices.min(ASKED)).map(|n| xxh3_64_with_seed(&n.to_le_bytes(), devices) % devices);
    let mut samples = Vec::new();
    for number in numbers {
        let reports = client.entity::<Device>(Device::key(number)).reports().await?;
        samples.push(Sample { number, reports });
    }
    Ok(samples)
}

/// Asks them again, which were last needed long ago: each has its reading, and was read once. Returns what was wrong.
pub async fn ask_again(client: &Client, samples: &[Sample]) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    for Sample { number, reports } in samples {
        let key = Device::key(*number);
        let device = client.entity::<Device>(&key);
        let (reading, read) = (device.reading().await?, device.reports().await?);
        if reading != Some(reading_of(&key)) {
            faults.push(format!("{key} says {reading:?}, not {}", reading_of(&key)));
        }
        if read != reports + 1 {
            faults.push(format!("{key} was read {reports} times before and {read} times behind the run"));
        }
    }
    Ok(faults)
}

/// Waits until what nobody needs has left memory; returns how many entities are still there.
pub async fn await_unload(client: &Client) -> Result<u64, Error> {
    let begin = Instant::now();
    loop {
        let active = client.stats().await?.activations;
        if active == 0 || begin.elapsed() > PATIENCE {
            return Ok(active);
        }
        sleep(PAUSE).await;
    }
}

/// Waits until all visitors are forgotten; returns how many are not.
pub async fn await_forgetting(client: &Client) -> Result<usize, Error> {
    let begin = Instant::now();
    loop {
        let left = client.entities::<Visitor>().try_fold(0, async |count, _| Ok(count + 1)).await?;
        if left == 0 || begin.elapsed() > PATIENCE {
            return Ok(left);
        }
        sleep(PAUSE).await;
    }
}

/// How many devices there are.
pub async fn count(client: &Client) -> Result<u64, Error> {
    Ok(client.entities::<Device>().try_fold(0, async |count, _| Ok(count + 1)).await?)
}
