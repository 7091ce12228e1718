//! Works through a batch of items by activities, so many at a time, and shows how far it has come.
//!
//! ```text
//! cargo run --release --example fan_out -- --items 100000
//! ```
//!
//! One orchestration, [`work_through`], asks for all of them, by a stream of completions with a window: how many are
//! under way stays the same, whatever their number. Kill the process at any moment and run it again: what has ended has
//! ended, and only what was under way is done once more. `fan_out --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod batch;
mod report;

use arguments::{Command, Options};
use batch::{Batch, Summary, walk, work_through};
use report::Progress;
use sarsen::{CallError, OpenError, Reuse, Run, Runtime, ShutdownError};
use std::{convert::Infallible, io, process::ExitCode, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How many events a history has for an item: asked for, begun a turn for, ended.
const EVENTS_PER_ITEM: u64 = 4;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Work(options)) => work(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fan_out: {error}");
            error.exit_code()
        }
    }
}

async fn work(options: &Options) -> Result<(), Error> {
    let Batch { items, .. } = options.batch;
    let runtime = Runtime::builder()
        .orchestration(work_through)
        .activity(walk)
        // A history of its own size for each batch: the limit is there for those that forget to begin anew.
        .limits(|limits| {
            let needed = items.saturating_mul(EVENTS_PER_ITEM);
            limits.history_events_max = limits.history_events_max.max(needed);
        })
        .open(&options.data)
        .await?;
    let start = runtime.client().start(work_through, options.batch).id(format!("batch-of-{items}"));
    let run = start.reuse(Reuse::Return).await?;
    let mut progress = Progress::of(items, done(&run).await?, options.json);
    let summary = tokio::select! {
        ended = run.result() => ended??,
        failed = watch(&run, &mut progress) => match failed? {},
    };
    progress.done(summary.paths)?;
    let speed = progress.finish(items);
    runtime.shutdown().await?;

    report::print_summary(&summary, options.json)?;
    eprintln!("{speed}");
    eprintln!("the batch is in {}", options.data.display());
    check(items, summary).await
}

/// Shows how far the batch has come, for as long as it goes on.
async fn watch(run: &Run<work_through>, progress: &mut Progress) -> Result<Infallible, Error> {
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        glances.tick().await;
        progress.done(done(run).await?)?;
    }
}

/// How many items the run says that it has done.
async fn done(run: &Run<work_through>) -> Result<u64, CallError> {
    Ok(run.status().await?.custom_status()?.unwrap_or_default())
}

/// Requires that each number was walked from once: all of them, without sarsen, come to the same.
async fn check(items: u64, summary: Summary) -> Result<(), Error> {
    let mut expected = Summary::default();
    for from in 1..=items {
        expected.add(walk::run(from).await);
    }
    if summary == expected { Ok(()) } else { Err(Error::Miscounted { summary, expected }) }
}

/// Why the batch was not worked through, or not as it should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `fan_out --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the batch came to {summary:?}, it should be {expected:?}")]
    Miscounted { summary: Summary, expected: Summary },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Shutdown(#[from] ShutdownError),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Arguments(_) | Self::Open(_) => ExitCode::from(2),
            Self::Call(_) | Self::Miscounted { .. } | Self::Output(_) | Self::Shutdown(_) => {
                ExitCode::FAILURE
            }
        }
    }
}
