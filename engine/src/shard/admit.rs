//! Admission: which of the messages that have come are accepted, and which are repeats or refused.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance},
    intake::{busy, is_management, mailbox_busy},
    keys::Known,
    locks::within,
    mailbox::Entry,
    runs::Run,
};
use crate::{
    INSTANCE_MAILBOX_FACTOR,
    fault::{Fault, armed},
    record::{self, KeyRecord, Producer, Queue},
};
use bytes::Bytes;
use sarsen_protocol::{
    Address, Answer, Body, CallError, Completion, Effect, Failure, FailureKind, Identity, IdentityName,
    Keyspace, Message, Origin, Payload, Reply, Sequence, Timestamp,
};
use std::sync::Arc;

/// What becomes of an arrival by its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is new.
    New,
    /// What its key stands for is being read.
    Blocked,
    /// It has been answered or refused, or waits for the first one's outcome.
    Settled,
}

impl Shard {
    /// Accepts what has come from other shards, then accepts or settles what has come from clients, as much of it as a
    /// run may hold, in order.
    pub(super) fn admit(&mut self, id: InstanceId) {
        self.admit_deliveries(id);
        for _ in 0..self.config.limits.run_operations_max {
            let Some(instance) = self.instances.get_mut(id) else { return };
            instance.blocked = false;
            let Some(queues) = instance.waiting.as_mut() else { return };
            let Some(message) = queues.arrivals.pop_front() else { return };
            let bytes = message.bytes();
            if let Some(blocked) = self.admit_request(id, message) {
                let Some(instance) = self.instances.get_mut(id) else { return };
                instance.waiting.arrivals.push_front(blocked);
                instance.blocked = true;
                return;
            }
            self.queued_bytes -= bytes;
        }
    }

    /// Accepts what has come from other shards. Called before a neighbour's message is accepted as well: at another
    /// number of shards a sender may have become a neighbour, and its earlier messages go first.
    pub(super) fn admit_deliveries(&mut self, id: InstanceId) {
        while let Some((message, row)) =
            self.instances.get_mut(id).and_then(|instance| instance.waiting.as_mut()?.deliveries.pop_front())
        {
            self.queued_bytes -= message.bytes();
            if !armed(Fault::InboxRowStays) {
                self.batch.write(Keyspace::Inbox, row, None);
            }
            self.admit_delivery(id, message);
        }
    }

    /// Accepts or settles a client's message; returns it when it must wait.
    fn admit_request(&mut self, id: InstanceId, message: Box<Message>) -> Option<Box<Message>> {
        let keyed = matches!(message.identity, Identity::Key(_));
        if !keyed && self.turn_away(id, &message) {
            return None;
        }
        if let Some(error) = self.unacceptable(id, &message) {
            if let Identity::Key(name) = &message.identity {
                self.keys.set_wanted(&record::key_key(&message.to, name), false);
            }
            self.refuse(&message, error);
            return None;
        }
        match self.recognise(id, &message) {
            // A repeat gets the first outcome, also when the run is over since.
            Verdict::New if keyed && self.turn_away(id, &message) => {}
            Verdict::New if self.is_too_fast(id, &message) => {}
            Verdict::New => self.accept_request(id, message),
            Verdict::Settled => {}
            Verdict::Blocked => return Some(message),
        }
        None
    }

    /// Refuses a message that its run cannot take. That tells of a state which may not be durable yet, so it is withheld.
    fn turn_away(&mut self, id: InstanceId, message: &Message) -> bool {
        if !message.to.is_run() {
            return false;
        }
        let Some(error) = self.unacceptable_to_run(id, message) else { return false };
        self.reply(message, Answer::refused(error));
        true
    }

    /// Why a client's message is refused whatever its identity.
    fn unacceptable(&mut self, id: InstanceId, message: &Message) -> Option<CallError> {
        let address = &message.to;
        if let Some(reason) = self.parked(id).filter(|_| !address.is_run()) {
            return Some(CallError::Parked { address: address.clone(), reason: reason.to_owned() });
        }
        if message.deadline.is_some_and(|deadline| deadline < self.now) {
            return Some(CallError::Expired { address: address.clone() });
        }
        let full =
            |instance: &Instance| instance.waiting.mailbox.len() >= instance.mailbox_max(&self.config.limits);
        if let Some(instance) = self.instances.get(id).filter(|instance| full(instance))
            && !is_management(message)
        {
            let error = mailbox_busy(instance, self.now);
            self.refused(address.name(), |refusals| refusals.mailbox_full += 1);
            return Some(error);
        }
        let delayed = message.due.is_some_and(|due| due > self.now);
        if delayed && self.timers.signals() >= self.config.limits.timers_max as u64 {
            let what = ("the list of delayed signals of its shard", "timers_max");
            return Some(self.busy_for(address, what, self.now));
        }
        self.too_many_schedules(id, message)
    }

    /// Refuses an operation that comes too fast for its entity. A repeat is none, so it is told apart before; nothing of
    /// what is known here is stored, so the refusal goes at once.
    fn is_too_fast(&mut self, id: InstanceId, message: &Message) -> bool {
        let now = self.now;
        let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) else { return false };
        let Some(rate) = entity.of.options.operation_rate() else { return false };
        if !matches!(message.body, Body::Operation(_)) {
            return false;
        }
        let Err(retry_after) = entity.pace.ask(rate, now) else { return false };
        let what =
            format!("its rate of {} operations in {} ms", rate.operations, rate.per.as_millis()).into();
        let (address, limit) = (message.to.clone(), Some("rate".into()));
        self.refused(address.name(), |refusals| refusals.too_fast += 1);
        self.refuse(message, CallError::Busy { address, what, limit, retry_after });
        true
    }

    /// Counts an operation that an instance sends for the rate of its receiver.
    fn count_operation(&mut self, id: InstanceId, message: &Message) {
        let now = self.now;
        if let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut)
            && let Some(rate) = entity.of.options.operation_rate()
            && matches!(message.body, Body::Operation(_))
        {
            entity.pace.count(rate, now);
        }
    }

    fn recognise(&mut self, id: InstanceId, message: &Message) -> Verdict {
        if self.would_deadlock(id, message) {
            return Verdict::Settled;
        }
        match &message.identity {
            Identity::None => Verdict::New,
            Identity::Key(name) => self.recognise_key(message, name),
            Identity::Producer { name, number } => self.recognise_producer(id, message, name, *number),
        }
    }

    /// Begins to read what a key stands for, before its message has its turn.
    pub(super) fn prefetch_key(&mut self, to: &Address, name: &IdentityName) {
        let row = record::key_key(to, name);
        if !self.keys.contains(&row) {
            self.keys.reading(row.clone());
            self.load_key(to.clone(), row);
        }
    }

    fn recognise_key(&mut self, message: &Message, name: &IdentityName) -> Verdict {
        let row = record::key_key(&message.to, name);
        let content = content(message);
        let answer = match self.keys.get(&row, self.now) {
            None => {
                self.prefetch_key(&message.to, name);
                return Verdict::Blocked;
            }
            Some(Known::Reading) => {
                self.keys.set_wanted(&row, true);
                return Verdict::Blocked;
            }
            Some(Known::Free) => {
                self.keys.set_wanted(&row, false);
                if self.keys.count() < self.config.limits.keys_max as u64 {
                    return Verdict::New;
                }
                let what = ("the list of idempotency keys of its shard", "keys_max");
                let error = self.busy_for(&message.to, what, self.next_sweep);
                self.refuse(message, error);
                return Verdict::Settled;
            }
            Some(Known::Waiting { content: first } | Known::Done { content: first, .. })
                if *first != content =>
            {
                Some(Answer::refused(CallError::KeyReused {
                    address: message.to.clone(),
                    key: name.as_str().to_owned(),
                }))
            }
            Some(_) if !message.is_answered() => Some(Answer::Acknowledged),
            Some(Known::Waiting { .. }) => None,
            Some(Known::Done { outcome, .. }) => Some(answer(outcome.answer.clone())),
        };
        self.keys.set_wanted(&row, false);
        match answer {
            Some(answer) => self.reply(message, answer),
            None => self.wait_for_key(&row, message),
        }
        Verdict::Settled
    }

    fn wait_for_key(&mut self, row: &Bytes, message: &Message) {
        if let Some(client) = message.from.client()
            && !self.keys.wait(row, client)
        {
            self.refuse(message, busy(&message.to, "the list of those who wait for this idempotency key"));
        }
    }

    fn recognise_producer(
        &mut self,
        id: InstanceId,
        message: &Message,
        name: &IdentityName,
        number: Sequence,
    ) -> Verdict {
        let (now, limits) = (self.now, Arc::clone(&self.config.limits));
        let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) else {
            return Verdict::New;
        };
        entity.forget_producers(now, limits.key_retention);
        let known = entity.producers.iter().find(|producer| producer.name == name.as_str());
        let (last, crowded) = match known {
            Some(producer) => (producer.number, false),
            None => (Sequence::default(), entity.producers.len() >= limits.producers_max),
        };
        if number == last.next() {
            if crowded {
                let what = ("its list of producers", "producers_max");
                let error = self.busy_for(&message.to, what, self.producer_forgotten(id));
                self.refuse(message, error);
                return Verdict::Settled;
            }
            if let Err(failure) = self.keep_encoded(id) {
                self.reply(message, Answer::failed(failure));
                return Verdict::Settled;
            }
            return Verdict::New;
        }
        let answer = if number == Sequence::default() {
            Answer::refused(CallError::NumberZero {
                address: message.to.clone(),
                producer: name.as_str().to_owned(),
            })
        } else if number <= last {
            Answer::Acknowledged
        } else {
            Answer::refused(CallError::OutOfSequence {
                address: message.to.clone(),
                producer: name.as_str().to_owned(),
                expected: last.next(),
            })
        };
        self.reply(message, answer);
        Verdict::Settled
    }

    /// When the first of an entity's producers is forgotten.
    fn producer_forgotten(&self, id: InstanceId) -> Timestamp {
        let seen = |entity: &Entity| entity.producers.iter().map(|producer| producer.seen_secs).min();
        let oldest = self.instances.get(id).and_then(Instance::entity).and_then(seen).unwrap_or_default();
        Timestamp::from_micros((oldest + 1) * 1_000_000).after(self.config.limits.key_retention)
    }

    /// Sees to it that the record of an entity can be written although its state has not changed.
    pub(super) fn keep_encoded(&mut self, id: InstanceId) -> Result<(), Failure> {
        let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) else { return Ok(()) };
        if let (Some(state), None) = (&entity.state, &entity.encoded) {
            entity.encoded = Some(entity.of.behaviour.encode(state)?);
        }
        Ok(())
    }

    /// Accepts a client's message: it is acknowledged, if it is a signal, once the batch is durable.
    fn accept_request(&mut self, id: InstanceId, message: Box<Message>) {
        match &message.identity {
            Identity::None => {}
            Identity::Key(name) => {
                let row = record::key_key(&message.to, name);
                let record = KeyRecord { content: content(&message), outcome: None };
                self.batch.replace(Keyspace::Keys, row.clone(), Some(record::write_key(&record)));
                self.keys.write(&row, Known::Waiting { content: record.content }, self.open_number());
            }
            Identity::Producer { name, number } => self.note_producer(id, name, *number),
        }
        if !message.is_answered() {
            self.reply(&message, Answer::Acknowledged);
        }
        if self.is_early(&message) {
            self.delay(*message);
            return;
        }
        self.watch_unstarted(id, &message);
        let works_for = within(&message).is_some();
        self.accept(id, message);
        if works_for && let Some(instance) = self.instances.get_mut(id) {
            instance.within = true;
        }
    }

    /// Sees to it that an event which waits for a start is given up in time.
    fn watch_unstarted(&mut self, id: InstanceId, message: &Message) {
        let Body::Event(event) = &message.body else { return };
        let absent = self.instances.get(id).and_then(Instance::run).is_some_and(Run::is_absent);
        if let (Some(until), true) = (event.keep_until, absent) {
            let sweep = Message::one_way(message.to.clone(), message.to.clone(), Body::Sweep);
            self.delay(Message { due: Some(until), ..sweep });
        }
    }

    fn note_producer(&mut self, id: InstanceId, name: &IdentityName, number: Sequence) {
        let seen_secs = self.now.as_micros() / 1_000_000;
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Some(entity) = instance.entity_mut() else { return };
        match entity.producers.iter_mut().find(|producer| producer.name == name.as_str()) {
            Some(producer) => (producer.number, producer.seen_secs) = (number, seen_secs),
            None => entity.producers.push(Producer { name: name.as_str().to_owned(), number, seen_secs }),
        }
        instance.dirty = true;
        self.mark_touched(id);
    }

    /// Accepts a message of an instance, or gives it up when far too many wait. A call is failed earlier, since its
    /// caller can be told; what the protocol needs is always accepted.
    pub(super) fn admit_delivery(&mut self, id: InstanceId, message: Box<Message>) {
        if self.is_early(&message) {
            self.delay(*message);
            return;
        }
        let Some(instance) = self.instances.get(id) else { return };
        let waiting = instance.waiting.mailbox.len();
        let mailbox_max = instance.mailbox_max(&self.config.limits);
        let max = match &message.body {
            Body::Operation(operation) if operation.section.is_some() => usize::MAX,
            Body::Operation(operation) if operation.answered => mailbox_max,
            Body::Unschedule(request) if message.is_answered() && request.section.is_none() => mailbox_max,
            Body::Schedule(request) if request.section.is_some() => usize::MAX,
            Body::Unschedule(request) if request.section.is_some() => usize::MAX,
            Body::Operation(_) | Body::Event(_) | Body::Schedule(_) | Body::Unschedule(_) => {
                mailbox_max.saturating_mul(INSTANCE_MAILBOX_FACTOR)
            }
            _ => usize::MAX,
        };
        if waiting >= max {
            let failure = Failure::new(FailureKind::MailboxFull, format!("{waiting} messages wait"));
            self.refused(message.to.name(), |refusals| refusals.mailbox_overflowed += 1);
            self.fail(&message, failure);
        } else {
            self.count_operation(id, &message);
            self.accept(id, message);
        }
    }

    /// Puts a message into one of an instance's queues. Consumed in this batch, it is never written; else it gets a
    /// row.
    pub(super) fn accept(&mut self, id: InstanceId, message: Box<Message>) {
        if matches!(message.body, Body::TryLock(_)) && self.refuse_taken(id, &message) {
            return;
        }
        let row = self.next_row();
        let window = self.config.limits.mailbox_window;
        let queue = match queue_of(&message) {
            Queue::Front if armed(Fault::FrontIgnored) && !message.to.is_run() => Queue::Back,
            queue => queue,
        };
        self.instances.equip(id);
        let Some(instance) = self.instances.get_mut(id) else { return };
        let bytes = message.bytes();
        self.queued_bytes += bytes;
        self.batch.bytes += bytes;
        // The front is short and is looked through as a whole.
        let window = if queue == Queue::Front { usize::MAX } else { window };
        instance.queue_mut(queue).push(Entry { id: row, message, row: None }, window);
        if let Some(run) = instance.run_mut() {
            run.unsettled = true;
        }
        self.mark_touched(id);
        self.mark_ready(id);
    }

    /// Answers who waits once the batch is durable.
    pub(super) fn reply(&mut self, message: &Message, answer: Answer) {
        match &message.from {
            Origin::Client { session, request, .. } => {
                let bytes = match &answer {
                    Answer::Returned(payload) => payload.len(),
                    Answer::Failed(failure) => {
                        failure.message.len() + failure.details.as_deref().map_or(0, Payload::len)
                    }
                    _ => 0,
                };
                let reply = Reply { session: *session, request: *request, answer };
                self.batch.release(Effect::Reply(reply), bytes);
            }
            Origin::Execution { run, execution, command } => {
                let result = match answer {
                    Answer::Returned(payload) => Ok(payload),
                    Answer::Failed(failure) => Err(*failure),
                    Answer::Acknowledged | Answer::State(_) | Answer::Refused(_) => return,
                };
                self.complete(&Address::run(run), *execution, *command, Completion::Call(result));
            }
            Origin::Instance(_) => {}
        }
    }
}

/// Where a message waits.
pub(super) fn queue_of(message: &Message) -> Queue {
    match &message.body {
        Body::Operation(operation) if operation.section.is_none() => Queue::Back,
        Body::Schedule(request) if request.section.is_none() => Queue::Back,
        Body::Unschedule(request) if request.section.is_none() => Queue::Back,
        Body::Lock(_)
        | Body::TryLock(_)
        | Body::Event(_)
        | Body::Completed(_)
        | Body::Expire { .. }
        | Body::Scheduled(_) => Queue::Back,
        Body::Operation(_)
        | Body::Schedule(_)
        | Body::Unschedule(_)
        | Body::Release(_)
        | Body::Cancel(_)
        | Body::Start(_)
        | Body::Begin(_)
        | Body::Suspend { .. }
        | Body::Resume { .. }
        | Body::Terminate { .. }
        | Body::Purge
        | Body::Sweep
        | Body::Due { .. }
        | Body::PurgeThis { .. }
        | Body::Import(_)
        | Body::Rewind { .. } => Queue::Front,
    }
}

/// Tells whether two requests under one key ask the same.
pub(super) fn content(message: &Message) -> u64 {
    match &message.body {
        Body::Operation(operation) => {
            sarsen_protocol::content_hash(operation.name.as_str(), operation.input.as_bytes())
        }
        Body::Schedule(request) => {
            let what = format!("{} {:?}", message.body, request.every);
            sarsen_protocol::content_hash(&what, request.input.as_bytes())
        }
        Body::Start(start) => {
            sarsen_protocol::content_hash(&message.body.to_string(), start.launch.input.as_bytes())
        }
        Body::Event(event) => {
            sarsen_protocol::content_hash(&message.body.to_string(), event.input.as_bytes())
        }
        _ => sarsen_protocol::content_hash(&message.body.to_string(), &[]),
    }
}

/// The answer to a call whose outcome is known.
pub(super) fn answer(outcome: Result<sarsen_protocol::Payload, Failure>) -> Answer {
    match outcome {
        Ok(payload) => Answer::Returned(payload),
        Err(failure) => Answer::failed(failure),
    }
}
