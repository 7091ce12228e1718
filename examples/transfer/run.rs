//! The course of a run: all transfers, and what they came to.

use crate::{
    Error,
    bank::{Plan, Totals, TransferError, audit, transfer},
    orders::{order, run_id},
    report::Progress,
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Client, Reuse};
use std::{num::NonZeroUsize, pin::pin};
use tokio::time::sleep;

/// What became of the transfers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcomes {
    pub moved: u64,
    pub refused: u64,
}

impl Outcomes {
    pub fn all(self) -> u64 {
        self.moved + self.refused
    }
}

/// Runs each transfer once, also those that an interrupted process began or finished.
pub async fn transfer_all(
    client: &Client,
    plan: Plan,
    in_flight: NonZeroUsize,
    progress: &Progress,
) -> Result<Outcomes, Error> {
    let transfers = stream::iter(1..=plan.transfers)
        .map(async |number| transfer_one(client, number, plan.accounts).await)
        .buffer_unordered(in_flight.get());
    let mut transfers = pin!(transfers);
    let mut outcomes = Outcomes::default();
    while let Some(moved) = transfers.try_next().await? {
        if moved {
            outcomes.moved += 1;
        } else {
            outcomes.refused += 1;
        }
        progress.done(outcomes.all())?;
    }
    Ok(outcomes)
}

/// Returns whether money was moved.
async fn transfer_one(client: &Client, number: u64, accounts: u64) -> Result<bool, Error> {
    let run = loop {
        let start = client.start(transfer, order(number, accounts)).id(run_id(number));
        match start.reuse(Reuse::Return).await {
            Err(CallError::Busy { retry_after, .. }) => sleep(retry_after).await,
            started => break started?,
        }
    };
    match run.result().await? {
        Ok(_receipt) => Ok(true),
        Err(TransferError::Insufficient(_)) => Ok(false),
        Err(failed @ TransferError::Call(_)) => Err(failed.into()),
    }
}

/// Counts the money.
pub async fn count(client: &Client, plan: Plan) -> Result<Totals, Error> {
    Ok(client.start(audit, plan.accounts).await?.result().await??)
}
