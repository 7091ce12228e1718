//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

pub const HELP: &str = "\
Collects ten notifications for each order, repeated and in any order, and ships each order once.

usage: aggregator [--orders N] [--in-flight N] [--data DIR] [--json]

--orders N       how many orders there are (default: 500)
--in-flight N    how many notifications are sent at a time (default: 64)
--data DIR       where the orders live (default: `sarsen-aggregator` in the system's temporary folder). What was told
                 there is told again without effect, what was interrupted goes on
--json           on stdout, one object a line: {\"sent\":N} for every 100 notifications, then the sums
--help           this text

The sums go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or an order was not shipped once, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Collect(Options),
}

pub struct Options {
    pub orders: NonZeroU64,
    pub in_flight: NonZeroUsize,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            orders: NonZeroU64::new(500).expect("it is not zero"),
            in_flight: NonZeroUsize::new(64).expect("it is not zero"),
            data: std::env::temp_dir().join("sarsen-aggregator"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("orders") => options.orders = parser.value()?.parse()?,
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Collect(options))
    }
}
