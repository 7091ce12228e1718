//! Finds a driver for each of many rides, with rider and driver locked while they agree, and nobody in two rides at once.
//!
//! ```text
//! cargo run --release --example ride_sharing
//! ```
//!
//! A [`ride`] locks its rider and a driver, checks that both are free, and lets them agree: between check and agreement
//! nobody else can. A lock that is not to be had in time is given up, and another driver asked. Kill the process at any
//! moment and run it again: the rides go on inside their agreements. In the end the riders' and drivers' own records are
//! checked. With `--without-locks` the check finds who was in two rides at once. `ride_sharing --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod people;
mod report;
mod riding;
mod run;
mod verify;

use arguments::{Command, Options};
use people::{Driver, Rider};
use report::Progress;
use riding::ride;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode};
use verify::Records;

/// How many faults are told.
const FAULTS_TOLD: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Ride(options)) => share_rides(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ride_sharing: {error}");
            error.exit_code()
        }
    }
}

async fn share_rides(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Rider>()
        .entity::<Driver>()
        .orchestration(ride)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let progress = Progress::of(options.rides.get(), options.json);
    let sums = run::ride_all(&client, options, &progress).await?;
    progress.finish();
    let records = Records::read_back(&client).await?;
    runtime.shutdown().await?;

    report::print_sums(&sums, &records, options.json)?;
    eprintln!("the rides are in {}", options.data.display());
    let faults = records.faults(options.rides.get());
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults { faults }) }
}

/// Why rides were not ridden, or not as they should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `ride_sharing --help`")]
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
