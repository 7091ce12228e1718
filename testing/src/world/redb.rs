//! A redb store on a disk that crashes.

use super::{Crash, World};
use crate::Random;
use sarsen_storage::{Crash as At, Error, FaultyDisk, RedbOptions, RedbStore};
use std::sync::Arc;

/// A simulated store is small, and there are many of them: little memory, segments of a few groups, and so short a tail
/// that commits have to make room themselves now and then.
const OPTIONS: RedbOptions = RedbOptions {
    cache_bytes: 1 << 20,
    tail_bytes_max: 1 << 20,
    tail_rows_max: 400,
    segment_bytes: 32 << 10,
};

/// A crash in a call of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskCrash {
    /// In which sync, counted from 1 since the disk was last opened.
    pub sync: u64,
    /// Whether the sync took effect.
    pub done: bool,
    /// What it is.
    pub crash: Crash,
}

/// A world of one [`RedbStore`] on a [`FaultyDisk`]: a power cut loses any part of what was not synced.
#[derive(Debug, Default)]
pub struct RedbWorld {
    disk: FaultyDisk,
    /// The crashes to come, the next one last; each on a disk of its own.
    crashes: Vec<DiskCrash>,
    /// The one that the disk is waiting for.
    armed: Option<DiskCrash>,
    syncs: u64,
}

impl RedbWorld {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk that crashes; the first of `crashes` on this disk, the next on what it leaves, and so on.
    pub fn crashing(mut crashes: Vec<DiskCrash>) -> Self {
        crashes.reverse();
        let mut world = Self { crashes, ..Self::default() };
        world.arm();
        world
    }

    /// The disk, as it is now.
    pub fn disk(&self) -> &FaultyDisk {
        &self.disk
    }

    /// How many syncs were begun, on all disks so far.
    pub fn syncs(&self) -> u64 {
        self.syncs + self.disk.syncs()
    }

    fn arm(&mut self) {
        self.armed = self.crashes.pop();
        if let Some(DiskCrash { sync, done, .. }) = self.armed {
            self.disk.crash_at(At::Sync { at: sync, done });
        }
    }
}

impl World for RedbWorld {
    type Store = RedbStore;

    fn open(&mut self) -> Result<Arc<RedbStore>, Error> {
        RedbStore::open(self.disk.clone(), OPTIONS).map(Arc::new)
    }

    fn crash(&mut self, crash: Crash, random: &mut Random) {
        let armed = self.armed.filter(|_| self.disk.has_crashed());
        self.syncs += self.disk.syncs();
        self.disk = match armed.map_or(crash, |armed| armed.crash) {
            Crash::Kill => self.disk.after_kill(),
            Crash::Power => self.disk.after_power_cut(random.draw()),
        };
        self.arm();
    }
}
