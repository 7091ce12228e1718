//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

pub const HELP: &str = "\
Keeps the last reading of many devices, each an entity that leaves memory when nobody needs it.

usage: device_cache [--devices N] [--visitors N] [--in-flight N] [--cache-mb N] [--data DIR] [--json]

--devices N      how many devices report (default: 100000)
--visitors N     how many report once and are forgotten by their time to live (default: 200)
--in-flight N    how many reports are under way at a time (default: 1024)
--cache-mb N     the memory for entities and their store, in MB, at least 8 (default: 64)
--data DIR       where the readings live (default: `sarsen-device_cache` in the system's temporary folder). Devices that
                 are there report again
--json           on stdout, one object a line: {\"reported\":N} for every 5000 devices, then the sums
--help           this text

The sums go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed, a device answered wrongly or was not read once, a visitor was not forgotten, or more than
1.5 times the cache and 150 MB were resident (on Linux), 2 bad arguments or data directory.
";

/// The least memory with which there is room for what is under way.
const CACHE_MB_MIN: usize = 8;

/// What the command line asks for.
pub enum Command {
    Help,
    Report(Options),
}

pub struct Options {
    pub devices: NonZeroU64,
    pub visitors: u64,
    pub in_flight: NonZeroUsize,
    pub cache_bytes: usize,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            devices: NonZeroU64::new(100_000).expect("it is not zero"),
            visitors: 200,
            in_flight: NonZeroUsize::new(1_024).expect("it is not zero"),
            cache_bytes: 64_000_000,
            data: std::env::temp_dir().join("sarsen-device_cache"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("devices") => options.devices = parser.value()?.parse()?,
                Arg::Long("visitors") => options.visitors = parser.value()?.parse()?,
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("cache-mb") => options.cache_bytes = parser.value()?.parse_with(megabytes)?,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Report(options))
    }
}

fn megabytes(text: &str) -> Result<usize, &'static str> {
    let megabytes = text.parse().ok().filter(|megabytes| *megabytes >= CACHE_MB_MIN);
    megabytes.and_then(|megabytes: usize| megabytes.checked_mul(1_000_000)).ok_or("it is no number from 8 on")
}
