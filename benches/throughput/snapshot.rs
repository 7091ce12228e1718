//! What the process has done so far.

use sarsen::{CallError, Client, Stats};
use std::{fs, time::Duration};

/// The kernel's unit of CPU time in `/proc`, the same on all its architectures.
const TICKS_PER_SECOND: u64 = 100;

pub(crate) struct Snapshot {
    pub(crate) stats: Stats,
    /// `None` where the system does not tell.
    pub(crate) cpu: Option<Duration>,
    pub(crate) tail_bytes: Option<u64>,
}

impl Snapshot {
    pub(crate) async fn take(client: &Client) -> Result<Self, CallError> {
        let stats = client.stats().await?;
        Ok(Self { tail_bytes: tail_bytes(&stats), stats, cpu: cpu_time() })
    }
}

/// Bytes of the journal that are not yet checkpointed.
#[expect(clippy::unnecessary_wraps, reason = "another store may not tell")]
fn tail_bytes(stats: &Stats) -> Option<u64> {
    Some(stats.tail_bytes)
}

/// The CPU time of this process, as Linux tells it: user and system time are the 14th and 15th word, of which the
/// second, the program's name in parentheses, may hold blanks.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = words.next()?.parse::<u64>().ok()? + words.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// The resident memory of this process in bytes, where the system tells.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

/// How many threads have wanted a processor in the last minute, on average, where the system tells.
pub(crate) fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
