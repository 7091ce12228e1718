//! That the documents are there, and that their links and commands name things that exist.

use std::path::Path;

use serde_json::json;

use crate::metadata::Workspace;
use crate::tree;
use crate::{assert_complains, assert_tidy};

/// What a stranger looks for first.
const EXPECTED: [&str; 12] = [
    ".ci/run",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "docs/entities.md",
    "docs/orchestrations.md",
    "docs/performance.md",
    "docs/reliability.md",
];

const ARCHITECTURE_LINES_MAX: usize = 200;

/// A piece of code in a document: a line of a fenced block, or a span between backticks.
struct Code<'a> {
    line: usize,
    text: &'a str,
}

/// The code of a document, and its prose with the code taken out, line by line.
fn parts(markdown: &str) -> (Vec<Code<'_>>, Vec<String>) {
    let mut code = Vec::new();
    let mut prose = Vec::new();
    let mut fenced = false;
    for (n, text) in markdown.lines().enumerate() {
        let line = n + 1;
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
            prose.push(String::new());
        } else if fenced {
            code.push(Code { line, text });
            prose.push(String::new());
        } else {
            let spans = text.split('`').enumerate();
            code.extend(spans.clone().filter(|(n, _)| n % 2 == 1).map(|(_, text)| Code { line, text }));
            prose.push(spans.filter(|(n, _)| n % 2 == 0).map(|(_, text)| text).collect());
        }
    }
    (code, prose)
}

/// The targets of links: `[text](target)`, and definitions `[name]: target`.
fn links(prose: &str) -> Vec<&str> {
    let target = |rest: &'_ str| -> usize { rest.find([')', ' ']).unwrap_or(rest.len()) };
    let mut links: Vec<&str> = prose.split("](").skip(1).map(|rest| &rest[..target(rest)]).collect();
    if prose.starts_with('[')
        && let Some((_, rest)) = prose.split_once("]: ")
    {
        links.push(rest.trim());
    }
    links
}

fn broken_links(path: &str, markdown: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut complaints = Vec::new();
    for (n, prose) in parts(markdown).1.iter().enumerate() {
        for link in links(prose) {
            let file = link.trim_matches(['<', '>']).split('#').next().unwrap_or_default();
            // A name with `::` is an item, which rustdoc resolves where the document is included.
            let elsewhere = file.contains("://") || file.starts_with("mailto:") || file.contains("::");
            if !file.is_empty() && !elsewhere && !exists(&folder.join(file)) {
                complaints.push(format!("{path}:{}: the link to `{link}` leads nowhere", n + 1));
            }
        }
    }
    complaints
}

/// The arguments of the cargo command that `code` is, if it is one, up to what goes to the program.
fn cargo_arguments(code: &str) -> Option<Vec<&str>> {
    let mut words = code.split_whitespace().skip_while(|word| *word == "$" || word.contains('='));
    (words.next() == Some("cargo"))
        .then(|| words.take_while(|word| !["--", "|", "&&", ";", "#"].contains(word)).collect())
}

/// The value of an option, written `--name value` or `--name=value`.
fn option<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if *argument == name {
            return arguments.next().copied();
        }
        if let Some(value) = argument.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

fn broken_commands(path: &str, markdown: &str, workspace: &Workspace) -> Vec<String> {
    let mut complaints = Vec::new();
    for Code { line, text } in parts(markdown).0 {
        let Some(arguments) = cargo_arguments(text) else { continue };
        if let Some(manifest) = option(&arguments, "--manifest-path") {
            if !tree::root().join(manifest).is_file() {
                complaints.push(format!("{path}:{line}: there is no `{manifest}`"));
            }
            continue;
        }
        let package = option(&arguments, "-p").or(option(&arguments, "--package"));
        if let Some(name) = package.filter(|name| !workspace.packages.iter().any(|it| it.name == *name)) {
            complaints.push(format!("{path}:{line}: there is no package `{name}`"));
        }
        for kind in ["example", "bench", "test", "bin"] {
            let Some(name) = option(&arguments, &format!("--{kind}")) else { continue };
            if !workspace.has_target(package, kind, name) {
                complaints.push(format!("{path}:{line}: there is no {kind} `{name}`"));
            }
        }
    }
    complaints
}

fn long_architecture(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= ARCHITECTURE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("ARCHITECTURE.md has {lines} lines, over {ARCHITECTURE_LINES_MAX}: move prose to docs/")]
}

#[test]
fn the_documents_of_a_product_are_there() {
    let missing = EXPECTED.iter().filter(|path| !tree::root().join(path).is_file());
    assert_tidy(&missing.map(|path| format!("{path} is missing")).collect::<Vec<_>>());
}

#[test]
fn links_lead_to_files() {
    let exists = |path: &Path| tree::root().join(path).exists();
    let files = tree::files(&[".md"]);
    assert_tidy(&files.iter().flat_map(|it| broken_links(&it.path, &it.text, exists)).collect::<Vec<_>>());
}

#[test]
fn commands_name_targets_that_exist() {
    let workspace = Workspace::of_tree();
    let files = tree::files(&[".md"]);
    let complaints = files.iter().flat_map(|file| broken_commands(&file.path, &file.text, &workspace));
    assert_tidy(&complaints.collect::<Vec<_>>());
}

#[test]
fn the_architecture_is_told_in_200_lines() {
    assert_tidy(&long_architecture(&tree::read("ARCHITECTURE.md").expect("ARCHITECTURE.md is missing")));
}

#[test]
fn a_link_that_leads_nowhere_is_named() {
    let check = |text: &str| broken_links("docs/a.md", text, |path| path == Path::new("docs/b.md"));
    assert_tidy(&check("[b](b.md#part), [top](#top), [web](https://x.org/y), [item](crate::Item)\n"));
    assert_tidy(&check("`[c](c.md)`\n```\n[c](c.md)\n```\n"));
    assert_complains(&check("\n[b](b.md) and [c](c.md#part)"), "docs/a.md:2: the link to `c.md#part`");
    assert_complains(&check("[c]: c.md"), "`c.md`");
}

#[test]
fn a_command_that_names_nothing_is_named() {
    let workspace = Workspace::parse(&json!({
        "workspace_root": "/w",
        "packages": [{
            "id": "one", "name": "sarsen", "manifest_path": "/w/Cargo.toml", "dependencies": [],
            "targets": [{"kind": ["example"], "name": "counter"}, {"kind": ["test"], "name": "tidy"}],
        }],
    }));
    let check = |text: &str| broken_commands("README.md", text, &workspace);
    assert_tidy(&check(
        "```sh\n$ cargo run --release --example counter -- --test none\nA=1 cargo test --test=tidy\n```",
    ));
    assert_complains(
        &check("a\n```\ncargo run --example count\n```"),
        "README.md:3: there is no example `count`",
    );
    assert_complains(&check("Type `cargo bench --bench tidy`."), "there is no bench `tidy`");
    assert_complains(&check("`SEED=1 cargo test -p sarsen --test fail`"), "there is no test `fail`");
    assert_complains(&check("`cargo test -p sarsen-misc`"), "there is no package `sarsen-misc`");
    assert_complains(&check("`cargo bench --manifest-path none/Cargo.toml`"), "no `none/Cargo.toml`");
    assert_tidy(&check("cargo run --example prose"));
}

#[test]
fn an_architecture_of_201_lines_is_named() {
    assert_tidy(&long_architecture(&"\n".repeat(200)));
    assert_complains(&long_architecture(&"\n".repeat(201)), "201 lines");
}
