//! Collects ten notifications for each order, repeated and in any order, and ships each order once.
//!
//! ```text
//! cargo run --release --example aggregator
//! ```
//!
//! A [`Collector`] entity for each order keeps which parts were told of. The last part starts the shipment, an
//! orchestration: the entity starts it, in the very commit that takes the part in, so that it is started once. Kill the
//! process at any moment and run it again: all is told again, and no order is shipped twice. `aggregator --help` tells the
//! rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod collecting;
mod deliveries;
mod report;
mod run;
mod verify;

use arguments::{Command, Options};
use collecting::{Collector, pack, ship};
use report::Progress;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode};
use verify::Records;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Collect(options)) => collect(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aggregator: {error}");
            error.exit_code()
        }
    }
}

async fn collect(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Collector>()
        .orchestration(ship)
        .activity(pack)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let orders = options.orders.get();
    let notifications = deliveries::notifications(orders);
    let sent = notifications.len() as u64;
    let progress = Progress::of(sent, options.json);
    run::send(&client, notifications, options.in_flight, &progress).await?;
    run::await_shipments(&client, orders, options.in_flight).await?;
    progress.finish();
    let records = Records::read_back(&client).await?;
    runtime.shutdown().await?;

    report::print_sums(sent, records.parts(), records.shipments.len() as u64, options.json)?;
    eprintln!("the orders are in {}", options.data.display());
    match records.fault(orders) {
        Some(fault) => Err(Error::Misshipped { fault }),
        None => Ok(()),
    }
}

/// Why orders were not shipped, or not once.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `aggregator --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{fault}")]
    Misshipped { fault: String },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_) | Self::Misshipped { .. } | Self::Output(_) | Self::Shutdown(_) => {
                ExitCode::FAILURE
            }
        }
    }
}
