//! What is shown: the progress, the summary, the speed.

use crate::batch::{STEP, Summary};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    io::{self, Write},
    time::Instant,
};

/// How far the batch has come: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    started: Instant,
    done_before: u64,
    done: u64,
}

impl Progress {
    /// The progress towards so many items, of which some are done already.
    pub fn of(items: u64, done: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} items, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(items), target)
            .with_style(style.expect("the template is well formed"))
            .with_position(done);
        bar.reset_eta();
        Self { bar, json, started: Instant::now(), done_before: done, done }
    }

    /// So many items are done.
    pub fn done(&mut self, items: u64) -> io::Result<()> {
        self.bar.set_position(items);
        while self.json && self.done / STEP < items / STEP {
            self.done = (self.done / STEP + 1) * STEP;
            print([json!({ "done": self.done })])?;
        }
        Ok(())
    }

    /// Takes the bar away and tells how fast it went.
    pub fn finish(self, items: u64) -> String {
        self.bar.finish_and_clear();
        let items = items.saturating_sub(self.done_before);
        let elapsed = self.started.elapsed();
        let per_second = u128::from(items) * 1_000_000 / elapsed.as_micros().max(1);
        format!("{items} items in {} ms, {per_second} items per second", elapsed.as_millis())
    }
}

/// Prints the summary, for eyes or as JSON.
pub fn print_summary(summary: &Summary, json: bool) -> io::Result<()> {
    if json {
        return print([json!(summary)]);
    }
    let Summary { paths, steps, longest } = summary;
    print([
        format!("{paths} numbers lead to 1 in {steps} steps together"),
        format!("the longest path is that from {}, with {} steps", longest.from, longest.steps),
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
