//! Many orders are charged at a service that fails now and then, behind one circuit breaker that they share.
//!
//! ```text
//! cargo run --release --example circuit_breaker
//! ```
//!
//! Each order is an orchestration that asks the [`Breaker`] entity before it calls the service. Five failures behind each
//! other open it, then nobody calls; after a while one order may try, and closes it or opens it again. Kill the process at
//! any moment and run it again: the breaker is as it was, its times go on, and no order is charged twice.
//! `circuit_breaker --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod breaker;
mod charging;
mod report;
mod run;
mod verify;

use arguments::{Command, Options};
use breaker::Breaker;
use charging::{Payments, charge, pay};
use report::Progress;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode};
use verify::Records;

/// How many faults are told.
const FAULTS_TOLD: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Charge(options)) => charge_orders(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("circuit_breaker: {error}");
            error.exit_code()
        }
    }
}

async fn charge_orders(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Breaker>()
        .entity::<Payments>()
        .orchestration(pay)
        .activity(charge)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let orders = options.orders.get();
    let progress = Progress::of(orders, options.json);
    run::charge_all(&client, orders, options.in_flight, &progress).await?;
    progress.finish();
    let records = Records::read_back(&client).await?;
    runtime.shutdown().await?;

    report::print_records(&records, options.json)?;
    eprintln!("the orders are in {}", options.data.display());
    let faults = records.faults(orders, options.in_flight.get() as u64);
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults { faults }) }
}

/// Why orders were not charged, or not as they should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `circuit_breaker --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{} faults: {}", faults.len(), faults[..faults.len().min(FAULTS_TOLD)].join("; "))]
    Faults { faults: Vec<String> },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_) | Self::Faults { .. } | Self::Output(_) | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}
