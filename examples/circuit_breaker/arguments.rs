//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

pub const HELP: &str = "\
Many orders are charged at a service that fails now and then, behind one circuit breaker that they share.

usage: circuit_breaker [--orders N] [--in-flight N] [--data DIR] [--json]

--orders N       how many orders there are (default: 400)
--in-flight N    how many are under way at a time (default: 32)
--data DIR       where the orders live (default: `sarsen-circuit_breaker` in the system's temporary folder). What was
                 charged there stays charged, what was interrupted goes on, and an open breaker stays open until its time
--json           on stdout, one object a line: {\"charged\":N} for every 20 orders, then the breaker's changes and the sums
--help           this text

The changes and sums go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or an order was not charged once, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Charge(Options),
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
            orders: NonZeroU64::new(400).expect("it is not zero"),
            in_flight: NonZeroUsize::new(32).expect("it is not zero"),
            data: std::env::temp_dir().join("sarsen-circuit_breaker"),
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
        Ok(Self::Charge(options))
    }
}
