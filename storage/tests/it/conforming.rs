//! Every store of this crate keeps the promises.

use sarsen_storage::conformance::{self, Harness};
use sarsen_storage::{Directory, FaultyDisk, MemoryStore, RedbOptions, RedbStore, Store};
use tempfile::TempDir;

struct Memory(MemoryStore);

impl Harness for Memory {
    fn create(&mut self) -> Box<dyn Store> {
        self.0 = MemoryStore::new();
        self.reopen()
    }

    fn reopen(&mut self) -> Box<dyn Store> {
        Box::new(self.0.reopen())
    }
}

struct RedbInDirectory(TempDir);

impl Harness for RedbInDirectory {
    fn create(&mut self) -> Box<dyn Store> {
        self.0 = TempDir::new().unwrap();
        self.reopen()
    }

    fn reopen(&mut self) -> Box<dyn Store> {
        Box::new(Directory::open(self.0.path()).unwrap().open_store(RedbOptions::default()).unwrap())
    }
}

struct RedbOnDisk(FaultyDisk);

impl Harness for RedbOnDisk {
    fn create(&mut self) -> Box<dyn Store> {
        self.0 = FaultyDisk::new();
        self.reopen()
    }

    fn reopen(&mut self) -> Box<dyn Store> {
        Box::new(RedbStore::open(self.0.clone(), RedbOptions::default()).unwrap())
    }
}

fn check(mut harness: impl Harness) {
    if let Err(violation) = conformance::check(&mut harness) {
        panic!("{violation}");
    }
}

#[test]
fn the_memory_store_keeps_every_promise() {
    check(Memory(MemoryStore::new()));
}

#[test]
fn the_redb_store_in_a_directory_keeps_every_promise() {
    check(RedbInDirectory(TempDir::new().unwrap()));
}

#[test]
fn the_redb_store_on_a_disk_without_faults_keeps_every_promise() {
    check(RedbOnDisk(FaultyDisk::new()));
}
