//! The counting of what goes to a store's files, and their end after the first failure.

use crate::{Counters, DiskFile};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a store and all its files share.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    groups: AtomicU64,
    syncs: AtomicU64,
    bytes_written: AtomicU64,
    stopped: AtomicBool,
}

impl Meter {
    pub(crate) fn count_group(&self) {
        self.groups.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted; the rest is the store's to fill in.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            groups: self.groups.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            ..Counters::default()
        }
    }

    /// Nothing is read or written any more, not even by redb when it is dropped.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Calls the disk, and never again once a call that changes it has failed: redb itself would try some writes
    /// again, those that it makes before a commit to save memory.
    pub(crate) fn change<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.check()?;
        call().inspect_err(|_| self.stop())
    }

    fn check(&self) -> io::Result<()> {
        if self.is_stopped() { Err(io::Error::other("the store is stopped")) } else { Ok(()) }
    }
}

/// A file whose calls are counted, and which is left alone once any file of the store has failed.
#[derive(Debug)]
pub(crate) struct Metered {
    file: Box<dyn DiskFile>,
    meter: Arc<Meter>,
}

impl Metered {
    pub(crate) fn new(file: Box<dyn DiskFile>, meter: Arc<Meter>) -> Self {
        Self { file, meter }
    }
}

impl DiskFile for Metered {
    fn len(&self) -> io::Result<u64> {
        self.meter.check()?;
        self.file.len()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.meter.check()?;
        self.file.read_at(offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.meter.change(|| self.file.write_at(offset, bytes))?;
        self.meter.bytes_written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.meter.change(|| self.file.set_len(len))
    }

    fn sync(&self) -> io::Result<()> {
        self.meter.change(|| self.file.sync())?;
        self.meter.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The same as redb wants it. Takes no locks: the directory's lock keeps other processes away.
impl redb::StorageBackend for Metered {
    fn len(&self) -> io::Result<u64> {
        DiskFile::len(self)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        DiskFile::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_at(offset, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Crash, Disk, FaultyDisk};

    #[test]
    fn a_failed_change_of_one_file_stops_the_store_before_it_hears_of_it() {
        let disk = FaultyDisk::new();
        let meter = Arc::new(Meter::default());
        let open = |name| Metered::new(disk.open(name).expect("the disk is well"), Arc::clone(&meter));
        let (file, other) = (open("file"), open("other"));
        file.write_at(0, b"four").expect("the disk is well");
        file.sync().expect("the disk is well");
        disk.crash_at(Crash::Write { at: 2, done: true });
        file.write_at(4, b"more").expect_err("the disk crashed");
        assert!(meter.is_stopped());
        let text = DiskFile::len(&other).expect_err("the store is stopped").to_string();
        assert_eq!(text, "the store is stopped");
        assert_eq!(meter.counters(), Counters { syncs: 1, bytes_written: 4, ..Counters::default() });
    }
}
