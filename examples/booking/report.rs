//! What is shown: the expense report.

use crate::trips::{ExpenseReport, Trip, names};
use serde_json::json;
use std::io::{self, Write};

/// Prints what became of each trip, and what all cost, for eyes or as JSON.
pub fn print_report(trips: &[Trip], report: &ExpenseReport, json: bool) -> io::Result<()> {
    let ExpenseReport { trips: made, cost } = report;
    let rows = trips.iter().zip(made).map(|(Trip { to, .. }, made)| match made {
        Ok(trip) if json => json!({ "to": to, "booked": trip.booked, "cost": trip.cost }).to_string(),
        Err(error) if json => json!({ "to": to, "failed": error.to_string() }).to_string(),
        Ok(trip) => format!("{to}: {}, for {}", names(&trip.booked), trip.cost),
        Err(error) => format!("{to}: {error}"),
    });
    let sum = if json { json!({ "total": cost }).to_string() } else { format!("{cost} together") };
    print(rows.chain([sum]))
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
