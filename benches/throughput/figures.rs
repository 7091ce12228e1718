//! The figures and how they are shown.

use crate::{arguments::Options, load::Measured};
use serde_json::{Map, Value, json};

/// The figures with their names.
pub(crate) struct Figures([(&'static str, Value); 11]);

impl Figures {
    /// `None` when nothing was done or nothing was synced.
    #[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
    pub(crate) fn of(options: &Options, measured: &Measured) -> Option<Self> {
        if measured.latencies.is_empty() || measured.syncs == 0 {
            return None;
        }
        let operations = measured.latencies.len() as f64;
        let seconds = measured.elapsed.as_secs_f64();
        let cpu = measured.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / operations);
        Some(Self([
            ("workload", json!(options.workload.name())),
            ("entities", json!(options.entities)),
            ("in_flight", json!(options.in_flight)),
            ("shards", json!(options.shards)),
            ("durability", json!("fsync")),
            (
                "ops_per_s",
                json!(u128::from(measured.latencies.len()) * 1_000_000 / measured.elapsed.as_micros()),
            ),
            ("p50_us", json!(measured.latencies.value_at_quantile(0.5))),
            ("p99_us", json!(measured.latencies.value_at_quantile(0.99))),
            ("bytes_written_per_op", json!(tenths(measured.bytes_written as f64 / operations))),
            ("syncs_per_s", json!(tenths(measured.syncs as f64 / seconds))),
            ("cpu_us_per_op", json!(cpu.map(tenths))),
        ]))
    }

    pub(crate) fn to_json(&self) -> String {
        let object: Map<String, Value> =
            self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Value::Object(object).to_string()
    }

    pub(crate) fn to_rows(&self) -> String {
        let rows: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name:20}  {}", plain(value))).collect();
        rows.join("\n")
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
