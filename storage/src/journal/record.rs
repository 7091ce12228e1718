//! The bytes of a journal: the one place that knows them.
//!
//! A segment is a file. Its first block holds its header; from the second block on it holds records, each from a block's
//! begin, filled up with zeros. Numbers are little-endian.
//!
//! | bytes | of a segment's header | of a record |
//! |---|---|---|
//! | 0..8 | checksum of what follows, to byte 64 | checksum of what follows, to the end of the rows |
//! | 8..16 | `sarsen`, `s`, version | `sarsen`, `g`, version |
//! | 16..24 | epoch of the process that writes it | the same |
//! | 24..32 | use: how many segments were begun before it | the same |
//! | 32..40 | the group that it follows | group |
//! | 40..48 | the epoch of that group | bytes of the rows |
//! | 48..56 | 0 | number of rows |
//! | 56..64 | 0 | 0 |
//! | 64.. | | rows: space, bytes of the key, bytes of the value and 1 or 0 for no value (both LEB128), key, value |
//!
//! The checksum is XXH3, seeded with epoch, use and group, so that a record is right only in its own place: a recycled
//! segment is full of records that were right once.

use super::{Epoch, GroupNumber, Space, Use};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where records begin; what a disk writes at once. No block that holds an acknowledged record is written again.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// The bytes of a header, of a segment's as of a record's.
pub(crate) const HEADER_BYTES: usize = 64;

const CHECKSUM_BYTES: usize = 8;
const SEGMENT: [u8; 8] = *b"sarsens\x01";
const GROUP: [u8; 8] = *b"sarseng\x01";

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) epoch: Epoch,
    pub(crate) number: Use,
    /// The last group before the segment; what older segments hold behind it is void.
    pub(crate) follows: GroupNumber,
    /// The epoch in which that group was written.
    pub(crate) follows_epoch: Epoch,
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    pub(crate) epoch: Epoch,
    pub(crate) number: Use,
    pub(crate) group: GroupNumber,
    pub(crate) rows_bytes: u64,
    pub(crate) rows: u64,
}

/// A row of a group: a write as the tables know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) space: Space,
    pub(crate) key: &'a [u8],
    /// `None` removes the row.
    pub(crate) value: Option<&'a [u8]>,
}

impl SegmentHeader {
    /// The first block of a segment.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        block[8..16].copy_from_slice(&SEGMENT);
        let words = [self.epoch.0, self.number.0, self.follows.0, self.follows_epoch.0];
        put_words(&mut block, &words);
        let checksum = checksum(&block[..HEADER_BYTES], self.epoch, self.number, self.follows);
        block[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
        block
    }

    /// Reads the first block of a segment; `None` when it holds no header, or half of one.
    pub(crate) fn decode(block: &[u8]) -> Option<Self> {
        let header = block.get(..HEADER_BYTES).filter(|header| header[8..16] == SEGMENT)?;
        let [epoch, number, follows, follows_epoch, ..] = words(header);
        let (epoch, number, follows) = (Epoch(epoch), Use(number), GroupNumber(follows));
        let is_whole = word(header, 0) == checksum(header, epoch, number, follows);
        is_whole.then_some(Self { epoch, number, follows, follows_epoch: Epoch(follows_epoch) })
    }
}

impl GroupHeader {
    /// Reads what should be the header of a record; says nothing of whether the record is whole.
    pub(crate) fn peek(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES).filter(|header| header[8..16] == GROUP)?;
        let [epoch, number, group, rows_bytes, rows, _] = words(header);
        let (epoch, number, group) = (Epoch(epoch), Use(number), GroupNumber(group));
        Some(Self { epoch, number, group, rows_bytes, rows })
    }

    /// The record's bytes, header included, if it lies whole at the begin of `bytes`.
    pub(crate) fn check(self, bytes: &[u8]) -> Option<&[u8]> {
        let len = usize::try_from(self.rows_bytes).ok()?.checked_add(HEADER_BYTES)?;
        let record = bytes.get(..len)?;
        (word(record, 0) == checksum(record, self.epoch, self.number, self.group)).then_some(record)
    }
}

/// A record that is being made. It is used again and again, so that nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    bytes: Vec<u8>,
    rows: u64,
}

impl Recording {
    /// Begins a group.
    pub(crate) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES, 0);
        self.rows = 0;
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: Row<'_>) {
        self.bytes.push(row.space.0);
        put_length(&mut self.bytes, row.key.len());
        put_length(&mut self.bytes, row.value.map_or(0, |value| value.len() + 1));
        self.bytes.extend_from_slice(row.key);
        self.bytes.extend_from_slice(row.value.unwrap_or_default());
        self.rows += 1;
    }

    /// The rows, in their order; also once the group has ended.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        Rows { bytes: &self.bytes[HEADER_BYTES..], left: self.rows }.flatten()
    }

    /// Ends the group: whole blocks, ready to be written in the place that is named.
    pub(crate) fn end(&mut self, epoch: Epoch, number: Use, group: GroupNumber) -> &mut Vec<u8> {
        let rows_bytes = (self.bytes.len() - HEADER_BYTES) as u64;
        self.bytes[8..16].copy_from_slice(&GROUP);
        put_words(&mut self.bytes, &[epoch.0, number.0, group.0, rows_bytes, self.rows]);
        let checksum = checksum(&self.bytes, epoch, number, group);
        self.bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        &mut self.bytes
    }
}

/// The rows of a record that has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'a> {
    bytes: &'a [u8],
    left: u64,
}

impl<'a> Rows<'a> {
    /// The rows of `record`, which [`GroupHeader::check`] gave.
    pub(crate) fn of(header: GroupHeader, record: &'a [u8]) -> Self {
        Self { bytes: &record[HEADER_BYTES..], left: header.rows }
    }

    fn read(&mut self) -> Option<Row<'a>> {
        let (space, rest) = self.bytes.split_first()?;
        let (key, rest) = take_length(rest)?;
        let (value, rest) = take_length(rest)?;
        let (key, rest) = rest.split_at_checked(key)?;
        let (bytes, rest) = rest.split_at_checked(value.saturating_sub(1))?;
        self.bytes = rest;
        self.left -= 1;
        Some(Row { space: Space::new(*space)?, key, value: (value > 0).then_some(bytes) })
    }
}

impl<'a> Iterator for Rows<'a> {
    /// `None`: the checksum is right and the rows are not, so no version has written them.
    type Item = Option<Row<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let row = self.read();
        if row.is_none() {
            self.left = 0;
        }
        Some(row)
    }
}

/// Sums up everything behind the checksum's own place.
fn checksum(record: &[u8], epoch: Epoch, number: Use, group: GroupNumber) -> u64 {
    let place = [epoch.0, number.0, group.0].map(u64::to_le_bytes).concat();
    xxh3_64_with_seed(&record[CHECKSUM_BYTES..], xxh3_64_with_seed(&place, 0))
}

fn put_words(header: &mut [u8], words: &[u64]) {
    for (place, word) in header[16..HEADER_BYTES].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

fn words(header: &[u8]) -> [u64; 6] {
    std::array::from_fn(|index| word(header, 2 + index))
}

fn word(header: &[u8], index: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[8 * index..8 * index + 8]);
    u64::from_le_bytes(bytes)
}

fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((length, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch(3);
    const NUMBER: Use = Use(5);
    const GROUP_7: GroupNumber = GroupNumber(7);

    fn rows() -> Vec<Row<'static>> {
        let row = |space, key, value| Row { space: Space::new(space).expect("it is one"), key, value };
        vec![row(0, &b"key"[..], Some(&b"value"[..])), row(10, b"gone", None), row(3, b"", Some(b""))]
    }

    fn record() -> Vec<u8> {
        let mut recording = Recording::default();
        recording.begin();
        for row in rows() {
            recording.push(row);
        }
        recording.end(EPOCH, NUMBER, GROUP_7).clone()
    }

    #[test]
    fn version_1_has_these_bytes() {
        let header =
            SegmentHeader { epoch: EPOCH, number: NUMBER, follows: GROUP_7, follows_epoch: Epoch(2) };
        let block = header.encode();
        assert_eq!(block.len(), BLOCK_BYTES);
        assert_eq!(&block[8..16], b"sarsens\x01");
        assert_eq!(word(&block, 0), 7_115_732_913_128_145_747, "the checksum");
        assert_eq!(words(&block), [3, 5, 7, 2, 0, 0]);
        let record = record();
        assert_eq!(record.len(), BLOCK_BYTES);
        assert_eq!(&record[8..16], b"sarseng\x01");
        assert_eq!(word(&record, 0), 17_321_082_059_995_672_803, "the checksum");
        assert_eq!(words(&record), [3, 5, 7, 21, 3, 0]);
        assert_eq!(&record[64..86], b"\x00\x03\x06keyvalue\x0a\x04\x00gone\x03\x00\x01\x00");
    }

    #[test]
    fn what_was_written_comes_back() {
        let header =
            SegmentHeader { epoch: EPOCH, number: NUMBER, follows: GROUP_7, follows_epoch: Epoch(2) };
        assert_eq!(SegmentHeader::decode(&header.encode()), Some(header));
        let record = record();
        let header = GroupHeader::peek(&record).expect("it is one");
        let whole = header.check(&record).expect("it is whole");
        let read: Option<Vec<Row<'_>>> = Rows::of(header, whole).collect();
        assert_eq!(read, Some(rows()));
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let record = record();
        let len = HEADER_BYTES + 21;
        for index in 0..len {
            let mut changed = record.clone();
            changed[index] ^= 0x10;
            let whole =
                GroupHeader::peek(&changed).and_then(|header| header.check(&changed).map(<[u8]>::len));
            assert_eq!(whole, None, "byte {index}");
        }
    }

    #[test]
    fn a_record_is_right_only_in_its_own_place() {
        let record = record();
        let header = GroupHeader::peek(&record).expect("it is one");
        for other in [
            GroupHeader { epoch: Epoch(4), ..header },
            GroupHeader { number: Use(6), ..header },
            GroupHeader { group: GroupNumber(8), ..header },
        ] {
            assert_eq!(other.check(&record), None);
        }
        assert_eq!(header.check(&record[..HEADER_BYTES]), None, "its end is missing");
    }

    #[test]
    fn lengths_of_all_sizes_come_back() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 26, usize::MAX >> 2] {
            let mut bytes = Vec::new();
            put_length(&mut bytes, length);
            assert_eq!(take_length(&bytes), Some((length, &[][..])));
            assert_eq!(take_length(&bytes[..bytes.len() - 1]), None);
        }
    }
}
