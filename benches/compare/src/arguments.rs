//! The command line.

use crate::closed_loop::Pace;
use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroU64, num::NonZeroUsize, str::FromStr, time::Duration};

pub(crate) const HELP: &str = "\
How do sarsen's durable calls compare with its peers' calls in memory, and with an actor over redb written by hand?

usage: cargo run --release --manifest-path benches/compare/Cargo.toml -- [--peers P,..] [--entities N,..]
                                                                          [--in-flight N] [--seconds S] [--json]

--peers P,..     of kameo, ractor, redb (default: all)
--entities N,..  how many counters there are (default: 1000,100000)
--in-flight N    how many calls of sarsen are in flight (default: 4096)
--seconds S      how long each is measured in each of five rounds, after a second of warm-up (default: 3)
--json           a row as one object
--test           a tenth of a second over ten counters, to see that it works
--help           this text

Exit status: 0 done, 1 failed, 2 bad arguments.
";

/// With whom sarsen is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Kameo,
    Ractor,
    Redb,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "kameo" => Ok(Self::Kameo),
            "ractor" => Ok(Self::Ractor),
            "redb" => Ok(Self::Redb),
            _ => Err(format!("`{name}` is none of kameo, ractor, redb")),
        }
    }
}

pub(crate) struct Options {
    pub(crate) peers: Vec<Peer>,
    pub(crate) entities: Vec<usize>,
    pub(crate) in_flight: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) json: bool,
}

pub(crate) enum Command {
    Help,
    Compare(Options),
}

impl Options {
    pub(crate) fn pace(&self, in_flight: usize) -> Pace {
        Pace { in_flight, warm_up: self.warm_up, measured: self.measured }
    }
}

impl Command {
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            peers: vec![Peer::Kameo, Peer::Ractor, Peer::Redb],
            entities: vec![1_000, 100_000],
            in_flight: 4_096,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(3),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("peers") => options.peers = list(&parser.value()?.string()?)?,
                Arg::Long("entities") => {
                    let entities: Vec<NonZeroUsize> = list(&parser.value()?.string()?)?;
                    options.entities = entities.into_iter().map(NonZeroUsize::get).collect();
                }
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse::<NonZeroUsize>()?.get(),
                Arg::Long("seconds") => {
                    options.measured = Duration::from_secs(parser.value()?.parse::<NonZeroU64>()?.get());
                }
                Arg::Long("json") => options.json = true,
                Arg::Long("test") => {
                    options.entities = vec![10];
                    (options.warm_up, options.measured) = (Duration::ZERO, Duration::from_millis(100));
                }
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Compare(options))
    }
}

/// What stands between commas.
fn list<T: FromStr<Err: ToString>>(text: &str) -> Result<Vec<T>, lexopt::Error> {
    let parts = text.split(',').map(|part| part.parse().map_err(|error: T::Err| error.to_string()));
    Ok(parts.collect::<Result<_, String>>()?)
}
