//! The batch that is open: what has been written and what will be let out since the last seal.

use bytes::Bytes;
use sarsen_protocol::{DispatchToken, Effect, HashMap, Keyspace, PlainHasher, Task, TaskToken, Write};
use std::{collections::BTreeSet, hash::Hasher};

/// What an effect is counted with, beside the payload that it carries.
const EFFECT_BYTES: usize = 64;

/// Writes and effects that are not sealed yet.
#[derive(Debug, Default)]
pub(crate) struct OpenBatch {
    /// Each key once, in the order in which they were first written.
    writes: Vec<Write>,
    /// Where the writes stand of which the last one to a key wins, by the hash of the key. Where two keys have the same
    /// hash, the second stands under the next number.
    places: HashMap<u64, usize>,
    /// Writes that were taken back: that is rare.
    void: BTreeSet<usize>,
    effects: Vec<Effect>,
    /// Activities to hand out; one that is ended in the same batch is taken back.
    dispatches: Vec<Option<Box<Task>>>,
    /// Where the activities stand, once one is taken back: that is rare.
    tokens: Option<HashMap<TaskToken, usize>>,
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
        let hash = match self.find(keyspace, &key) {
            Ok(place) => {
                self.writes[place].value = value;
                if !self.void.is_empty() {
                    self.void.remove(&place);
                }
                return;
            }
            Err(hash) => hash,
        };
        self.places.insert(hash, self.writes.len());
        self.writes.push(Write { keyspace, key, value });
    }

    /// Takes back what the batch has written under a key by [`replace`](Self::replace), where no batch before it has
    /// written anything: nothing is left of it.
    pub(crate) fn take_back(&mut self, keyspace: Keyspace, key: &Bytes) {
        if let Ok(place) = self.find(keyspace, key) {
            self.writes[place].value = None;
            self.void.insert(place);
        }
    }

    /// Where a write stands of which the last one to its key wins, or the hash under which it would.
    fn find(&self, keyspace: Keyspace, key: &Bytes) -> Result<usize, u64> {
        let mut hasher = PlainHasher::default();
        hasher.write_u8(keyspace as u8);
        hasher.write(key);
        let mut hash = hasher.finish();
        while let Some(place) = self.places.get(&hash) {
            let write = &self.writes[*place];
            if write.keyspace == keyspace && write.key == *key {
                return Ok(*place);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    /// Lets something out once the batch is durable.
    pub(crate) fn release(&mut self, effect: Effect, payload_bytes: usize) {
        self.bytes += EFFECT_BYTES + payload_bytes;
        self.effects.push(effect);
    }

    /// Hands an activity out once the batch is durable.
    pub(crate) fn dispatch(&mut self, task: Task) {
        self.bytes += EFFECT_BYTES + task.input.len();
        if let Some(tokens) = &mut self.tokens {
            tokens.insert(task.token, self.dispatches.len());
        }
        self.dispatches.push(Some(Box::new(task)));
    }

    /// Takes an activity back that the batch hands out, or tells the host that it is of no more use.
    pub(crate) fn cancel(&mut self, token: TaskToken) {
        let Self { tokens, dispatches, .. } = self;
        let tokens = tokens.get_or_insert_with(|| {
            let tasks = dispatches.iter().enumerate();
            tasks.filter_map(|(place, task)| Some((task.as_ref()?.token, place))).collect()
        });
        match tokens.remove(&token) {
            Some(place) => self.dispatches[place] = None,
            None => self.release(Effect::CancelTask(token), 0),
        }
    }

    /// Takes an operation back that the batch lets run off the shard, or tells the host that it is of no more use.
    pub(crate) fn cancel_operation(&mut self, token: DispatchToken) {
        let is_its = |effect: &Effect| matches!(effect, Effect::Operate(dispatch) if dispatch.token == token);
        match self.effects.iter().position(is_its) {
            // Its message may go in the batch that accepts it: then nothing of it is ever durable.
            Some(place) => drop(self.effects.remove(place)),
            None => self.release(Effect::CancelOperation(token), 0),
        }
    }

    /// Whether anything is to be let out.
    pub(crate) fn has_effects(&self) -> bool {
        !self.effects.is_empty() || self.dispatches.iter().any(Option::is_some)
    }

    /// Takes what is to be let out, in order.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        let room = self.effects.len();
        let mut effects = std::mem::replace(&mut self.effects, Vec::with_capacity(room));
        self.tokens = None;
        effects.extend(self.dispatches.drain(..).flatten().map(Effect::Perform));
        effects
    }

    pub(crate) fn has_writes(&self) -> bool {
        self.writes.len() > self.void.len()
    }

    /// Takes the writes, each key once.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        self.places.clear();
        let room = self.writes.len();
        let mut writes = std::mem::replace(&mut self.writes, Vec::with_capacity(room));
        if !self.void.is_empty() {
            let (void, mut place) = (std::mem::take(&mut self.void), 0..);
            writes.retain(|_| place.next().is_none_or(|place| !void.contains(&place)));
        }
        writes
    }
}
