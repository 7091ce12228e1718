//! The command line of `counter`, as its `--help` tells it.

use crate::example::{COUNTER, End, Ended};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const STONES: &str = "The stones stand. Don't the STONES fall? The “stones” don’t!\n";

/// A folder with a text and a place for the data.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn with_text(text: impl AsRef<[u8]>) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("there is a temporary folder") };
        fs::write(desk.text(), text).expect("the text can be written");
        desk
    }

    fn text(&self) -> PathBuf {
        self.folder.path().join("text")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs `counter` with `TEXT` standing for the text's path.
    fn counter(&self, arguments: &[&str]) -> Ended {
        COUNTER.run(&self.data(), &self.fill_in(arguments).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn fill_in(&self, arguments: &[&str]) -> Vec<String> {
        let text = self.text().to_str().expect("the path is UTF-8").to_owned();
        arguments.iter().map(|argument| argument.replace("TEXT", &text)).collect()
    }

    /// Begins a run over a text that takes a while, and kills it on the way.
    fn with_unfinished_run() -> Self {
        let desk = Self::with_text("stone ".repeat(20_000));
        let text = desk.text();
        let text = text.to_str().expect("the path is UTF-8");
        let end = COUNTER.kill_after(1, &desk.data(), &["--in-flight", "1", text]);
        assert!(matches!(end, End::Killed { .. }), "it was over too soon");
        desk
    }
}

#[test]
fn the_counts_are_listed_by_frequency_then_word() {
    let desk = Desk::with_text(STONES);
    let stdout = desk.counter(&["TEXT"]).succeeded();
    assert_eq!(stdout, "stones  3\nthe     3\ndon't   2\nfall    1\nstand   1\n");
}

#[test]
fn a_second_run_doubles_the_counts() {
    let desk = Desk::with_text(STONES);
    desk.counter(&["TEXT"]).succeeded();
    let stdout = desk.counter(&["--in-flight=1", "TEXT"]).succeeded();
    assert_eq!(stdout, "stones  6\nthe     6\ndon't   4\nfall    2\nstand   2\n");
}

#[test]
fn options_and_files_come_in_any_order() {
    let desk = Desk::with_text(STONES);
    let stdout = desk.counter(&["TEXT", "--in-flight", "2", "TEXT", "--json"]).succeeded();
    assert_eq!(stdout.lines().next(), Some(r#"{"count":6,"word":"stones"}"#));
}

#[test]
fn json_tells_each_thousand_acknowledgements_and_the_top() {
    let desk = Desk::with_text("stone ".repeat(2_500));
    let stdout = desk.counter(&["--json", "TEXT"]).succeeded();
    assert_eq!(
        stdout,
        "{\"acknowledged\":1000}\n{\"acknowledged\":2000}\n{\"count\":2500,\"word\":\"stone\"}\n"
    );
}

#[test]
fn speed_and_place_are_told_on_stderr() {
    let desk = Desk::with_text(STONES);
    let ended = desk.counter(&["TEXT"]);
    assert!(ended.stderr.contains("10 words, "), "{}", ended.stderr);
    assert!(ended.stderr.contains(desk.data().to_str().expect("the path is UTF-8")), "{}", ended.stderr);
}

#[test]
fn invalid_utf8_ends_a_word_and_an_empty_text_has_none() {
    let desk = Desk::with_text(b"stone\xffstone\xc3");
    assert_eq!(desk.counter(&["TEXT"]).succeeded(), "stone  2\n");
    let desk = Desk::with_text("");
    assert_eq!(desk.counter(&["TEXT"]).succeeded(), "");
}

#[test]
fn a_word_longer_than_a_key_is_counted() {
    let desk = Desk::with_text(format!("{0}a {0}b {0}B", "stone".repeat(200)));
    let counts: Vec<String> = desk
        .counter(&["TEXT"])
        .succeeded()
        .lines()
        .filter_map(|row| row.split_whitespace().last().map(str::to_owned))
        .collect();
    assert_eq!(counts, ["2", "1"]);
}

#[test]
fn more_in_flight_than_a_mailbox_holds_is_counted_all_the_same() {
    let desk = Desk::with_text("stone ".repeat(20_000));
    assert_eq!(desk.counter(&["TEXT", "--in-flight", "20000"]).succeeded(), "stone  20000\n");
}

#[test]
fn bad_arguments_exit_with_2() {
    let desk = Desk::with_text(STONES);
    let check = |arguments: &[&str], message: &str| desk.counter(arguments).failed(2, message);
    check(&["--frobnicate"], "--frobnicate");
    check(&["--in-flight", "0", "TEXT"], "0");
    check(&["--in-flight", "many", "TEXT"], "many");
    check(&["TEXT", "--in-flight"], "--in-flight");
    check(&["TEXT-that-is-not-there"], "TEXT-that-is-not-there".trim_start_matches("TEXT"));
    check(&["--resume"], "no unfinished run");
    check(&["--data", "TEXT", "TEXT"], "text");
    assert!(desk.counter(&["--help"]).succeeded().contains("usage: counter"));
}

#[test]
fn a_run_is_resumed_with_its_files_or_none() {
    for arguments in [&["--resume"][..], &["TEXT", "--resume"]] {
        let desk = Desk::with_unfinished_run();
        assert_eq!(desk.counter(arguments).succeeded(), "stone  20000\n");
        desk.counter(arguments).failed(2, "no unfinished run");
    }
}

#[test]
fn a_changed_or_missing_file_is_not_resumed() {
    let desk = Desk::with_unfinished_run();
    let text = fs::read(desk.text()).expect("the text can be read");
    let changed = [&b"s"[..], &text].concat();
    replace(&desk.text(), Some(&changed));
    desk.counter(&["--resume"]).failed(2, "has changed");
    replace(&desk.text(), None);
    desk.counter(&["--resume"]).failed(2, "cannot read");
    replace(&desk.text(), Some(&text));
    desk.counter(&["--resume", "TEXT", "TEXT"]).failed(2, "other files");
    assert_eq!(desk.counter(&["--resume"]).succeeded(), "stone  20000\n");
}

fn replace(path: &Path, text: Option<&[u8]>) {
    match text {
        Some(text) => fs::write(path, text).expect("the text can be written"),
        None => fs::remove_file(path).expect("the text can be removed"),
    }
}

#[test]
fn a_run_begun_beside_an_unfinished_one_leaves_that_to_be_resumed() {
    let desk = Desk::with_unfinished_run();
    let ended = desk.counter(&["TEXT"]);
    assert!(ended.stderr.contains("--resume"), "{}", ended.stderr);
    ended.succeeded();
    assert_eq!(desk.counter(&["--resume"]).succeeded(), "stone  40000\n");
}
