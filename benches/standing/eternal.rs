//! An orchestration that begins anew, again and again.

use crate::{
    Error,
    arguments::Options,
    figures::Figures,
    filling, open,
    rows::{self, Rows},
    usage::peak_bytes,
};
use sarsen::{CallError, Context, EventError, orchestration};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What part of all executions is compared with all of them.
const PART: u64 = 100;

/// How often it is looked how far it has got.
const GLANCE: Duration = Duration::from_millis(5);

/// Sets its status and begins anew until it has done so often enough.
#[orchestration]
pub(crate) async fn eternal(cx: Context, done: u64, count: u64) -> Result<u64, CallError> {
    if done == count {
        // It is looked at while it is under way, as one that never ends would be.
        let _never: Result<(), EventError> = cx.event("never").await;
    }
    cx.set_status(&done)?;
    cx.continue_as_new(&(done + 1, count)).await
}

/// Lets it begin anew, and leaves it waiting.
pub(crate) async fn fill(options: &Options) -> Result<Figures, Error> {
    let runtime = open(options).await?;
    let begun = Instant::now();
    let run = runtime.client().start(eternal, (0, options.count)).await?;
    while run.status().await?.custom_status::<u64>()? != Some(options.count - 1) {
        sleep(GLANCE).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    runtime.shutdown().await?;
    let mut figures = Figures::default();
    figures.add("seconds", seconds);
    figures.add("resident_bytes_peak", peak_bytes());
    Ok(figures)
}

/// Compares the store after many executions with one after few.
pub(crate) fn measure(options: &Options) -> Result<Figures, Error> {
    let mut figures = Figures::of(options);
    for (name, count) in [("part", options.count / PART), ("all", options.count)] {
        filling::empty(options)?;
        let printed = filling::by_another_process(&Options { count, ..options.clone() })?;
        let Rows { count: rows, bytes } = rows::count(options)?;
        let named = |figure: &str| format!("{figure}_{name}");
        figures.add(&named("executions"), count);
        for (figure, value) in printed {
            figures.add(&named(&figure), value);
        }
        figures.add(&named("rows"), rows);
        figures.add(&named("row_bytes"), bytes);
        figures.add(&named("file_bytes"), file_bytes(&options.data));
    }
    Ok(figures)
}

/// The bytes of all files of a folder.
fn file_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(of) if of.is_dir() => file_bytes(&entry.path()),
        Ok(of) => of.len(),
        Err(_) => 0,
    });
    bytes.sum()
}
