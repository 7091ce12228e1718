//! Entities by type and key prefix.

use super::walk::Walk;
use crate::record;
use sarsen_protocol::{Address, Keyspace, Page, Payload, Read, record::RecordError};

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
    walk: Walk,
    with_state: bool,
}

impl Listing {
    /// A walk that aims at `page_rows` entities a page.
    pub fn new(name: &str, key_prefix: &str, with_state: bool, page_rows: usize) -> Self {
        let prefix = format!("{name}\0{key_prefix}");
        Self { walk: Walk::new(Keyspace::Instances, &prefix, page_rows), with_state }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        self.walk.next_read()
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRow>, RecordError> {
        let with_state = self.with_state;
        self.walk.take(pages, |row| {
            let (header, state) = record::read_instance(&row.value)?;
            let address = record::read_instance_key(&row.key)?;
            let state = state.filter(|_| with_state);
            Ok(header.exists.then_some(ListedRow { address, state }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::InstanceHeader;
    use bytes::Bytes;
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
            let header = InstanceHeader { exists, ..InstanceHeader::default() };
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
