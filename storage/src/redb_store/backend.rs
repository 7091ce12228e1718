//! A disk under redb, and the counting of what goes to it.

use crate::{Counters, Disk};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a store and the backend under it share.
#[derive(Debug, Default)]
pub(super) struct Meter {
    groups: AtomicU64,
    syncs: AtomicU64,
    bytes_written: AtomicU64,
    stopped: AtomicBool,
}

impl Meter {
    pub(super) fn count_group(&self) {
        self.groups.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            groups: self.groups.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
        }
    }

    /// Nothing is read or written any more, not even by redb when it is dropped.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// A [`Disk`] as redb wants it. Takes no locks: the directory's lock keeps other processes away.
#[derive(Debug)]
pub(super) struct Backend<D> {
    disk: D,
    meter: Arc<Meter>,
}

impl<D: Disk> Backend<D> {
    pub(super) fn new(disk: D, meter: Arc<Meter>) -> Self {
        Self { disk, meter }
    }

    /// Calls the disk, and never again once a call that changes it has failed: redb itself would try some writes
    /// again, those that it makes before a commit to save memory.
    fn change(&self, call: impl FnOnce(&D) -> io::Result<()>) -> io::Result<()> {
        self.check()?;
        call(&self.disk).inspect_err(|_| self.meter.stop())
    }

    fn check(&self) -> io::Result<()> {
        if self.meter.is_stopped() { Err(io::Error::other("the store is stopped")) } else { Ok(()) }
    }
}

impl<D: Disk> redb::StorageBackend for Backend<D> {
    fn len(&self) -> io::Result<u64> {
        self.check()?;
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.check()?;
        self.disk.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|disk| disk.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(D::sync)?;
        self.meter.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|disk| disk.write_at(offset, data))?;
        self.meter.bytes_written.fetch_add(data.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Crash, FaultyDisk};
    use redb::StorageBackend;

    #[test]
    fn a_failed_change_stops_the_store_before_it_hears_of_it() {
        let disk = FaultyDisk::new();
        let meter = Arc::new(Meter::default());
        let backend = Backend::new(disk.clone(), Arc::clone(&meter));
        backend.write(0, b"four").expect("the disk is well");
        backend.sync_data().expect("the disk is well");
        disk.crash_at(Crash::Write { at: 2, done: true });
        backend.write(4, b"more").expect_err("the disk crashed");
        assert!(meter.is_stopped());
        let text = backend.len().expect_err("the store is stopped").to_string();
        assert_eq!(text, "the store is stopped");
        assert_eq!(meter.counters(), Counters { groups: 0, syncs: 1, bytes_written: 4 });
    }
}
