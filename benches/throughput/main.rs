//! How many operations a second does sarsen do durably, and how long does each take?
//!
//! So many tasks do operations in a closed loop over one shared client: each waits for its answer before it asks for the
//! next. An operation is one of a counter, or an orchestration from its start to its result, which is checked.
//! Durability: every operation is synced to disk (fsync) before it is acknowledged. Keys: uniform, from [`SEED`]. Units:
//! microseconds from the first poll to the answer, p50 and p99 of one HDR histogram; bytes as the store hands them to
//! its files; CPU time of the whole process, clients included. One second of warm-up is not counted. Afterwards the
//! store is opened again, and what it holds is compared with what was acknowledged.
//!
//! `cargo bench --bench throughput -- --help` names the options.

#![expect(clippy::print_stdout, reason = "the figures are the bench's output")]

mod accounts;
mod arguments;
mod counter;
mod figures;
mod load;
mod proof;
mod random;
mod steps;
mod work;

use accounts::{Account, bank};
use arguments::{Command, Options};
use counter::Counter;
use figures::Figures;
use sarsen::{CallError, OpenError, Runtime};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};
use steps::{chain5, fan20, hello, increment};

/// Where the keys come from.
const SEED: u64 = 20_260_101;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Measure(options)) => options,
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("throughput: {error}; try --help");
            return ExitCode::from(2);
        }
    };
    match bench(&options).await {
        Ok(figures) => {
            println!("{}", if options.json { figures.to_json() } else { figures.to_rows() });
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, and checks that what was measured is on disk.
async fn bench(options: &Options) -> Result<Figures, Error> {
    let data = data_directory(options)?;
    eprintln!(
        "{} over {} entities, {} in flight, {} shards, fsync, seed {SEED}, data in {}",
        options.workload.name(),
        options.entities,
        options.in_flight,
        options.shards,
        data.display()
    );
    let runtime = open(&data, options).await?;
    let done_before = proof::done(&runtime.client(), options.workload).await?;
    let measured = load::run(&runtime.client(), options).await?;
    runtime.shutdown().await?;

    let runtime = open(&data, options).await?;
    let counted = proof::done(&runtime.client(), options.workload).await? - done_before;
    runtime.shutdown().await?;
    if counted != measured.acknowledged {
        return Err(Error::Miscounted { counted, acknowledged: measured.acknowledged });
    }
    Figures::of(options, &measured).ok_or(Error::NotSynced)
}

async fn open(data: &Path, options: &Options) -> Result<Runtime, OpenError> {
    Runtime::builder()
        .entity::<Counter>()
        .entity::<Account>()
        .orchestration(hello)
        .orchestration(chain5)
        .orchestration(fan20)
        .orchestration(bank)
        .activity(increment)
        .shards(options.shards.get())
        .open(data)
        .await
}

/// The directory that was asked for, or the default one, emptied.
fn data_directory(options: &Options) -> Result<PathBuf, Error> {
    if let Some(data) = &options.data {
        return Ok(data.clone());
    }
    let data = std::env::temp_dir().join("sarsen-throughput");
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Directory { data, source: error })
        }
        _ => Ok(data),
    }
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot empty `{}`: {source}", data.display())]
    Directory { data: PathBuf, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Shutdown(#[from] sarsen::ShutdownError),
    #[error("an orchestration returned {found}, it should be {expected}")]
    Wrong { expected: String, found: String },
    #[error("the accounts have {sum} together, it should be nothing")]
    Money { sum: i64 },
    #[error("{acknowledged} operations were acknowledged, {counted} are counted")]
    Miscounted { counted: u64, acknowledged: u64 },
    #[error("nothing was synced, or nothing done: the figures would mean nothing")]
    NotSynced,
}
