//! How many operations a second does sarsen do durably, and how long does each take?
//!
//! So many tasks do operations in a closed loop over one shared client: each waits for its answer before it asks for the
//! next. An operation is one of a counter, or an orchestration from its start to its result, which is checked.
//! Durability: every operation is synced to disk (fsync) before it is acknowledged. Keys: uniform, from [`SEED`]. Units:
//! microseconds from the first poll to the answer, p50 and p99 of one HDR histogram; bytes as the store hands them to
//! its files; CPU time of the whole process, clients included. One second of warm-up is not counted. Afterwards the
//! store is opened again, and what it holds is compared with what was acknowledged.
//!
//! What a figure is worth is told by what lies below it ([`floors`]), measured by turns with it ([`interleave`]), and by
//! whether it could have gone on for ever ([`steady`]).
//!
//! `cargo bench --bench throughput -- --help` names the options.

#![expect(clippy::print_stdout, reason = "the figures are the bench's output")]

mod accounts;
mod arguments;
mod ask;
mod bare_shard;
mod closed_loop;
mod cold;
mod counter;
mod figures;
mod fill;
mod floors;
mod interleave;
mod latencies;
mod measure;
mod place;
mod plot;
mod proof;
mod random;
mod raw_sync;
mod snapshot;
mod statistics;
mod steady;
mod steps;
mod svg;
mod work;

use accounts::{Account, bank};
use arguments::{Command, Options, Workload};
use closed_loop::SEED;
use counter::Counter;
use figures::Figures;
use measure::{Measured, measure};
use place::Place;
use sarsen::{CallError, OpenError, Runtime};
use std::{
    io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};
use steps::{chain5, fan20, hello, increment};
use work::Operation;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(command) => command,
        Err(error) => {
            eprintln!("throughput: {error}; try --help");
            return ExitCode::from(2);
        }
    };
    match bench(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(command: Command) -> Result<(), Error> {
    match command {
        Command::Help => Ok(()),
        Command::Once(options) => {
            let place = Place::new(&options)?;
            let data = &place.path;
            tell(&options, data);
            let figures = match options.workload {
                Workload::Operation(operation) => return run(data, operation, &options, false).await,
                Workload::Spread => return run(data, Operation::Signal, &options, true).await,
                Workload::Floors => floors::floors(data, &options).await?,
                Workload::Load => fill::fill(data, &options)?,
                Workload::Cold => cold::cold(data, &options).await?,
            };
            show(&options, &figures);
            Ok(())
        }
        Command::Interleave(operation, options) => {
            let place = Place::new(&options)?;
            let data = &place.path;
            tell(&options, data);
            show(&options, &interleave::interleave(data, operation, &options).await?);
            Ok(())
        }
        Command::Plot(folder, options) => {
            let place = Place::new(&options)?;
            let data = &place.path;
            warn_of_company();
            plot::plot(data, &folder, &options, |figures| show(&options, figures)).await
        }
    }
}

/// Measures, shows the figures, and fails if they cannot be kept up.
async fn run(data: &Path, operation: Operation, options: &Options, touch: bool) -> Result<(), Error> {
    let measured = once(data, operation, options, touch).await?;
    show(options, &Figures::of(options, &measured));
    match measured.tail {
        Some(tail) if tail.is_steady(options.measured) == Some(false) => {
            let [first, second] = tail.peaks;
            Err(Error::NotSteady { first, second })
        }
        _ => Ok(()),
    }
}

/// Measures, and checks that what was measured is on disk.
async fn once(data: &Path, operation: Operation, options: &Options, touch: bool) -> Result<Measured, Error> {
    let runtime = open(data, options).await?;
    let client = runtime.client();
    let before = proof::done(&client, operation).await?;
    let measured = measure(&client, operation, options, touch).await?;
    drop(client);
    runtime.shutdown().await?;
    proof::check(data, operation, options, before, measured.acknowledged).await?;
    Ok(measured)
}

async fn open(data: &Path, options: &Options) -> Result<Runtime, OpenError> {
    let mut builder = Runtime::builder()
        .entity::<Counter>()
        .entity::<Account>()
        .orchestration(hello)
        .orchestration(chain5)
        .orchestration(fan20)
        .orchestration(bank)
        .activity(increment)
        .shards(options.shards.get());
    if let Some(bytes) = options.cache_bytes {
        builder = builder.cache_bytes(bytes);
    }
    builder.open(data).await
}

fn tell(options: &Options, data: &Path) {
    eprintln!(
        "{} over {} entities, {} in flight, {} shards, fsync, seed {SEED}, data in {}",
        options.workload.name(),
        options.entities,
        options.in_flight,
        options.shards,
        data.display()
    );
    warn_of_company();
}

/// Who wants the processors beside the bench is measured with it: even a raw sync then waits for its turn.
#[expect(clippy::cast_precision_loss, reason = "there are few processors")]
fn warn_of_company() {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let load = snapshot::load_average().unwrap_or_default();
    if load > processors as f64 / 2.0 {
        eprintln!(
            "throughput: the machine is busy, load {load} on {processors} processors: the figures mean little"
        );
    }
}

fn show(options: &Options, figures: &Figures) {
    println!("{}", if options.json { figures.to_json() } else { figures.to_rows() });
}

/// Why there are no figures, or none that count.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot prepare `{}`: {source}", data.display())]
    Directory { data: PathBuf, source: io::Error },
    #[error("another bench holds `{}` and its data: wait for it, or give --data DIR", path.display())]
    InUse { path: PathBuf },
    #[error("cannot write and sync `{}`: {source}", path.display())]
    Floor { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`: {source}", path.display())]
    Picture { path: PathBuf, source: io::Error },
    #[error("`{}` is not empty: load into a new directory", data.display())]
    NotEmpty { data: PathBuf },
    #[error(transparent)]
    DataDirectory(#[from] sarsen_storage::DirectoryError),
    #[error(transparent)]
    Store(#[from] sarsen_storage::Error),
    #[error("the store has given the slots away")]
    Fenced,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Shutdown(#[from] sarsen::ShutdownError),
    #[error("an orchestration returned {found}, it should be {expected}")]
    Wrong { expected: String, found: String },
    #[error("counter {key} was not loaded: give `load` and `cold` the same --data and --entities")]
    NotLoaded { key: u64 },
    #[error("the accounts have {sum} together, it should be nothing")]
    Money { sum: i64 },
    #[error("{acknowledged} operations were acknowledged, {counted} are counted")]
    Miscounted { counted: u64, acknowledged: u64 },
    #[error("nothing was synced, or nothing done: the figures would mean nothing")]
    NotSynced,
    #[error(
        "not steady: up to {first} bytes were not yet checkpointed in the first half and up to {second} in the second, so the rate cannot be kept: it is bound by checkpoints, or needs more --seconds to settle"
    )]
    NotSteady { first: u64, second: u64 },
}
