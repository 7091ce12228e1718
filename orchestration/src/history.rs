//! Histories on disk: events in chunks whose numbers are checked.
//!
//! A commit appends what its turns recorded as one chunk. A chunk says which one it is and with which event it
//! begins, so that a chunk that is missing, doubled or of another order is found before anything is replayed.

use crate::Event;
use sarsen_protocol::record::{RecordError, append, decode_all_since, encode_exact_before};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the chunks that are written. Since version 1 there are attempts of activities, and failures may say more
/// than their text and their details; since version 2 there are lock requests that do not wait; since version 3 signals
/// are scheduled under ids; all else is the same.
const VERSION: u8 = 4;

/// The oldest version that is read.
const OLDEST: u8 = 1;

/// How many bytes a chunk has room for from the start.
const CHUNK_BYTES: usize = 512;

/// A chunk's place in its history, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChunkNumber(pub u32);

/// An event's place in its history, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventNumber(pub u64);

impl fmt::Display for ChunkNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a history cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A chunk is no record.
    #[error("chunk {chunk} of the history: {source}")]
    Record {
        /// The chunk that was expected.
        chunk: ChunkNumber,
        /// What is wrong with it.
        source: RecordError,
    },
    /// Another chunk stands where this one is expected.
    #[error(
        "chunk {expected}, from event {expected_event}, is expected in the history, and chunk {found}, from event {found_event}, is there: one is missing or doubled"
    )]
    Order {
        /// The chunk that was expected.
        expected: ChunkNumber,
        /// The event with which it would begin.
        expected_event: EventNumber,
        /// The chunk that is there.
        found: ChunkNumber,
        /// The event with which it begins.
        found_event: EventNumber,
    },
}

/// How far a history has been written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    chunk: ChunkNumber,
    event: EventNumber,
}

/// A chunk that grows event by event, already encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    events: u64,
    bytes: Vec<u8>,
}

impl Chunk {
    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        self.events += 1;
        if self.bytes.is_empty() {
            // A turn of a few events.
            self.bytes.reserve(CHUNK_BYTES);
        }
        append(&mut self.bytes, event);
    }

    /// Whether there is no event in it.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Bytes of its events.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes all events out of it.
    pub fn clear(&mut self) {
        (self.events, self.bytes) = (0, Vec::new());
    }
}

/// What stands before a chunk's events.
#[derive(Serialize)]
struct Header {
    chunk: ChunkNumber,
    first: EventNumber,
    /// As the codec writes the length of a list.
    events: u64,
}

#[derive(Deserialize)]
struct Read {
    chunk: ChunkNumber,
    first: EventNumber,
    events: Vec<Event>,
}

impl Cursor {
    /// The number of the next chunk.
    pub fn chunk(&self) -> ChunkNumber {
        self.chunk
    }

    /// The number of the next event, which is how many there are.
    pub fn event(&self) -> EventNumber {
        self.event
    }

    /// Encodes the next chunk.
    ///
    /// # Panics
    /// If `events` is empty: a chunk says something.
    pub fn write(&mut self, events: &[Event]) -> Vec<u8> {
        let mut chunk = Chunk::default();
        for event in events {
            chunk.push(event);
        }
        self.close(&chunk)
    }

    /// Encodes the next chunk, of which the events are there already.
    ///
    /// # Panics
    /// If there are none: a chunk says something.
    pub fn close(&mut self, chunk: &Chunk) -> Vec<u8> {
        assert!(!chunk.is_empty(), "a chunk without events");
        let header = Header { chunk: self.chunk, first: self.event, events: chunk.events };
        let bytes = encode_exact_before(VERSION, &header, &chunk.bytes);
        self.advance(chunk.events);
        bytes
    }

    /// Decodes the next chunk.
    ///
    /// # Errors
    /// [`HistoryError`] when it is no chunk, or not the next one.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Event>, HistoryError> {
        let chunk = self.chunk;
        let read: Read = decode_all_since(OLDEST, VERSION, bytes)
            .map_err(|source| HistoryError::Record { chunk, source })?;
        if (read.chunk, read.first) != (self.chunk, self.event) {
            return Err(HistoryError::Order {
                expected: self.chunk,
                expected_event: self.event,
                found: read.chunk,
                found_event: read.first,
            });
        }
        self.advance(read.events.len() as u64);
        Ok(read.events)
    }

    fn advance(&mut self, events: u64) {
        self.chunk.0 += 1;
        self.event.0 += events;
    }
}

#[cfg(test)]
mod tests;
