//! What is durable at a desk.

use super::{Desk, at, page};
use crate::{AuditEntry, AuditListing, record};
use bytes::Bytes;
use sarsen_protocol::Keyspace;

impl Desk {
    pub(in crate::shard::tests) fn rows(&self, keyspace: Keyspace) -> u64 {
        self.rows.keys().filter(|(space, _)| *space == keyspace).map(|_| 1).sum()
    }

    /// The keys of a keyspace.
    pub(in crate::shard::tests) fn keys(&self, keyspace: Keyspace) -> Vec<Bytes> {
        self.rows.keys().filter(|(space, _)| *space == keyspace).map(|(_, key)| key.clone()).collect()
    }

    /// The values of a keyspace.
    pub(in crate::shard::tests) fn values(&self, keyspace: Keyspace) -> Vec<Bytes> {
        self.rows.iter().filter(|((space, _), _)| *space == keyspace).map(|(_, row)| row.clone()).collect()
    }

    /// The durable state of an entity.
    pub(in crate::shard::tests) fn state(&self, key: &str) -> Option<String> {
        let row = self.rows.get(&(Keyspace::Instances, record::instance_key(&at(key))))?;
        let (_, state) = record::read_instance(row).expect("whole");
        state.map(|state| String::from_utf8_lossy(state.as_bytes()).into_owned())
    }

    /// What the durable records tell of what was done to an entity.
    pub(in crate::shard::tests) fn audit(
        &self,
        key: &str,
        newest_first: bool,
        page_rows: usize,
    ) -> Vec<AuditEntry> {
        let mut listing = AuditListing::new(at(key), newest_first, page_rows);
        let mut entries = Vec::new();
        while let Some(read) = listing.next_read() {
            entries.extend(listing.take(&page(&self.rows, &read)).expect("whole"));
        }
        entries
    }

    pub(in crate::shard::tests) fn sum(&self, key: &str) -> u64 {
        let sum = |state: String| state.trim_start_matches(r#"{"sum":"#).trim_end_matches('}').parse().ok();
        self.state(key).and_then(sum).unwrap_or(0)
    }

    /// The clients' requests that have become dead letters.
    pub(in crate::shard::tests) fn dead_requests(&self) -> Vec<u64> {
        let dead = self.rows.iter().filter(|((space, _), _)| *space == Keyspace::Dead);
        let letters = dead.map(|(_, value)| record::read_dead(value).expect("whole"));
        letters.filter_map(|letter| letter.message.from.client()).map(|(_, request)| request.0).collect()
    }

    /// The receivers of the dead letters, oldest first.
    pub(in crate::shard::tests) fn dead(&self) -> Vec<String> {
        let dead = self.rows.iter().filter(|((space, _), _)| *space == Keyspace::Dead);
        let mut letters: Vec<_> = dead
            .map(|((_, key), value)| (record::read_dead_key(key), record::read_dead(value).expect("whole")))
            .map(|(id, letter)| (id.expect("whole"), letter.message.to.to_string()))
            .collect();
        letters.sort();
        letters.into_iter().map(|(_, to)| to).collect()
    }
}
