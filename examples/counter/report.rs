//! What is shown: the progress, the top ten, the speed.

use crate::entities::Run;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    fmt,
    io::{self, Write},
    time::{Duration, Instant},
};

/// How far a run has come: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    started: Instant,
    started_at: u64,
}

impl Progress {
    /// The progress of a run from its place on.
    pub fn of(run: &Run, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} words, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(run.words()), target)
            .with_style(style.expect("the template is well formed"))
            .with_position(run.place);
        bar.reset_eta();
        Self { bar, json, started: Instant::now(), started_at: run.place }
    }

    /// The first `words` words of the run are on disk.
    pub fn acknowledged(&self, words: u64) -> io::Result<()> {
        self.bar.set_position(words);
        if self.json { print([json!({ "acknowledged": words })]) } else { Ok(()) }
    }

    /// Takes the bar away and tells how fast the words went.
    pub fn finish(self, run: &Run) -> Speed {
        self.bar.finish_and_clear();
        Speed { words: run.words() - self.started_at, elapsed: self.started.elapsed() }
    }
}

/// How many words were counted in which time.
pub struct Speed {
    words: u64,
    elapsed: Duration,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = u128::from(self.words) * 1_000_000 / self.elapsed.as_micros().max(1);
        write!(f, "{} words, {per_second} words per second", self.words)
    }
}

/// Prints the top ten, for eyes or as JSON.
pub fn print_top(top: &[(String, u64)], json: bool) -> io::Result<()> {
    if json {
        return print(top.iter().map(|(word, count)| json!({ "word": word, "count": count })));
    }
    let width = top.iter().map(|(word, _)| word.chars().count()).max().unwrap_or(0);
    let digits = top.first().map_or(0, |(_, count)| count.to_string().len());
    print(top.iter().map(|(word, count)| format!("{word:width$}  {count:digits$}")))
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
