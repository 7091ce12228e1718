//! A file that is no store's, or no longer one, is an error and never a panic.

use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Read, SlotRange, Write};
use sarsen_storage::{
    Disk, DiskFile, Error, FaultyDisk, FolderDisk, Outcome, Progress, RedbOptions, RedbStore, SplitMix64,
    Store,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

fn open(disk: &FaultyDisk) -> Result<RedbStore, Error> {
    RedbStore::open(disk.clone(), RedbOptions::default())
}

fn all(keyspace: Keyspace) -> Read {
    let (from, to) = (Bytes::new(), Bytes::from_static(&[0xff]));
    Read { keyspace, from, to, rows_max: usize::MAX, bytes_max: usize::MAX, values: true }
}

/// The disk of a store with a few hundred records, all of them in the tables; `closed` in good order or not.
fn store_disk(closed: bool) -> FaultyDisk {
    let disk = FaultyDisk::new();
    let store = open(&disk).unwrap();
    let lease = store.acquire(SlotRange::ALL).unwrap();
    for number in 1..=3 {
        let write = |row: u64| {
            let key = format!("{number} {row}").into();
            Write { keyspace: Keyspace::Instances, key, value: Some(Bytes::from(vec![b'x'; 60])) }
        };
        let batch = Batch { lease, number: BatchNumber(number), writes: (0..200).map(write).collect() };
        assert!(matches!(store.commit(&[batch])[..], [(_, Outcome::Durable(_))]));
    }
    while store.checkpoint(1000).unwrap() != Progress::Done {}
    let left = disk.after_kill();
    drop(store);
    if closed { disk.after_kill() } else { left }
}

/// The file of the tables.
const STATE: &str = "state.redb";

/// A disk with other bytes in the file of the tables.
fn changed(disk: &FaultyDisk, state: &[u8]) -> FaultyDisk {
    let disk = disk.after_kill();
    disk.put(STATE, state.to_vec());
    disk
}

fn is_damaged(result: &Result<RedbStore, Error>) -> bool {
    matches!(result, Err(Error::Damaged { .. }))
}

#[test]
fn a_file_that_ends_early_is_damaged() {
    for closed in [false, true] {
        let intact = store_disk(closed);
        let bytes = intact.bytes(STATE);
        for len in [1, 8, 9, 319, 320, 4096, 5000, bytes.len() / 2, bytes.len() - 1] {
            assert!(
                is_damaged(&open(&changed(&intact, &bytes[..len]))),
                "cut to {len} bytes, closed: {closed}"
            );
        }
    }
}

#[test]
fn a_file_of_something_else_is_damaged_and_stays_as_it_is() {
    let zero_head = {
        let mut bytes = store_disk(true).bytes(STATE);
        bytes[..320].fill(0);
        bytes
    };
    for bytes in [b"hello".to_vec(), vec![0xff; 100_000], zero_head] {
        let disk = changed(&FaultyDisk::new(), &bytes);
        let error = open(&disk).unwrap_err();
        assert_eq!(
            error.to_string(),
            "state.redb is damaged: it is not the file of a store; restore it from a backup"
        );
        assert_eq!(disk.bytes(STATE), bytes, "the file was changed");
    }
}

#[test]
fn a_file_whose_creation_was_cut_short_is_created_again() {
    for bytes in [vec![], vec![0; 5], vec![0; 320], vec![0; 1 << 20]] {
        let disk = changed(&FaultyDisk::new(), &bytes);
        assert_eq!(open(&disk).unwrap().read(&[all(Keyspace::Instances)]).unwrap()[0].rows, []);
    }
}

#[test]
fn random_damage_never_panics() {
    let intact = [store_disk(false), store_disk(true)];
    let mut random = SplitMix64::new(3);
    let mut named = 0;
    for case in 0..300 {
        let intact = &intact[case % 2];
        let mut bytes = intact.bytes(STATE);
        // Most of a small file is free pages; its first ones are not.
        let limit = if case % 3 == 0 { bytes.len() } else { 16 * 4096 };
        for _ in 0..=random.below(40) {
            let at = usize::try_from(random.below(limit as u64)).unwrap();
            bytes[at] = random.draw().to_le_bytes()[0];
        }
        let read = open(&changed(intact, &bytes)).and_then(|store| store.read(&Keyspace::ALL.map(all)));
        match read {
            Ok(_) => {}
            Err(Error::Damaged { .. } | Error::Newer { .. }) => named += 1,
            Err(error) => panic!("case {case}: {error}"),
        }
    }
    assert!(named > 30, "damage was found in {named} of 300 files only");
}

#[test]
fn a_file_that_cannot_be_written_is_an_io_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STATE);
    std::fs::create_dir(&path).unwrap();
    let error = RedbStore::open(FolderDisk::new(directory.path()), RedbOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::Io { .. }), "{error}");
    let (text, path) = (error.to_string(), path.display());
    assert!(text.starts_with(&format!("{path} could not be read or written: ")), "{text}");
}

/// A disk that fails one change and would do all others.
#[derive(Clone, Debug)]
struct FailsOnce {
    disk: FaultyDisk,
    /// How many changes are left to the one that fails; negative behind it.
    left: Arc<AtomicI64>,
}

#[derive(Debug)]
struct FileThatFailsOnce {
    file: Box<dyn DiskFile>,
    disk: FailsOnce,
}

impl FailsOnce {
    fn change<T>(&self, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("as the test asked")),
            _ => change(),
        }
    }
}

impl Disk for FailsOnce {
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.change(|| self.disk.open(name))?;
        Ok(Box::new(FileThatFailsOnce { file, disk: self.clone() }))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }
}

impl DiskFile for FileThatFailsOnce {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(|| self.file.write_at(offset, bytes))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(|| self.file.set_len(len))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change(|| self.file.sync())
    }
}

/// Commits some groups and carries them into the tables. Returns whether each call succeeded.
fn work(store: &RedbStore) -> bool {
    let Ok(lease) = store.acquire(SlotRange::ALL) else { return false };
    for number in 1..=4 {
        let write = |row: u8| {
            let value = Some(Bytes::from(vec![row; 3000]));
            Write { keyspace: Keyspace::Instances, key: Bytes::from(vec![row]), value }
        };
        let batch = Batch { lease, number: BatchNumber(number), writes: (0..50).map(write).collect() };
        if !matches!(store.commit(&[batch])[..], [(_, Outcome::Durable(_))]) {
            return false;
        }
        loop {
            match store.checkpoint(30) {
                Ok(Progress::Done) => break,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }
    true
}

#[test]
fn after_a_failed_call_a_store_does_not_touch_its_files_again() {
    // So little memory that redb writes in the middle of a commit, where it would go on after a failure.
    let options = RedbOptions { cache_bytes: 1 << 17, segment_bytes: 100_000, ..RedbOptions::default() };
    let mut failures = 0;
    for at in 0.. {
        let left = Arc::new(AtomicI64::new(at));
        let disk = FailsOnce { disk: FaultyDisk::new(), left: Arc::clone(&left) };
        if let Ok(store) = RedbStore::open(disk, options) {
            let is_well = work(&store);
            if left.load(Ordering::SeqCst) < 0 {
                assert!(!is_well, "change {at} failed, and nobody was told");
                assert!(matches!(store.read(&[]), Err(Error::Stopped)));
            }
        }
        match left.load(Ordering::SeqCst) {
            0.. => break,
            -1 => failures += 1,
            after => panic!("{} changes after change {at} failed", -1 - after),
        }
    }
    assert!(failures > 100, "only {failures} changes in a life");
}
