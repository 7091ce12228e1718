//! The batch that is open: what has been written and what will be let out since the last seal.

use bytes::Bytes;
use sarsen_protocol::{Effect, HashMap, Keyspace, Task, TaskToken, Write};
use std::collections::BTreeMap;

/// What an effect is counted with, beside the payload that it carries.
const EFFECT_BYTES: usize = 64;

/// Writes and effects that are not sealed yet.
#[derive(Debug, Default)]
pub(crate) struct OpenBatch {
    /// Writes whose key cannot come twice in a batch.
    writes: Vec<Write>,
    /// Writes of which the last one to a key wins.
    latest: HashMap<(Keyspace, Bytes), Option<Bytes>>,
    effects: Vec<Effect>,
    /// Activities to hand out; one that is ended in the same batch is taken back.
    dispatches: BTreeMap<TaskToken, Task>,
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

    /// Hands an activity out once the batch is durable.
    pub(crate) fn dispatch(&mut self, task: Task) {
        self.bytes += EFFECT_BYTES + task.input.len();
        self.dispatches.insert(task.token, task);
    }

    /// Takes an activity back that the batch hands out, or tells the host that it is of no more use.
    pub(crate) fn cancel(&mut self, token: TaskToken) {
        if self.dispatches.remove(&token).is_none() {
            self.release(Effect::CancelTask(token), 0);
        }
    }

    /// Whether anything is to be let out.
    pub(crate) fn has_effects(&self) -> bool {
        !self.effects.is_empty() || !self.dispatches.is_empty()
    }

    /// Takes what is to be let out, in order.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.effects);
        let dispatches = std::mem::take(&mut self.dispatches);
        effects.extend(dispatches.into_values().map(|task| Effect::Perform(Box::new(task))));
        effects
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
