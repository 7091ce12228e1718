//! The command line.

use crate::batch::Batch;
use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroUsize, path::PathBuf};

pub const HELP: &str = "\
Works through a batch of items by activities, so many at a time, and shows how far it has come.

usage: fan_out [--items N] [--window N] [--data DIR] [--json]

--items N        how many items there are (default: 10000)
--window N       how many are worked on at a time, 1 to 5000 (default: 1000)
--data DIR       where the batch lives (default: `sarsen-fan_out` in the system's temporary folder). A batch of so many
                 items that is there goes on where it was, or its summary is shown again
--json           on stdout, one object a line: {\"done\":N} for every 100 items, then the summary
--help           this text

The summary goes to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or miscounted, 2 bad arguments or data directory.
";

/// The most that an orchestration may ask for at once, with room for others.
const WINDOW_MAX: usize = 5_000;

/// What the command line asks for.
pub enum Command {
    Help,
    Work(Options),
}

pub struct Options {
    pub batch: Batch,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            batch: Batch { items: 10_000, window: 1_000 },
            data: std::env::temp_dir().join("sarsen-fan_out"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("items") => options.batch.items = parser.value()?.parse()?,
                Arg::Long("window") => options.batch.window = parser.value()?.parse_with(window)?.get(),
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Work(options))
    }
}

fn window(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(window) if window.get() <= WINDOW_MAX => Ok(window),
        _ => Err(format!("it is no number from 1 to {WINDOW_MAX}")),
    }
}
