//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

pub const HELP: &str = "\
Greets three cities by an activity, one after the other, and shows the history of how it came about.

usage: hello [--data DIR] [--pause-ms N] [--json]

--data DIR       where the run lives (default: `sarsen-hello` in the system's temporary folder); when it is there
                 already, it goes on where it was, or its result is shown again
--pause-ms N     how long each greeting takes (default: 0)
--json           on stdout, one object a line: {\"greeting\":G} for each greeting, then the events of the history
--help           this text

The greetings and the history go to stdout, everything else to stderr, also a line when a greeting begins.
Exit status: 0 done, 1 failed or wrongly greeted, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Greet(Options),
}

pub struct Options {
    pub data: PathBuf,
    pub pause_ms: u64,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let data = std::env::temp_dir().join("sarsen-hello");
        let mut options = Options { data, pause_ms: 0, json: false };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("pause-ms") => options.pause_ms = parser.value()?.parse()?,
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Greet(options))
    }
}
