//! What is scheduled at entities under ids: signals that can be cancelled or replaced, and reminders.
//!
//! Of each id the entity's record says which timer stands for it. All that concerns it waits in the entity's mailbox and
//! has its turn there: who schedules or cancels, and the signal itself once its timer has fired. So it is the mailbox's
//! order that says which came first, and a signal whose id stands for another timer by then, or for none, is dropped.
//! What an operation schedules at its own entity takes effect with it.
//!
//! A timer that fires leaves the record alone. Only the signal's turn changes it, in the batch that consumes the signal: a
//! reminder then gets its next timer, so there is never more than one timer or one waiting signal of an id, whatever
//! happens in between.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance},
    mailbox::Entry,
};
use crate::{
    fault::{Fault, armed},
    record::{self, Queue, ScheduleRecord, TimerId},
};
use sarsen_protocol::{
    Address, Answer, Body, CallError, Failure, FailureKind, Keyspace, Message, Operation, Origin, Payload,
    Period, ScheduleId, ScheduledSignal, Timestamp, TraceContext,
};
use std::collections::BTreeSet;

/// Bytes that a scheduled signal is counted with at its entity.
pub(super) const SCHEDULE_BYTES: usize = size_of::<ScheduleRecord>() + 64;

impl Entity {
    /// What is scheduled under ids.
    pub(crate) fn schedules(&self) -> &[ScheduleRecord] {
        self.extras.as_deref().map_or(&[], |extras| &extras.schedules)
    }

    /// What is scheduled under ids, to be changed.
    pub(crate) fn schedules_mut(&mut self) -> &mut Vec<ScheduleRecord> {
        &mut self.extras.get_or_insert_default().schedules
    }
}

/// A signal that is to get a timer.
struct Plan {
    id: ScheduleId,
    operation: Operation,
    due: Timestamp,
    every: Option<Period>,
    from: Origin,
    trace: Option<Box<TraceContext>>,
}

impl Shard {
    /// Does what concerns schedules at the front of an entity's mailbox, up to the next signal that is due or to anything
    /// else.
    pub(super) fn turn_of_schedules(&mut self, id: InstanceId) {
        for _ in 0..self.config.limits.run_operations_max {
            let Some(instance) = self.instances.get(id) else { return };
            let stands = match instance.waiting.mailbox.oldest().map(|next| &next.message.body) {
                Some(Body::Schedule(_) | Body::Unschedule(_)) => None,
                Some(Body::Scheduled(signal)) => Some(self.stands(id, signal)),
                Some(_) | None => return,
            };
            let popped = self.instances.get_mut(id).and_then(|instance| instance.waiting.mailbox.pop());
            let Some(entry) = popped else { return };
            match stands {
                None => self.change_schedule(id, Queue::Back, entry),
                Some(false) => drop(self.consume(id, Queue::Back, entry)),
                Some(true) if self.is_dispatched(id, &entry.message) => {
                    return self.take_in_hand(id, Queue::Back, entry);
                }
                Some(true) => {
                    let mut entries = std::mem::take(&mut self.taken);
                    entries.push(entry);
                    self.run_operations(id, Queue::Back, &mut entries);
                    self.taken = entries;
                    return;
                }
            }
        }
    }

    fn is_dispatched(&self, id: InstanceId, message: &Message) -> bool {
        let entity = self.instances.get(id).and_then(Instance::entity);
        entity.is_some_and(|entity| entity.is_dispatched(message))
    }

    /// Does what a message asks that schedules or cancels.
    pub(super) fn change_schedule(&mut self, id: InstanceId, queue: Queue, entry: Entry) {
        let message = self.consume(id, queue, entry);
        self.change_schedule_by(id, &message);
    }

    /// As [`change_schedule`](Self::change_schedule), of a message that is in no queue.
    pub(super) fn change_schedule_by(&mut self, id: InstanceId, message: &Message) {
        match &message.body {
            Body::Schedule(request) => match self.may_schedule(id, &request.id) {
                Ok(()) => {
                    self.end_schedule(id, &request.id);
                    let (name, input) = (request.operation.clone(), request.input.clone());
                    let plan = Plan {
                        id: request.id.clone(),
                        operation: Operation { name, input, answered: false, section: None },
                        due: request.due,
                        every: request.every,
                        from: match &message.from {
                            Origin::Execution { run, .. } => Origin::Instance(Address::run(run)),
                            from => from.clone(),
                        },
                        trace: message.trace.clone(),
                    };
                    self.set_schedule(id, &message.to, plan);
                    self.finish_key(message, &Ok(Payload::null()));
                }
                Err(failure) => self.give_up(message, failure),
            },
            Body::Unschedule(request) => {
                let told: &[u8] = if self.end_schedule(id, &request.id) { b"true" } else { b"false" };
                let told = Payload::copy_of(told);
                self.finish_key(message, &Ok(told.clone()));
                self.reply(message, Answer::Returned(told));
            }
            body => unreachable!("nothing is scheduled by {body}"),
        }
    }

    /// A scheduled signal has had its turn: a reminder gets its next timer. From here on it is an operation like any other.
    pub(super) fn settle_schedule(&mut self, id: InstanceId, message: &mut Message) {
        let Body::Scheduled(signal) = &message.body else { return };
        let operation = signal.operation.clone();
        let due = self.schedule(id, &signal.id).filter(|record| record.stands_for(signal));
        if let Some((due, every)) = due.map(|record| (record.due, record.every)) {
            match every {
                None => self.forget_schedule(id, &signal.id),
                Some(period) => {
                    let plan = Plan {
                        id: signal.id.clone(),
                        operation: operation.clone(),
                        due: period.next(due, self.now),
                        every,
                        from: message.from.clone(),
                        trace: message.trace.clone(),
                    };
                    self.set_schedule(id, &message.to, plan);
                }
            }
        }
        message.body = Body::Operation(operation);
    }

    /// Ends all that is scheduled at an entity: it was deleted.
    pub(super) fn end_schedules(&mut self, id: InstanceId) {
        let Some(entity) = self.instances.get(id).and_then(Instance::entity) else { return };
        let ids: Vec<ScheduleId> = entity.schedules().iter().map(|record| record.id.clone()).collect();
        for ended in ids {
            self.end_schedule(id, &ended);
        }
    }

    /// Why a client's wish to schedule something is refused.
    pub(super) fn too_many_schedules(&self, id: InstanceId, message: &Message) -> Option<CallError> {
        let Body::Schedule(request) = &message.body else { return None };
        let limits = &self.config.limits;
        let instance = self.instances.get(id)?;
        let schedules = instance.entity()?.schedules();
        if schedules.iter().any(|record| record.id == request.id) {
            return None;
        }
        if self.timers.signals() >= limits.timers_max as u64 {
            let what = ("the list of delayed signals of its shard", "timers_max");
            return Some(self.busy_for(&message.to, what, self.now));
        }
        let mailbox = &instance.waiting.mailbox;
        let most = limits.schedules_per_entity_max;
        if schedules.len() + mailbox.len() < most {
            return None;
        }
        // Those that wait before it count as well.
        let waiting = mailbox.in_memory().filter_map(|message| match &message.body {
            Body::Schedule(request) => Some(&request.id),
            _ => None,
        });
        let mut taken: BTreeSet<&ScheduleId> = schedules.iter().map(|record| &record.id).collect();
        taken.extend(waiting);
        if taken.len() >= most && !taken.contains(&request.id) {
            let what = ("its list of scheduled signals", "schedules_per_entity_max");
            return Some(self.busy_for(&message.to, what, self.now));
        }
        None
    }

    /// Whether something may be scheduled under an id, and the entity's record be written for it.
    fn may_schedule(&mut self, id: InstanceId, schedule: &ScheduleId) -> Result<(), Failure> {
        let limits = &self.config.limits;
        let entity = self.instances.get(id).and_then(Instance::entity);
        let scheduled = entity.map_or(0, |entity| entity.schedules().len());
        if self.schedule(id, schedule).is_none() {
            let most = limits.schedules_per_entity_max;
            if scheduled >= most {
                let text = format!(
                    "{scheduled} signals are scheduled at the entity, {most} may be: raise `schedules_per_entity_max`"
                );
                return Err(Failure::new(FailureKind::OverLimit, text));
            }
            if self.timers.signals() >= limits.timers_max as u64 {
                let text = "the shard's list of delayed signals is full: raise `timers_max`";
                return Err(Failure::new(FailureKind::OverLimit, text));
            }
        }
        self.keep_encoded(id)
    }

    /// What is scheduled at an entity under an id.
    fn schedule(&self, id: InstanceId, schedule: &ScheduleId) -> Option<&ScheduleRecord> {
        let entity = self.instances.get(id).and_then(Instance::entity)?;
        entity.schedules().iter().find(|record| record.id == *schedule)
    }

    /// Whether a signal is what is scheduled under its id.
    fn stands(&self, id: InstanceId, signal: &ScheduledSignal) -> bool {
        self.schedule(id, &signal.id).is_some_and(|record| record.stands_for(signal))
            || armed(Fault::ReplacedFires)
    }

    /// Gives a signal its timer, and has the entity's record say so.
    fn set_schedule(&mut self, id: InstanceId, to: &Address, plan: Plan) {
        let Plan { id: schedule, operation, due, every, from, trace } = plan;
        let row = self.next_row();
        let record = ScheduleRecord {
            id: schedule.clone(),
            operation: operation.name.clone(),
            due,
            every,
            epoch: row.epoch,
            counter: row.counter,
        };
        let signal = ScheduledSignal { id: schedule, epoch: row.epoch, counter: row.counter, operation };
        let body = Body::Scheduled(Box::new(signal));
        let message =
            Message { due: Some(due), from, trace, ..Message::one_way(to.clone(), to.clone(), body) };
        let timer = TimerId { due, row, slot: to.slot() };
        if every.is_none() || !armed(Fault::ReminderUnwritten) {
            let value = record::write_message(&message);
            self.batch.replace(Keyspace::Timers, record::timer_key(timer), Some(value));
        }
        self.timers.insert(timer, message, self.open_number());
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.dirty = true;
        let Some(entity) = instance.entity_mut() else { return };
        let schedules = entity.schedules_mut();
        schedules.retain(|other| other.id != record.id);
        schedules.push(record);
        self.resize_with_schedules(id);
        self.mark_touched(id);
    }

    /// Ends what is scheduled under an id, its timer with it. Returns whether anything was.
    fn end_schedule(&mut self, id: InstanceId, schedule: &ScheduleId) -> bool {
        let Some(instance) = self.instances.get(id) else { return false };
        let slot = instance.address.slot();
        let Some(record) = self.schedule(id, schedule) else { return false };
        let timer = TimerId { due: record.due, row: record.row(), slot };
        if !armed(Fault::ReplacedFires) {
            self.take_back_timer(timer);
        }
        self.forget_schedule(id, schedule);
        true
    }

    /// Takes back a timer that may have fired, with its row.
    fn take_back_timer(&mut self, timer: TimerId) {
        let key = record::timer_key(timer);
        let row = timer.row;
        if row.epoch == self.config.lease.epoch && row.counter > self.sealed_rows {
            // No batch before the open one has written it.
            self.batch.take_back(Keyspace::Timers, &key);
        } else {
            self.batch.replace(Keyspace::Timers, key, None);
        }
        self.timers.remove(timer, self.open_number());
    }

    /// Has an entity's record say nothing of an id any longer.
    fn forget_schedule(&mut self, id: InstanceId, schedule: &ScheduleId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.dirty = true;
        if let Some(entity) = instance.entity_mut() {
            entity.schedules_mut().retain(|record| record.id != *schedule);
        }
        self.resize_with_schedules(id);
        self.mark_touched(id);
    }

    /// Counts an entity's schedules in the cache. While there are any, or were a moment ago, its state is there encoded.
    fn resize_with_schedules(&mut self, id: InstanceId) {
        let entity = self.instances.get(id).and_then(Instance::entity);
        let encoded = entity.and_then(|entity| entity.encoded.as_ref());
        let bytes = encoded.map_or(0, Payload::len);
        self.instances.resize(id, bytes);
    }
}
