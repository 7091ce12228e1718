//! What is shown: the rounds and what was seen in them.

use crate::watching::{Note, Reading};
use serde_json::json;
use std::io::{self, Write};

/// How many rounds are over: lines with `--json`, otherwise nothing.
pub struct Progress {
    round: u64,
    json: bool,
}

impl Progress {
    pub fn new(json: bool) -> Self {
        Self { round: 0, json }
    }

    /// So many rounds are over.
    pub fn reached(&mut self, round: u64) -> io::Result<()> {
        while self.json && self.round < round {
            self.round += 1;
            print([json!({ "round": self.round })])?;
        }
        Ok(())
    }
}

/// Prints the log, for eyes or as JSON.
pub fn print_log(notes: &[Note], outages: u64, json: bool) -> io::Result<()> {
    if json {
        let rows = notes.iter().map(|note| json!({ "logged": note.round, "reading": note.reading }));
        return print(rows.chain([json!({ "rounds": notes.len(), "outages": outages })]));
    }
    let rows = notes.iter().map(|Note { round, reading }| match reading {
        Reading::Up => format!("round {round:3}  up"),
        Reading::Down => format!("round {round:3}  down"),
    });
    print(rows.chain([format!("{} rounds, down in {outages}", notes.len())]))
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
