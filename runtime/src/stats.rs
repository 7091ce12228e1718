//! What a host counts.

use sarsen_engine::{Refusals, ShardStats};
use sarsen_protocol::Address;
use sarsen_storage::Counters;
use std::collections::BTreeMap;

/// How many of the longest mailboxes are named.
const DEEPEST_MAX: usize = 10;

/// What is in a runtime, summed over its shards, and what its store has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that wait: accepted, or waiting to be.
    pub pending: u64,
    /// The longest mailboxes, longest first, at most ten.
    pub deepest_mailboxes: Vec<(Address, u64)>,
    /// Entities and runs in memory.
    pub activations: u64,
    /// Bytes that they are counted with.
    pub cache_bytes: u64,
    /// Batches sealed.
    pub batches: u64,
    /// Operations and turns of runs.
    pub operations: u64,
    /// Operations that run off their shards now, since they are asynchronous or block. Those whose time is over are none of
    /// them.
    pub operations_running: u64,
    /// Operations off their shards whose time is over and whose code has not ended: it was told by its token, and goes on
    /// beside those that count.
    pub operations_overrun: u64,
    /// Entities that are listed to wait until fewer operations of their type run off their shard; many more may wait as
    /// rows.
    pub operations_waiting: u64,
    /// Delayed signals and timers of runs and entities that wait.
    pub timers: u64,
    /// Activities that have not ended: handed out or waiting.
    pub tasks: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Dead letters that went because there were too many.
    pub dead_letters_dropped: u64,
    /// Idempotency keys remembered.
    pub keys: u64,
    /// Entities and runs in memory that cannot go on because their records do not fit the code.
    pub parked: u64,
    /// Locks that are held for longer than [`Limits::lock_held_report_after`](crate::Limits::lock_held_report_after).
    /// Each was reported once. Of a shard in which more than 65,536 are held, the youngest are neither reported nor counted.
    pub locks_overdue: u64,
    /// What was refused of the entities of each registered type because of a limit, by the type's name.
    pub refusals: BTreeMap<&'static str, Refusals>,
    /// Groups of batches committed.
    pub groups: u64,
    /// Calls that made data durable.
    pub syncs: u64,
    /// Bytes handed to files.
    pub bytes_written: u64,
    /// Bytes of the journal that wait for a checkpoint, and that an open after a crash would read.
    pub tail_bytes: u64,
}

impl Stats {
    /// Adds up the figures of shards and their store. What is in no shard, the operations that have overrun, is 0.
    #[doc(hidden)]
    pub fn sum(shards: impl IntoIterator<Item = ShardStats>, store: Counters) -> Self {
        let mut sum = Self {
            groups: store.groups,
            syncs: store.syncs,
            bytes_written: store.bytes_written,
            tail_bytes: store.tail_bytes,
            ..Self::default()
        };
        for shard in shards {
            sum.add(shard);
        }
        sum.deepest_mailboxes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sum.deepest_mailboxes.truncate(DEEPEST_MAX);
        sum
    }

    fn add(&mut self, shard: ShardStats) {
        self.pending += shard.pending;
        self.deepest_mailboxes.extend(shard.deepest_mailboxes);
        self.activations += shard.activations;
        self.cache_bytes += shard.cache_bytes;
        self.batches += shard.batches;
        self.operations += shard.operations;
        self.operations_running += shard.operations_running;
        self.operations_waiting += shard.operations_waiting;
        self.timers += shard.timers;
        self.tasks += shard.tasks;
        self.dead_letters += shard.dead_letters;
        self.dead_letters_dropped += shard.dead_letters_dropped;
        self.keys += shard.keys;
        self.parked += shard.parked;
        self.locks_overdue += shard.locks_overdue;
        for (name, refusals) in shard.refusals {
            self.refusals.entry(name).or_default().add(refusals);
        }
    }
}
