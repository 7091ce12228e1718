//! The command line.

use crate::{closed_loop::Pace, work::Operation};
use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

pub(crate) const HELP: &str = "\
How many operations a second does sarsen do durably, and how long does each take?

usage: cargo bench --bench throughput -- [--workload W] [--entities N] [--in-flight N] [--shards N] [--cache-bytes N]
                                         [--seconds S] [--interleave floors] [--plot DIR] [--json] [--data DIR]

--workload W     signal: acknowledged when it is on disk (default); call: answered when what it did is on disk;
                 keyed: a signal with an idempotency key of its own; hello: an orchestration with one activity;
                 chain5: with five activities, one after the other; fan20: with twenty at once; bank: with a section
                 over two accounts and three calls in it. Orchestrations count when their result is on disk
                 spread: signals for a long time, over entities all of which have been used before
                 floors: what lies below: 4 KiB written and synced, over written blocks and at the end of a file that
                 grows; a shard without clients and disk; a channel to a task and one back
                 load: writes so many counters in the order of their keys into an empty --data DIR
                 cold: first calls of entities that `load` has written, and 10,000 hot ones among them
--entities N     how many counters or accounts there are (default: 1000; spread: 1000000; load, cold: 10000000)
--in-flight N    how many tasks do one operation after the other (default: 4096)
--shards N       default: 1
--cache-bytes N  the runtime's memory for entities and pages of the store (default: the runtime's)
--seconds S      how long to measure, after a second of warm-up (default: 20; spread: 60; floors, cold: 5 for each part)
--interleave floors
                 the workload and the floors below it by turns, five rounds that share the time; ratios are medians
--plot DIR       signal and call over 1 to 8192 in flight, and over 1 to 1000000 entities, as pictures in DIR; the
                 time is that of each of 30 points (default: 5)
--json           the figures as one object, with names instead of headings
--data DIR       where all of it lives (default: `sarsen-throughput` in the system's temporary folder, emptied first)
--test           a tenth of a second over ten entities, to see that it works
--help           this text

A run of 20 s or more is steady if the bytes of the journal that are not yet checkpointed are not more in its second half:
their peak there is at most a quarter and 16 MiB above that of the first. If it is more, the rate cannot be kept, and the
bench fails after it has shown its figures.

Exit status: 0 done, 1 failed, miscounted, not synced or not steady, 2 bad arguments.
";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Operation(Operation),
    Spread,
    Floors,
    Load,
    Cold,
}

impl Workload {
    const OTHERS: [Self; 4] = [Self::Spread, Self::Floors, Self::Load, Self::Cold];

    fn all() -> impl Iterator<Item = Self> {
        Operation::ALL.into_iter().map(Self::Operation).chain(Self::OTHERS)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.name(),
            Self::Spread => "spread",
            Self::Floors => "floors",
            Self::Load => "load",
            Self::Cold => "cold",
        }
    }

    fn entities(self) -> usize {
        match self {
            Self::Operation(_) | Self::Floors => 1_000,
            Self::Spread => 1_000_000,
            Self::Load | Self::Cold => 10_000_000,
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Operation(_) => 20,
            Self::Spread => 60,
            Self::Floors | Self::Load | Self::Cold => 5,
        }
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || Self::all().map(Self::name).collect::<Vec<_>>().join(", ");
        let named = Self::all().find(|workload| workload.name() == name);
        named.ok_or_else(|| format!("it is none of {}", known()))
    }
}

pub(crate) enum Command {
    Help,
    /// One run of the workload.
    Once(Options),
    /// The operation and its floors by turns.
    Interleave(Operation, Options),
    /// Pictures, into the folder.
    Plot(PathBuf, Options),
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) workload: Workload,
    pub(crate) entities: NonZeroUsize,
    pub(crate) in_flight: NonZeroUsize,
    pub(crate) shards: NonZeroU16,
    /// `None`: the runtime's default.
    pub(crate) cache_bytes: Option<usize>,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) json: bool,
    /// `None`: the default place, which is emptied.
    pub(crate) data: Option<PathBuf>,
    /// Whether it is only to be seen that it works.
    pub(crate) short: bool,
}

impl Options {
    pub(crate) fn pace(&self) -> Pace {
        Pace { in_flight: self.in_flight.get(), warm_up: self.warm_up, measured: self.measured }
    }
}

/// What can be measured by turns with a workload.
enum Interleaved {
    Floors,
}

impl FromStr for Interleaved {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "floors" { Ok(Self::Floors) } else { Err("it is not floors") }
    }
}

/// What was asked for, before what was not is known.
struct Asked {
    workload: Workload,
    entities: Option<NonZeroUsize>,
    in_flight: NonZeroUsize,
    shards: NonZeroU16,
    cache_bytes: Option<usize>,
    seconds: Option<NonZeroU64>,
    interleave: bool,
    plot: Option<PathBuf>,
    json: bool,
    data: Option<PathBuf>,
    short: bool,
}

/// The time of each point of a picture.
const PLOT_SECONDS: u64 = 5;

impl Asked {
    /// `None` when it is asked for help.
    fn read(mut parser: Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut asked = Self {
            workload: Workload::Operation(Operation::Signal),
            entities: None,
            in_flight: NonZeroUsize::new(4_096).expect("it is not zero"),
            shards: NonZeroU16::MIN,
            cache_bytes: None,
            seconds: None,
            interleave: false,
            plot: None,
            json: false,
            data: None,
            short: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("workload") => asked.workload = parser.value()?.parse()?,
                Arg::Long("entities") => asked.entities = Some(parser.value()?.parse()?),
                Arg::Long("in-flight") => asked.in_flight = parser.value()?.parse()?,
                Arg::Long("shards") => asked.shards = parser.value()?.parse()?,
                Arg::Long("cache-bytes") => asked.cache_bytes = Some(parser.value()?.parse()?),
                Arg::Long("seconds") => asked.seconds = Some(parser.value()?.parse()?),
                Arg::Long("interleave") => {
                    let Interleaved::Floors = parser.value()?.parse()?;
                    asked.interleave = true;
                }
                Arg::Long("plot") => asked.plot = Some(parser.value()?.into()),
                Arg::Long("json") => asked.json = true,
                Arg::Long("data") => asked.data = Some(parser.value()?.into()),
                Arg::Long("test") => asked.short = true,
                // Cargo gives it to every bench.
                Arg::Long("bench") => {}
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Some(asked))
    }

    fn options(&self) -> Options {
        let default_seconds = if self.plot.is_some() { PLOT_SECONDS } else { self.workload.seconds() };
        let seconds = self.seconds.map_or(default_seconds, NonZeroU64::get);
        let entities = self.entities.map_or(self.workload.entities(), NonZeroUsize::get);
        let mut options = Options {
            workload: self.workload,
            entities: NonZeroUsize::new(entities).expect("no default is zero"),
            in_flight: self.in_flight,
            shards: self.shards,
            cache_bytes: self.cache_bytes,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(seconds),
            json: self.json,
            data: self.data.clone(),
            short: self.short,
        };
        if self.short {
            options.entities = NonZeroUsize::new(10).expect("it is not zero");
            options.in_flight = NonZeroUsize::new(64).expect("it is not zero");
            options.warm_up = Duration::ZERO;
            options.measured = Duration::from_millis(100);
        }
        options
    }
}

impl Command {
    pub(crate) fn parse(parser: Parser) -> Result<Self, lexopt::Error> {
        let Some(asked) = Asked::read(parser)? else { return Ok(Self::Help) };
        let options = asked.options();
        let two = matches!(options.workload, Workload::Operation(Operation::Bank) | Workload::Cold);
        if two && options.entities.get() < 2 {
            return Err("it needs two entities: give --entities 2 or more".into());
        }
        if matches!(options.workload, Workload::Load | Workload::Cold) && options.data.is_none() {
            return Err("what `load` writes, `cold` reads: give both the same --data DIR".into());
        }
        match (asked.plot, asked.interleave, options.workload) {
            (Some(folder), false, _) if options.data.is_none() => Ok(Self::Plot(folder, options)),
            (Some(_), ..) => {
                Err("pictures are made by themselves: leave --interleave and --data away".into())
            }
            (None, true, Workload::Operation(operation)) => Ok(Self::Interleave(operation, options)),
            (None, true, _) => Err("its floors are not known: interleave signal to bank".into()),
            (None, false, _) => Ok(Self::Once(options)),
        }
    }
}
