//! Greets three cities by an activity, one after the other, and shows the history of how it came about.
//!
//! ```text
//! cargo run --release --example hello
//! ```
//!
//! What an orchestration has done is recorded, so that it goes on where it was: kill the process between two greetings
//! (`--pause-ms 1000` leaves the time for it), run it again, and no city is greeted that has answered. Once it is over,
//! its result is there for ever. `hello --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod greeting;
mod report;

use arguments::{Command, Options};
use futures::TryStreamExt;
use greeting::{hello, say_hello};
use sarsen::{CallError, HistoryEvent, OpenError, Reuse, Runtime, ShutdownError};
use std::{io, process::ExitCode};

const CITIES: [&str; 3] = ["Tokyo", "Cairo", "Lima"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Greet(options)) => greet(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error}");
            error.exit_code()
        }
    }
}

async fn greet(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder().orchestration(hello).activity(say_hello).open(&options.data).await?;
    let client = runtime.client();
    let cities: Vec<String> = CITIES.map(str::to_owned).into();
    // Under this id there is one run: it begins, it goes on, or it is over.
    let run = client.start(hello, (cities, options.pause_ms)).id("hello").reuse(Reuse::Return).await?;
    let greetings = run.result().await??;
    report::print_greetings(&greetings, options.json)?;
    let history: Vec<HistoryEvent> = run.history().try_collect().await?;
    report::print_history(&history, options.json)?;
    eprintln!("the run `hello` is in {}", options.data.display());
    runtime.shutdown().await?;
    check(greetings)
}

/// Requires that each city is greeted, in its turn and once.
fn check(greetings: Vec<String>) -> Result<(), Error> {
    let expected = CITIES.map(|city| format!("Hello, {city}!"));
    if greetings == expected { Ok(()) } else { Err(Error::Misgreeted { greetings }) }
}

/// Why the cities were not greeted.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `hello --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("other cities were greeted, or otherwise: {}", greetings.join(" "))]
    Misgreeted { greetings: Vec<String> },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_) | Self::Misgreeted { .. } | Self::Output(_) | Self::Shutdown(_) => {
                ExitCode::FAILURE
            }
        }
    }
}
