//! What the disk itself takes to make 4 KiB durable.

use crate::{Error, latencies::Latencies};
use hdrhistogram::Histogram;
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const BLOCK: [u8; 4_096] = [0x5a; 4_096];

/// How many blocks are written again and again.
const BLOCKS: u64 = 4_096;

/// A file of nothing, on the disk on which a data directory is, removed when it is no longer needed.
pub(crate) struct RawFile {
    path: PathBuf,
    file: File,
}

impl RawFile {
    /// A file of written blocks beside `data`, for what is in a data directory is sarsen's.
    pub(crate) fn beside(data: &Path) -> Result<Self, Error> {
        let mut path = OsString::from(data);
        path.push(".floor");
        let path = PathBuf::from(path);
        let file = create(&path).map_err(|source| Error::Floor { path: path.clone(), source })?;
        Ok(Self { path, file })
    }

    /// Writes one block after the other over blocks that are already written, and makes each durable: what a journal
    /// does that recycles its segments. The latencies are in nanoseconds.
    pub(crate) fn overwrite(&mut self, time: Duration) -> Result<Histogram<u64>, Error> {
        self.sync_blocks(time, SeekFrom::Start(0), BLOCKS)
    }

    /// The same at the end of the file, which grows.
    pub(crate) fn grow(&mut self, time: Duration) -> Result<Histogram<u64>, Error> {
        self.sync_blocks(time, SeekFrom::End(0), u64::MAX)
    }

    /// Writes and syncs block by block; goes back to where it began after so many `blocks`.
    fn sync_blocks(&mut self, time: Duration, from: SeekFrom, blocks: u64) -> Result<Histogram<u64>, Error> {
        let latencies = Latencies::new();
        let started = Instant::now();
        let mut written = blocks;
        while started.elapsed() < time {
            let since = Instant::now();
            let mut block = |file: &mut File| -> io::Result<()> {
                if written == blocks {
                    file.seek(from)?;
                    written = 0;
                }
                file.write_all(&BLOCK)?;
                file.sync_data()
            };
            block(&mut self.file).map_err(|source| Error::Floor { path: self.path.clone(), source })?;
            written += 1;
            latencies.note(since.elapsed());
        }
        Ok(latencies.sum())
    }
}

impl Drop for RawFile {
    fn drop(&mut self) {
        // It is in the way of nothing when it stays.
        let _ = fs::remove_file(&self.path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    for _ in 0..BLOCKS {
        file.write_all(&BLOCK)?;
    }
    file.sync_all()?;
    Ok(file)
}
