//! Words that do not stand in this tree: leftovers, sleeps, tests that cannot fail, banners, emoji.

use crate::source::{Source, line_of, words};
use crate::tree::{self, File};
use crate::{assert_complains, assert_tidy};

/// A word of code that is refused, where, and what to write instead.
struct Refused {
    word: &'static str,
    place: Place,
    instead: &'static str,
}

#[derive(PartialEq)]
enum Place {
    Anywhere,
    /// Not in examples and benches, whose output is their purpose.
    Rooms,
    Tests,
}

const REFUSED: &[Refused] = &[
    Refused {
        word: "println!",
        place: Place::Rooms,
        instead: "a room does not print, a test speaks when it fails",
    },
    Refused {
        word: "print!",
        place: Place::Rooms,
        instead: "a room does not print, a test speaks when it fails",
    },
    Refused { word: "dbg!", place: Place::Anywhere, instead: "take it out" },
    Refused { word: "todo!", place: Place::Anywhere, instead: "write it, or leave the door out" },
    Refused {
        word: "unimplemented!",
        place: Place::Anywhere,
        instead: "write it, or refuse with a typed error",
    },
    Refused { word: "thread::sleep", place: Place::Anywhere, instead: "wait for what is awaited" },
    Refused { word: "time::sleep", place: Place::Tests, instead: "wait for what is awaited" },
    Refused { word: "#[ignore", place: Place::Anywhere, instead: "a test runs or goes" },
    Refused {
        word: "should_panic",
        place: Place::Anywhere,
        instead: "catch the panic and compare its message",
    },
];

/// Where a refused word may stand: path or folder, word, reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("macros/tests/fail/nondeterminism.rs", "thread::sleep", "the macro refuses it"),
    ("macros/tests/fail/nondeterminism.rs", "time::sleep", "the macro refuses it"),
];

/// Words of comments that promise instead of explain.
const PROMISES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// What a banner is drawn with.
const BANNER: &str = "-=*#~+_/<>\u{2500}\u{2550}\u{2501}";

/// The refused words of a file, each with its complaint.
fn refused_words(path: &str, source: &Source) -> Vec<(&'static str, String)> {
    let program = tree::is_below(path, &["examples", "benches"]);
    let test = tree::is_below(path, &["tests", "tests.rs"]);
    let mut found = Vec::new();
    for Refused { word, place, instead } in REFUSED {
        let refused = match place {
            Place::Anywhere => true,
            Place::Rooms => !program,
            Place::Tests => test,
        };
        for at in words(&source.code, word).filter(|_| refused) {
            found.push((*word, format!("{path}:{}: `{word}`: {instead}", line_of(&source.code, at))));
        }
    }
    found
}

fn unexcepted(files: &[(String, Source)], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut needed = vec![false; exceptions.len()];
    for (path, source) in files {
        for (word, complaint) in refused_words(path, source) {
            let exception = exceptions.iter().position(|(at, what, _)| path.starts_with(at) && *what == word);
            match exception {
                Some(n) => needed[n] = true,
                None => complaints.push(complaint),
            }
        }
    }
    for ((path, word, _), _) in exceptions.iter().zip(needed).filter(|(_, needed)| !needed) {
        complaints.push(format!("{path}: `{word}` is excepted and does not occur: take it off the list"));
    }
    complaints
}

fn comment_complaints(path: &str, source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for comment in &source.comments {
        let line = comment.line;
        if is_banner(&comment.text) {
            complaints.push(format!("{path}:{line}: a banner: split the file instead"));
        }
        for promise in PROMISES.iter().filter(|promise| words(&comment.text, promise).next().is_some()) {
            complaints.push(format!("{path}:{line}: `{promise}`: do it, or file it as an issue"));
        }
    }
    complaints
}

/// A comment that begins or ends with four of the same drawing character. Tables of docs are not banners.
fn is_banner(comment: &str) -> bool {
    if comment.starts_with("/////") || comment.starts_with("/***") {
        return true;
    }
    let text = comment.trim_start_matches(['/', '!']).trim();
    let drawn = |text: &str| {
        let mark = text.chars().next().filter(|mark| BANNER.contains(*mark));
        mark.is_some_and(|mark| text.chars().take(4).filter(|c| *c == mark).count() == 4)
    };
    let reversed: String = text.chars().rev().collect();
    drawn(text) || drawn(&reversed)
}

/// Emoji anywhere but in the literals of tests, which are data.
fn emoji(file: &File) -> Vec<String> {
    let is_emoji =
        |c: char| matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B50 | 0x2B55 | 0xFE0F);
    let complaint = |line: usize| format!("{}:{line}: an emoji: say it in words", file.path);
    if file.is_test() {
        let comments = Source::new(&file.text).comments.into_iter();
        return comments.filter(|it| it.text.contains(is_emoji)).map(|it| complaint(it.line)).collect();
    }
    let lines = file.text.lines().enumerate().filter(|(_, line)| line.contains(is_emoji));
    lines.map(|(n, _)| complaint(n + 1)).collect()
}

fn sources() -> Vec<(String, Source)> {
    tree::files(&[".rs"]).into_iter().map(|file| (file.path, Source::new(&file.text))).collect()
}

#[test]
fn no_leftovers_sleeps_or_tests_that_cannot_fail() {
    assert_tidy(&unexcepted(&sources(), EXCEPTIONS));
}

#[test]
fn comments_explain_and_draw_nothing() {
    let complaints: Vec<String> =
        sources().iter().flat_map(|(path, source)| comment_complaints(path, source)).collect();
    assert_tidy(&complaints);
}

#[test]
fn no_emoji() {
    let files = tree::files(&[".rs", ".md", ".toml", ".yml", ".ci/run"]);
    assert_tidy(&files.iter().flat_map(emoji).collect::<Vec<_>>());
}

#[track_caller]
fn check_words(path: &str, text: &str, expect: &[&str]) {
    let found = refused_words(path, &Source::new(text));
    assert_eq!(found.iter().map(|(word, _)| *word).collect::<Vec<_>>(), expect, "in {path}: {text}");
}

#[test]
fn each_refused_word_is_found_as_code_alone() {
    for Refused { word, .. } in REFUSED {
        check_words("storage/tests/a.rs", &format!("// {word}\n\"{word}\""), &[]);
        check_words("storage/tests/a.rs", &format!("std::{word};"), &[word]);
    }
    let complaints = unexcepted(&[("a.rs".to_owned(), Source::new("\n\ntodo!()"))], &[]);
    assert_complains(&complaints, "a.rs:3: `todo!`: write it");
}

#[test]
fn programs_print_and_tests_do_not_sleep() {
    check_words(
        "examples/a/main.rs",
        "println!(); tokio::time::sleep(x); std::thread::sleep(x)",
        &["thread::sleep"],
    );
    check_words("runtime/src/a.rs", "println!(); tokio::time::sleep(x)", &["println!"]);
    check_words("runtime/src/a/tests.rs", "tokio::time::sleep(x)", &["time::sleep"]);
}

#[test]
fn an_exception_covers_its_word_and_must_be_needed() {
    let files = [("tests/a/main.rs".to_owned(), Source::new("println!()"))];
    assert_complains(&unexcepted(&files, &[]), "tests/a/main.rs:1: `println!`");
    assert_tidy(&unexcepted(&files, &[("tests/a/", "println!", "it reports")]));
    let unneeded = [("tests/a/", "println!", "it reports"), ("tests/a/", "dbg!", "none")];
    assert_complains(&unexcepted(&files, &unneeded), "`dbg!` is excepted and does not occur");
}

#[test]
fn banners_and_promises_in_comments_are_named() {
    let complaints = |text: &str| comment_complaints("a.rs", &Source::new(text));
    for banner in [
        "// ---- parts",
        "// parts ====",
        "//////",
        "//! ****",
        "/**** parts */",
        "// \u{2500}\u{2500}\u{2500}\u{2500}",
    ] {
        assert_complains(&complaints(banner), "a.rs:1: a banner");
    }
    assert_complains(&complaints("a\n// TODO: later"), "a.rs:2: `TODO`");
    assert_tidy(&complaints(
        "/// | a | b |\n/// |---|---|\n/// a --> b; x /* - */ --- y\nlet x = \"// ----\";",
    ));
}

#[test]
fn an_emoji_is_named_with_its_line_unless_it_is_data_of_a_test() {
    let check = |path: &str, text: &str| emoji(&File { path: path.to_owned(), text: text.to_owned() });
    assert_complains(&check("README.md", "fast\nand \u{1F680} safe"), "README.md:2");
    assert_tidy(&check("README.md", "na\u{ef}ve \u{2192} \u{4e16}"));
    assert_complains(&check("src/a.rs", "let x = \"\u{1F680}\";"), "src/a.rs:1");
    assert_tidy(&check("src/tests.rs", "let x = \"\u{1F680}\";"));
    assert_complains(&check("src/tests.rs", "\n// \u{1F680}"), "src/tests.rs:2");
}
