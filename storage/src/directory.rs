//! A directory that one process owns.
//!
//! It holds `LOCK`, which whoever owns it has locked; `state.redb` and the folder `journal`, the store's files; and `sarsen.toml`, the marker,
//! which says that the directory is ours and how it is laid out. The marker comes last and at once, by a rename, so
//! a directory with a marker is whole and one without never held anything: a creation that a crash cut short is
//! simply begun again.

mod marker;

use crate::disk::sync_folder;
use crate::redb_store::STATE;
use crate::{Error, FolderDisk, RedbOptions, RedbStore};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const LOCK: &str = "LOCK";
const MARKER: &str = "sarsen.toml";
/// The marker while it is being written.
const MARKER_NEW: &str = "sarsen.toml.new";

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another process, or another part of this one, has it open.
    #[error("the data directory {} is in use: stop the process that has it open or choose another directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// It holds something and has no marker of ours.
    #[error("the directory {} holds `{entry}` and is no data directory of sarsen: choose an empty directory or a new one", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the things in it.
        entry: String,
    },
    /// It was laid out by a later version of sarsen.
    #[error("the data directory {} has format {found}, this build knows up to {known}: use the sarsen that wrote it", path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format that this build reads.
        known: u64,
    },
    /// It is ours, but something of it is missing or not as we write it.
    #[error("the data directory {} is damaged: {reason}; restore it from a backup", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The system could not do what was asked.
    #[error("{} could not be read or written: {source}; check its permissions and the space that is left", path.display())]
    Io {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A data directory that is this process's own for as long as the value, or the store opened from it, lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// The system releases the lock when the file is closed, also by a kill.
    _lock: File,
}

impl Directory {
    /// Takes the directory at `path`, laying it out when it is missing or empty. The empty path is the current
    /// directory.
    ///
    /// # Errors
    /// [`DirectoryError::Locked`] when it is in use, [`Foreign`](DirectoryError::Foreign) when it holds something else
    /// (nothing is changed then), [`Newer`](DirectoryError::Newer), [`Damaged`](DirectoryError::Damaged) and
    /// [`Io`](DirectoryError::Io) as their names say.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        let path = path.as_ref();
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        create(path)?;
        // A foreign directory gets no lock file from us. With one there, another process may be changing what we see.
        if let Err(error) = survey(path)
            && !path.join(LOCK).exists()
        {
            return Err(error);
        }
        let lock = lock(path)?;
        match survey(path)? {
            Layout::Whole => {}
            Layout::Earlier => mark(path)?,
            Layout::Unfinished => lay_out(path)?,
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the store in it. The store keeps the directory locked; so there is never a second one.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn open_store(self, options: RedbOptions) -> Result<RedbStore, Error> {
        Ok(RedbStore::open(FolderDisk::new(&self.path), options)?.locking(self))
    }
}

enum Layout {
    /// There is a marker, and what it promises.
    Whole,
    /// The same by an earlier format, of which all that is missing is made when it is needed. Who knows only that one
    /// must not open it any more.
    Earlier,
    /// There is no marker, and nothing but what a creation leaves before it.
    Unfinished,
}

/// Creates the directory and what is missing above it, durably.
fn create(path: &Path) -> Result<(), DirectoryError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create(parent)?;
    match fs::create_dir(path) {
        // Another process may have been faster.
        Err(source) if !path.is_dir() => Err(io_error(path, source)),
        _ => sync_directory(parent),
    }
}

fn lock(path: &Path) -> Result<File, DirectoryError> {
    let file = path.join(LOCK);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&file);
    let lock = opened.map_err(|source| io_error(&file, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error(&file, source)),
    }
}

/// Looks at what is there; changes nothing.
fn survey(path: &Path) -> Result<Layout, DirectoryError> {
    match fs::read(path.join(MARKER)) {
        Ok(bytes) => whole(path, &bytes),
        Err(source) if source.kind() == io::ErrorKind::NotFound => unfinished(path),
        Err(source) => Err(io_error(&path.join(MARKER), source)),
    }
}

/// Checks a directory with this marker.
fn whole(path: &Path, marker: &[u8]) -> Result<Layout, DirectoryError> {
    let damaged = |reason: String| DirectoryError::Damaged { path: path.to_owned(), reason };
    let found = marker::parse(marker).map_err(|reason| damaged(format!("{MARKER} {reason}")))?;
    if found > marker::FORMAT {
        return Err(DirectoryError::Newer { path: path.to_owned(), found, known: marker::FORMAT });
    }
    match path.join(STATE).is_file() {
        false => Err(damaged(format!("{STATE} is missing"))),
        true if found < marker::FORMAT => Ok(Layout::Earlier),
        true => Ok(Layout::Whole),
    }
}

/// Checks that a directory without a marker holds nothing but what a creation leaves before it.
fn unfinished(path: &Path) -> Result<Layout, DirectoryError> {
    for entry in fs::read_dir(path).map_err(|source| io_error(path, source))? {
        let entry = entry.map_err(|source| io_error(path, source))?;
        let name = entry.file_name();
        let is_ours = name == LOCK || name == MARKER_NEW || (name == STATE && is_empty(&entry.path()));
        if !is_ours {
            let entry = name.to_string_lossy().into_owned();
            return Err(DirectoryError::Foreign { path: path.to_owned(), entry });
        }
    }
    Ok(Layout::Unfinished)
}

fn is_empty(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// Lays out an empty or unfinished directory. Each step is durable before the next: a marker never stands without
/// the file whose absence it turns into damage.
fn lay_out(path: &Path) -> Result<(), DirectoryError> {
    write_file(&path.join(STATE), b"")?;
    sync_directory(path)?;
    mark(path)
}

/// Puts the marker of this build into place, at once.
fn mark(path: &Path) -> Result<(), DirectoryError> {
    let new = path.join(MARKER_NEW);
    write_file(&new, marker::text().as_bytes())?;
    fs::rename(&new, path.join(MARKER)).map_err(|source| io_error(&new, source))?;
    sync_directory(path)
}

/// Writes a file, replacing one that is there, and syncs it.
fn write_file(file: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
    let write = || {
        let mut opened = File::create(file)?;
        opened.write_all(bytes)?;
        opened.sync_all()
    };
    write().map_err(|source| io_error(file, source))
}

/// Makes names that were added to a directory durable; the empty path is the current directory.
fn sync_directory(path: &Path) -> Result<(), DirectoryError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    sync_folder(path).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: io::Error) -> DirectoryError {
    DirectoryError::Io { path: path.to_owned(), source }
}
