//! The batch that is open: what has been written and what will be let out since the last seal.

use bytes::Bytes;
use sarsen_protocol::{Effect, HashMap, Keyspace, Write};

/// What an effect is counted with, beside the payload that it carries.
const EFFECT_BYTES: usize = 64;

/// Writes and effects that are not sealed yet.
#[derive(Debug, Default)]
pub(crate) struct OpenBatch {
    /// Writes whose key cannot come twice in a batch.
    writes: Vec<Write>,
    /// Writes of which the last one to a key wins.
    latest: HashMap<(Keyspace, Bytes), Option<Bytes>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) turns: usize,
    pub(crate) bytes: usize,
}

impl OpenBatch {
    /// Writes a record whose key is written once in a batch.
    pub(crate) fn write(&mut self, keyspace: Keyspace, key: Bytes, value: Option<Bytes>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.writes.push(Write { keyspace, key, value });
    }

    /// Writes a record that the batch may already have written.
    pub(crate) fn replace(&mut self, keyspace: Keyspace, key: Bytes, value: Option<Bytes>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.latest.insert((keyspace, key), value);
    }

    /// Lets something out once the batch is durable.
    pub(crate) fn release(&mut self, effect: Effect, payload_bytes: usize) {
        self.bytes += EFFECT_BYTES + payload_bytes;
        self.effects.push(effect);
    }

    pub(crate) fn has_writes(&self) -> bool {
        !self.writes.is_empty() || !self.latest.is_empty()
    }

    /// Takes the writes, each key once.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        let mut writes = std::mem::take(&mut self.writes);
        let latest = std::mem::take(&mut self.latest);
        let from = writes.len();
        writes.extend(latest.into_iter().map(|((keyspace, key), value)| Write { keyspace, key, value }));
        // The map's order is not one that anybody should see.
        writes[from..].sort_unstable_by(|a, b| (a.keyspace, &a.key).cmp(&(b.keyspace, &b.key)));
        writes
    }
}
