//! Closing batches, and learning that they are durable.

use super::{
    InstanceId, Shard,
    batch::OpenBatch,
    instance::{Entity, Kind, Stage},
    runs::Run,
};
use crate::{
    Sealed, Withheld,
    fault::{Fault, armed},
    record::{self, InstanceHeader, Queue},
};
use sarsen_protocol::{Address, Batch, BatchNumber, Body, Effect, Keyspace, Payload, Receipt};

impl Shard {
    /// Whether there is anything that a seal would close.
    pub fn has_open_batch(&self) -> bool {
        self.batch.has_writes()
            || self.batch.has_effects()
            || !self.touched.is_empty()
            || self.permits.is_changed()
    }

    /// Whether the open batch is at its limit: it is to be sealed even when the store is busy.
    pub fn is_batch_full(&self) -> bool {
        self.batch.turns >= self.config.limits.batch_turns_max
            || self.batch.bytes >= self.config.limits.batch_bytes_max
    }

    /// Closes the open batch, numbered, with its effects inside. `None` when there is neither a write nor an effect.
    ///
    /// Here, and only here, messages that were accepted and not consumed become rows.
    pub fn seal(&mut self) -> Option<Sealed<Effect>> {
        let number = self.open_number();
        let mut touched = std::mem::take(&mut self.touched);
        for id in &touched {
            self.settle_alarm(*id);
            self.write_instance(*id, number);
        }
        self.permits.write(&mut self.batch);
        if self.batch.has_writes() {
            self.note_written(&touched, number);
        }
        touched.clear();
        self.touched = touched;
        (self.batch.turns, self.batch.bytes) = (0, 0);
        let effects = self.batch.take_effects();
        let lease = self.config.lease;
        if self.batch.has_writes() {
            (self.sealed, self.sealed_rows) = (number, self.counter);
            let batch = Batch { lease, number, writes: self.batch.take_writes() };
            return Some(Sealed { batch: Some(batch), effects: Withheld::new(lease, number, effects) });
        }
        (!effects.is_empty())
            .then(|| Sealed { batch: None, effects: Withheld::new(lease, self.sealed, effects) })
    }

    /// Writes an instance's records, as far as they have changed, and rows for its messages that have none.
    fn write_instance(&mut self, id: InstanceId, number: BatchNumber) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.touched = false;
        let dirty = std::mem::take(&mut instance.dirty);
        debug_assert!(!dirty || instance.stage != Stage::Loading, "an instance changes after it is loaded");
        match &mut instance.kind {
            Kind::Entity(entity) => {
                if dirty {
                    write_entity(&mut self.batch, &instance.address, entity);
                }
                // What is in hand stands before its queue, for a process that finds it there.
                if let Some(hand) = &mut entity.hand
                    && (std::mem::take(&mut hand.changed) || hand.entry.row.is_none())
                {
                    hand.entry.row = Some(number);
                    let key = record::mailbox_key(&instance.address, hand.queue, hand.entry.id);
                    let row = record::write_message(&hand.entry.message);
                    self.batch.write(Keyspace::Mailbox, key, Some(row));
                }
                // A lock that comes and goes within a batch leaves no row.
                let changed = std::mem::take(&mut entity.lock_dirty);
                let (taken, given_back) = (entity.lock.is_some(), entity.lock_stored);
                let lost = armed(Fault::LockUnwritten) && taken || armed(Fault::LockKept) && !taken;
                if changed && (taken || given_back) && !lost {
                    entity.lock_stored = entity.lock.is_some();
                    let lock = entity.lock.as_deref().map(record::write_lock);
                    self.batch.write(Keyspace::Locks, record::instance_key(&instance.address), lock);
                    self.watch.note(&instance.address, entity.lock.as_deref());
                }
            }
            Kind::Run(run) => {
                run.write(&mut self.batch, &instance.address, dirty, now);
                if dirty {
                    self.changes.note(&mut self.batch, instance.address.slot(), now);
                }
            }
        }
        if let Some(queues) = instance.waiting.as_mut() {
            for (queue, mailbox) in [(Queue::Front, &mut queues.front), (Queue::Back, &mut queues.mailbox)] {
                for entry in mailbox.unwritten() {
                    entry.row = Some(number);
                    if armed(Fault::ReleaseUnwritten) && matches!(entry.message.body, Body::Release(_)) {
                        continue;
                    }
                    let key = record::mailbox_key(&instance.address, queue, entry.id);
                    self.batch.write(Keyspace::Mailbox, key, Some(record::write_message(&entry.message)));
                }
            }
        }
        let waits = instance.run().is_some_and(Run::waits_for_store);
        if waits || instance.waiting.mailbox.has_gap() || instance.waiting.front.has_gap() {
            self.trims.push_back((number, id));
        }
    }

    /// Entities of a batch that writes anything stay in memory until it is durable.
    fn note_written(&mut self, touched: &[InstanceId], number: BatchNumber) {
        for id in touched {
            if let Some(instance) = self.instances.get_mut(*id) {
                instance.written = number;
            }
        }
    }

    /// The store's word that batches are durable.
    ///
    /// # Panics
    /// If the receipt is of another lease, or of a batch that was not sealed.
    pub fn committed(&mut self, receipt: &Receipt) {
        assert_eq!(receipt.lease(), self.config.lease, "a receipt belongs to its shard");
        assert!(receipt.number() <= self.sealed, "a receipt is for a sealed batch");
        self.committed = self.committed.max(receipt.number());
        self.let_in = true;
        while self.trims.front().is_some_and(|(number, _)| *number <= self.committed)
            && let Some((_, id)) = self.trims.pop_front()
        {
            if let Some(queues) = self.instances.get_mut(id).and_then(|instance| instance.waiting.as_mut()) {
                self.queued_bytes -= queues.mailbox.trim(self.committed);
                self.queued_bytes -= queues.front.trim(self.committed);
            }
            self.mark_ready(id);
        }
        self.keys.trim(self.committed);
        self.tasks.trim(self.committed);
        self.make_room();
    }
}

/// Writes an entity's record.
fn write_entity(batch: &mut OpenBatch, address: &Address, entity: &mut Entity) {
    let header = InstanceHeader {
        exists: entity.state.is_some(),
        producers: std::mem::take(&mut entity.producers),
        extras: entity.extras.take().filter(|extras| !extras.is_empty()),
    };
    let state = entity.encoded.as_ref().map_or(&[][..], Payload::as_bytes);
    let resting = header.exists || !header.producers.is_empty() || header.extras.is_some();
    let value = resting.then(|| record::write_instance(&header, state));
    batch.write(Keyspace::Instances, record::instance_key(address), value);
    (entity.producers, entity.extras) = (header.producers, header.extras);
    if entity.producers.is_empty() && entity.extras.is_none() {
        entity.encoded = None;
    }
}
