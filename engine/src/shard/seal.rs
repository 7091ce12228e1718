//! Closing batches, and learning that they are durable.

use super::{InstanceId, Shard, instance::Stage};
use crate::{
    Sealed, Withheld,
    record::{self, InstanceHeader},
};
use sarsen_protocol::{Batch, BatchNumber, Effect, Keyspace, Payload, Receipt};

impl Shard {
    /// Whether there is anything that a seal would close.
    pub fn has_open_batch(&self) -> bool {
        self.batch.has_writes() || !self.batch.effects.is_empty() || !self.touched.is_empty()
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
        let touched = std::mem::take(&mut self.touched);
        for id in &touched {
            self.write_instance(*id, number);
        }
        if self.batch.has_writes() {
            self.note_written(&touched, number);
        }
        (self.batch.turns, self.batch.bytes) = (0, 0);
        let effects = std::mem::take(&mut self.batch.effects);
        let lease = self.config.lease;
        if self.batch.has_writes() {
            self.sealed = number;
            let batch = Batch { lease, number, writes: self.batch.take_writes() };
            return Some(Sealed { batch: Some(batch), effects: Withheld::new(lease, number, effects) });
        }
        (!effects.is_empty())
            .then(|| Sealed { batch: None, effects: Withheld::new(lease, self.sealed, effects) })
    }

    /// Writes an entity's record, if it has changed, and rows for its messages that have none.
    fn write_instance(&mut self, id: InstanceId, number: BatchNumber) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.touched = false;
        if std::mem::take(&mut instance.dirty) {
            debug_assert_ne!(instance.stage, Stage::Loading, "an entity changes after it is loaded");
            let header =
                InstanceHeader { exists: instance.state.is_some(), producers: instance.producers.clone() };
            let state = instance.encoded.as_ref().map_or(&[][..], Payload::as_bytes);
            let resting = header.exists || !header.producers.is_empty();
            let value = resting.then(|| record::write_instance(&header, state));
            self.batch.write(Keyspace::Instances, record::instance_key(&instance.address), value);
            if instance.producers.is_empty() {
                instance.encoded = None;
            }
        }
        for entry in instance.mailbox.unwritten() {
            entry.row = Some(number);
            let key = record::mailbox_key(&instance.address, entry.id);
            self.batch.write(Keyspace::Mailbox, key, Some(record::write_message(&entry.message)));
        }
        instance.give_back_room();
        if instance.mailbox.has_gap() {
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
            if let Some(instance) = self.instances.get_mut(id) {
                self.queued_bytes -= instance.mailbox.trim(self.committed);
            }
        }
        self.keys.trim(self.committed);
        self.make_room();
    }
}
