//! What is shown: the progress, the sums.

use crate::{run::Sums, verify::Records};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, Write};

/// How many rides there are to a line of the progress.
const STEP: u64 = 20;

/// How many rides are over: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
}

impl Progress {
    pub fn of(rides: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} rides, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(rides), target)
            .with_style(style.expect("the template is well formed"));
        Self { bar, json }
    }

    /// So many rides are over.
    pub fn arrived(&self, rides: u64) -> io::Result<()> {
        self.bar.set_position(rides);
        let told = self.json && rides.is_multiple_of(STEP);
        if told { print([json!({ "arrived": rides })]) } else { Ok(()) }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Prints who rode and how drivers were found, for eyes or as JSON.
pub fn print_sums(sums: &Sums, records: &Records, json: bool) -> io::Result<()> {
    let Sums { rides, asked, timeouts } = sums;
    let (riders, drivers) = (records.riders.len(), records.drivers.len());
    if json {
        let people = json!({ "rides": rides, "riders": riders, "drivers": drivers });
        return print([people, json!({ "asked": asked, "timeouts": timeouts })]);
    }
    print([
        format!("{rides:9}  rides of {riders} riders with {drivers} drivers"),
        format!("{asked:9}  times a driver was asked"),
        format!("{timeouts:9}  times the locks were not to be had in time, and another was asked"),
    ])
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
