//! Where the data lives.

use crate::{Error, arguments::Options};
use std::{
    env,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A data directory for one run.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Held for as long as the process measures. The directory is opened several times in a run, and between two of
    /// them sarsen's own lock is free: another bench that emptied it then would look like a store that loses data.
    _lock: Option<File>,
}

impl Place {
    /// The directory that was asked for, or the default one, emptied.
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        if let Some(data) = &options.data {
            return Ok(Self { path: data.clone(), _lock: None });
        }
        let path = env::temp_dir().join("sarsen-throughput");
        let lock = lock(&path.with_extension("lock"))?;
        empty(&path)?;
        Ok(Self { path, _lock: Some(lock) })
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let directory = |source| Error::Directory { data: path.to_owned(), source };
    let file = File::create(path).map_err(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(directory(source)),
    }
}

/// Removes a data directory, if it is there.
pub(crate) fn empty(data: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(data) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Directory { data: data.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
