//! What is shown: the progress, the breaker's changes, the sums.

use crate::{breaker::Phase, verify::Records};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, Write};

/// How many orders there are to a line of the progress.
const STEP: u64 = 20;

/// How many orders are charged: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
}

impl Progress {
    pub fn of(orders: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} orders, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(orders), target)
            .with_style(style.expect("the template is well formed"));
        Self { bar, json }
    }

    /// So many orders are charged.
    pub fn charged(&self, orders: u64) -> io::Result<()> {
        self.bar.set_position(orders);
        let told = self.json && orders.is_multiple_of(STEP);
        if told { print([json!({ "charged": orders })]) } else { Ok(()) }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Prints the breaker's changes and the sums, for eyes or as JSON.
pub fn print_records(records: &Records, json: bool) -> io::Result<()> {
    let changes = &records.breaker.changes;
    let begin = changes.first().map(|change| change.at);
    for change in changes {
        let after = begin.map_or(0, |begin| change.at.since(begin).as_millis());
        let phase = match change.to {
            Phase::Closed { .. } => "closed",
            Phase::Open { .. } => "open",
            Phase::HalfOpen { .. } => "half open",
        };
        if json {
            print([json!({ "phase": phase, "after_ms": u64::try_from(after).unwrap_or(u64::MAX) })])?;
        } else {
            print([format!("{after:9}  ms behind the first change: {phase}")])?;
        }
    }
    let (charged, calls) = (records.payments.charged.len(), records.payments.calls);
    let refused = records.payments.refused.len();
    if json {
        return print([json!({ "orders": charged, "calls": calls, "refused": refused })]);
    }
    print([
        format!("{charged:9}  orders charged, each once"),
        format!("{calls:9}  calls of the service"),
        format!("{refused:9}  of them while it was down: the breaker kept the others off"),
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
