//! Moves money between accounts, and counts it again.
//!
//! ```text
//! cargo run --release --example transfer
//! ```
//!
//! Each [`transfer`] is an orchestration that locks the two accounts, withdraws and deposits: nobody sees the money
//! while it is under way, and two transfers never wait for each other. Kill the process at any moment and run it again:
//! each transfer is done exactly once. An [`audit`] locks all accounts and counts what they have; the sum is the same
//! before and after. `transfer --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod bank;
mod orders;
mod report;
mod run;

use arguments::{Command, Options};
use bank::{Account, OPENED_WITH, Plan, Totals, TransferError, audit, transfer};
use report::Progress;
use run::Outcomes;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Transfer(options)) => transfer_and_count(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transfer: {error}");
            error.exit_code()
        }
    }
}

async fn transfer_and_count(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Account>()
        .entity::<Plan>()
        .orchestration(transfer)
        .orchestration(audit)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let plan = client.entity::<Plan>("plan").raise(options.accounts, options.transfers).await?;

    // Transfers that an earlier process began go on by themselves; no audit sees them half done.
    let before = run::count(&client, plan).await?;
    let progress = Progress::of(plan.transfers, options.json);
    let outcomes = run::transfer_all(&client, plan, options.in_flight, &progress).await?;
    let speed = progress.finish(outcomes);
    let after = run::count(&client, plan).await?;
    runtime.shutdown().await?;

    report::print_sums(before, after, outcomes, options.json)?;
    eprintln!("{speed}");
    eprintln!("the accounts are in {}", options.data.display());
    check(plan, before, after, outcomes)
}

/// Requires that no money came or went, and that each transfer that succeeded moved it once.
fn check(plan: Plan, before: Totals, after: Totals, outcomes: Outcomes) -> Result<(), Error> {
    let opened_with = OPENED_WITH.saturating_mul(i64::try_from(plan.accounts).unwrap_or(i64::MAX));
    if before.money != opened_with || after.money != opened_with {
        return Err(Error::Sum { opened_with, before: before.money, after: after.money });
    }
    let Totals { sent, received, .. } = after;
    if sent != outcomes.moved || received != outcomes.moved {
        return Err(Error::Count { moved: outcomes.moved, sent, received });
    }
    Ok(())
}

/// Why money was not moved, or not as it should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `transfer --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("a transfer failed: {0}")]
    Transfer(#[from] TransferError),
    #[error("the accounts were opened with {opened_with}, had {before} before and have {after} after")]
    Sum { opened_with: i64, before: i64, after: i64 },
    #[error(
        "{moved} transfers succeeded, the accounts count {sent} withdrawals and {received} deposits of theirs"
    )]
    Count { moved: u64, sent: u64, received: u64 },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_)
            | Self::Transfer(_)
            | Self::Sum { .. }
            | Self::Count { .. }
            | Self::Output(_)
            | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}
