//! Figures and how they are shown.

use crate::{
    arguments::Options,
    latencies::micros,
    measure::Measured,
    statistics::{tenths, whole},
};
use serde_json::{Map, Value, json};

/// Figures with their names, in the order in which they are shown.
#[derive(Default)]
pub(crate) struct Figures(Vec<(&'static str, Value)>);

impl Figures {
    pub(crate) fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    /// What was measured under which options.
    pub(crate) fn options(options: &Options) -> Self {
        let mut figures = Self::default();
        figures.add("workload", options.workload.name());
        figures.add("entities", json!(options.entities));
        figures.add("in_flight", json!(options.in_flight));
        figures.add("shards", json!(options.shards));
        figures.add("cache_bytes", json!(options.cache_bytes));
        figures.add("durability", "fsync");
        figures
    }

    /// The figures of one run.
    #[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
    pub(crate) fn of(options: &Options, measured: &Measured) -> Self {
        let done = &measured.done;
        let operations = done.latencies.len() as f64;
        let tail = measured.tail;
        let mut figures = Self::options(options);
        figures.add("seconds", tenths(done.elapsed.as_secs_f64()));
        figures.add("ops_per_s", whole(done.per_second()));
        figures.add("lowest_second_per_s", whole(done.lowest_second()));
        figures.add("p50_us", micros(&done.latencies, 0.5));
        figures.add("p99_us", micros(&done.latencies, 0.99));
        figures.add("bytes_written_per_op", tenths(measured.bytes_written() as f64 / operations));
        figures.add("syncs_per_s", tenths(measured.syncs() as f64 / done.elapsed.as_secs_f64()));
        figures.add(
            "cpu_us_per_op",
            json!(measured.cpu().map(|cpu| tenths(cpu.as_secs_f64() * 1e6 / operations))),
        );
        figures.add("tail_bytes_start", json!(tail.map(|tail| tail.start)));
        figures.add("tail_bytes_middle", json!(tail.map(|tail| tail.middle)));
        figures.add("tail_bytes_end", json!(tail.map(|tail| tail.end)));
        figures.add("tail_bytes_peaks", json!(tail.map(|tail| tail.peaks)));
        figures.add("steady", json!(tail.and_then(|tail| tail.is_steady(options.measured))));
        figures
    }

    pub(crate) fn to_json(&self) -> String {
        let object: Map<String, Value> =
            self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
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
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
