//! A journal: what makes a group durable with one write and one sync.
//!
//! A group is one record in a segment, whole or absent. Segments are files that are written again once nothing in them
//! is needed: a write over blocks that were written before syncs sooner than one that makes its file grow. A segment's
//! header is synced before its first record, and names the group that the segment follows; so what a crash has left
//! behind that group is void for ever, also where it looks whole.
//!
//! Nothing is known here of tables: the journal is told which groups rest in them, and then takes their segments
//! again. After a failed call it does not touch its files again.

mod record;
mod recovery;

pub(crate) use record::{Recording, Row};
pub(crate) use recovery::recover;

use crate::meter::{Meter, Metered};
use crate::{Disk, DiskFile};
use record::{BLOCK_BYTES, SegmentHeader};
use sarsen_protocol::Keyspace;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// The folder of the segments.
const FOLDER: &str = "journal";

/// A file that grows is grown by so much, so that the next syncs are those of written blocks. A larger group grows
/// its file by itself alone.
const GROWTH_BYTES: u64 = 1 << 20;
const GROWN_AHEAD_MAX: usize = 256 << 10;

/// One of the sorted maps of a store: a keyspace, or what the store itself keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Space(u8);

impl Space {
    /// What the store itself keeps. It stands where it stood when there were so many keyspaces; those that have come since
    /// stand behind it, so that what was written before them is read as it was.
    pub(crate) const STORE: Self = Self(10);
    pub(crate) const COUNT: usize = Keyspace::ALL.len() + 1;

    /// The space of this number, if there is one.
    pub(crate) fn new(number: u8) -> Option<Self> {
        (usize::from(number) < Self::COUNT).then_some(Self(number))
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The keyspace; `None` for what the store itself keeps.
    pub(crate) fn keyspace(self) -> Option<Keyspace> {
        let at = match self.0.cmp(&Self::STORE.0) {
            Ordering::Less => self.index(),
            Ordering::Equal => return None,
            Ordering::Greater => self.index() - 1,
        };
        Keyspace::ALL.get(at).copied()
    }
}

impl From<Keyspace> for Space {
    fn from(keyspace: Keyspace) -> Self {
        let number = keyspace as u8;
        Self(number + u8::from(number >= Self::STORE.0))
    }
}

#[cfg(test)]
mod spaces {
    //! The numbers of spaces are part of the format.

    use super::Space;
    use sarsen_protocol::Keyspace;

    #[test]
    fn each_space_has_the_number_that_it_always_had() {
        let numbers = Keyspace::ALL.map(|keyspace| Space::from(keyspace).index());
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
        assert_eq!((Space::STORE.index(), Space::STORE.keyspace()), (10, None));
        for keyspace in Keyspace::ALL {
            assert_eq!(Space::from(keyspace).keyspace(), Some(keyspace));
        }
        assert_eq!((Space::new(11).is_some(), Space::new(12)), (true, None));
    }
}

/// One life of a process with the journal, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch(pub(crate) u64);

/// The place of a segment in the order of all that were ever begun, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use(pub(crate) u64);

/// The place of a group in the order of all groups, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupNumber(pub(crate) u64);

impl GroupNumber {
    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A file with one use as a segment.
#[derive(Debug)]
struct Segment {
    file: Metered,
    number: Use,
    /// How much of it is taken, in whole blocks.
    bytes: u64,
    /// How long the file is.
    file_bytes: u64,
}

/// A segment that is not written any more, with the last group in it.
#[derive(Debug)]
struct Closed {
    file: Metered,
    last: GroupNumber,
}

/// The journal, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    meter: Arc<Meter>,
    /// A segment that is longer is closed before the next group.
    segment_bytes: u64,
    epoch: Epoch,
    /// The last durable group.
    last: GroupNumber,
    current: Segment,
    /// In the order of their uses.
    closed: VecDeque<Closed>,
    /// Files that may be written again.
    free: Vec<Metered>,
    /// Files there are.
    files: u64,
}

impl Journal {
    /// What errors call it.
    pub(crate) fn called(&self) -> String {
        self.disk.called(FOLDER)
    }

    /// Makes a group durable. Returns its number and the bytes of its record.
    ///
    /// # Errors
    /// What the system reports; the journal has stopped then.
    pub(crate) fn append(&mut self, group: &mut Recording) -> io::Result<(GroupNumber, u64)> {
        if self.current.bytes >= self.segment_bytes {
            self.roll()?;
        }
        let number = self.last.next();
        let segment = &mut self.current;
        let blocks = group.end(self.epoch, segment.number, number);
        let bytes = blocks.len() as u64;
        if segment.bytes + bytes > segment.file_bytes && blocks.len() <= GROWN_AHEAD_MAX {
            let growth = GROWTH_BYTES.min(self.segment_bytes).next_multiple_of(BLOCK_BYTES as u64);
            blocks.resize(blocks.len() + usize::try_from(growth).unwrap_or(0), 0);
        }
        segment.file.write_at(segment.bytes, blocks)?;
        segment.file.sync()?;
        segment.file_bytes = segment.file_bytes.max(segment.bytes + blocks.len() as u64);
        segment.bytes += bytes;
        self.last = number;
        Ok((number, bytes))
    }

    /// Takes back the segments whose groups all rest in the tables.
    pub(crate) fn release(&mut self, resting: GroupNumber) {
        while self.closed.front().is_some_and(|closed| closed.last <= resting) {
            self.free.extend(self.closed.pop_front().map(|closed| closed.file));
        }
    }

    /// Closes the segment and begins another one.
    fn roll(&mut self) -> io::Result<()> {
        let header = SegmentHeader {
            epoch: self.epoch,
            number: Use(self.current.number.0 + 1),
            follows: self.last,
            follows_epoch: self.epoch,
        };
        let file = if let Some(file) = self.free.pop() {
            file
        } else {
            self.files += 1;
            open_file(&*self.disk, &self.meter, self.files)?
        };
        let next = Segment::begin(file, header)?;
        let full = std::mem::replace(&mut self.current, next);
        self.closed.push_back(Closed { file: full.file, last: self.last });
        Ok(())
    }
}

impl Segment {
    /// Makes a file the segment that `header` names.
    fn begin(file: Metered, header: SegmentHeader) -> io::Result<Self> {
        file.write_at(0, &header.encode())?;
        file.sync()?;
        let file_bytes = file.len()?;
        Ok(Self { file, number: header.number, bytes: BLOCK_BYTES as u64, file_bytes })
    }
}

fn file_name(number: u64) -> String {
    format!("{FOLDER}/{number:06}")
}

fn open_file(disk: &dyn Disk, meter: &Arc<Meter>, number: u64) -> io::Result<Metered> {
    let file = meter.change(|| disk.open(&file_name(number)))?;
    Ok(Metered::new(file, Arc::clone(meter)))
}
