//! What do very many things cost that only stand there?
//!
//! A million delayed signals, a million orchestrations that wait for an event, an orchestration that has begun anew a
//! million times. They are written by a process of its own, so that what a store takes that has just been opened is not
//! mixed with what it took to fill it. Durability: fsync. Units: bytes of resident memory and of rows (keys and values),
//! milliseconds and microseconds of a request from its first poll to its answer, parts of one core. Nothing is
//! random.
//!
//! `cargo bench --bench standing -- --help` names the options.

#![expect(clippy::print_stdout, reason = "the figures are the bench's output")]

mod arguments;
mod eternal;
mod figures;
mod filling;
mod rows;
mod timers;
mod usage;
mod waiting;

use arguments::{Command, Options, Workload};
use figures::Figures;
use sarsen::{CallError, OpenError, Runtime};
use std::{io, path::PathBuf, process::ExitCode};

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Measure(options)) => options,
        Err(error) => {
            eprintln!("standing: {error}; try --help");
            return ExitCode::from(2);
        }
    };
    match bench(&options).await {
        Ok(figures) => {
            println!("{}", if options.json { figures.to_json() } else { figures.to_rows() });
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("standing: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(options: &Options) -> Result<Figures, Error> {
    if options.fills {
        return match options.workload {
            Workload::Timers => timers::fill(options).await,
            Workload::Waiting => waiting::fill(options).await,
            Workload::Eternal => eternal::fill(options).await,
        };
    }
    match options.workload {
        Workload::Timers => timers::measure(options).await,
        Workload::Waiting => waiting::measure(options).await,
        Workload::Eternal => eternal::measure(options),
    }
}

async fn open(options: &Options) -> Result<Runtime, OpenError> {
    Runtime::builder()
        .entity::<timers::Bell>()
        .orchestration(timers::sleeper)
        .orchestration(waiting::waiter)
        .orchestration(eternal::eternal)
        .cache_bytes(options.cache_bytes)
        .open(&options.data)
        .await
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot prepare `{}`: {source}", data.display())]
    Directory { data: PathBuf, source: io::Error },
    #[error("the process that fills the store did not: {what}")]
    NotFilled { what: String },
    #[error(transparent)]
    DataDirectory(#[from] sarsen_storage::DirectoryError),
    #[error(transparent)]
    Store(#[from] sarsen_storage::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Shutdown(#[from] sarsen::ShutdownError),
    #[error("{found} of {expected} are there")]
    Missing { expected: u64, found: u64 },
    #[error("a timer fired {early_us} us early")]
    Early { early_us: u64 },
}
