//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroU64, path::PathBuf, time::Duration};

pub const HELP: &str = "\
Asks for approvals, waits for each answer until a deadline, and escalates what nobody has answered.

usage: approval [--deadline S] [--requests N] [--keyboard] [--data DIR] [--json]

--deadline S     how many seconds there are for an answer (default: 2, with --keyboard 20)
--requests N     how many requests there are (default: 3): the first is approved, the second rejected, the third not
                 answered, and so on
--keyboard       asks you instead, about one request: answer yes or no
--data DIR       where the runs live (default: `sarsen-approval` in the system's temporary folder). What is decided
                 there stays decided, what was interrupted goes on, and its deadlines with it
--json           on stdout, one object a line: {\"decided\":N} whenever one more is decided, then the decisions
--help           this text

The decisions go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or wrongly decided, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Ask(Options),
}

pub struct Options {
    pub deadline: Duration,
    pub requests: NonZeroU64,
    pub keyboard: bool,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut deadline = None;
        let mut options = Options {
            deadline: Duration::ZERO,
            requests: NonZeroU64::new(3).expect("it is not zero"),
            keyboard: false,
            data: std::env::temp_dir().join("sarsen-approval"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("deadline") => deadline = Some(parser.value()?.parse_with(seconds)?),
                Arg::Long("requests") => options.requests = parser.value()?.parse()?,
                Arg::Long("keyboard") => options.keyboard = true,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        let default = Duration::from_secs(if options.keyboard { 20 } else { 2 });
        options.deadline = deadline.unwrap_or(default);
        Ok(Self::Ask(options))
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or("it is no number of seconds")
}
