//! The command line.

use crate::desks::Service;
use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

pub const HELP: &str = "\
Books trips to conferences: each is booked as a whole, or what was booked of it is cancelled.

usage: booking [--conferences N] [--fail SERVICE] [--pause-ms N] [--data DIR] [--json]

--conferences N  to how many conferences the tour goes, 1 to 1000 (default: 3)
--fail SERVICE   what cannot be booked: conference, flight, train or hotel; may be given more than once. Without a flight
                 the train is taken, after three attempts
--pause-ms N     how long it takes to book or to cancel (default: 0)
--data DIR       where the tours live (default: `sarsen-booking` in the system's temporary folder). A tour of so many
                 conferences and those faults that is there goes on where it was, or its report is shown again
--json           on stdout, one object a line: the trips, then the sum
--help           this text

The expense report goes to stdout, everything else to stderr, also a line whenever something is booked or cancelled.
Exit status: 0 done, 1 failed or wrongly booked, 2 bad arguments or data directory.
";

/// The most conferences of a tour, which books all of them at once.
const CONFERENCES_MAX: usize = 1_000;

/// What the command line asks for.
pub enum Command {
    Help,
    Book(Options),
}

pub struct Options {
    pub conferences: NonZeroUsize,
    /// Each once, in the order of [`Service`].
    pub failing: Vec<Service>,
    pub pause: Duration,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            conferences: NonZeroUsize::new(3).expect("it is not zero"),
            failing: Vec::new(),
            pause: Duration::ZERO,
            data: std::env::temp_dir().join("sarsen-booking"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("conferences") => options.conferences = parser.value()?.parse_with(conferences)?,
                Arg::Long("fail") => options.failing.push(parser.value()?.parse_with(service)?),
                Arg::Long("pause-ms") => options.pause = Duration::from_millis(parser.value()?.parse()?),
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        options.failing.sort_unstable();
        options.failing.dedup();
        Ok(Self::Book(options))
    }
}

fn conferences(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(conferences) if conferences.get() <= CONFERENCES_MAX => Ok(conferences),
        _ => Err(format!("it is no number from 1 to {CONFERENCES_MAX}")),
    }
}

fn service(text: &str) -> Result<Service, &'static str> {
    let named = Service::ALL.into_iter().find(|service| service.name() == text);
    named.ok_or("it is none of conference, flight, train, hotel")
}
