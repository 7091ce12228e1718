//! The command line.

use crate::work::Job;
use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroU64, path::PathBuf, time::Duration};

pub const HELP: &str = "\
Workers make matches: they lock players, seat those who are free at a game, let them play, and return them.

usage: matchmaking [--players N] [--matches N] [--workers N] [--play-ms N] [--without-locks] [--data DIR] [--json]

--players N      how many players there are, at least 2 (default: 200)
--matches N      how many matches there are to be in the data directory in the end (default: 5000)
--workers N      how many workers make matches at a time (default: 64)
--play-ms N      how long a match takes (default: 10)
--without-locks  the same without the locks: players are seated at two games at once, and the check at the end fails
--data DIR       where all of it lives (default: `sarsen-matchmaking` in the system's temporary folder). What was
                 interrupted goes on as it was begun; players and matches are added, never taken away
--json           on stdout, one object a line: {\"finished\":N} for every 100 matches, then the table
--help           this text

The table goes to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or a player was in two games at once, 2 bad arguments or data directory.
";

/// What the command line asks for.
pub enum Command {
    Help,
    Play(Options),
}

pub struct Options {
    pub players: u64,
    pub matches: u64,
    pub workers: NonZeroU64,
    pub job: Job,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            players: 200,
            matches: 5_000,
            workers: NonZeroU64::new(64).expect("it is not zero"),
            job: Job { played: 0, play: Duration::from_millis(10), locks: true },
            data: std::env::temp_dir().join("sarsen-matchmaking"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("players") => options.players = parser.value()?.parse_with(players)?,
                Arg::Long("matches") => options.matches = parser.value()?.parse()?,
                Arg::Long("workers") => options.workers = parser.value()?.parse()?,
                Arg::Long("play-ms") => options.job.play = Duration::from_millis(parser.value()?.parse()?),
                Arg::Long("without-locks") => options.job.locks = false,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Play(options))
    }
}

fn players(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(players @ 2..) => Ok(players),
        _ => Err("it is no number from 2 on"),
    }
}
