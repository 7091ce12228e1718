//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::{num::NonZeroUsize, path::PathBuf};

pub const HELP: &str = "\
Moves money between accounts, each transfer an orchestration that locks its two accounts, and counts it again.

usage: transfer [--accounts N] [--transfers N] [--in-flight N] [--data DIR] [--json]

--accounts N     how many accounts there are, 2 to 1000 (default: 100); each is opened with 100
--transfers N    how many transfers there are to be in the data directory in the end (default: 10000)
--in-flight N    how many transfers run at a time (default: 64)
--data DIR       where the accounts live (default: `sarsen-transfer` in the system's temporary folder). What is done
                 there stays done, what was interrupted goes on; accounts and transfers are added, never taken away
--json           on stdout, one object a line: {\"done\":N} for every 100 transfers, then the sums
--help           this text

The sums before and after go to stdout, everything else to stderr. A transfer that an account has not the money for
fails and moves nothing.
Exit status: 0 done, 1 failed or the sums differ, 2 bad arguments or data directory.
";

/// The most accounts: an audit locks all of them together.
const ACCOUNTS_MAX: u64 = 1_000;

/// What the command line asks for.
pub enum Command {
    Help,
    Transfer(Options),
}

pub struct Options {
    pub accounts: u64,
    pub transfers: u64,
    pub in_flight: NonZeroUsize,
    pub data: PathBuf,
    pub json: bool,
}

impl Command {
    pub fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options {
            accounts: 100,
            transfers: 10_000,
            in_flight: NonZeroUsize::new(64).expect("it is not zero"),
            data: std::env::temp_dir().join("sarsen-transfer"),
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("accounts") => options.accounts = parser.value()?.parse_with(accounts)?,
                Arg::Long("transfers") => options.transfers = parser.value()?.parse()?,
                Arg::Long("in-flight") => options.in_flight = parser.value()?.parse()?,
                Arg::Long("data") => options.data = parser.value()?.into(),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Transfer(options))
    }
}

fn accounts(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(accounts) if (2..=ACCOUNTS_MAX).contains(&accounts) => Ok(accounts),
        _ => Err(format!("it is no number from 2 to {ACCOUNTS_MAX}")),
    }
}
