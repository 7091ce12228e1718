//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

pub(crate) const HELP: &str = "\
How many operations a second does sarsen do durably, and how long does each take?

usage: cargo bench --bench throughput -- [--workload signal|call|keyed] [--entities N] [--in-flight N]
                                         [--shards N] [--seconds S] [--json] [--data DIR]

--workload W     signal: acknowledged when it is on disk (default); call: answered when what it did is on disk;
                 keyed: a signal with an idempotency key of its own
--entities N     how many counters there are (default: 1000)
--in-flight N    how many tasks send one operation after the other (default: 4096)
--shards N       default: 1
--seconds S      how long to measure, after a second of warm-up (default: 5)
--json           the figures as one object, with names instead of headings
--data DIR       where the counters live (default: `sarsen-throughput` in the system's temporary folder, emptied first)
--test           a tenth of a second over ten counters, to see that it works
--help           this text

Exit status: 0 done, 1 failed, miscounted or not synced, 2 bad arguments.
";

/// What each task does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Signal,
    Call,
    Keyed,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Call => "call",
            Self::Keyed => "keyed",
        }
    }
}

impl FromStr for Workload {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let all = [Self::Signal, Self::Call, Self::Keyed];
        all.into_iter().find(|workload| workload.name() == name).ok_or("it is none of signal, call, keyed")
    }
}

pub(crate) enum Command {
    Help,
    Measure(Options),
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) workload: Workload,
    pub(crate) entities: NonZeroUsize,
    pub(crate) in_flight: NonZeroUsize,
    pub(crate) shards: NonZeroU16,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) json: bool,
    /// `None`: the default place, which is emptied.
    pub(crate) data: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workload: Workload::Signal,
            entities: NonZeroUsize::new(1_000).expect("it is not zero"),
            in_flight: NonZeroUsize::new(4_096).expect("it is not zero"),
            shards: NonZeroU16::MIN,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(5),
            json: false,
            data: None,
        }
    }
}

impl Options {
    /// Few and short enough for a test that asks only whether it works.
    fn shorten(&mut self) {
        self.entities = NonZeroUsize::new(10).expect("it is not zero");
        self.in_flight = NonZeroUsize::new(64).expect("it is not zero");
        self.warm_up = Duration::ZERO;
        self.measured = Duration::from_millis(100);
    }
}

impl Command {
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("workload") => options.workload = parser.value()?.parse()?,
                Arg::Long("entities") => options.entities = parser.value()?.parse()?,
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("shards") => options.shards = parser.value()?.parse()?,
                Arg::Long("seconds") => {
                    options.measured = Duration::from_secs(parser.value()?.parse::<NonZeroU64>()?.get());
                }
                Arg::Long("json") => options.json = true,
                Arg::Long("data") => options.data = Some(parser.value()?.into()),
                Arg::Long("test") => options.shorten(),
                // Cargo gives it to every bench.
                Arg::Long("bench") => {}
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Measure(options))
    }
}
