//! The rows of the table.

use crate::statistics::{hundredths, tenths, whole};
use serde_json::json;

/// What one contestant did over so many counters: medians of the rounds.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) entities: usize,
    pub(crate) in_flight: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// sarsen's operations per second over its own.
    pub(crate) sarsen_over_it: f64,
}

impl Row {
    pub(crate) const HEADINGS: &'static str =
        "counters  contestant  version  in flight       per s     p50 us     p99 us  sarsen/it";

    pub(crate) fn to_line(&self) -> String {
        let Self { name, entities, in_flight, .. } = self;
        format!(
            "{entities:>8}  {name:10}  {:7}  {in_flight:>9}  {:>10}  {:>9.1}  {:>9.1}  {:>9.2}",
            version(name),
            whole(self.per_second),
            self.p50_us,
            self.p99_us,
            self.sarsen_over_it
        )
    }

    pub(crate) fn to_json(&self) -> String {
        json!({
            "contestant": self.name,
            "version": version(self.name),
            "entities": self.entities,
            "in_flight": self.in_flight,
            "ops_per_s": whole(self.per_second),
            "p50_us": tenths(self.p50_us),
            "p99_us": tenths(self.p99_us),
            "sarsen_over_it": hundredths(self.sarsen_over_it),
        })
        .to_string()
    }
}

/// A package's version, as this package's lock file has it.
fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let behind = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).map(|(_, behind)| behind);
    behind.and_then(|behind| behind.split('"').next()).unwrap_or("unknown")
}
