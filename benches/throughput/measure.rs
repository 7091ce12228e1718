//! One workload against one runtime.

use crate::{
    Error,
    arguments::Options,
    closed_loop::{self, Done, Moment},
    snapshot::Snapshot,
    steady::{self, Tail},
    work::{Operation, Sarsen},
};
use sarsen::Client;
use std::{sync::Arc, time::Duration};

/// What was done, and what the process told of itself meanwhile.
pub(crate) struct Measured {
    /// All operations that were acknowledged, whether they were measured or not.
    pub(crate) acknowledged: u64,
    pub(crate) done: Done,
    start: Snapshot,
    end: Snapshot,
    /// `None` when the store tells of none.
    pub(crate) tail: Option<Tail>,
}

impl Measured {
    pub(crate) fn bytes_written(&self) -> u64 {
        self.end.stats.bytes_written - self.start.stats.bytes_written
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.end.stats.syncs - self.start.stats.syncs
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        Some(self.end.cpu?.saturating_sub(self.start.cpu?))
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
    let touched = if touch { work.touch_all(options.in_flight.get()).await? } else { 0 };
    let (mut start, mut end, mut tail) = (None, None, None);
    let done = closed_loop::run(work, options.pace(), async |moment| {
        let wanted = match moment {
            Moment::Second { n, count } => steady::is_looked_at(options, n, count),
            Moment::Start | Moment::End { .. } => true,
        };
        if !wanted {
            return Ok(());
        }
        let look = Snapshot::take(client).await?;
        note(&mut tail, moment, look.tail_bytes);
        match moment {
            Moment::Start => start = Some(look),
            Moment::Second { .. } => {}
            Moment::End { .. } => end = Some(look),
        }
        Ok(())
    })
    .await?;
    let start = start.expect("a loop has a start");
    let end = end.expect("a loop has an end");
    if done.latencies.is_empty() || end.stats.syncs == start.stats.syncs {
        return Err(Error::NotSynced);
    }
    Ok(Measured { acknowledged: touched + done.acknowledged, done, start, end, tail })
}

fn note(tail: &mut Option<Tail>, moment: Moment, bytes: Option<u64>) {
    let Some(bytes) = bytes else { return };
    let tail = tail.get_or_insert_default();
    match moment {
        Moment::Start => tail.start = bytes,
        Moment::Second { n, count } => tail.note(n, count, bytes),
        Moment::End { count } => tail.note(count, count, bytes),
    }
}
