//! A disk that crashes when it is told to, and loses what a real one may lose.

use super::{Disk, DiskFile, SplitMix64};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What survives whole or not at all: real disks write their sectors atomically.
const SECTOR_BYTES: usize = 512;

/// When a [`FaultyDisk`] crashes. Calls are counted over all files from 1, from the disk's creation; `done` says whether
/// the call took effect before its caller learned that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// In the n-th call that makes something durable: [`DiskFile::sync`], or [`Disk::open`] of a file that is not there.
    Sync {
        /// Its number.
        at: u64,
        /// Whether it took effect.
        done: bool,
    },
    /// In the n-th [`DiskFile::write_at`].
    Write {
        /// Its number.
        at: u64,
        /// Whether the bytes were written.
        done: bool,
    },
}

/// A disk in memory that knows which of its bytes are durable.
///
/// Clones are handles of one disk. From its [`Crash`] on every call to any file fails. What is there afterwards depends
/// on what crashed: after a kill of the process all written bytes ([`after_kill`](Self::after_kill)), after a power
/// cut the synced ones and any part of the others ([`after_power_cut`](Self::after_power_cut)).
#[derive(Clone)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<String, Contents>,
    syncs: u64,
    writes: u64,
    crash: Option<Crash>,
    crashed: bool,
    lying: bool,
}

/// What is in a file.
#[derive(Clone, Default)]
struct Contents {
    /// What calls see.
    written: Vec<u8>,
    /// What a power cut leaves for sure.
    durable: Vec<u8>,
    /// What made `written` of `durable`, in order.
    unsynced: Vec<Change>,
    /// Whether a power cut leaves the file at all.
    named: bool,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::with(State::default())
    }

    /// Puts a file with these bytes there, all of them durable.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let contents =
            Contents { written: bytes.clone(), durable: bytes, named: true, ..Contents::default() };
        self.state().files.insert(name.to_owned(), contents);
    }

    /// Takes a file away.
    pub fn remove(&self, name: &str) {
        self.state().files.remove(name);
    }

    /// Crashes in the call that `crash` names, unless that is over.
    pub fn crash_at(&self, crash: Crash) {
        self.state().crash = Some(crash);
    }

    /// From now on a sync returns without doing anything. No store can be right on such a disk: it shows that a
    /// test notices what is lost.
    pub fn lie(&self) {
        self.state().lying = true;
    }

    /// Whether it has crashed.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// How many calls that make something durable were begun.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many writes were begun.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// What calls see of a file, or saw when the disk crashed; nothing when there is no such file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().files.get(name).map_or(Vec::new(), |file| file.written.clone())
    }

    /// Whether no file holds anything.
    pub fn is_blank(&self) -> bool {
        self.state().files.values().all(|file| file.written.is_empty())
    }

    /// The disk as the next process finds it: all written bytes are there, and those that were not synced are
    /// still not durable. The new disk has no crash and counts from 1; a lying one goes on lying.
    pub fn after_kill(&self) -> Self {
        let state = self.state();
        Self::with(State { files: state.files.clone(), lying: state.lying, ..State::default() })
    }

    /// The disk as it is when the power is back: the durable bytes, and of each later write and change of length
    /// what `seed` chooses, down to single sectors. As for [`after_kill`](Self::after_kill) in all else.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut random = SplitMix64::new(seed);
        let mut files = BTreeMap::new();
        for (name, file) in &state.files {
            // Among 0 and 8 are a disk that wrote nothing back and one that wrote back everything.
            let odds = random.below(9);
            if !file.named && random.below(8) >= odds {
                continue;
            }
            let mut left = file.durable.clone();
            for change in &file.unsynced {
                survive(change, &mut left, || random.below(8) < odds);
            }
            let contents =
                Contents { written: left.clone(), durable: left, named: true, ..Contents::default() };
            files.insert(name.clone(), contents);
        }
        Self::with(State { files, lying: state.lying, ..State::default() })
    }

    fn with(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test's panic elsewhere must not hide what the disk holds.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies the parts of `change` that `survives` picks.
fn survive(change: &Change, bytes: &mut Vec<u8>, mut survives: impl FnMut() -> bool) {
    let (offset, written) = match change {
        Change::Write { offset, bytes } => (*offset, bytes),
        Change::SetLen(len) if survives() => return bytes.resize(*len, 0),
        Change::SetLen(_) => return,
    };
    let mut from = 0;
    while from < written.len() {
        let to = written.len().min((offset + from) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES - offset);
        if survives() {
            write(bytes, offset + from, &written[from..to]);
        }
        from = to;
    }
}

fn write(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

impl State {
    /// Fails once the disk has crashed.
    fn check(&self) -> io::Result<()> {
        if self.crashed { Err(crashed()) } else { Ok(()) }
    }

    /// Counts a call that makes something durable; returns whether it takes effect.
    fn begin_sync(&mut self) -> bool {
        self.syncs += 1;
        let number = self.syncs;
        self.takes_effect(|crash| match crash {
            Crash::Sync { at, done } => (at == number).then_some(done),
            Crash::Write { .. } => None,
        })
    }

    /// Counts a write; returns whether it takes effect.
    fn begin_write(&mut self) -> bool {
        self.writes += 1;
        let number = self.writes;
        self.takes_effect(|crash| match crash {
            Crash::Write { at, done } => (at == number).then_some(done),
            Crash::Sync { .. } => None,
        })
    }

    /// Whether the call that `crash` counts takes effect. It fails all the same if the disk has crashed in it.
    fn takes_effect(&mut self, is_this: impl Fn(Crash) -> Option<bool>) -> bool {
        let done = self.crash.and_then(is_this);
        self.crashed = done.is_some();
        done.unwrap_or(true)
    }
}

impl Contents {
    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            survive(&change, &mut self.durable, || true);
        }
    }
}

impl Disk for FaultyDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.check()?;
        let is_named = state.files.entry(name.to_owned()).or_default().named;
        if !is_named {
            let takes_effect = state.begin_sync() && !state.lying;
            if let Some(file) = state.files.get_mut(name) {
                file.named = takes_effect;
            }
            state.check()?;
        }
        Ok(Box::new(FaultyFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check()?;
        let is_inside = |name: &&String| {
            name.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|rest| !rest.contains('/'))
        };
        Ok(state.files.keys().filter(is_inside).cloned().collect())
    }
}

/// A file of a [`FaultyDisk`].
#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    name: String,
}

impl FaultyFile {
    /// Calls `call` on the file, unless the disk has crashed.
    fn with<T>(&self, call: impl FnOnce(&mut State, &str) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        state.check()?;
        let result = call(&mut state, &self.name);
        state.check()?;
        result
    }
}

fn contents<'a>(state: &'a mut State, name: &str) -> io::Result<&'a mut Contents> {
    state.files.get_mut(name).ok_or_else(|| io::ErrorKind::NotFound.into())
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state, name| Ok(contents(state, name)?.written.len() as u64))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.with(|state, name| {
            let from = place(offset)?;
            let read = contents(state, name)?.written.get(from..).and_then(|rest| rest.get(..bytes.len()));
            bytes.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|state, name| {
            if state.begin_write() {
                let (file, offset) = (contents(state, name)?, place(offset)?);
                write(&mut file.written, offset, bytes);
                file.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|state, name| {
            let (file, len) = (contents(state, name)?, place(len)?);
            file.written.resize(len, 0);
            file.unsynced.push(Change::SetLen(len));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, name| {
            if state.begin_sync() && !state.lying {
                contents(state, name)?.sync();
            }
            Ok(())
        })
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let files: Vec<_> = state.files.iter().map(|(name, file)| (name, file.written.len())).collect();
        f.debug_struct("FaultyDisk")
            .field("files", &files)
            .field("syncs", &state.syncs)
            .field("writes", &state.writes)
            .field("crash", &state.crash)
            .finish_non_exhaustive()
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn crashed() -> io::Error {
    io::Error::other("the disk has crashed, as the test asked")
}
