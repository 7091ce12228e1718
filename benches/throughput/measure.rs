//! One workload against one runtime.

use crate::{
    Error,
    arguments::Options,
    closed_loop::{self, Done, Moment, Pace},
    snapshot::Snapshot,
    work::{Operation, Sarsen},
};
use sarsen::Client;
use std::{sync::Arc, time::Duration};

/// What was done, and what the process told of itself meanwhile.
pub(crate) struct Measured {
    /// All operations that were acknowledged, whether they were measured or not.
    pub(crate) acknowledged: u64,
    pub(crate) done: Done,
    /// At the start, in the middle, at the end.
    pub(crate) looks: [Snapshot; 3],
}

impl Measured {
    pub(crate) fn bytes_written(&self) -> u64 {
        let [start, _, end] = &self.looks;
        end.stats.bytes_written - start.stats.bytes_written
    }

    pub(crate) fn syncs(&self) -> u64 {
        let [start, _, end] = &self.looks;
        end.stats.syncs - start.stats.syncs
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        let [start, _, end] = &self.looks;
        Some(end.cpu?.saturating_sub(start.cpu?))
    }
}

/// Measures an operation. With `touch`, every counter exists and has been used before the warm-up begins.
pub(crate) async fn measure(
    client: &Client,
    operation: Operation,
    options: &Options,
    touch: bool,
) -> Result<Measured, Error> {
    let work = Arc::new(Sarsen::new(client, operation, options.entities.get()));
    let pace = options.pace();
    let touched = if touch { work.touch_all(pace.in_flight).await? } else { 0 };
    let (done, looks) = run(client, work, pace).await?;
    if done.latencies.is_empty() || looks[2].stats.syncs == looks[0].stats.syncs {
        return Err(Error::NotSynced);
    }
    Ok(Measured { acknowledged: touched + done.acknowledged, done, looks })
}

/// Runs the closed loop and looks at the runtime at each of its moments.
async fn run(client: &Client, work: Arc<Sarsen>, pace: Pace) -> Result<(Done, [Snapshot; 3]), Error> {
    let mut looks = Vec::new();
    let done = closed_loop::run(work, pace, async |_: Moment| {
        looks.push(Snapshot::take(client).await?);
        Ok(())
    })
    .await?;
    let looks = looks.try_into().unwrap_or_else(|_| unreachable!("there are three moments"));
    Ok((done, looks))
}
