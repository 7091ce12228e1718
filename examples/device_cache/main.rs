//! Keeps the last reading of many devices, each an entity that leaves memory when nobody needs it.
//!
//! ```text
//! cargo run --release --example device_cache
//! cargo run --release --example device_cache -- --devices 1000000
//! ```
//!
//! A [`Device`] is read by an asynchronous operation, which waits off its shard, and keeps the reading. There are many more
//! devices than fit into the cache; any of them answers, from disk if it must. A [`Visitor`] is forgotten by its time to
//! live. In the end devices here and there are asked: each says its reading, and was read once since the begin, also when the
//! process before was killed. And the memory that the process had at most is compared with what it may have.
//! `device_cache --help` tells the rest.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod arguments;
mod devices;
mod memory;
mod report;
mod run;

use arguments::{Command, Options};
use devices::{Device, ReadError, Visitor};
use report::{Progress, Sums};
use sarsen::{CallError, OpenError, Runtime, ShutdownError};
use std::{io, process::ExitCode, time::Duration};

/// How long an entity stays in memory when nobody asks.
const IDLE_AFTER: Duration = Duration::from_millis(500);

/// How many faults are told.
const FAULTS_TOLD: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Report(options)) => report_readings(&options).await,
        Ok(Command::Help) => report::print([arguments::HELP.trim_end()]).map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("device_cache: {error}");
            error.exit_code()
        }
    }
}

async fn report_readings(options: &Options) -> Result<(), Error> {
    let runtime = Runtime::builder()
        .entity::<Device>()
        .entity::<Visitor>()
        .cache_bytes(options.cache_bytes)
        .limits(|limits| limits.idle_after = IDLE_AFTER)
        .open(&options.data)
        .await?;
    let client = runtime.client();
    let devices = options.devices.get();
    let samples = run::sample(&client, devices).await?;
    let progress = Progress::of(devices + options.visitors, options.json);
    run::report_all(&client, (devices, options.visitors), options.in_flight, &progress).await?;
    let speed = progress.finish(devices + options.visitors);
    let mut faults = run::ask_again(&client, &samples).await?;
    let visitors = run::await_forgetting(&client).await?;
    let active = run::await_unload(&client).await?;
    let found = run::count(&client).await?;
    runtime.shutdown().await?;

    let (peak_bytes, allowed_bytes) = (memory::peak_bytes(), memory::allowed(options.cache_bytes));
    let asked = samples.len();
    let sums = Sums { devices: found, asked, active, visitors, peak_bytes, allowed_bytes };
    report::print_sums(&sums, options.json)?;
    eprintln!("{speed}");
    eprintln!("the readings are in {}", options.data.display());
    faults.extend(sums.faults(devices));
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults { faults }) }
}

impl Sums {
    /// What is not as it should be after the reports of so many devices.
    fn faults(&self, devices: u64) -> Vec<String> {
        let mut faults = Vec::new();
        if self.devices < devices {
            faults.push(format!("{} devices have a reading, of {devices}", self.devices));
        }
        if self.visitors > 0 {
            faults.push(format!("{} visitors are still remembered", self.visitors));
        }
        if self.active > 0 {
            faults.push(format!("{} entities have not left memory", self.active));
        }
        if let Some(peak) = self.peak_bytes.filter(|peak| *peak > self.allowed_bytes) {
            faults.push(format!("{peak} bytes were resident, {} are allowed", self.allowed_bytes));
        }
        faults
    }
}

/// Why devices were not read, or not as they should be.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; try `device_cache --help`")]
    Arguments(#[from] lexopt::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Read(#[from] ReadError),
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
            Self::Call(_) | Self::Read(_) | Self::Faults { .. } | Self::Output(_) | Self::Shutdown(_) => {
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_or_too_much_is_found_out() {
        let good =
            || Sums { devices: 5, asked: 2, active: 0, visitors: 0, peak_bytes: Some(9), allowed_bytes: 9 };
        let check = |change: fn(&mut Sums), part: &str| {
            let mut sums = good();
            change(&mut sums);
            let faults = sums.faults(5);
            assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
        };
        assert!(good().faults(5).is_empty());
        check(|sums| sums.devices = 4, "4 devices");
        check(|sums| sums.active = 1, "not left memory");
        check(|sums| sums.visitors = 3, "still remembered");
        check(|sums| sums.peak_bytes = Some(10), "10 bytes were resident");
    }
}
