//! The seam between a store and its files.
//!
//! A store keeps several files on one disk. What it does to them is seven calls, so that a test can put a disk under it
//! that loses what a real one may lose, of all files at once. Locking is no part of the seam: that is the
//! [`Directory`](crate::Directory)'s.

mod faulty;
mod folder;
mod random;

pub use faulty::{Crash, FaultyDisk};
pub use folder::FolderDisk;
pub(crate) use folder::sync_folder;
pub use random::SplitMix64;

use std::fmt::Debug;
use std::io;

/// Files by their names, which are paths of ASCII with `/` between their parts.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file, creating it empty when there is none. On return its name survives a power cut.
    ///
    /// # Errors
    /// What the system reports.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// The names of the files in a folder, in any order; none when there is no such folder.
    ///
    /// # Errors
    /// What the system reports.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;

    /// What errors call a file or folder.
    fn called(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// A file as a store sees it: bytes that are written now and durable after the next sync.
///
/// Called by any number of threads at a time. Writes that do not overlap may become durable in any order, whole or
/// in part, until [`sync`](Self::sync) returns; a store must be right whatever subset survives. After a call failed a
/// store does not touch the disk again: what was written but not synced may be gone, and a later sync that
/// succeeds says nothing about it.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// The length in bytes.
    ///
    /// # Errors
    /// What the system reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether there are no bytes.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// What the system reports; [`io::ErrorKind::UnexpectedEof`] when the file ends before `bytes` is full.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes all `bytes` from `offset` on, growing the file when they reach behind its end.
    ///
    /// # Errors
    /// What the system reports; part of the bytes may have been written then.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts or grows the file to `len` bytes; new ones are 0.
    ///
    /// # Errors
    /// What the system reports.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns when everything written before the call, and the length, survives a power cut.
    ///
    /// # Errors
    /// What the system reports; what was written since the last sync may be lost then.
    fn sync(&self) -> io::Result<()>;
}
