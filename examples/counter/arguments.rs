//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroUsize, path::PathBuf};

pub const HELP: &str = "\
Counts the words of text files in durable entities: one counter per word, one durable signal per occurrence.

usage: counter [FILE...] [--data DIR] [--in-flight N] [--resume] [--json]

FILE             a text to count; without one, sarsen's README.md
--data DIR       where the counters live (default: `sarsen-counter` in the system's temporary folder);
                 counts add up there from run to run
--in-flight N    how many signals may be waiting for the disk at a time (default: 4096)
--resume         go on with the last unfinished run, so that each word ends with exactly its count.
                 The files must be as they were; FILE may be left out. Without an unfinished run: exit 2.
                 A run begun beside an unfinished one leaves that as it is, to be resumed later.
--json           on stdout, one object a line: {\"acknowledged\":N} for every 1,000 signals of the run that are
                 on disk, N counting from its beginning, and the top ten as {\"word\":W,\"count\":N}
--help           this text

A word is a maximal run of alphanumeric characters and inner apostrophes (' or \u{2019}), in lower case. Of a word
longer than the 512 bytes of an entity's key the first 64 characters and a hash are kept.

The ten most frequent words go to stdout, everything else to stderr.
Exit status: 0 done, 1 failed or miscounted, 2 bad arguments, files or data directory.
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Count(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub files: Vec<PathBuf>,
    pub data: PathBuf,
    pub in_flight: NonZeroUsize,
    pub resume: bool,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            files: Vec::new(),
            data: std::env::temp_dir().join("sarsen-counter"),
            in_flight: NonZeroUsize::new(4_096).expect("it is not zero"),
            resume: false,
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("resume") => options.resume = true,
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Value(file) => options.files.push(file.into()),
                Arg::Short(_) | Arg::Long(_) => return Err(argument.unexpected()),
            }
        }
        if options.files.is_empty() && !options.resume {
            options.files.push(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").into());
        }
        Ok(Self::Count(options))
    }
}
