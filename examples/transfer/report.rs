//! What is shown: the progress, the sums, the speed.

use crate::{bank::Totals, run::Outcomes};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    io::{self, Write},
    time::Instant,
};

/// How many transfers there are to a line of the progress.
const STEP: u64 = 100;

/// How far the transfers have come: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    started: Instant,
}

impl Progress {
    pub fn of(transfers: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} transfers, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(transfers), target)
            .with_style(style.expect("the template is well formed"));
        Self { bar, json, started: Instant::now() }
    }

    /// So many transfers are over.
    pub fn done(&self, transfers: u64) -> io::Result<()> {
        self.bar.set_position(transfers);
        let told = self.json && transfers.is_multiple_of(STEP);
        if told { print([json!({ "done": transfers })]) } else { Ok(()) }
    }

    /// Takes the bar away and tells how fast it went.
    pub fn finish(self, outcomes: Outcomes) -> String {
        self.bar.finish_and_clear();
        let micros = self.started.elapsed().as_micros().max(1);
        let per_second = u128::from(outcomes.all()) * 1_000_000 / micros;
        format!("{} transfers, {per_second} transfers per second", outcomes.all())
    }
}

/// Prints what there was, what there is and what was moved, for eyes or as JSON.
pub fn print_sums(before: Totals, after: Totals, outcomes: Outcomes, json: bool) -> io::Result<()> {
    let Outcomes { moved, refused } = outcomes;
    if json {
        let sums =
            json!({ "before": before.money, "after": after.money, "moved": moved, "refused": refused });
        return print([sums]);
    }
    let rows = [
        format!("{:9}  money before", before.money),
        format!("{:9}  money after", after.money),
        format!("{moved:9}  transfers moved it"),
        format!("{refused:9}  transfers were refused: the money was not there"),
    ];
    print(rows)
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
