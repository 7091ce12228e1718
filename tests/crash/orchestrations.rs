//! The examples with orchestrations are killed on their way, go on inside their sections, and check themselves.

use crate::{
    example::{
        AGGREGATOR, APPROVAL, BOOKING, CIRCUIT_BREAKER, DEVICE_CACHE, End, Example, FAN_OUT, HELLO,
        MATCHMAKING, MONITOR, RIDE_SHARING, TRANSFER,
    },
    random::{self, Random},
};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// How often each example is killed.
const KILLS: usize = 3;

/// How many transfers there are to a line of the progress.
const STEP: u64 = 100;

pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().expect("there is a temporary folder")
}

/// Random numbers for the test of this name.
pub(crate) fn seeded(test: &str) -> Random {
    let seed = random::seed();
    eprintln!("again: SARSEN_SEED={seed} cargo test --test crash {test}");
    Random::new(seed)
}

/// Kills an example [`KILLS`] times, each time after `more` lines beyond those that, as `retold` says, a process
/// tells again after such a progress. The first process is to begin; a later one may be killed while it opens
/// the data.
pub(crate) fn kill_on_the_way(
    example: &Example,
    arguments: &[&str],
    data: &Path,
    mut more: impl FnMut() -> u64,
    retold: fn(u64) -> u64,
) {
    let mut lines = 1;
    for kill in 1..=KILLS {
        match example.kill_after(lines + more(), data, arguments) {
            End::Killed { progress } => lines = retold(progress),
            End::Finished => panic!("kill {kill} came after the end"),
        }
    }
}

/// The objects that an example printed.
pub(crate) fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

#[test]
fn matchmaking_killed_three_times_finishes_and_verifies() {
    let mut random = seeded("matchmaking_killed");
    let (folder, arguments) =
        (scratch(), ["--players", "40", "--matches", "1000", "--workers", "16", "--play-ms", "2"]);
    kill_on_the_way(&MATCHMAKING, &arguments, folder.path(), || random.below(3), |_| 0);
    let arguments = [&arguments[..], &["--json"]].concat();
    for _ in 0..2 {
        let told = objects(&MATCHMAKING.run(folder.path(), &arguments).succeeded());
        let table: Vec<&Value> = told.iter().filter(|line| line["finished"].is_null()).collect();
        assert_eq!((&table[0]["matches"], &table[0]["players"]), (&1_000.into(), &40.into()), "{told:?}");
    }
}

#[test]
fn matchmaking_without_locks_fails_its_verification() {
    let folder = scratch();
    let arguments =
        ["--players", "20", "--matches", "300", "--workers", "16", "--play-ms", "1", "--without-locks"];
    MATCHMAKING.run(folder.path(), &arguments).failed(1, "at once");
}

#[test]
fn transfers_killed_three_times_are_each_done_once() {
    let mut random = seeded("transfers_killed");
    let (folder, arguments) = (scratch(), ["--accounts", "10", "--transfers", "3000"]);
    kill_on_the_way(&TRANSFER, &arguments, folder.path(), || random.below(5), |done| done / STEP);
    for in_flight in ["64", "7"] {
        let arguments = [&arguments[..], &["--json", "--in-flight", in_flight]].concat();
        let told = objects(&TRANSFER.run(folder.path(), &arguments).succeeded());
        let sums = told.last().expect("sums are told");
        assert_eq!((&sums["before"], &sums["after"]), (&1_000.into(), &1_000.into()), "{sums}");
        let number = |name: &str| sums[name].as_u64().expect("it is a number");
        assert_eq!(number("moved") + number("refused"), 3_000);
        assert!(number("moved") > 0 && number("refused") > 0, "{sums}");
    }
}

#[test]
fn a_killed_hello_goes_on_with_the_city_that_has_not_answered() {
    const CITIES: u64 = 3;
    let mut random = seeded("killed_hello");
    let (folder, slowly) = (scratch(), ["--pause-ms", "1000"]);
    let greeted = 1 + random.below(CITIES);
    for lines in [greeted, 1, 1] {
        let end = HELLO.kill_after(lines, folder.path(), &slowly);
        assert_eq!(end, End::Killed { progress: lines });
    }
    let ended = HELLO.run(folder.path(), &slowly);
    let begun = ended.stderr.lines().filter(|line| line.starts_with("greeting ")).count();
    assert_eq!(begun as u64, CITIES - (greeted - 1), "{}", ended.stderr);
    let shown = ended.succeeded();
    assert_eq!(shown.lines().filter(|line| line.starts_with("Hello, ")).count(), 3, "{shown}");

    let again = HELLO.run(folder.path(), &slowly);
    assert!(!again.stderr.contains("greeting "), "{}", again.stderr);
    assert_eq!(again.succeeded(), shown);
}

#[test]
fn a_directory_takes_more_matches_and_transfers_and_never_fewer() {
    let folder = scratch();
    let matches = |matches: &str| {
        let arguments =
            ["--players", "20", "--workers", "4", "--play-ms", "0", "--matches", matches, "--json"];
        let told = objects(&MATCHMAKING.run(&folder.path().join("matches"), &arguments).succeeded());
        told.iter().find_map(|line| line["matches"].as_u64()).expect("the table is told")
    };
    assert_eq!([matches("50"), matches("120"), matches("10")], [50, 120, 120]);
    let transfers = |transfers: &str, accounts: &str| {
        let arguments = ["--accounts", accounts, "--transfers", transfers, "--json"];
        let told = objects(&TRANSFER.run(&folder.path().join("transfers"), &arguments).succeeded());
        told.last().and_then(|sums| sums["after"].as_u64()).expect("sums are told")
    };
    assert_eq!([transfers("50", "5"), transfers("120", "9"), transfers("10", "2")], [500, 900, 900]);
}

#[test]
fn bad_arguments_exit_with_2() {
    let folder = scratch();
    let check = |example: &Example, arguments: &[&str], message: &str| {
        example.run(folder.path(), arguments).failed(2, message);
    };
    let examples = [
        &AGGREGATOR,
        &APPROVAL,
        &BOOKING,
        &CIRCUIT_BREAKER,
        &DEVICE_CACHE,
        &FAN_OUT,
        &HELLO,
        &MATCHMAKING,
        &MONITOR,
        &RIDE_SHARING,
        &TRANSFER,
    ];
    for example in examples {
        check(example, &["--frobnicate"], "--frobnicate");
        check(example, &["stray"], "stray");
        check(example, &["--data", file!()], file!());
        assert!(example.run(folder.path(), &["--help"]).succeeded().contains("usage: "));
    }
    check(&AGGREGATOR, &["--orders", "0"], "0");
    check(&APPROVAL, &["--deadline", "-1"], "no number of seconds");
    check(&BOOKING, &["--fail", "boat"], "none of conference");
    check(&BOOKING, &["--conferences", "0"], "1 to 1000");
    check(&CIRCUIT_BREAKER, &["--in-flight", "0"], "0");
    check(&DEVICE_CACHE, &["--cache-mb", "7"], "from 8 on");
    check(&RIDE_SHARING, &["--drivers", "0"], "0");
    check(&FAN_OUT, &["--window", "5001"], "1 to 5000");
    check(&HELLO, &["--pause-ms", "long"], "long");
    check(&MATCHMAKING, &["--players", "1"], "from 2 on");
    check(&MATCHMAKING, &["--workers", "0"], "0");
    check(&MONITOR, &["--rounds", "0"], "0");
    check(&TRANSFER, &["--accounts", "1"], "2 to 1000");
    check(&TRANSFER, &["--in-flight", "0"], "0");
}
