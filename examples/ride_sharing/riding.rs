//! A ride: an orchestration that finds a driver, agrees, drives and says goodbye.

use super::people::{Driver, Rider};
use sarsen::{CallError, Context, SectionError, orchestration};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long rider and driver need to agree on the way, while both are locked.
const AGREEING: Duration = Duration::from_millis(3);

/// How long a rider waits at first for the lock of one driver before another one is asked, and how often that time doubles
/// when it was too short: who gives up too early only makes others wait.
const PATIENCE: Duration = Duration::from_millis(8);
const DOUBLINGS_MAX: u32 = 7;

/// How long a ride takes at most.
const DRIVING_MS_MAX: u64 = 10;

/// A ride that is asked for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Wish {
    pub ride: u64,
    pub rider: u64,
    pub drivers: u64,
    pub locks: bool,
}

/// How a driver was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub driver: String,
    /// How many drivers were asked, and how many of their locks were not to be had in time.
    pub asked: u64,
    pub timeouts: u64,
}

/// Finds a driver who is free and drives; returns how the driver was found.
#[orchestration]
pub async fn ride(cx: Context, wish: Wish) -> Result<Found, CallError> {
    let found = find(&cx, wish).await?;
    cx.timer(Duration::from_millis(1 + cx.random() % DRIVING_MS_MAX)).await;
    cx.entity::<Rider>(Rider::key(wish.rider)).leave(wish.ride).await?;
    cx.entity::<Driver>(&found.driver).drop_off(wish.ride).await?;
    Ok(found)
}

/// Asks one driver after the other until one is free, and the rider too.
async fn find(cx: &Context, wish: Wish) -> Result<Found, CallError> {
    let (mut asked, mut timeouts) = (0, 0_u64);
    loop {
        let driver = Driver::key(cx.random() % wish.drivers);
        asked += 1;
        let doublings = u32::try_from(timeouts).map_or(DOUBLINGS_MAX, |timeouts| timeouts.min(DOUBLINGS_MAX));
        match agree(cx, wish, &driver, PATIENCE * 2_u32.pow(doublings)).await {
            Ok(true) => return Ok(Found { driver, asked, timeouts }),
            // One of the two is in a ride, which will be over.
            Ok(false) => cx.timer(Duration::from_micros(5_000 + cx.random() % 20_000)).await,
            Err(CallError::Section(SectionError::TimedOut { .. })) => timeouts += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Locks rider and driver, unless that is to be left out, and lets them agree if both are free. Returns whether they do.
async fn agree(cx: &Context, wish: Wish, key: &str, patience: Duration) -> Result<bool, CallError> {
    let rider_key = Rider::key(wish.rider);
    let (rider, driver) = (cx.entity::<Rider>(&rider_key), cx.entity::<Driver>(key));
    let held = if wish.locks {
        Some(cx.lock((rider.clone(), driver.clone())).timeout(patience).await?)
    } else {
        None
    };
    let is_free = rider.is_free().await? && driver.is_free().await?;
    if is_free {
        cx.timer(AGREEING).await;
        rider.board(wish.ride, key.to_owned()).await?;
        driver.pick_up(wish.ride, rider_key).await?;
    }
    drop(held);
    Ok(is_free)
}

/// The id of the run of a ride.
pub fn run_of(ride: u64) -> String {
    format!("ride-{ride:05}")
}
