//! Looks again and again whether something is up: an orchestration that never has to end.
//!
//! ```text
//! cargo run --release --example monitor
//! ```
//!
//! Each round of a [`monitor`] is an execution with a history of its own, which the next one replaces: it takes the room
//! of one round, however many there are. Kill the process at any moment and run it again: no round is missing, and none
//! is logged twice. `monitor --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod report;
mod watching;

use arguments::{Command, Options};
use futures::TryStreamExt;
use report::Progress;
use sarsen::{CallError, HistoryEvent, OpenError, Reuse, Run, Runtime, ShutdownError};
use std::{convert::Infallible, io, process::ExitCode, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use watching::{Logbook, Note, Watch, look, monitor};

/// How often the round is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// The most events of one round.
const EVENTS_MAX: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Watch(options)) => keep_watch(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monitor: {error}");
            error.exit_code()
        }
    }
}

async fn keep_watch(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Logbook>()
        .orchestration(monitor)
        .activity(look)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let (rounds, pause) = (options.rounds.get(), options.pause);
    let name = format!("monitor-of-{rounds}");
    let watch = Watch { logbook: name.clone(), round: 0, rounds, pause, outages: 0 };
    let run = client.start(monitor, watch).id(&name).reuse(Reuse::Return).await?;
    let mut progress = Progress::new(options.json);
    let outages = tokio::select! {
        ended = run.result() => ended??,
        failed = glance(&run, &mut progress) => match failed? {},
    };
    progress.reached(rounds)?;
    let logbook = client.entity::<Logbook>(&name).state().await?.unwrap_or_default();
    let last: Vec<HistoryEvent> = run.history().try_collect().await?;
    runtime.shutdown().await?;

    report::print_log(&logbook.notes, outages, options.json)?;
    eprintln!("{} events of the last round are all its history", last.len());
    eprintln!("the log is in {}", options.data.display());
    check(rounds, &logbook.notes, last.len()).await
}

/// Shows the round, for as long as there are more.
async fn glance(run: &Run<monitor>, progress: &mut Progress) -> Result<Infallible, Error> {
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        glances.tick().await;
        progress.reached(run.status().await?.custom_status()?.unwrap_or_default())?;
    }
}

/// Requires that each round was logged once, in its turn and with what was seen, and that no history grows.
async fn check(rounds: u64, notes: &[Note], events: usize) -> Result<(), Error> {
    for (round, note) in (1..=rounds).zip(notes) {
        let expected = Note { round, reading: look::run(round).await };
        if *note != expected {
            return Err(Error::Mislogged { note: *note, expected });
        }
    }
    if notes.len() as u64 != rounds {
        return Err(Error::Miscounted { rounds, logged: notes.len() });
    }
    if events > EVENTS_MAX { Err(Error::Grown { events }) } else { Ok(()) }
}

/// Why there was no watch, or a bad one.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `monitor --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{note:?} is in the log, it should be {expected:?}")]
    Mislogged { note: Note, expected: Note },
    #[error("{logged} rounds are in the log, it should be {rounds}")]
    Miscounted { rounds: u64, logged: usize },
    #[error("the history of the last round has {events} events, at most {EVENTS_MAX} are its own")]
    Grown { events: usize },
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
            | Self::Mislogged { .. }
            | Self::Miscounted { .. }
            | Self::Grown { .. }
            | Self::Output(_)
            | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}
