//! The course of a run: all notifications are sent, and all shipments awaited.

use crate::{
    Error,
    collecting::{Collector, ship, shipment},
    deliveries::{self, Notification},
    report::Progress,
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Client};
use std::{num::NonZeroUsize, pin::pin, time::Duration};
use tokio::time::sleep;

/// How long to wait for a run that an entity is about to start.
const PATIENCE: Duration = Duration::from_millis(5);

/// Sends all notifications, also those that an interrupted process has sent.
pub async fn send(
    client: &Client,
    notifications: Vec<Notification>,
    in_flight: NonZeroUsize,
    progress: &Progress,
) -> Result<(), Error> {
    let sent = stream::iter(notifications).map(|one| notify(client, one)).buffer_unordered(in_flight.get());
    let mut sent = pin!(sent);
    let mut count = 0;
    while let Some(()) = sent.try_next().await? {
        count += 1;
        progress.sent(count)?;
    }
    Ok(())
}

/// Sends a notification, again for as long as its collector is busy.
async fn notify(client: &Client, Notification { order, part }: Notification) -> Result<(), CallError> {
    let collector = client.entity::<Collector>(deliveries::order(order));
    loop {
        match collector.notify(part).signal().await {
            Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
            done => return done,
        }
    }
}

/// Waits for the shipment of each of so many orders.
pub async fn await_shipments(client: &Client, orders: u64, at_a_time: NonZeroUsize) -> Result<(), Error> {
    let ended = stream::iter(0..orders).map(|order| await_shipment(client, order));
    ended.buffer_unordered(at_a_time.get()).try_collect::<()>().await
}

async fn await_shipment(client: &Client, order: u64) -> Result<(), Error> {
    let run = client.run(ship, shipment(&deliveries::order(order)));
    loop {
        match run.result().await {
            // The last notification is on disk, and its collector has not got to it.
            Err(CallError::RunNotFound { .. }) => sleep(PATIENCE).await,
            ended => {
                ended??;
                return Ok(());
            }
        }
    }
}
