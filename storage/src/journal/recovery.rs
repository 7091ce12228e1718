//! What a journal holds when it is opened.
//!
//! The segments' headers say which groups each holds: those behind the one it follows, up to the one that its successor
//! follows. From the first segment on that holds a group which does not rest in the tables, groups are read one after
//! the other, and only the expected one counts. Where the next one does not check, the journal ends, unless a successor
//! of it is there: then something that was acknowledged is broken, and the journal is refused.
//!
//! Everything that is read is synced before it is used: what survived a kill in the system's memory need not survive
//! a power cut. Then a fresh segment is begun, under a new epoch, behind the last group that counts.

use super::record::{BLOCK_BYTES, GroupHeader, Row, Rows, SegmentHeader};
use super::{Closed, Epoch, FOLDER, GroupNumber, Journal, Segment, Use, open_file};
use crate::meter::{Meter, Metered};
use crate::{Disk, DiskFile, Error};
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

/// A group that was read.
#[derive(Debug)]
pub(crate) struct Recovered<'a> {
    pub(crate) group: GroupNumber,
    /// The bytes of its record on disk.
    pub(crate) bytes: u64,
    rows: Rows<'a>,
}

impl<'a> Recovered<'a> {
    /// Its rows, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        // That all of them can be read was seen when the group was.
        self.rows.clone().flatten()
    }
}

/// How many segments may be read ahead of those that are taken.
const READ_AHEAD: usize = 1;

/// Reads a journal whose groups up to `resting` rest in the tables, gives the others to `take`, in their order, and
/// opens it for writing.
///
/// # Errors
/// [`Error::Io`] when it cannot be read or written, [`Error::Damaged`] when it does not hold what it must.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    meter: &Arc<Meter>,
    segment_bytes: u64,
    resting: GroupNumber,
    mut take: impl FnMut(Recovered<'_>),
) -> Result<Journal, Error> {
    let what = disk.called(FOLDER);
    let in_journal = |source| Error::Io { what: what.clone(), source };
    let files = Files::find(&*disk, meter).map_err(in_journal)?;
    let mut count = files.count;
    let (epoch, number) = files.newest();
    let mut reading = Reading::new(&*disk, resting);
    // The next segment is read and checked while the groups of the one before are taken.
    let mut free = thread::scope(|scope| {
        let (read, taken) = mpsc::sync_channel::<ReadSegment>(READ_AHEAD);
        let reading = &mut reading;
        let reader = scope.spawn(move || reading.read(files, &read));
        for segment in taken {
            segment.groups().for_each(&mut take);
        }
        reader.join().unwrap_or_else(|panic| resume_unwind(panic))
    })?;
    let file = if let Some(file) = free.pop() {
        file
    } else {
        count += 1;
        open_file(&*disk, meter, count).map_err(in_journal)?
    };
    let header = SegmentHeader {
        epoch: Epoch(epoch.0 + 1),
        number: Use(number.0 + 1),
        follows: reading.last,
        follows_epoch: reading.last_epoch,
    };
    let (last, closed) = (reading.last, reading.needed);
    let current = Segment::begin(file, header).map_err(in_journal)?;
    let meter = Arc::clone(meter);
    Ok(Journal { disk, meter, segment_bytes, epoch: header.epoch, last, current, closed, free, files: count })
}

/// The segment files as they were found.
struct Files {
    /// In the order of their uses.
    segments: Vec<Found>,
    /// Files without a header, or with half of one.
    blank: Vec<(String, Metered)>,
    /// The greatest number in a file's name.
    count: u64,
}

struct Found {
    name: String,
    file: Metered,
    header: SegmentHeader,
}

impl Files {
    fn find(disk: &dyn Disk, meter: &Arc<Meter>) -> io::Result<Self> {
        let mut files = Self { segments: Vec::new(), blank: Vec::new(), count: 0 };
        for name in disk.names(FOLDER)? {
            let number = name.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
            // Whatever else lies there is not ours.
            let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
            files.count = files.count.max(number);
            let file = open_file(disk, meter, number)?;
            match read_header(&file)? {
                Some(header) => files.segments.push(Found { name, file, header }),
                None => files.blank.push((name, file)),
            }
        }
        files.segments.sort_by_key(|segment| segment.header.number);
        Ok(files)
    }

    fn newest(&self) -> (Epoch, Use) {
        let newest = self.segments.last().map(|segment| segment.header);
        newest.map_or_else(Default::default, |header| (header.epoch, header.number))
    }
}

fn read_header(file: &Metered) -> io::Result<Option<SegmentHeader>> {
    let mut block = [0; BLOCK_BYTES];
    if file.len()? < BLOCK_BYTES as u64 {
        return Ok(None);
    }
    file.read_at(0, &mut block)?;
    Ok(SegmentHeader::decode(&block))
}

/// What a segment holds that does not rest in the tables.
struct ReadSegment {
    bytes: Vec<u8>,
    groups: Vec<Place>,
}

/// A group's header, and where its record begins and ends.
type Place = (GroupHeader, Range<usize>);

impl ReadSegment {
    fn groups(&self) -> impl Iterator<Item = Recovered<'_>> {
        self.groups.iter().map(|(header, place)| Recovered {
            group: header.group,
            bytes: place.len().next_multiple_of(BLOCK_BYTES) as u64,
            rows: Rows::of(*header, &self.bytes[place.clone()]),
        })
    }
}

/// How far the journal has been read.
struct Reading<'d> {
    disk: &'d dyn Disk,
    resting: GroupNumber,
    /// The last group that counts, and the epoch that wrote it.
    last: GroupNumber,
    last_epoch: Epoch,
    /// Segments with groups that do not rest in the tables.
    needed: VecDeque<Closed>,
}

impl<'d> Reading<'d> {
    fn new(disk: &'d dyn Disk, resting: GroupNumber) -> Self {
        Self { disk, resting, last: GroupNumber(0), last_epoch: Epoch(0), needed: VecDeque::new() }
    }

    /// Reads all segments. Returns the files that may be written again.
    fn read(&mut self, files: Files, read: &SyncSender<ReadSegment>) -> Result<Vec<Metered>, Error> {
        let follows: Vec<GroupNumber> = files.segments.iter().map(|segment| segment.header.follows).collect();
        // The last segment is read in any case: it says where the journal ends.
        let first = follows.iter().rposition(|follows| *follows <= self.resting);
        let mut free = Vec::new();
        for (index, segment) in files.segments.into_iter().enumerate() {
            match first {
                Some(first) if index < first => free.push(segment.file),
                Some(first) => {
                    let groups = self.segment(segment, index == first, follows.get(index + 1).copied())?;
                    // Nobody is left to take them only behind a panic.
                    let _ = read.send(groups);
                }
                None => {
                    let reason = format!(
                        "it begins behind group {}, but the tables hold {}",
                        segment.header.follows.0, self.resting.0
                    );
                    return Err(self.damaged(&segment.name, &reason));
                }
            }
        }
        if self.last < self.resting {
            let reason = format!("it ends at group {}, but the tables hold {}", self.last.0, self.resting.0);
            return Err(self.damaged(FOLDER, &reason));
        }
        for (name, file) in files.blank {
            self.check_blank(&name, &file)?;
            free.push(file);
        }
        Ok(free)
    }

    /// Reads a segment, up to the group `until` that its successor follows.
    fn segment(
        &mut self,
        segment: Found,
        is_first: bool,
        until: Option<GroupNumber>,
    ) -> Result<ReadSegment, Error> {
        let header = segment.header;
        if is_first {
            (self.last, self.last_epoch) = (header.follows, header.follows_epoch);
        }
        if (header.follows, header.follows_epoch) != (self.last, self.last_epoch) {
            let reason = format!(
                "it follows group {} of epoch {}, but the segment before it ends at group {} of epoch {}",
                header.follows.0, header.follows_epoch.0, self.last.0, self.last_epoch.0
            );
            return Err(self.damaged(&segment.name, &reason));
        }
        // Before anything of it is used: nobody may see what a power cut could still take.
        segment.file.sync().map_err(|source| self.failed(&segment.name, source))?;
        let bytes = read_all(&segment.file).map_err(|source| self.failed(&segment.name, source))?;
        let (groups, end) = self.groups(&segment, &bytes, until)?;
        if until.is_none_or(|until| self.last < until)
            && let Some(group) = successor(header, self.last, &bytes[end..])
        {
            let reason = format!("group {} is broken, but group {} is there", self.last.0 + 1, group.0);
            return Err(self.damaged(&segment.name, &reason));
        }
        self.needed.push_back(Closed { file: segment.file, last: self.last });
        Ok(ReadSegment { bytes, groups })
    }

    /// Finds the groups of a segment. Returns those that do not rest in the tables, and where the last one ends.
    fn groups(
        &mut self,
        segment: &Found,
        bytes: &[u8],
        until: Option<GroupNumber>,
    ) -> Result<(Vec<Place>, usize), Error> {
        let (mut at, mut groups) = (BLOCK_BYTES, Vec::new());
        while until.is_none_or(|until| self.last < until)
            && let Some((header, record)) = record_at(bytes, at, segment.header)
            && header.group == self.last.next()
        {
            if header.group > self.resting {
                if Rows::of(header, record).any(|row| row.is_none()) {
                    return Err(self.damaged(&segment.name, "its checksum is right, but not its rows"));
                }
                groups.push((header, at..at + record.len()));
            }
            (self.last, self.last_epoch) = (header.group, header.epoch);
            at = (at + record.len()).next_multiple_of(BLOCK_BYTES).min(bytes.len());
        }
        Ok((groups, at))
    }

    /// Checks that a file whose header is no header was only about to become a segment: a header is there before
    /// the first group is written.
    fn check_blank(&self, name: &str, file: &Metered) -> Result<(), Error> {
        let bytes = read_all(file).map_err(|source| self.failed(name, source))?;
        let mut blocks = (BLOCK_BYTES..bytes.len()).step_by(BLOCK_BYTES).map(|at| &bytes[at..]);
        let is_later = |block: &[u8]| {
            let header = GroupHeader::peek(block).filter(|header| header.group > self.last)?;
            header.check(block).map(|_| header.group)
        };
        match blocks.find_map(is_later) {
            Some(group) => {
                let reason = format!("its header is broken, but group {} is there", group.0);
                Err(self.damaged(name, &reason))
            }
            None => Ok(()),
        }
    }

    fn damaged(&self, name: &str, reason: &str) -> Error {
        Error::Damaged { what: self.disk.called(name), reason: reason.to_owned() }
    }

    fn failed(&self, name: &str, source: io::Error) -> Error {
        Error::Io { what: self.disk.called(name), source }
    }
}

/// The record at this place, if it is whole and the segment's own.
fn record_at(bytes: &[u8], at: usize, segment: SegmentHeader) -> Option<(GroupHeader, &[u8])> {
    let rest = bytes.get(at..)?;
    let header = GroupHeader::peek(rest)?;
    let is_own = (header.epoch, header.number) == (segment.epoch, segment.number);
    let record = header.check(rest).filter(|_| is_own)?;
    Some((header, record))
}

/// A group behind `last` that is whole, if there is one among `bytes`, which begin with a block.
fn successor(segment: SegmentHeader, last: GroupNumber, bytes: &[u8]) -> Option<GroupNumber> {
    let mut places = (0..bytes.len()).step_by(BLOCK_BYTES);
    places.find_map(|at| {
        let (header, _) = record_at(bytes, at, segment)?;
        (header.group > last).then_some(header.group)
    })
}

fn read_all(file: &Metered) -> io::Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}
