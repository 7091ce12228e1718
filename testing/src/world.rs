//! What outlives a process: the store's files, and how a crash treats them.

mod redb;

pub use redb::{DiskCrash, RedbWorld};

use crate::Random;
use sarsen_storage::{Error, MemoryStore, Store};
use std::sync::Arc;

/// How a process ends without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: what it has written stays.
    Kill,
    /// The power is cut: what is written and not synced stays in any part, or not at all.
    Power,
}

/// The place where a store rests between processes.
pub trait World {
    /// The store.
    type Store: Store;

    /// Opens the store: for the first time, or after what [`crash`](Self::crash) left. Called again after an error.
    ///
    /// # Errors
    /// What the store reports; the host takes it for a crash.
    fn open(&mut self) -> Result<Arc<Self::Store>, Error>;

    /// The process has ended by `crash`, or the store has failed. Called before the store is dropped.
    fn crash(&mut self, crash: Crash, random: &mut Random);
}

/// A world of one [`MemoryStore`]: what was committed stays, whatever the crash. Clones are the same world, for a host
/// that follows another one.
#[derive(Clone, Debug, Default)]
pub struct MemoryWorld {
    store: MemoryStore,
}

impl MemoryWorld {
    /// An empty world.
    pub fn new() -> Self {
        Self::default()
    }
}

impl World for MemoryWorld {
    type Store = MemoryStore;

    fn open(&mut self) -> Result<Arc<MemoryStore>, Error> {
        self.store = self.store.reopen();
        Ok(Arc::new(self.store.clone()))
    }

    fn crash(&mut self, _crash: Crash, _random: &mut Random) {}
}
