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

usage: cargo bench --bench throughput -- [--workload W] [--entities N] [--in-flight N] [--shards N] [--seconds S]
                                         [--json] [--data DIR]

--workload W     signal: acknowledged when it is on disk (default); call: answered when what it did is on disk;
                 keyed: a signal with an idempotency key of its own; hello: an orchestration with one activity;
                 chain5: with five activities, one after the other; fan20: with twenty at once; bank: with a section
                 over two accounts and three calls in it. Orchestrations count when their result is on disk
--entities N     how many counters or accounts there are (default: 1000)
--in-flight N    how many tasks do one operation after the other (default: 4096)
--shards N       default: 1
--seconds S      how long to measure, after a second of warm-up (default: 5)
--json           the figures as one object, with names instead of headings
--data DIR       where all of it lives (default: `sarsen-throughput` in the system's temporary folder, emptied first)
--test           a tenth of a second over ten entities, to see that it works
--help           this text

Exit status: 0 done, 1 failed, miscounted or not synced, 2 bad arguments.
";

/// What each task does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Signal,
    Call,
    Keyed,
    Hello,
    Chain5,
    Fan20,
    Bank,
}

impl Workload {
    const ALL: [Self; 7] =
        [Self::Signal, Self::Call, Self::Keyed, Self::Hello, Self::Chain5, Self::Fan20, Self::Bank];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Call => "call",
            Self::Keyed => "keyed",
            Self::Hello => "hello",
            Self::Chain5 => "chain5",
            Self::Fan20 => "fan20",
            Self::Bank => "bank",
        }
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let named = Self::ALL.into_iter().find(|workload| workload.name() == name);
        named.ok_or_else(|| format!("it is none of {}", known()))
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

    fn read(mut self, mut parser: Parser) -> Result<Command, lexopt::Error> {
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("workload") => self.workload = parser.value()?.parse()?,
                Arg::Long("entities") => self.entities = parser.value()?.parse()?,
                Arg::Long("in-flight") => self.in_flight = parser.value()?.parse()?,
                Arg::Long("shards") => self.shards = parser.value()?.parse()?,
                Arg::Long("seconds") => {
                    self.measured = Duration::from_secs(parser.value()?.parse::<NonZeroU64>()?.get());
                }
                Arg::Long("json") => self.json = true,
                Arg::Long("data") => self.data = Some(parser.value()?.into()),
                Arg::Long("test") => self.shorten(),
                // Cargo gives it to every bench.
                Arg::Long("bench") => {}
                Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Command::Measure(self))
    }
}

impl Command {
    pub(crate) fn parse(parser: Parser) -> Result<Self, lexopt::Error> {
        let Self::Measure(options) = Options::default().read(parser)? else { return Ok(Self::Help) };
        if options.workload == Workload::Bank && options.entities.get() < 2 {
            return Err("a transfer needs two accounts: give --entities 2 or more".into());
        }
        Ok(Self::Measure(options))
    }
}
