//! The batch: an orchestration that works through many items, so many at a time.

use sarsen::{CallError, Context, activity, durable::Completions, orchestration};
use serde::{Deserialize, Serialize};

/// How many items there are to a step of the progress.
pub const STEP: u64 = 100;

/// How many items there are, and how many are worked on at a time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Batch {
    pub items: u64,
    pub window: usize,
}

/// A number, and how many steps of Collatz's lead from it to 1: halve what is even, else take three times and one more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    pub from: u64,
    pub steps: u64,
}

/// What all paths together come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub paths: u64,
    pub steps: u64,
    pub longest: Path,
}

impl Summary {
    /// Adds a path. In whatever order they come, they come to the same.
    pub fn add(&mut self, path: Path) {
        self.paths += 1;
        self.steps += path.steps;
        let (longest, from) = (self.longest.steps, self.longest.from);
        if path.steps > longest || path.steps == longest && path.from < from {
            self.longest = path;
        }
    }
}

/// The work for one item.
#[activity]
pub async fn walk(from: u64) -> Path {
    let mut at = from;
    let mut steps = 0;
    while at > 1 {
        at = if at.is_multiple_of(2) { at / 2 } else { 3 * at + 1 };
        steps += 1;
    }
    Path { from, steps }
}

/// Walks from each number. Whenever one walk ends the next one begins, and the custom status tells how many have ended.
#[orchestration]
pub async fn work_through(cx: Context, batch: Batch) -> Result<Summary, CallError> {
    let walks = (1..=batch.items).map(|from| cx.activity(walk, from));
    let mut running = Completions::windowed(walks, batch.window);
    let mut summary = Summary::default();
    while let Some(path) = running.next().await {
        summary.add(path?);
        if summary.paths.is_multiple_of(STEP) {
            cx.set_status(&summary.paths)?;
        }
    }
    Ok(summary)
}
