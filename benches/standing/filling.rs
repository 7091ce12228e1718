//! The store is filled by a process of its own.

use crate::{Error, arguments::Options, usage};
use sarsen::CallError;
use serde_json::{Map, Value};
use std::{
    env, fs,
    future::Future,
    io,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{task::JoinSet, time::sleep};

/// How many requests wait for their answer while a store is filled.
const IN_FLIGHT: u64 = 4_096;

/// Empties the data directory.
pub(crate) fn empty(options: &Options) -> Result<(), Error> {
    match fs::remove_dir_all(&options.data) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Directory { data: options.data.clone(), source })
        }
        _ => Ok(()),
    }
}

/// Has this program fill the store, and returns the figures that it printed.
pub(crate) fn by_another_process(options: &Options) -> Result<Map<String, Value>, Error> {
    let not_filled = |what: String| Error::NotFilled { what };
    let program = env::current_exe().map_err(|error| not_filled(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["--fill", "--json", "--workload", options.workload.name()]);
    if let Some(due) = options.due {
        command.args(["--due", &due.to_string()]);
    }
    command.args(["--count", &options.count.to_string()]);
    command.args(["--cache-bytes", &options.cache_bytes.to_string()]).arg("--data").arg(&options.data);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_filled(error.to_string()))?;
    if !output.status.success() {
        return Err(not_filled(output.status.to_string()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| not_filled(error.to_string()))
}

/// Asks for so many things, many at a time, each again for as long as sarsen is busy.
pub(crate) async fn ask_for<F>(
    count: u64,
    ask: impl Fn(u64) -> F + Send + Sync + 'static,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), CallError>> + Send,
{
    let (ask, next) = (Arc::new(ask), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..IN_FLIGHT.min(count) {
        let (ask, next) = (Arc::clone(&ask), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<(), CallError>(());
                }
                while let Err(error) = ask(number).await {
                    match error {
                        CallError::Busy { retry_after, .. } => sleep(retry_after).await,
                        error => return Err(error),
                    }
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("a task does not panic")?;
    }
    eprintln!("{count} are there, {} bytes resident at most", usage::peak_bytes().unwrap_or_default());
    Ok(())
}
