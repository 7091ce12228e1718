//! The course of a run: all rides are asked for, some at a time, and awaited.

use crate::{
    Error,
    arguments::Options,
    report::Progress,
    riding::{Found, Wish, ride, run_of},
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Client, Reuse};
use std::pin::pin;

/// How all drivers were found.
#[derive(Debug, Default)]
pub struct Sums {
    pub rides: u64,
    pub asked: u64,
    pub timeouts: u64,
}

/// Rides all rides, also those that an interrupted process has begun with.
pub async fn ride_all(client: &Client, options: &Options, progress: &Progress) -> Result<Sums, Error> {
    let rides = stream::iter(0..options.rides.get()).map(|number| {
        let rider = number % options.riders;
        ride_one(client, Wish { ride: number, rider, drivers: options.drivers.get(), locks: options.locks })
    });
    let mut rides = pin!(rides.buffer_unordered(options.in_flight.get()));
    let mut sums = Sums::default();
    while let Some(Found { asked, timeouts, .. }) = rides.try_next().await? {
        sums.rides += 1;
        sums.asked += asked;
        sums.timeouts += timeouts;
        progress.arrived(sums.rides)?;
    }
    Ok(sums)
}

async fn ride_one(client: &Client, wish: Wish) -> Result<Found, CallError> {
    client.start(ride, wish).id(run_of(wish.ride)).reuse(Reuse::Return).await?.result().await?
}
