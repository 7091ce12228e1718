//! What is shown: the progress, the sums.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    io::{self, Write},
    time::Instant,
};

/// How many devices there are to a line of the progress.
const STEP: u64 = 5_000;

/// How many devices have reported: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    started: Instant,
}

impl Progress {
    pub fn of(devices: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} devices, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(devices), target)
            .with_style(style.expect("the template is well formed"));
        Self { bar, json, started: Instant::now() }
    }

    /// So many devices have reported.
    pub fn reported(&self, devices: u64) -> io::Result<()> {
        self.bar.set_position(devices);
        let told = self.json && devices.is_multiple_of(STEP);
        if told { print([json!({ "reported": devices })]) } else { Ok(()) }
    }

    /// Takes the bar away and tells how fast it went.
    pub fn finish(self, devices: u64) -> String {
        self.bar.finish_and_clear();
        let per_second = u128::from(devices) * 1_000_000 / self.started.elapsed().as_micros().max(1);
        format!("{per_second} readings per second")
    }
}

/// What a run came to.
pub struct Sums {
    pub devices: u64,
    pub asked: usize,
    /// How many entities are still in memory, and how many visitors are remembered.
    pub active: u64,
    pub visitors: usize,
    /// How many bytes were resident at most, if the system tells, and how many may have been.
    pub peak_bytes: Option<u64>,
    pub allowed_bytes: u64,
}

/// Prints the sums, for eyes or as JSON.
pub fn print_sums(sums: &Sums, json: bool) -> io::Result<()> {
    let Sums { devices, asked, active, visitors, peak_bytes, allowed_bytes } = sums;
    if json {
        let memory = json!({ "peak_bytes": peak_bytes, "allowed_bytes": allowed_bytes });
        let counts = json!({ "devices": devices, "asked": asked, "active": active, "visitors": visitors });
        return print([counts, memory]);
    }
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let peak = peak_bytes.map_or("?".to_owned(), |bytes| megabytes(bytes).to_string());
    print([
        format!("{devices:9}  devices have a reading"),
        format!("{asked:9}  of them were asked for it"),
        format!("{active:9}  entities are still in memory when nobody asks"),
        format!("{visitors:9}  visitors are still remembered"),
        format!("{peak:>9}  MB were resident at most, {} are allowed", megabytes(*allowed_bytes)),
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
