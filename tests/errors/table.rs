//! The rows of the table, and how they are checked.

use crate::told::{Advice, Told};
use std::thread;

/// A row of the table.
pub(crate) struct Row {
    pub(crate) case: &'static str,
    pub(crate) variant: &'static str,
    pub(crate) advice: Advice,
    pub(crate) provoke: fn() -> Told,
    pub(crate) text: &'static str,
}

/// Each row: case; variant, advice, provocation; text.
macro_rules! table {
    ($($case:literal; $variant:expr, $advice:ident, $provoke:path; $text:literal;)*) => {
        &[$($crate::table::Row {
            case: $case,
            variant: stringify!($variant),
            advice: $crate::told::Advice::$advice,
            provoke: || $crate::table::run($provoke()),
            text: $text,
        }),*]
    };
}

/// Runs a provocation as a program with one thread would.
pub(crate) fn run(provocation: impl Future<Output = Told>) -> Told {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build();
    tokio.expect("the system has threads").block_on(provocation)
}

impl Row {
    /// What is wrong with the row, if anything.
    fn complaint(&self) -> Option<String> {
        let Self { case, variant, advice, provoke, text } = self;
        let provoked = thread::Builder::new().name((*case).to_owned()).spawn(*provoke);
        let Ok(told) = provoked.expect("the system has threads").join() else {
            return Some(format!("{case}\n  was not provoked; see the panic of the thread of this name"));
        };
        let expected = format!("{variant}, {advice:?}\n            {text}");
        let actual = format!("{}, {:?}\n            {}", told.variant, told.advice, told.text);
        (expected != actual).then(|| format!("{case}\n  expected: {expected}\n  actual:   {actual}"))
    }
}

#[track_caller]
pub(crate) fn check(rows: &[Row]) {
    let complaints: Vec<String> = rows.iter().filter_map(Row::complaint).collect();
    assert!(
        complaints.is_empty(),
        "{} of {} rows do not hold:\n\n{}\n",
        complaints.len(),
        rows.len(),
        complaints.join("\n\n")
    );
}
