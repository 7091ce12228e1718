//! Asks for approvals, waits for each answer until a deadline, and escalates what nobody has answered.
//!
//! ```text
//! cargo run --release --example approval
//! cargo run --release --example approval -- --keyboard
//! ```
//!
//! An [`approval`] waits for an event or a durable timer, whichever comes first. Kill the process while it waits and run
//! it again: nobody is asked twice who has been asked, and the deadline is what it was. `approval --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod deciding;
mod keyboard;
mod report;
mod run;
mod script;
mod verify;

use arguments::{Command, Options};
use deciding::{ApprovalError, approval, ask, escalate};
use futures::{StreamExt, TryStreamExt, stream};
use run::Asked;
use sarsen::{CallError, Client, OpenError, Runtime, ShutdownError};
use std::{io, pin::pin, process::ExitCode};

/// How many requests are watched at a time.
const WATCHED: usize = 256;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Ask(options)) => decide(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("approval: {error}");
            error.exit_code()
        }
    }
}

async fn decide(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .orchestration(approval)
        .activity(ask)
        .activity(escalate)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let asked = if options.keyboard {
        vec![run::by_keyboard(&client, options.deadline).await?]
    } else {
        all_scripted(&client, options).await?
    };
    runtime.shutdown().await?;

    report::print_decisions(&asked, options.json)?;
    eprintln!("the requests are in {}", options.data.display());
    match asked.iter().find_map(verify::fault) {
        Some(fault) => Err(Error::Misdecided { fault }),
        None => Ok(()),
    }
}

async fn all_scripted(client: &Client, options: &Options) -> Result<Vec<Asked>, Error> {
    let numbers = stream::iter(1..=options.requests.get());
    let requests =
        numbers.map(|number| run::scripted(client, number, options.deadline)).buffer_unordered(WATCHED);
    let mut requests = pin!(requests);
    let mut asked = Vec::new();
    while let Some(one) = requests.try_next().await? {
        asked.push(one);
        report::print_progress(asked.len(), options.json)?;
    }
    asked.sort_by_key(|one| one.number);
    Ok(asked)
}

/// Why requests were not decided, or wrongly.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `approval --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("a request failed: {0}")]
    Approval(#[from] ApprovalError),
    #[error("{fault}")]
    Misdecided { fault: String },
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
            | Self::Approval(_)
            | Self::Misdecided { .. }
            | Self::Output(_)
            | Self::Shutdown(_) => ExitCode::FAILURE,
        }
    }
}
