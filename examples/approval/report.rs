//! What is shown: how many requests are decided, and how.

use crate::{deciding::Decision, run::Asked};
use serde_json::json;
use std::io::{self, Write};

/// Tells that so many requests are decided, to programs.
pub fn print_progress(decided: usize, json: bool) -> io::Result<()> {
    if json { print([json!({ "decided": decided })]) } else { Ok(()) }
}

/// Prints the decisions, for eyes or as JSON.
pub fn print_decisions(asked: &[Asked], json: bool) -> io::Result<()> {
    print(asked.iter().map(|Asked { what, decided, .. }| {
        let (decision, who) = match &decided.decision {
            Decision::Approved { by } => ("approved", by),
            Decision::Rejected { by } => ("rejected", by),
            Decision::Escalated { to } => ("escalated", to),
        };
        let waited = decided.waited.as_millis();
        if json {
            let ms = u64::try_from(waited).unwrap_or(u64::MAX);
            return json!({ "what": what, "decision": decision, "who": who, "waited_ms": ms }).to_string();
        }
        let preposition = if decision == "escalated" { "to" } else { "by" };
        format!("{what}: {decision} {preposition} {who} after {waited} ms")
    }))
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
