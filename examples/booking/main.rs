//! Books trips to conferences: each is booked as a whole, or what was booked of it is cancelled.
//!
//! ```text
//! cargo run --release --example booking
//! cargo run --release --example booking -- --fail flight
//! cargo run --release --example booking -- --fail hotel
//! ```
//!
//! A [`travel`] books a conference, a flight (a train, after three failures) and a hotel. What was booked is cancelled in
//! the reverse order when something cannot be had: the code of a saga is a `match`. A [`tour`] joins the trips as its
//! children into one expense report. Kill the process at any moment and run it again: nothing is booked twice, and
//! nothing stays booked of a trip that cannot be made. `booking --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod desks;
mod report;
mod trips;
mod verify;

use arguments::{Command, Options};
use desks::Desk;
use sarsen::{CallError, OpenError, Reuse, Runtime, ShutdownError};
use std::{io, process::ExitCode};
use trips::{Trip, book, cancel, tour, travel};
use verify::Books;

const TOWNS: [&str; 5] = ["Lisbon", "Oslo", "Kyoto", "Nairobi", "Quito"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Book(options)) => book_all(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("booking: {error}");
            error.exit_code()
        }
    }
}

async fn book_all(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Desk>()
        .orchestration(tour)
        .orchestration(travel)
        .activity(book)
        .activity(cancel)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let name = name(options);
    let trips = trips_of(&name, options);
    let run = client.start(tour, &trips).id(&name).reuse(Reuse::Return).await?;
    let expenses = run.result().await??;
    let books = Books::read(&client).await?;
    runtime.shutdown().await?;

    report::print_report(&trips, &expenses, options.json)?;
    eprintln!("the tour `{name}` is in {}", options.data.display());
    match books.fault(&trips, &expenses) {
        Some(fault) => Err(Error::Misbooked { fault }),
        None => Ok(()),
    }
}

/// The id of a tour: the same for what is the same.
fn name(options: &Options) -> String {
    let failing = options.failing.iter().map(|service| format!("-without-{service}"));
    format!("tour-of-{}{}", options.conferences, failing.collect::<String>())
}

fn trips_of(tour: &str, options: &Options) -> Vec<Trip> {
    let towns = TOWNS.into_iter().cycle().take(options.conferences.get());
    let trip = |(number, town): (usize, &str)| Trip {
        id: format!("{tour}-trip-{}", number + 1),
        to: town.to_owned(),
        failing: options.failing.clone(),
        pause: options.pause,
    };
    towns.enumerate().map(trip).collect()
}

/// Why nothing was booked, or not as it should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `booking --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{fault}")]
    Misbooked { fault: String },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_) | Self::Misbooked { .. } | Self::Output(_) | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}
