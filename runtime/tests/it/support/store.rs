//! A store in memory that does what a test says.

use sarsen_protocol::{Batch, BatchNumber, Lease, Page, Read, SlotRange};
use sarsen_storage::{Counters, Error, MemoryStore, Outcome, Store};
use std::{
    io,
    sync::{Arc, Mutex},
};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It succeeds.
    Pass,
    /// It fails, without having written.
    Fail,
    /// It panics.
    Panic,
    /// Another runtime has the slots.
    Fence,
}

type Script = Box<dyn FnMut() -> Verdict + Send>;

/// A store whose commits and reads ask a script first. The script may block.
#[derive(Clone)]
pub(crate) struct Scripted {
    store: MemoryStore,
    commits: Arc<Mutex<Script>>,
    reads: Arc<Mutex<Script>>,
}

impl Scripted {
    pub(crate) fn new(store: MemoryStore) -> Self {
        let pass = || -> Arc<Mutex<Script>> { Arc::new(Mutex::new(Box::new(|| Verdict::Pass))) };
        Self { store, commits: pass(), reads: pass() }
    }

    /// Asks `script` before each commit from now on.
    pub(crate) fn on_commit(&self, script: impl FnMut() -> Verdict + Send + 'static) {
        *self.commits.lock().expect("no script panics") = Box::new(script);
    }

    /// Asks `script` before each read from now on.
    pub(crate) fn on_read(&self, script: impl FnMut() -> Verdict + Send + 'static) {
        *self.reads.lock().expect("no script panics") = Box::new(script);
    }

    fn call(script: &Mutex<Script>) -> Verdict {
        let verdict = script.lock().expect("no script panics")();
        assert!(verdict != Verdict::Panic, "the store panics as it was told to");
        verdict
    }
}

fn failure() -> Error {
    Error::Io { what: "state.redb".to_owned(), source: io::Error::other("the disk is gone") }
}

impl Store for Scripted {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        self.store.acquire(slots)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        match Self::call(&self.commits) {
            Verdict::Fail => vec![(group[0].lease, Outcome::Unknown(failure()))],
            Verdict::Fence => vec![(group[0].lease, Outcome::Fenced)],
            Verdict::Pass | Verdict::Panic => self.store.commit(group),
        }
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        self.store.last(lease)
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        match Self::call(&self.reads) {
            Verdict::Pass => self.store.read(reads),
            _ => Err(failure()),
        }
    }

    fn counters(&self) -> Counters {
        self.store.counters()
    }
}
