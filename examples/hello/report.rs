//! What is shown: the greetings and the history.

use sarsen::HistoryEvent;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints the greetings, for eyes or as JSON.
pub fn print_greetings(greetings: &[String], json: bool) -> io::Result<()> {
    if json {
        return print(greetings.iter().map(|greeting| json!({ "greeting": greeting })));
    }
    print(greetings)
}

/// Prints a history event by event, for eyes or as JSON.
pub fn print_history(history: &[HistoryEvent], json: bool) -> io::Result<()> {
    let events = history.iter().map(|event| json!(event));
    if json {
        return print(events);
    }
    let begun = history.first().map(|event| event.timestamp);
    let rows = history.iter().zip(events).map(|(event, fields)| {
        let elapsed = event.timestamp.since(begun.unwrap_or_default());
        let kind = fields["eventType"].as_str().unwrap_or_default();
        format!("{:9.3} ms  {kind:19}  {}", elapsed.as_secs_f64() * 1_000.0, details(&fields))
    });
    print(rows)
}

/// What an event tells in few words.
fn details(fields: &Value) -> String {
    let told = ["name", "input", "result", "orchestrationStatus"];
    let told = told.iter().filter_map(|name| fields[*name].as_str());
    told.collect::<Vec<_>>().join("  ")
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
