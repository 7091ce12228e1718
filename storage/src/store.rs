//! The contract of a store.

use sarsen_protocol::{Batch, BatchNumber, Lease, Page, Read, Receipt, SlotRange};

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files could not be read or written.
    #[error(
        "{what} could not be read or written: {source}; check its permissions and the space that is left"
    )]
    Io {
        /// The file or table.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The files hold something that this store did not write.
    #[error("{what} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The file or table.
        what: String,
        /// What was found.
        reason: String,
    },
    /// The files were written by a later version of sarsen.
    #[error("{what} has format {found}, this build knows up to {known}: use the sarsen that wrote it")]
    Newer {
        /// The file or table.
        what: String,
        /// Its format.
        found: u64,
        /// The newest format that this build reads.
        known: u64,
    },
    /// A batch does not continue the last durable one of its lease; nothing of the lease was written.
    #[error("batch {} of slots {slots} does not follow batch {}: commit a lease's batches in the order of their numbers", found.0, last.0)]
    Gap {
        /// The slots of the lease.
        slots: SlotRange,
        /// The number that the batch should follow.
        last: BatchNumber,
        /// The number that it has.
        found: BatchNumber,
    },
    /// The store has failed before and does nothing any more.
    #[error("the store has failed and is stopped: open it again")]
    Stopped,
}

/// What became of one lease's batches in a [`Store::commit`].
#[derive(Debug)]
pub enum Outcome {
    /// All of them are durable, up to the receipt's number.
    Durable(Receipt),
    /// None of them was written: the lease's slots were acquired by another since.
    Fenced,
    /// Whether they are durable is not known. Ask [`Store::last`] of a store that was opened anew.
    Unknown(Error),
}

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Groups committed.
    pub groups: u64,
    /// Calls that made data durable. A store that does not sync must not count any.
    pub syncs: u64,
    /// Bytes handed to files.
    pub bytes_written: u64,
    /// Bytes of the journal that wait for a checkpoint, and that an open after a crash would read; not counted, but as it
    /// is now.
    pub tail_bytes: u64,
}

/// What a [`Store::checkpoint`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is nothing to do.
    Done,
    /// A part of what was there when it was begun is left.
    More,
    /// What was there when it was begun is done; more may have come since.
    Ended,
}

/// Keeps records under ordered keys.
///
/// Blocking; called from the threads that a host gives it. `commit` is called by at most
/// [`groups_at_once`](Self::groups_at_once) threads at a time, the other methods by any. A host calls `acquire`
/// once for each range of slots before it commits to it, and stops using a store of which any call failed.
pub trait Store: Send + Sync + 'static {
    /// Takes the right to write the records of `slots` and voids every lease that shares a slot with it.
    /// The lease and its epoch are durable on return; the epoch is greater than any before it in this store.
    ///
    /// # Errors
    /// [`Error`] when that could not be made durable.
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error>;

    /// Makes the batches of `group` durable, as one unit: after a crash either all of them are there or none.
    ///
    /// Batches of one lease stand in ascending, contiguous order and continue its last durable number. Within a
    /// batch a key is written at most once; across batches the later one wins. Returns one outcome for each lease,
    /// in the order in which the leases first stand in `group`. A fenced lease does not keep the others from being
    /// committed, and neither does one whose numbers have a gap: it is answered by [`Outcome::Unknown`] with
    /// [`Error::Gap`], and none of its batches is written.
    ///
    /// What is durable is visible to every `read` that begins after the return, and nothing is visible before it is
    /// durable.
    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)>;

    /// The number of the last durable batch of `lease`; `None` when the lease is void.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error>;

    /// Answers all `reads` from one state of the store, which is at least as new as every commit that returned
    /// before the call. The answers stand in the order of the reads.
    ///
    /// [`Page::more`] is set as soon as a limit is reached, also when no record follows: a store need not look.
    /// Only what comes back counts towards [`Read::bytes_max`], so without values the keys alone do. An empty or
    /// reversed range is an empty page without more.
    ///
    /// # Errors
    /// [`Error`] when a record cannot be read; no page is returned then.
    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error>;

    /// Does a part of the work that commits leave behind, of up to `rows_max` records, for example bringing what is in a
    /// journal to its resting place. Nothing that can be seen changes by it. Called by one thread at a time, beside all
    /// other calls; how often is the host's choice, but commits must do it themselves when nobody does.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read or written.
    fn checkpoint(&self, _rows_max: usize) -> Result<Progress, Error> {
        Ok(Progress::Done)
    }

    /// How much waits for [`checkpoint`](Self::checkpoint), in percent of what may; from 100 on commits are held up.
    fn backlog(&self) -> u32 {
        0
    }

    /// How many groups may be in `commit` at a time. At least 1.
    fn groups_at_once(&self) -> usize {
        1
    }

    /// What has been done since the store was opened.
    fn counters(&self) -> Counters;
}
