//! Figures and how they are shown.

use crate::arguments::Options;
use hdrhistogram::Histogram;
use serde_json::{Map, Value};
use std::time::Duration;

/// Figures with their names, in the order in which they are shown.
#[derive(Default)]
pub(crate) struct Figures(Vec<(String, Value)>);

impl Figures {
    /// What is measured under which options.
    pub(crate) fn of(options: &Options) -> Self {
        let mut figures = Self::default();
        figures.add("workload", options.workload.name());
        figures.add("count", options.count);
        figures.add("cache_bytes", options.cache_bytes);
        figures
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds those of another process, which it has printed.
    pub(crate) fn add_printed(&mut self, printed: &Map<String, Value>) {
        self.0.extend(printed.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    pub(crate) fn to_json(&self) -> String {
        let object: Map<String, Value> = self.0.iter().cloned().collect();
        Value::Object(object).to_string()
    }

    pub(crate) fn to_rows(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let rows: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name:width$}  {}", plain(value))).collect();
        rows.join("\n")
    }
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Latencies, in microseconds.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn note(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn micros(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_max(60_000_000, 3).expect("the bounds are in order"))
    }
}
