//! That what a document claims in its tables is held by a test: the last column of each table whose head says `test` names
//! tests of this tree.

use crate::source::{Source, words};
use crate::tree;
use crate::{assert_complains, assert_tidy};
use std::collections::BTreeSet;

/// The documents whose tables claim.
const DOCUMENTS: [&str; 3] = ["docs/entities.md", "docs/orchestrations.md", "docs/reliability.md"];

/// What stands where there is no test.
const WITHOUT_TEST: [&str; 2] = ["not there yet", "their wire alone"];

/// The names of all tests of a file.
fn tests_of(source: &Source) -> Vec<String> {
    let mut names = Vec::new();
    for mark in ["#[test]", "#[tokio::test"] {
        for (at, _) in source.code.match_indices(mark) {
            let after = &source.code[at..];
            let Some(function) = words(after, "fn").next() else { continue };
            let name = after[function + 2..].trim_start();
            names.push(name.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect());
        }
    }
    names
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = Vec::new();
    let mut begun = 0;
    for (at, _) in row.match_indices('|').filter(|(at, _)| !row[..*at].ends_with('\\')) {
        cells.push(row[begun..at].trim());
        begun = at + 1;
    }
    cells.push(row[begun..].trim());
    Some(cells)
}

/// Every row that names no test, or one that is not there.
fn unheld(path: &str, markdown: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut claims = false;
    for (n, line) in markdown.lines().enumerate() {
        let Some(cells) = cells(line) else {
            claims = false;
            continue;
        };
        let last = cells.last().copied().unwrap_or_default();
        if last == "test" {
            claims = true;
        } else if claims && !WITHOUT_TEST.contains(&last) && !last.starts_with("---") {
            let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
            if named.is_empty() {
                complaints.push(format!("{path}:{}: the row names no test", n + 1));
            }
            let missing = named.into_iter().filter(|name| !tests.contains(*name));
            complaints.extend(missing.map(|name| format!("{path}:{}: there is no test `{name}`", n + 1)));
        }
    }
    complaints
}

#[test]
fn every_claim_of_a_table_is_held_by_a_test() {
    let sources = tree::files(&[".rs"]).into_iter().map(|file| Source::new(&file.text));
    let tests: BTreeSet<String> = sources.flat_map(|source| tests_of(&source)).collect();
    let mut complaints = Vec::new();
    for path in DOCUMENTS {
        match tree::read(path) {
            Some(markdown) => complaints.extend(unheld(path, &markdown, &tests)),
            None => complaints.push(format!("{path} is missing")),
        }
    }
    assert_tidy(&complaints);
}

#[test]
fn a_row_without_a_test_or_with_one_that_is_not_there_is_named() {
    let text =
        "#[test]\nfn it_holds() {}\n#[tokio::test(flavor = \"x\")]\nasync fn so_does_it() {}\nfn helper() {}";
    let tests: BTreeSet<String> = tests_of(&Source::new(text)).into_iter().collect();
    assert_eq!(tests.iter().collect::<Vec<_>>(), ["it_holds", "so_does_it"]);
    let check = |row: &str| unheld("a.md", &format!("| | a | test |\n|---|---|---|\n{row}\n"), &tests);
    assert_tidy(&check("| a | `f(\\|x\\| x)` | `it_holds`, `so_does_it` |"));
    assert_tidy(&check("| a | | not there yet |"));
    assert_complains(&check("| a | b | `helper` |"), "a.md:3: there is no test `helper`");
    assert_complains(&check("| a | b | |"), "a.md:3: the row names no test");
    assert_tidy(&unheld("a.md", "| a | command |\n|---|---|\n| b | c |", &tests));
}
