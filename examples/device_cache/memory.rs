//! How much memory the process has had at most, where the system tells.

use std::fs;

/// What may be resident beside the cache and half of it: the program, threads, buffers, what is under way.
const BESIDE_BYTES: u64 = 150_000_000;

/// How many bytes may be resident with a cache of so many.
pub fn allowed(cache_bytes: usize) -> u64 {
    cache_bytes as u64 * 3 / 2 + BESIDE_BYTES
}

/// The most bytes that were resident up to now; Linux tells.
pub fn peak_bytes() -> Option<u64> {
    peak_of(&fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_where_it_stands() {
        assert_eq!(
            peak_of("Name:\ta\nVmPeak:\t  9000 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2_097_152)
        );
        assert_eq!(peak_of("Name:\ta\n"), None);
        assert_eq!(allowed(100_000_000), 300_000_000);
        if cfg!(target_os = "linux") {
            assert!(peak_bytes().is_some_and(|bytes| bytes > 1_000_000));
        }
    }
}
