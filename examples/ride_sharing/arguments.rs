//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

pub const HELP: &str = "\
Finds a driver for each of many rides, with rider and driver locked while they agree, and nobody in two rides at once.

usage: ride_sharing [--rides N] [--riders N] [--drivers N] [--in-flight N] [--without-locks] [--data DIR] [--json]

--rides N        how many rides are asked for (default: 400)
--riders N       how many riders ask for them, in turn (default: 40)
--drivers N      how many drivers there are (default: 12)
--in-flight N    how many rides are under way at a time (default: 48)
--without-locks  agrees without locks, to show what they are for: the check finds who was in two rides at once
--data DIR       where the rides live (default: `sarsen-ride_sharing` in the system's temporary folder). What is over
                 there stays over, what was interrupted goes on where it was
--json           on stdout, one object a line: {\"arrived\":N} for every 20 rides, then the sums
--help           this text

The sums go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or somebody was in two rides at once, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Ride(Options),
}

pub struct Options {
    pub rides: NonZeroU64,
    pub riders: NonZeroU64,
    pub drivers: NonZeroU64,
    pub in_flight: NonZeroUsize,
    pub locks: bool,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let number = |number| NonZeroU64::new(number).expect("it is not zero");
        let mut options = Options {
            rides: number(400),
            riders: number(40),
            drivers: number(12),
            in_flight: NonZeroUsize::new(48).expect("it is not zero"),
            locks: true,
            data: std::env::temp_dir().join("sarsen-ride_sharing"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("rides") => options.rides = parser.value()?.parse()?,
                Arg::Long("riders") => options.riders = parser.value()?.parse()?,
                Arg::Long("drivers") => options.drivers = parser.value()?.parse()?,
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("without-locks") => options.locks = false,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Ride(options))
    }
}
