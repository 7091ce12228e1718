//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroU64, path::PathBuf, time::Duration};

pub const HELP: &str = "\
Looks again and again whether something is up: one orchestration, a new execution for each round.

usage: monitor [--rounds N] [--pause-ms N] [--data DIR] [--json]

--rounds N       after how many rounds it ends (default: 20)
--pause-ms N     how long it waits between two rounds (default: 100)
--data DIR       where it lives (default: `sarsen-monitor` in the system's temporary folder). A monitor of so many rounds
                 that is there goes on where it was, or its log is shown again
--json           on stdout, one object a line: {\"round\":N} for each round, then the log and the summary
--help           this text

The log goes to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or a round is missing or was logged twice, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Watch(Options),
}

pub struct Options {
    pub rounds: NonZeroU64,
    pub pause: Duration,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            rounds: NonZeroU64::new(20).expect("it is not zero"),
            pause: Duration::from_millis(100),
            data: std::env::temp_dir().join("sarsen-monitor"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
                Arg::Long("pause-ms") => options.pause = Duration::from_millis(parser.value()?.parse()?),
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Watch(options))
    }
}
