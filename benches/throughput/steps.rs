//! Orchestrations of nothing but activities.

use sarsen::{CallError, Context, activity, join_all, orchestration};

/// How many activities `fan20` has.
const WIDTH: u64 = 20;

/// How many activities `chain5` has.
const LENGTH: u64 = 5;

/// As little work as an activity can be.
#[activity]
pub(crate) async fn increment(number: u64) -> u64 {
    number.wrapping_add(1)
}

/// One activity.
#[orchestration]
pub(crate) async fn hello(cx: Context, number: u64) -> Result<u64, CallError> {
    cx.activity(increment, number).await
}

/// Five activities, one after the other.
#[orchestration]
pub(crate) async fn chain5(cx: Context, number: u64) -> Result<u64, CallError> {
    let mut reached = number;
    for _ in 0..LENGTH {
        reached = cx.activity(increment, reached).await?;
    }
    Ok(reached)
}

/// Twenty activities at once.
#[orchestration]
pub(crate) async fn fan20(cx: Context, number: u64) -> Result<u64, CallError> {
    let all = join_all((0..WIDTH).map(|place| cx.activity(increment, number.wrapping_add(place)))).await;
    let mut sum = 0_u64;
    for reached in all {
        sum = sum.wrapping_add(reached?);
    }
    Ok(sum)
}

/// What they return for a number.
pub(crate) mod expected {
    use super::{LENGTH, WIDTH};

    pub(crate) fn hello(number: u64) -> u64 {
        number.wrapping_add(1)
    }

    pub(crate) fn chain5(number: u64) -> u64 {
        number.wrapping_add(LENGTH)
    }

    pub(crate) fn fan20(number: u64) -> u64 {
        (1..=WIDTH).fold(0, |sum, place| sum.wrapping_add(number.wrapping_add(place)))
    }
}
