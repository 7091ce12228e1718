//! Messages of instances on their way: to a neighbour in the shard, to another shard, or to a later moment.

use super::Shard;
use crate::record::{self, TimerId};
use sarsen_entities::Outgoing;
use sarsen_protocol::{
    Address, Delivery, Effect, Failure, FailureKind, Identity, Keyspace, Message, Origin, ShardId, Source,
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
        let owner = self.config.slots.shard(message.to.slot());
        if owner != self.config.id {
            self.send_away(owner, message);
        } else if message.due.is_some_and(|due| due > self.now) {
            self.delay(message);
        } else {
            self.receive(message);
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

    /// Takes a message for an entity of this shard that is already part of the open batch.
    pub(super) fn receive(&mut self, message: Message) {
        match self.activate(&message.to) {
            Some(id) => {
                self.admit_deliveries(id);
                self.admit_delivery(id, message);
            }
            None => self.give_up_unknown(&message),
        }
    }

    pub(super) fn give_up_unknown(&mut self, message: &Message) {
        let reason = format!("no entity `{}` is registered", message.to.name());
        self.give_up(message, Failure::new(FailureKind::UnknownEntity, reason));
    }

    /// Keeps a message until it is due.
    pub(super) fn delay(&mut self, message: Message) {
        if self.timers.count() >= self.config.limits.timers_max as u64 {
            let reason = "too many delayed signals wait";
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
    pub(super) fn fire_timers(&mut self) -> bool {
        let mut fired = false;
        for _ in 0..self.config.limits.timers_per_turn_max {
            let Some((id, mut message)) = self.timers.pop_due(self.now) else { break };
            self.batch.replace(Keyspace::Timers, record::timer_key(id), None);
            message.due = None;
            self.receive(message);
            fired = true;
        }
        fired
    }
}
