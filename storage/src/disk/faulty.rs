//! A disk that crashes when it is told to, and loses what a real one may lose.

use super::{Disk, SplitMix64};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What survives whole or not at all: real disks write their sectors atomically.
const SECTOR_BYTES: usize = 512;

/// When a [`FaultyDisk`] crashes. Calls are counted from 1, from the disk's creation; `done` says whether the call
/// took effect before its caller learned that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// In the n-th [`Disk::sync`].
    Sync {
        /// Its number.
        at: u64,
        /// Whether the sync took effect.
        done: bool,
    },
    /// In the n-th [`Disk::write_at`].
    Write {
        /// Its number.
        at: u64,
        /// Whether the bytes were written.
        done: bool,
    },
}

/// A disk in memory that knows which of its bytes are durable.
///
/// Clones are handles of one disk. From its [`Crash`] on every call fails. What is there afterwards depends on
/// what crashed: after a kill of the process all written bytes ([`after_kill`](Self::after_kill)), after a power
/// cut the synced ones and any part of the others ([`after_power_cut`](Self::after_power_cut)).
#[derive(Clone)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What calls see.
    written: Vec<u8>,
    /// What a power cut leaves for sure.
    durable: Vec<u8>,
    /// What made `written` of `durable`, in order.
    unsynced: Vec<Change>,
    syncs: u64,
    writes: u64,
    crash: Option<Crash>,
    crashed: bool,
    lying: bool,
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

    /// A disk without faults that holds `bytes`, all of them durable.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self::with(State { written: bytes.clone(), durable: bytes, ..State::default() })
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

    /// How many syncs were begun.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many writes were begun.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// What calls see, or saw when the disk crashed.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    /// The disk as the next process finds it: all written bytes are there, and those that were not synced are
    /// still not durable. The new disk has no crash and counts from 1; a lying one goes on lying.
    pub fn after_kill(&self) -> Self {
        let state = self.state();
        Self::with(State {
            written: state.written.clone(),
            durable: state.durable.clone(),
            unsynced: state.unsynced.clone(),
            lying: state.lying,
            ..State::default()
        })
    }

    /// The disk as it is when the power is back: the durable bytes, and of each later write and change of length
    /// what `seed` chooses, down to single sectors. As for [`after_kill`](Self::after_kill) in all else.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut random = SplitMix64::new(seed);
        // Among 0 and 8 are a disk that wrote nothing back and one that wrote back everything.
        let odds = random.below(9);
        let mut left = state.durable.clone();
        for change in &state.unsynced {
            survive(change, &mut left, || random.below(8) < odds);
        }
        Self::with(State { written: left.clone(), durable: left, lying: state.lying, ..State::default() })
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

    /// Whether the call that `crash` counts takes effect. It fails all the same if the disk has crashed in it.
    fn takes_effect(&mut self, is_this: impl Fn(Crash) -> Option<bool>) -> bool {
        let done = self.crash.and_then(is_this);
        self.crashed = done.is_some();
        done.unwrap_or(true)
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            survive(&change, &mut self.durable, || true);
        }
    }
}

impl Disk for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        let state = self.state();
        state.check()?;
        Ok(state.written.len() as u64)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        state.check()?;
        let from = place(offset)?;
        let read = state.written.get(from..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let state = &mut *self.state();
        state.check()?;
        state.writes += 1;
        let number = state.writes;
        if state.takes_effect(|crash| match crash {
            Crash::Write { at, done } => (at == number).then_some(done),
            Crash::Sync { .. } => None,
        }) {
            let offset = place(offset)?;
            write(&mut state.written, offset, bytes);
            state.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
        }
        state.check()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.check()?;
        let len = place(len)?;
        state.written.resize(len, 0);
        state.unsynced.push(Change::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.check()?;
        state.syncs += 1;
        let number = state.syncs;
        let takes_effect = state.takes_effect(|crash| match crash {
            Crash::Sync { at, done } => (at == number).then_some(done),
            Crash::Write { .. } => None,
        });
        if takes_effect && !state.lying {
            state.sync();
        }
        state.check()
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
        f.debug_struct("FaultyDisk")
            .field("bytes", &state.written.len())
            .field("unsynced", &state.unsynced.len())
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
