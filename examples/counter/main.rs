//! Counts the words of text files in durable entities.
//!
//! ```text
//! cargo run --release --example counter -- README.md
//! ```
//!
//! Each word has a [`Counter`] entity of its own, and each occurrence of a word is a durable signal to it: when it is
//! acknowledged, it is on disk, and no crash can lose it or count it twice. Kill the process at any moment, run it
//! again with `--resume`, and every count is exact. `counter --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod counts;
mod entities;
mod report;
mod run;
mod text;
mod words;

use arguments::{Command, Options};
use counts::Counts;
use entities::{Counter, Run};
use report::Progress;
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, ops::RangeInclusive, path::Path, process::ExitCode, time::Duration};
use text::Text;

/// How long after its interruption a run can be resumed.
const RESUMABLE_FOR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many runs may add to a counter in that time.
const RUNS_MAX: usize = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Count(options)) => count(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counter: {error}");
            error.exit_code()
        }
    }
}

/// Counts the words of the files on top of what was counted before.
async fn count(options: &Options) -> Result<(), Error> {
    let texts = Text::survey(&options.files)?;

    let runtime = open(&options.data).await?;
    let client = runtime.client();
    let run =
        if options.resume { run::resume(&client, texts).await? } else { run::begin(&client, texts).await? };
    let progress = Progress::of(&run, options.json);
    run::send(&client, &run, options.in_flight, &progress).await?;
    // Finishes what is on disk but still waits in mailboxes.
    runtime.shutdown().await?;
    let speed = progress.finish(&run);

    let runtime = open(&options.data).await?;
    let client = runtime.client();
    let counts = Counts::read_back(&client).await?;
    counts.check(run::words_expected(&client).await?)?;
    report::print_top(&counts.top, options.json)?;
    eprintln!("{speed}");
    eprintln!("the counters are in {}", options.data.display());
    client.entity::<Run>(run.name()).finish().await?;
    runtime.shutdown().await?;
    Ok(())
}

async fn open(data: &Path) -> Result<Runtime, OpenError> {
    Runtime::builder()
        .entity::<Counter>()
        .entity::<Run>()
        .limits(|limits| {
            // Each counter remembers the runs that it has seen, so that they can be resumed.
            limits.producers_max = RUNS_MAX;
            limits.key_retention = RESUMABLE_FOR;
        })
        .open(data)
        .await
}

/// Why nothing, not everything or the wrong thing was counted.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `counter --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Text(#[from] text::Error),
    #[error("there is no unfinished run: begin one without --resume")]
    NothingToResume,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("a text was changed while it was being counted")]
    ChangedMeanwhile,
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{counted} words are counted, it should be {}", between(expected))]
    Miscounted { counted: u64, expected: RangeInclusive<u64> },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Text(_) | Self::NothingToResume | Self::Open(_) => ExitCode::from(2),
            Self::ChangedMeanwhile
            | Self::Call(_)
            | Self::Miscounted { .. }
            | Self::Output(_)
            | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}

fn between(range: &RangeInclusive<u64>) -> String {
    let (least, most) = (range.start(), range.end());
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}
