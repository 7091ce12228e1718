//! Messages of instances on their way: to a neighbour in the shard, to another shard, or to a later moment.

use super::Shard;
use crate::record::{self, TimerId};
use sarsen_entities::Outgoing;
use sarsen_protocol::{
    Address, CallError, Delivery, Effect, Failure, FailureKind, Identity, Keyspace, Message, Origin, ShardId,
    Source,
};

impl Shard {
    /// Sends what an operation of `from` sent.
    pub(super) fn send(&mut self, from: &Address, outgoing: Outgoing) {
        let message = Message {
            to: outgoing.to,
            from: Origin::Instance(from.clone()),
            operation: outgoing.operation,
            input: outgoing.input,
            answered: false,
            identity: Identity::None,
            due: outgoing.due,
            deadline: None,
            trace: None,
        };
        if self.config.registry.get(message.to.name()).is_none() {
            let error = CallError::UnknownEntity { name: message.to.name().to_owned() };
            self.give_up(&message, Failure::new(FailureKind::UnknownEntity, error.to_string()));
            return;
        }
        let owner = self.config.slots.shard(message.to.slot());
        if owner != self.config.id {
            self.send_away(owner, message);
        } else if message.due.is_some_and(|due| due > self.now) {
            self.delay(message);
        } else if let Some(id) = self.activate(&message.to) {
            self.admit_deliveries(id);
            self.admit_delivery(id, message);
        }
    }

    /// Writes a message as an inbox row of its receiver's slot; the wake-up leaves after the commit.
    fn send_away(&mut self, to: ShardId, message: Message) {
        let slot = message.to.slot();
        let source = Source { epoch: self.config.lease.epoch, shard: self.config.id };
        let last = self.outgoing.entry(slot).or_default();
        *last = last.next();
        let sequence = *last;
        let key = record::inbox_key(slot, source, sequence);
        self.batch.write(Keyspace::Inbox, key, Some(record::write_message(&message)));
        let bytes = message.input.len();
        let delivery = Delivery { source, slot, sequence, message: Some(message) };
        self.batch.release(Effect::Deliver { to, delivery }, bytes);
    }

    /// Keeps a message until it is due.
    pub(super) fn delay(&mut self, message: Message) {
        if self.timers.count() >= self.config.limits.timers_max as u64 {
            let reason = "the shard's list of delayed signals is full: raise `timers_max`";
            self.give_up(&message, Failure::new(FailureKind::MailboxFull, reason));
            return;
        }
        let due = message.due.unwrap_or(self.now);
        let id = TimerId { due, row: self.next_row(), slot: message.to.slot() };
        let value = record::write_message(&message);
        self.batch.replace(Keyspace::Timers, record::timer_key(id), Some(value));
        self.timers.insert(id, message, self.open_number());
    }

    /// Lets delayed signals that are due arrive, as many as a turn may. Returns whether there were any.
    ///
    /// They were accepted when they were sent; no mailbox is too full for them, since rows and `timers_max` bound them.
    pub(super) fn fire_timers(&mut self) -> bool {
        let mut fired = false;
        for _ in 0..self.config.limits.timers_per_turn_max {
            let Some((id, mut message)) = self.timers.pop_due(self.now) else { break };
            let Some(receiver) = self.activate(&message.to) else {
                // The row stays for a process in which the type is registered.
                self.unregistered += 1;
                continue;
            };
            self.batch.replace(Keyspace::Timers, record::timer_key(id), None);
            message.due = None;
            self.admit_deliveries(receiver);
            self.accept(receiver, message);
            fired = true;
        }
        fired
    }
}
