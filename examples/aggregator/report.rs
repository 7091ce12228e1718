//! What is shown: the progress, the sums.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, Write};

/// How many notifications there are to a line of the progress.
const STEP: u64 = 100;

/// How many notifications are sent: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
}

impl Progress {
    pub fn of(notifications: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} notifications, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(notifications), target)
            .with_style(style.expect("the template is well formed"));
        Self { bar, json }
    }

    /// So many notifications are sent.
    pub fn sent(&self, notifications: u64) -> io::Result<()> {
        self.bar.set_position(notifications);
        let told = self.json && notifications.is_multiple_of(STEP);
        if told { print([json!({ "sent": notifications })]) } else { Ok(()) }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Prints how many notifications became how many shipments, for eyes or as JSON.
pub fn print_sums(notifications: u64, parts: u64, shipments: u64, json: bool) -> io::Result<()> {
    if json {
        return print([json!({ "notifications": notifications, "parts": parts, "shipments": shipments })]);
    }
    print([
        format!("{notifications:9}  notifications"),
        format!("{parts:9}  parts that they told of"),
        format!("{shipments:9}  shipments, one for each order"),
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
