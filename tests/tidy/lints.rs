//! That every member takes the workspace's lints, and every pure room refuses time and randomness by clippy.

use crate::imports::ROOMS;
use crate::metadata::Workspace;
use crate::tree;
use crate::{assert_complains, assert_tidy};

/// What clippy refuses in a pure room.
const REFUSED: [&str; 7] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "uuid::Uuid::new_v4",
    "uuid::Uuid::now_v7",
    "std::collections::HashMap::new",
    "std::collections::HashSet::new",
    "std::hash::RandomState",
];

/// The lines of a table of a manifest, without comments and blanks.
fn table<'a>(toml: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("[{name}]");
    let lines = toml.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| is_entry(line)).collect()
}

fn is_entry(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn member_lints(path: &str, toml: &str) -> Vec<String> {
    if table(toml, "lints").contains(&"workspace = true") {
        return Vec::new();
    }
    vec![format!("{path}: add `[lints] workspace = true`")]
}

fn workspace_lints(toml: &str) -> Vec<String> {
    if table(toml, "workspace.lints.rust").contains(&"unsafe_code = \"forbid\"") {
        return Vec::new();
    }
    vec!["Cargo.toml: add `unsafe_code = \"forbid\"` to [workspace.lints.rust]".to_owned()]
}

/// The nearest clippy.toml wins and does not merge: a room's own repeats the root's lines.
fn room_clippy(path: &str, own: &str, root: &str) -> Vec<String> {
    let has = |line: &str| own.lines().any(|it| it.trim() == line);
    let thresholds = root.lines().map(str::trim).filter(|line| is_entry(line) && !has(line));
    let mut complaints: Vec<String> =
        thresholds.map(|line| format!("{path}: repeat the root's `{line}`")).collect();
    let entries: String = own.lines().filter(|line| is_entry(line.trim())).collect();
    for refused in REFUSED.iter().filter(|refused| !entries.contains(&format!("path = \"{refused}\""))) {
        complaints.push(format!("{path}: disallow `{refused}`"));
    }
    complaints
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    let mut complaints = workspace_lints(&tree::read("Cargo.toml").unwrap());
    for package in Workspace::of_tree().packages {
        let path = package.path("Cargo.toml");
        complaints.extend(member_lints(&path, &tree::read(&path).unwrap()));
    }
    assert_tidy(&complaints);
}

#[test]
fn every_pure_room_refuses_time_and_randomness() {
    let root = tree::read("clippy.toml").expect("the root has a clippy.toml");
    let pure = |name: &str| ROOMS.iter().any(|room| room.pure && room.package == name);
    let mut complaints = Vec::new();
    for package in Workspace::of_tree().packages.iter().filter(|package| pure(&package.name)) {
        let path = package.path("clippy.toml");
        match tree::read(&path) {
            Some(own) => complaints.extend(room_clippy(&path, &own, &root)),
            None => complaints.push(format!("{path} is missing: a pure room has its own")),
        }
    }
    assert_tidy(&complaints);
}

/// In a build of the whole workspace, features that another room turns on would hide a fault.
fn unchecked_alone(script: &str) -> Vec<String> {
    let line = script.lines().find_map(|line| line.strip_prefix("pure_rooms=(")?.strip_suffix(')'));
    let named: Vec<String> =
        line.unwrap_or_default().split_whitespace().map(|room| format!("sarsen-{room}")).collect();
    let pure = ROOMS.iter().filter(|room| room.pure).map(|room| room.package);
    let missing = pure.filter(|package| !named.iter().any(|it| it == package));
    missing.map(|package| format!(".ci/run: add {package} to pure_rooms")).collect()
}

#[test]
fn every_pure_room_is_checked_alone() {
    assert_tidy(&unchecked_alone(&tree::read(".ci/run").expect(".ci/run is missing")));
}

#[test]
fn a_pure_room_that_is_not_checked_alone_is_named() {
    assert_tidy(&unchecked_alone("set -e\npure_rooms=(protocol entities orchestration engine)\n"));
    assert_complains(&unchecked_alone("pure_rooms=(protocol orchestration engine)\n"), "add sarsen-entities");
    assert_eq!(unchecked_alone("# pure_rooms=(protocol entities orchestration engine)\n").len(), 4);
}

#[test]
fn a_member_without_the_lints_is_named() {
    assert_tidy(&member_lints("a", "[package]\n[lints]\nworkspace = true\n"));
    assert_complains(
        &member_lints("a", "[package]\nworkspace = true\n[lints]\n# workspace = true\n"),
        "a: add",
    );
    assert_tidy(&workspace_lints("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    assert_complains(&workspace_lints("[workspace.lints.rust]\nunsafe_code = \"deny\"\n"), "unsafe_code");
}

#[test]
fn a_pure_room_that_forgets_a_threshold_or_a_clock_is_named() {
    let entries = REFUSED.map(|path| format!("    {{ path = \"{path}\" }},\n")).concat();
    let own = format!("lines = 70\ndisallowed-methods = [\n{entries}]\n");
    assert_tidy(&room_clippy("a", &own, "# why\nlines = 70\n"));
    assert_complains(&room_clippy("a", &own, "lines = 80\n"), "repeat the root's `lines = 80`");
    for refused in REFUSED {
        let without = own.replace(&format!("    {{ path = \"{refused}\""), "    # {");
        assert_complains(&room_clippy("a", &without, "lines = 70\n"), refused);
    }
}
