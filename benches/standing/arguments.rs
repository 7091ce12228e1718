//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{env, num::NonZeroU64, path::PathBuf, str::FromStr, time::Duration};

pub(crate) const HELP: &str = "\
What do very many things cost that only stand there?

usage: cargo bench --bench standing -- [--workload W] [--count N] [--due S] [--cache-bytes N] [--seconds S] [--json]
                                       [--data DIR]

--workload W     timers: delayed signals that wait (default); waiting: orchestrations that wait for an event;
                 eternal: executions of one orchestration that begins anew
--count N        how many there are (default: 1000000)
--due S          the delayed signals are due in S to 2 S seconds (default: 3600); the events are waited for S seconds
                 (default: for ever)
--cache-bytes N  as `Builder::cache_bytes` (default: 67108864)
--seconds S      for how long an idle store is watched (default: 20)
--json           the figures as one object a line
--data DIR       where the data lives (default: `sarsen-standing` in the system's temporary folder); emptied first
--test           few of them, and briefly: only to see that it works
--fill           only writes what is then measured: what the bench starts as a process of its own
--help           this text

The figures go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed, 2 bad arguments.
";

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Timers,
    Waiting,
    Eternal,
}

impl Workload {
    const ALL: [Self; 3] = [Self::Timers, Self::Waiting, Self::Eternal];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Timers => "timers",
            Self::Waiting => "waiting",
            Self::Eternal => "eternal",
        }
    }
}

impl FromStr for Workload {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|workload| workload.name() == name);
        named.ok_or("it is none of timers, waiting, eternal")
    }
}

pub(crate) enum Command {
    Help,
    Measure(Options),
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) workload: Workload,
    pub(crate) count: u64,
    /// In seconds.
    pub(crate) due: Option<u64>,
    pub(crate) cache_bytes: usize,
    pub(crate) watched: Duration,
    pub(crate) json: bool,
    pub(crate) data: PathBuf,
    /// Whether it is only to be seen that it works.
    pub(crate) short: bool,
    /// Whether this process writes what another one measures.
    pub(crate) fills: bool,
}

impl Command {
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            workload: Workload::Timers,
            count: 1_000_000,
            due: None,
            cache_bytes: 64 << 20,
            watched: Duration::from_secs(20),
            json: false,
            data: env::temp_dir().join("sarsen-standing"),
            short: false,
            fills: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("workload") => options.workload = parser.value()?.parse()?,
                Arg::Long("count") => options.count = parser.value()?.parse::<NonZeroU64>()?.get(),
                Arg::Long("due") => options.due = Some(parser.value()?.parse()?),
                Arg::Long("cache-bytes") => options.cache_bytes = parser.value()?.parse()?,
                Arg::Long("seconds") => options.watched = Duration::from_secs(parser.value()?.parse()?),
                Arg::Long("json") => options.json = true,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("test") => options.short = true,
                Arg::Long("fill") => options.fills = true,
                // Cargo gives it to every bench.
                Arg::Long("bench") => {}
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        if options.short {
            (options.count, options.watched) = (1_000, Duration::from_millis(100));
        }
        Ok(Self::Measure(options))
    }
}
