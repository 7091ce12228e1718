//! Makes matches between players, with many workers at a time and no player in two games at once.
//!
//! ```text
//! cargo run --release --example matchmaking
//! ```
//!
//! A [`worker`] locks a set of players, checks that they are free, and seats them at a new game: between check and
//! seat nobody else can. Kill the process at any moment and run it again: the workers go on inside their matches. In the
//! end the players' own records are checked. With `--without-locks` the same workers meet over the same players, and the
//! check finds who was in two games at once. `matchmaking --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod entities;
mod evening;
mod ratings;
mod report;
mod verify;
mod work;

use arguments::{Command, Options};
use entities::{Game, Lobby, Player};
use report::Progress;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode};
use verify::Records;
use work::{referee, worker};

/// How many faults are told.
const FAULTS_TOLD: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Play(options)) => play(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("matchmaking: {error}");
            error.exit_code()
        }
    }
}

async fn play(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Lobby>()
        .entity::<Player>()
        .entity::<Game>()
        .orchestration(worker)
        .activity(referee)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let lobby = client.entity::<Lobby>(Lobby::KEY).invite(options.players, options.matches).await?;
    let mut progress = Progress::of(lobby.matches, lobby.finished, options.json);
    evening::play(&client, options.workers.get(), options.job, &mut progress).await?;
    let records = Records::read_back(&client).await?;
    progress.finished(records.lobby.finished)?;
    let speed = progress.finish(records.lobby.finished);
    runtime.shutdown().await?;

    report::print_table(&records, options.json)?;
    eprintln!("{speed}");
    eprintln!("the players are in {}", options.data.display());
    let faults = records.faults();
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults { faults }) }
}

/// Why matches were not made, or not as they should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `matchmaking --help`")]
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
