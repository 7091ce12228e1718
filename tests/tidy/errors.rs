//! That every public error variant stands in the table of bad input, where its exact text is compared.

use crate::metadata::Workspace;
use crate::source::{Source, block_length, line_of, words};
use crate::tree;
use crate::{assert_complains, assert_tidy};

/// The table: case, variant, exact text.
const TABLE: &str = "tests/errors.rs";

/// Build time has errors of its own, tested by `tests/fail`.
const UNSCANNED: &str = "sarsen-macros";

/// Variants that need no row, or whole enums: name and reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// A variant by the name that the table must contain.
#[derive(Debug)]
struct Variant {
    name: String,
    path: String,
    line: usize,
}

/// The variants of the public error enums of a file of `room`. An enum called just `Error` is named with its
/// room, since others have one too.
fn variants(room: &str, path: &str, text: &str) -> Vec<Variant> {
    let code = Source::new(text).code;
    let mut found = Vec::new();
    for at in words(&code, "pub enum") {
        let after = &code[at + "pub enum".len()..];
        let name: String = after.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        let Some(open) = after.find('{').filter(|_| name.ends_with("Error")) else { continue };
        let name = if name == "Error" { format!("{room}::Error") } else { name };
        let body = &after[open..];
        let start = at + "pub enum".len() + open;
        for (variant, offset) in variant_names(&body[..block_length(body)]) {
            let line = line_of(&code, start + offset);
            found.push(Variant { name: format!("{name}::{variant}"), path: path.to_owned(), line });
        }
    }
    found
}

/// The first word of each part between commas, attributes aside, and its place in `body`.
fn variant_names(body: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut named = false;
    for (at, character) in body.char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            ',' if depth == 1 => named = false,
            _ if depth == 1 && !named && character.is_alphabetic() => {
                let name = body[at..].chars().take_while(|c| c.is_alphanumeric()).collect();
                found.push((name, at));
                named = true;
            }
            _ => {}
        }
    }
    found
}

fn rows_missing(variants: &[Variant], table: &str, exceptions: &[(&str, &str)]) -> Vec<String> {
    let table = Source::new(table).uncommented;
    let mut needed = vec![false; exceptions.len()];
    let mut complaints = Vec::new();
    for Variant { name, path, line } in variants {
        if words(&table, name).next().is_some() {
            continue;
        }
        let covers =
            |it: &str| name == it || name.strip_prefix(it).is_some_and(|rest| rest.starts_with("::"));
        match exceptions.iter().position(|(exception, _)| covers(exception)) {
            Some(n) => needed[n] = true,
            None => complaints.push(format!("{path}:{line}: `{name}` has no row in {TABLE}")),
        }
    }
    for ((name, _), _) in exceptions.iter().zip(needed).filter(|(_, needed)| !needed) {
        complaints.push(format!("`{name}` is excepted from {TABLE} and need not be: take it off the list"));
    }
    complaints
}

#[test]
fn every_public_error_variant_has_a_row() {
    let mut found = Vec::new();
    let files = tree::files(&[".rs"]);
    for package in Workspace::of_tree().packages.iter().filter(|package| package.name != UNSCANNED) {
        let folder = package.path("src/");
        let room = if package.folder.is_empty() { "sarsen" } else { &package.folder };
        for file in files.iter().filter(|file| file.path.starts_with(&folder)) {
            found.extend(variants(room, &file.path, &file.text));
        }
    }
    assert!(!found.is_empty(), "the rooms have public errors, and the scan found none");
    let table = tree::read(TABLE).unwrap_or_else(|| panic!("{TABLE} is missing: the table of bad input"));
    assert_tidy(&rows_missing(&found, &table, EXCEPTIONS));
}

#[test]
fn variants_of_every_shape_are_found() {
    let text = "
        #[derive(Debug)]
        pub enum StoreError<T> {
            /// Full, or not.
            #[error(\"full, {0}\")]
            Full(Vec<(u8, T)>),
            Locked { path: String, by: u32 },
            Gone,
        }
        pub enum Error { #[error(transparent)] Io(#[source] Io) }
        pub(crate) enum InnerError { Never }
        pub enum Outcome { Done }
        enum OwnError { Never }";
    let names: Vec<(String, usize)> =
        variants("storage", "a.rs", text).into_iter().map(|it| (it.name, it.line)).collect();
    let expect = [
        ("StoreError::Full", 6),
        ("StoreError::Locked", 7),
        ("StoreError::Gone", 8),
        ("storage::Error::Io", 10),
    ];
    assert_eq!(names, expect.map(|(name, line)| (name.to_owned(), line)));
}

#[test]
fn a_variant_without_a_row_is_named() {
    let variants = variants("storage", "a.rs", "pub enum MyError { Full, Gone }");
    let missing = |table: &str, exceptions| rows_missing(&variants, table, exceptions);
    assert_tidy(&missing("MyError::Full; \"MyError::Gone\"", &[]));
    assert_complains(&missing("MyError::Full", &[]), "a.rs:1: `MyError::Gone` has no row");
    assert_complains(&missing("MyError::Full; // MyError::Gone", &[]), "`MyError::Gone`");
    assert_complains(&missing("MyError::Full; NotMyError::Gone; MyError::Goner", &[]), "`MyError::Gone`");
    assert_tidy(&missing("MyError::Full", &[("MyError::Gone", "cannot be made from outside")]));
    assert_tidy(&missing("", &[("MyError", "cannot be made from outside")]));
    assert_complains(&missing("MyError::Full MyError::Gone", &[("MyError::Gone", "none")]), "need not be");
}
