//! How long a function and a file may be.

use crate::source::Source;
use crate::tree;
use crate::{assert_complains, assert_tidy};

/// From `fn` to the closing brace, blanks and comments included; clippy counts lines of code only.
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;

/// Files that may be longer: path and reason.
const LONG_FILES: &[(&str, &str)] = &[("tests/errors.rs", "one table, which is looked through as a whole")];

fn long_functions(path: &str, text: &str) -> Vec<String> {
    let functions = Source::new(text).functions().into_iter();
    functions
        .filter(|function| function.lines > FUNCTION_LINES_MAX)
        .map(|function| {
            let (line, name, lines) = (function.line, &function.name, function.lines);
            format!("{path}:{line}: fn {name} has {lines} lines, over {FUNCTION_LINES_MAX}: split it")
        })
        .collect()
}

fn long_file(path: &str, text: &str, exceptions: &[(&str, &str)]) -> Option<String> {
    let lines = text.lines().count();
    let excepted = exceptions.iter().any(|(exception, _)| *exception == path);
    match (lines > FILE_LINES_MAX, excepted) {
        (true, false) => Some(format!(
            "{path} has {lines} lines, over {FILE_LINES_MAX}: split it by what changes together, or list it with its reason"
        )),
        (false, true) => {
            Some(format!("{path} has {lines} lines and needs no exception: take it off the list"))
        }
        _ => None,
    }
}

#[test]
fn functions_are_at_most_70_lines() {
    let complaints: Vec<String> =
        tree::files(&[".rs"]).iter().flat_map(|file| long_functions(&file.path, &file.text)).collect();
    assert_tidy(&complaints);
}

#[test]
fn files_are_at_most_600_lines() {
    let files = tree::files(&[".rs"]);
    let mut complaints: Vec<String> =
        files.iter().filter_map(|file| long_file(&file.path, &file.text, LONG_FILES)).collect();
    for (path, _) in LONG_FILES {
        if !files.iter().any(|file| file.path == *path) {
            complaints.push(format!("{path} is excepted and does not exist: take it off the list"));
        }
    }
    assert_tidy(&complaints);
}

#[test]
fn a_function_of_71_lines_is_named_with_its_place() {
    let of = |lines: usize| format!("\nfn long() {{\n{}}}\n", "\n".repeat(lines - 2));
    assert_tidy(&long_functions("a.rs", &of(70)));
    assert_complains(&long_functions("a.rs", &of(71)), "a.rs:2: fn long has 71 lines");
}

#[test]
fn a_file_of_601_lines_is_named_unless_listed() {
    let check = |lines: usize, exceptions| {
        long_file("a.rs", &"\n".repeat(lines), exceptions).into_iter().collect::<Vec<_>>()
    };
    assert_tidy(&check(600, &[]));
    assert_complains(&check(601, &[]), "a.rs has 601 lines");
    assert_tidy(&check(601, &[("a.rs", "a table")]));
    assert_complains(&check(600, &[("a.rs", "a table")]), "needs no exception");
}
