//! Listing of entities by type and key prefix, straight from durable records.
//!
//! Records lie by slot, so a listing walks the slots and reads in each the rows of its type and prefix. Each page is
//! read from one state of the store; different pages may be of different states.

use crate::record;
use bytes::{BufMut, Bytes, BytesMut};
use sarsen_protocol::{Address, Keyspace, Page, Payload, Read, Slot, record::RecordError};

/// Bytes of records read from one slot at a time.
const SLOT_BYTES: usize = 1 << 20;
/// Slots read at a time when they hold little.
const SLOTS_MAX: u16 = 512;

/// An entity that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRow {
    /// Where it lives.
    pub address: Address,
    /// Its state, when states are asked for.
    pub state: Option<Payload>,
}

/// A walk over the existing entities of a type whose keys have a prefix. Each is found once, in an order that stays
/// the same while the store's format does: by slot, then by key.
#[derive(Clone, Debug)]
pub struct Listing {
    name: String,
    prefix: String,
    with_state: bool,
    page_rows: usize,
    slot: u16,
    after: Option<Bytes>,
    slots_at_once: u16,
}

impl Listing {
    /// A walk that aims at `page_rows` entities a page.
    pub fn new(name: &str, key_prefix: &str, with_state: bool, page_rows: usize) -> Self {
        Self {
            name: name.to_owned(),
            prefix: key_prefix.to_owned(),
            with_state,
            page_rows: page_rows.max(1),
            slot: 0,
            after: None,
            slots_at_once: 64,
        }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        let end = self.slot.saturating_add(self.slots_at_once).min(Slot::COUNT);
        let reads: Vec<Read> =
            (self.slot..end).filter_map(Slot::new).map(|slot| self.slot_read(slot)).collect();
        (!reads.is_empty()).then_some(reads)
    }

    fn slot_read(&self, slot: Slot) -> Read {
        let mut from = BytesMut::with_capacity(4 + self.name.len() + self.prefix.len());
        from.put_u16(slot.number());
        from.put_slice(self.name.as_bytes());
        from.put_u8(0);
        from.put_slice(self.prefix.as_bytes());
        // No byte of a key is 0xff, since keys are UTF-8.
        let mut to = from.clone();
        to.put_u8(0xff);
        let after = self.after.as_ref().filter(|_| slot.number() == self.slot);
        Read {
            keyspace: Keyspace::Instances,
            from: after.map_or(from.freeze(), |key| record::exactly(key).1),
            to: to.freeze(),
            rows_max: self.page_rows,
            bytes_max: SLOT_BYTES,
            values: true,
        }
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRow>, RecordError> {
        let mut listed = Vec::new();
        for page in pages {
            for row in &page.rows {
                let (header, state) = record::read_instance(&row.value)?;
                if header.exists {
                    let address = record::read_instance_key(&row.key)?;
                    listed.push(ListedRow { address, state: state.filter(|_| self.with_state) });
                }
            }
            if let Some(last) = page.rows.last().filter(|_| page.more) {
                self.after = Some(last.key.clone());
                self.slots_at_once = (self.slots_at_once / 2).max(1);
                return Ok(listed);
            }
            self.slot += 1;
            self.after = None;
        }
        if listed.len() > self.page_rows {
            self.slots_at_once = (self.slots_at_once / 2).max(1);
        } else if listed.len() < self.page_rows / 2 {
            self.slots_at_once = self.slots_at_once.saturating_mul(2).min(SLOTS_MAX);
        }
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::InstanceHeader;
    use sarsen_protocol::Row;
    use std::collections::BTreeMap;

    fn answer(rows: &BTreeMap<Bytes, Bytes>, read: &Read) -> Page {
        let mut found = rows.range(read.from.clone()..read.to.clone());
        let rows: Vec<Row> = found
            .by_ref()
            .take(read.rows_max)
            .map(|(key, value)| Row { key: key.clone(), value: value.clone() })
            .collect();
        Page { rows, more: found.next().is_some() }
    }

    #[test]
    fn every_existing_entity_of_the_type_and_prefix_is_listed_once() {
        let mut rows = BTreeMap::new();
        let mut put = |name: &str, key: &str, exists: bool| {
            let address = Address::entity(name, key).expect("valid");
            let header = InstanceHeader { exists, producers: Vec::new() };
            rows.insert(record::instance_key(&address), record::write_instance(&header, b"1"));
        };
        for number in 0..500 {
            put("word", &format!("a{number}"), number % 7 != 0);
            put("word", &format!("b{number}"), true);
            put("wor", &format!("a{number}"), true);
        }
        for page_rows in [1, 10, 1000] {
            let mut listing = Listing::new("word", "a", true, page_rows);
            let mut keys = Vec::new();
            while let Some(reads) = listing.next_read() {
                let pages: Vec<Page> = reads.iter().map(|read| answer(&rows, read)).collect();
                keys.extend(listing.take(&pages).expect("the records are whole"));
            }
            let mut numbers: Vec<u32> = keys
                .iter()
                .map(|row| {
                    row.address.key().strip_prefix('a').and_then(|key| key.parse().ok()).expect("a<number>")
                })
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..500).filter(|number| number % 7 != 0).collect::<Vec<_>>());
        }
    }
}
