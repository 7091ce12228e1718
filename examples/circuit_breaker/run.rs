//! The course of a run: all orders are started, some at a time, and awaited.

use crate::{
    Error,
    charging::{pay, payment},
    report::Progress,
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Client, Reuse};
use std::{num::NonZeroUsize, pin::pin};

/// Charges all orders, also those that an interrupted process has begun with.
pub async fn charge_all(
    client: &Client,
    orders: u64,
    in_flight: NonZeroUsize,
    progress: &Progress,
) -> Result<(), Error> {
    let paid = stream::iter(0..orders).map(|order| charge_one(client, order));
    let mut paid = pin!(paid.buffer_unordered(in_flight.get()));
    let mut count = 0;
    while let Some(_calls) = paid.try_next().await? {
        count += 1;
        progress.charged(count)?;
    }
    Ok(())
}

async fn charge_one(client: &Client, order: u64) -> Result<u64, CallError> {
    let start = client.start(pay, order).id(payment(order)).reuse(Reuse::Return);
    start.await?.result().await?
}
