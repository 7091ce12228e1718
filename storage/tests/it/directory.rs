//! One process owns a data directory, and a crash while it is created is no obstacle.

use sarsen_protocol::SlotRange;
use sarsen_storage::{Directory, DirectoryError, RedbOptions, Store};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const MARKER: &str = "# This is a data directory of sarsen. It is not meant to be edited.\nformat = 2\n";

/// What an earlier version has left.
const EARLIER: &str = "# This is a data directory of sarsen. It is not meant to be edited.\nformat = 1\n";

fn place() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Opens what must not open; the text says the path as `DIR`.
fn refused(path: &Path) -> String {
    let error = Directory::open(path).unwrap_err();
    error.to_string().replace(&path.display().to_string(), "DIR")
}

/// Opens and uses the store in `path`.
fn works(path: &Path) {
    let store = Directory::open(path).unwrap().open_store(RedbOptions::default()).unwrap();
    store.acquire(SlotRange::ALL).unwrap();
}

#[test]
fn a_missing_or_empty_directory_is_laid_out() {
    let place = place();
    let nested = place.path().join("a/b");
    for path in [place.path().join("new"), nested] {
        assert_eq!(Directory::open(&path).unwrap().path(), path);
        assert_eq!(names(&path), ["LOCK", "sarsen.toml", "state.redb"]);
        assert_eq!(fs::read_to_string(path.join("sarsen.toml")).unwrap(), MARKER);
        works(&path);
        works(&path);
    }
}

#[test]
fn a_directory_is_locked_while_it_or_its_store_lives() {
    let place = place();
    let locked =
        "the data directory DIR is in use: stop the process that has it open or choose another directory";
    let directory = Directory::open(place.path()).unwrap();
    assert_eq!(refused(place.path()), locked);
    let store = directory.open_store(RedbOptions::default()).unwrap();
    assert_eq!(refused(place.path()), locked);
    drop(store);
    works(place.path());
}

#[test]
fn a_directory_with_other_things_is_refused_and_left_alone() {
    let place = place();
    fs::write(place.path().join("photo.jpg"), b"x").unwrap();
    assert_eq!(
        refused(place.path()),
        "the directory DIR holds `photo.jpg` and is no data directory of sarsen: choose an empty directory or a new one"
    );
    assert_eq!(names(place.path()), ["photo.jpg"]);
    // Others have lock files as well.
    fs::write(place.path().join("LOCK"), b"").unwrap();
    assert!(matches!(Directory::open(place.path()), Err(DirectoryError::Foreign { .. })));
    assert_eq!(names(place.path()), ["LOCK", "photo.jpg"]);
}

#[test]
fn a_store_without_a_marker_is_not_taken_for_an_unfinished_creation() {
    let place = place();
    works(place.path());
    fs::remove_file(place.path().join("sarsen.toml")).unwrap();
    let Err(DirectoryError::Foreign { entry, .. }) = Directory::open(place.path()) else {
        panic!("it was taken for an unfinished creation");
    };
    assert!(["state.redb", "journal"].contains(&&*entry), "{entry}");
}

#[test]
fn a_newer_directory_is_refused() {
    let place = place();
    fs::write(place.path().join("sarsen.toml"), "format = 3\nsegments = 7\n").unwrap();
    assert_eq!(
        refused(place.path()),
        "the data directory DIR has format 3, this build knows up to 2: use the sarsen that wrote it"
    );
    assert!(matches!(Directory::open(place.path()), Err(DirectoryError::Newer { found: 3, known: 2, .. })));
    assert_eq!(names(place.path()), ["sarsen.toml"]);
}

#[test]
fn a_directory_of_the_format_without_a_journal_becomes_one_of_this_format() {
    let place = place();
    for (name, text) in [("LOCK", ""), ("state.redb", ""), ("sarsen.toml", EARLIER)] {
        fs::write(place.path().join(name), text).unwrap();
    }
    works(place.path());
    assert_eq!(fs::read_to_string(place.path().join("sarsen.toml")).unwrap(), MARKER);
    works(place.path());
}

#[test]
fn a_damaged_directory_is_refused() {
    let place = place();
    fs::write(place.path().join("sarsen.toml"), "").unwrap();
    assert_eq!(
        refused(place.path()),
        "the data directory DIR is damaged: sarsen.toml has no line with a format; restore it from a backup"
    );
    fs::write(place.path().join("sarsen.toml"), MARKER).unwrap();
    assert_eq!(
        refused(place.path()),
        "the data directory DIR is damaged: state.redb is missing; restore it from a backup"
    );
}

#[test]
fn a_file_in_the_way_is_an_io_error_with_its_path() {
    let place = place();
    let path = place.path().join("file");
    fs::write(&path, b"x").unwrap();
    let text = refused(&path);
    assert!(text.starts_with("DIR could not be read or written: "), "{text}");
    assert!(text.ends_with("; check its permissions and the space that is left"), "{text}");
}

#[test]
fn a_creation_cut_short_at_any_step_is_taken_up_again() {
    // What a crash leaves behind each step, also half a temporary file.
    let steps: [&[(&str, &str)]; 5] = [
        &[("LOCK", "")],
        &[("LOCK", ""), ("state.redb", "")],
        &[("LOCK", ""), ("state.redb", ""), ("sarsen.toml.new", "")],
        &[("state.redb", ""), ("sarsen.toml.new", "# This is")],
        &[("LOCK", ""), ("state.redb", ""), ("sarsen.toml", MARKER)],
    ];
    for step in steps {
        let place = place();
        for (name, text) in step {
            fs::write(place.path().join(name), text).unwrap();
        }
        works(place.path());
        assert_eq!(names(place.path()), ["LOCK", "journal", "sarsen.toml", "state.redb"], "{step:?}");
    }
}
