//! The files of the tree, as text.

use std::fs;
use std::path::{Path, PathBuf};

/// A file: its path from the root, with `/` between the parts, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Whether it holds tests alone.
    pub(crate) fn is_test(&self) -> bool {
        is_below(&self.path, &["tests", "tests.rs"])
    }
}

/// Whether a folder of the path, or the file itself, has one of these names.
pub(crate) fn is_below(path: &str, names: &[&str]) -> bool {
    path.split('/').any(|part| names.contains(&part))
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the file at `path` from the root, or nothing if there is none.
pub(crate) fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// All files whose path ends in one of `endings`, in the order of their paths.
///
/// The tree is walked and git is not asked: a new file is checked before it is added, and a source archive can
/// be checked too.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    let mut files: Vec<File> = paths
        .into_iter()
        .filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
        .map(|(path, file)| {
            let bytes = fs::read(&file).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
            File { path, text: String::from_utf8_lossy(&bytes).into_owned() }
        })
        .collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn walk(folder: &Path, paths: &mut Vec<(String, PathBuf)>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display())).path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let hidden = name.starts_with('.') && name != ".ci" && name != ".github";
            if !hidden && name != "target" {
                walk(&path, paths);
            }
        } else {
            let below = path.strip_prefix(root()).expect("the walk starts at the root");
            paths.push((below.to_string_lossy().replace('\\', "/"), path));
        }
    }
}

#[test]
fn a_path_is_known_by_its_folders() {
    let file = |path: &str| File { path: path.to_owned(), text: String::new() };
    assert!(file("tests/it/main.rs").is_test() && file("engine/src/shard/tests.rs").is_test());
    assert!(!file("testing/src/latests.rs").is_test());
}

#[test]
fn the_walk_finds_this_file_and_no_build_output() {
    let files = files(&[".rs"]);
    assert!(files.iter().any(|file| file.path == "tests/tidy/tree.rs"));
    assert!(files.iter().all(|file| !file.path.contains("target/")));
}
