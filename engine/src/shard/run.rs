//! A turn: reads are answered, arrivals admitted, and the run of operations at the mailbox's front is run.

use super::{
    InstanceId, Shard,
    admit::{answer, content},
    instance::{Kind, Stage},
    keys::Known,
    mailbox::Entry,
};
use crate::{
    fault::{Fault, armed},
    record::{self, KeyOutcome, KeyRecord, Queue},
};
use sarsen_entities::{Asked, Change, Outcome};
use sarsen_protocol::{
    Address, Answer, Body, CallError, Effect, Failure, Identity, IdentityName, Keyspace, LetterId, Message,
    Payload, Reply,
};
use std::sync::Arc;

impl Shard {
    pub(super) fn take_turn(&mut self, id: InstanceId) {
        self.instances.touch(id, self.now);
        self.turning = Some(id);
        self.work(id);
        self.turning = None;
        self.load_window(id);
        self.instances.strip(id);
        self.mark_ready(id);
    }

    fn work(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get(id) else { return };
        let is_run = instance.run().is_some();
        let dispatches = instance.entity().is_some_and(|entity| entity.dispatches);
        match instance.stage {
            Stage::Loading => {}
            Stage::Parked(_) | Stage::Active if is_run => {
                self.admit(id);
                self.turn_of_run(id);
            }
            Stage::Parked(_) => {
                self.answer_reads(id);
                self.admit(id);
            }
            Stage::Active => {
                self.answer_reads(id);
                self.admit(id);
                self.turn_of_entity(id);
                if dispatches {
                    self.settle_place(id);
                }
            }
        }
    }

    /// Answers reads beside the queue, with what the last turn left.
    fn answer_reads(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.waiting.reads.is_empty() {
            return;
        }
        let reads = std::mem::take(&mut instance.waiting.reads);
        let Kind::Entity(entity) = &instance.kind else { return };
        let answer = match (&instance.stage, &entity.state) {
            (Stage::Parked(reason), _) => Answer::refused(CallError::Parked {
                address: instance.address.clone(),
                reason: reason.clone(),
            }),
            (_, None) => Answer::State(None),
            (_, Some(state)) => match entity.of.behaviour.encode(state) {
                Ok(payload) => Answer::State(Some(payload)),
                Err(failure) => Answer::failed(failure),
            },
        };
        let bytes = match &answer {
            Answer::State(Some(payload)) => payload.len(),
            _ => 0,
        };
        for (session, request) in reads {
            self.batch.release(Effect::Reply(Reply { session, request, answer: answer.clone() }), bytes);
        }
    }

    /// First what comes from the holder of its lock, then, if nobody holds it, what waits in its mailbox: operations
    /// up to the next lock request or what concerns schedules, or that.
    fn turn_of_entity(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get(id) else { return };
        if instance.waiting.front.is_ready() || !instance.waiting.cancelled.is_empty() {
            self.turn_of_section(id);
        }
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Kind::Entity(entity) = &instance.kind else { return };
        if entity.hand.is_some() && !armed(Fault::BusyIgnored) {
            return self.turn_in_hand(id);
        }
        if entity.lock.is_some() && !armed(Fault::LockIgnored) {
            return;
        }
        let Some(queues) = instance.waiting.as_mut() else { return };
        match queues.mailbox.oldest().map(|entry| &entry.message.body) {
            Some(Body::Lock(_) | Body::TryLock(_)) => {
                if let Some(entry) = queues.mailbox.pop() {
                    self.grant(id, entry);
                }
            }
            Some(Body::Schedule(_) | Body::Unschedule(_) | Body::Scheduled(_)) => self.turn_of_schedules(id),
            Some(Body::Expire { .. }) => {
                if let Some(entry) = queues.mailbox.pop() {
                    self.expire(id, entry);
                }
            }
            _ => self.run(id, Queue::Back),
        }
    }

    /// Runs the operations at the front of a queue, as many as a run may hold. One that runs off the shard is none of a
    /// run.
    pub(super) fn run(&mut self, id: InstanceId, queue: Queue) {
        let limits = &self.config.limits;
        let Some(instance) = self.instances.get_mut(id) else { return };
        let elsewhere = instance.entity().filter(|entity| entity.dispatches);
        let busy = elsewhere.is_some_and(|entity| entity.hand.is_some());
        let elsewhere = elsewhere.map(|entity| Arc::clone(&entity.of));
        let mailbox = instance.queue_mut(queue);
        let mut entries = std::mem::take(&mut self.taken);
        let mut bytes = 0;
        while entries.len() < limits.run_operations_max
            && let Some(next) = mailbox.oldest()
            && let Body::Operation(operation) = &next.message.body
            && (entries.is_empty() || bytes + operation.input.len() <= limits.run_bytes_max)
        {
            if elsewhere.as_ref().is_some_and(|of| of.behaviour.is_dispatched(&operation.name)) {
                if entries.is_empty()
                    && !busy
                    && let Some(entry) = mailbox.pop()
                {
                    self.taken = entries;
                    return self.take_in_hand(id, queue, entry);
                }
                break;
            }
            bytes += operation.input.len();
            entries.extend(mailbox.pop());
        }
        self.run_operations(id, queue, &mut entries);
        self.taken = entries;
    }

    /// Runs operations that were taken from a queue, and takes them out of `entries`.
    pub(super) fn run_operations(&mut self, id: InstanceId, queue: Queue, entries: &mut Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Kind::Entity(entity) = &mut instance.kind else { return };
        let limits = self.config.limits.run(&entity.of.options);
        // One operation is what a run has most of the time.
        let (one, several);
        let asked: &[Asked<'_>] = if let [entry] = entries.as_slice() {
            one = asked(entry);
            one.as_slice()
        } else {
            several = entries.iter().filter_map(asked).collect::<Vec<_>>();
            &several
        };
        debug_assert_eq!(asked.len(), entries.len(), "only operations are run");
        let audited = entity.of.options.audit_options().is_some();
        let address = instance.address.clone();
        let ran = entity.of.behaviour.run(&address, &mut entity.state, asked, now, &limits);
        debug_assert_eq!(ran.outcomes.len(), asked.len(), "each operation has an outcome");
        self.operations += ran.outcomes.len() as u64;
        if ran.outgrown > 0 {
            self.refused(address.name(), |refusals| refusals.states_too_large += u64::from(ran.outgrown));
        }
        let changed = ran.change != Change::None;
        self.apply(id, ran.change);
        if audited {
            self.audit_operations(id, entries, &ran.outcomes, changed);
        }
        for (entry, outcome) in entries.drain(..).zip(ran.outcomes) {
            self.conclude(id, (&address, queue), entry, outcome);
        }
    }

    /// Notes how a run left the entity.
    pub(super) fn apply(&mut self, id: InstanceId, change: Change) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let encoded = match change {
            Change::None => return,
            Change::Put(payload) => Some(payload),
            Change::Deleted => None,
        };
        let bytes = encoded.as_ref().map_or(0, Payload::len);
        let Kind::Entity(entity) = &mut instance.kind else { return };
        entity.encoded = encoded;
        entity.note_change(self.now);
        instance.dirty = true;
        self.batch.bytes += bytes;
        self.instances.resize(id, bytes);
    }

    /// Lets one operation's outcome take effect: its row goes, its caller is answered, its messages leave.
    pub(super) fn conclude(
        &mut self,
        id: InstanceId,
        (address, queue): (&Address, Queue),
        entry: Entry,
        outcome: Outcome,
    ) {
        let mut message = self.consume(id, queue, entry);
        self.settle_schedule(id, &mut message);
        if outcome.deleted {
            self.end_schedules(id);
        }
        match outcome.answer {
            Err(failure) if !message.is_answered() => self.give_up(&message, failure),
            outcome => {
                self.finish_key(&message, &outcome);
                if message.is_answered() {
                    self.reply(&message, answer(outcome));
                }
            }
        }
        for outgoing in outcome.messages {
            self.send_outgoing((id, address), outgoing);
        }
    }

    /// A message that was taken from a queue is dealt with: its row goes, and its instance stays until that is durable.
    pub(super) fn consume(&mut self, instance: InstanceId, queue: Queue, entry: Entry) -> Box<Message> {
        let Entry { id, message, row } = entry;
        self.queued_bytes -= message.bytes();
        if row.is_some() && !armed(Fault::MailboxRowStays) {
            let key = record::mailbox_key(&message.to, queue, id);
            self.batch.write(Keyspace::Mailbox, key, None);
        }
        self.mark_touched(instance);
        message
    }

    /// Remembers the outcome under the message's key, if it has one, and answers repeats that waited for it.
    pub(super) fn finish_key(&mut self, message: &Message, outcome: &Result<Payload, Failure>) {
        if let Identity::Key(name) = &message.identity {
            self.remember(message, name, outcome);
        }
    }

    fn remember(&mut self, message: &Message, name: &IdentityName, outcome: &Result<Payload, Failure>) {
        let row = record::key_key(&message.to, name);
        let expires = self.now.after(self.config.limits.key_retention);
        let outcome = KeyOutcome { answer: outcome.clone(), expires };
        let content = content(message);
        let record = KeyRecord { content, outcome: Some(outcome.clone()) };
        self.batch.replace(Keyspace::Keys, row.clone(), Some(record::write_key(&record)));
        let waiters =
            self.keys.write(&row, Known::Done { content, outcome: outcome.clone() }, self.open_number());
        for (session, request) in waiters {
            let reply = Reply { session, request, answer: answer(outcome.answer.clone()) };
            self.batch.release(Effect::Reply(reply), 0);
        }
    }

    /// Keeps an accepted message that is given up as a dead letter.
    pub(super) fn give_up(&mut self, message: &Message, failure: Failure) {
        let slots = self.config.lease.slots;
        let slot =
            Some(message.to.slot()).filter(|slot| slots.contains(*slot)).or_else(|| slots.iter().next());
        let row = self.next_row();
        let letter = LetterId::new(slot.expect("a range of slots is not empty"), row.epoch, row.counter);
        let value = record::write_dead(self.now, &failure, message);
        self.batch.replace(Keyspace::Dead, record::dead_key(letter), Some(value));
        self.dead.push(letter);
        while let Some(oldest) = self.dead.pop_beyond(self.config.limits.dead_letters_max) {
            self.batch.replace(Keyspace::Dead, record::dead_key(oldest), None);
        }
        let outcome = Err(failure);
        self.finish_key(message, &outcome);
        if let Err(failure) = outcome {
            let (address, what) = (message.to.clone(), message.body.to_string().into());
            self.batch.release(Effect::DeadLetter { address, what, failure: Box::new(failure) }, 0);
        }
    }
}

/// What a message asks of an entity.
fn asked(entry: &Entry) -> Option<Asked<'_>> {
    match &entry.message.body {
        Body::Operation(operation) => Some(Asked { operation: &operation.name, input: &operation.input }),
        body => body.asked().map(|operation| Asked { operation: &operation.name, input: &operation.input }),
    }
}
