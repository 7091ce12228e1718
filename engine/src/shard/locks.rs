//! Locks: granted in the order of the mailbox, along the set of a section, and given back by their owner's word alone,
//! or by that of an operator, which is a release that a client sends.
//!
//! A request locks its entity and goes on to the next of its set; the last one tells the owner. While an entity is
//! locked, only what comes from the section is done: it waits in the front queue, which nothing else can fill. A
//! release is for a section that was granted, and goes to each entity of its set. A cancel is for one that may still
//! wait somewhere on the path of its request, and follows it along the set, so it never overtakes it.
//!
//! A request that is not to wait takes the same path. An entity that another run has locked refuses it, in the commit
//! that also holds the releases for the entities before it on the path.

use super::{InstanceId, Shard, dispatch::urgent, instance::Instance, mailbox::Entry, watch::Overdue};
use crate::{
    fault::{Fault, armed},
    record::{self, Act, Caller, LockRecord, Queue},
};
use sarsen_protocol::{
    Address, Answer, Body, CallError, Completion, Effect, Failure, FailureKind, Identity, LockRequest,
    Message, Origin, Payload, RunId, Section, SectionError, Within,
};

/// What becomes of a call that is made in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admitted {
    /// Its section does not hold the lock.
    No,
    /// It runs inside the turn.
    InTurn,
    /// It runs off the shard.
    Elsewhere,
}

impl Shard {
    /// Does what the holder of an entity's lock asks for, in its order.
    pub(super) fn turn_of_section(&mut self, id: InstanceId) {
        let most = self.config.limits.run_operations_max;
        let mut calls = std::mem::take(&mut self.taken);
        for _ in 0..most {
            let Some(entry) = self.next_of_front(id) else { break };
            let is_call = matches!(entry.message.body, Body::Operation(_));
            if !is_call {
                // What was asked before the end of the section is done before it.
                self.run_operations(id, Queue::Front, &mut calls);
            }
            match &entry.message.body {
                Body::Operation(_) => match self.admits(id, &entry.message) {
                    Admitted::No => self.lose(id, entry),
                    Admitted::InTurn => calls.push(entry),
                    Admitted::Elsewhere => {
                        self.run_operations(id, Queue::Front, &mut calls);
                        self.take_in_hand(id, Queue::Front, entry);
                    }
                },
                Body::Schedule(_) | Body::Unschedule(_) => {
                    if self.is_of_holder(id, &entry.message) {
                        self.change_schedule(id, Queue::Front, entry);
                    } else {
                        self.lose(id, entry);
                    }
                }
                Body::Release(_) => self.release(id, entry),
                Body::Cancel(_) => self.cancel(id, entry),
                body => unreachable!("an entity is asked for {body}"),
            }
        }
        self.run_operations(id, Queue::Front, &mut calls);
        self.taken = calls;
    }

    /// The next message of an entity's front queue, but for cancels that wait for their request, and, of a busy entity, for
    /// what waits for its operation.
    fn next_of_front(&mut self, id: InstanceId) -> Option<Entry> {
        let instance = self.instances.get_mut(id)?;
        let busy = instance.entity().is_some_and(|entity| entity.hand.is_some());
        let queues = instance.waiting.as_mut()?;
        if !queues.mailbox.has_gap() {
            // Every request is in memory now: what a cancel does not find was here before it, or never comes.
            queues.cancelled.clear();
        }
        if busy {
            let urgent = urgent(queues)?;
            return queues.front.take_entry(|entry| entry.id == urgent);
        }
        if queues.cancelled.is_empty() {
            return queues.front.pop();
        }
        let cancelled = &queues.cancelled;
        let waits = |message: &Message| match &message.body {
            Body::Cancel(request) => cancelled.contains(&request.section),
            _ => false,
        };
        queues.front.take(|message| !waits(message))
    }

    /// Whether the section that a call is made in holds the lock, and where it runs. One without a section held it when it
    /// was first taken in hand, before a crash.
    fn admits(&self, id: InstanceId, message: &Message) -> Admitted {
        let (Body::Operation(operation), Origin::Execution { run, execution, .. }) =
            (&message.body, &message.from)
        else {
            return Admitted::No;
        };
        let Some(entity) = self.instances.get(id).and_then(Instance::entity) else { return Admitted::No };
        let holds = entity.lock.as_ref().is_some_and(|lock| {
            let section = &lock.section;
            (section.run == *run && section.execution == *execution) && operation.section == Some(section.id)
        });
        match holds || operation.section.is_none() || armed(Fault::LostLockServes) {
            true if entity.is_dispatched(message) => Admitted::Elsewhere,
            true => Admitted::InTurn,
            false => Admitted::No,
        }
    }

    /// Whether the section that schedules or cancels something holds the lock.
    fn is_of_holder(&self, id: InstanceId, message: &Message) -> bool {
        let entity = self.instances.get(id).and_then(Instance::entity);
        let section = message.section();
        entity.zip(section).is_some_and(|(entity, section)| entity.is_locked_by(&section))
    }

    /// Answers a call whose section no longer holds the lock; what it was to schedule is given up.
    fn lose(&mut self, id: InstanceId, entry: Entry) {
        let message = self.consume(id, Queue::Front, entry);
        let text = format!("the section that calls {} does not hold its lock", message.to);
        self.fail(&message, Failure::new(FailureKind::LockLost, text));
    }

    /// Grants the lock of an entity that is free, and sends the request on.
    pub(super) fn grant(&mut self, id: InstanceId, mut entry: Entry) {
        if armed(Fault::GrantOutOfTurn)
            && let Some(instance) = self.instances.get_mut(id)
            && let Some(second) =
                instance.waiting.mailbox.take(|message| matches!(message.body, Body::Lock(_)))
        {
            instance.waiting.mailbox.put_back(vec![std::mem::replace(&mut entry, second)]);
        }
        let Some(address) = self.address_of(id) else { return };
        let message = self.consume(id, Queue::Back, entry);
        let waits = matches!(message.body, Body::Lock(_));
        let (Body::Lock(request) | Body::TryLock(request)) = message.body else { return };
        if self.was_cancelled(id, &request.section) {
            return;
        }
        let lock = LockRecord { section: request.section.clone(), since: self.now };
        self.set_lock(id, Some(lock));
        if armed(Fault::GrantTwice) {
            self.grant_another(id);
        }
        self.refuse_deadlocked(id);
        self.refuse_tries(id);
        self.search_behind(id);
        self.forward(&address, request, if waits { Body::Lock } else { Body::TryLock });
    }

    /// What [`Fault::GrantTwice`] does.
    fn grant_another(&mut self, id: InstanceId) {
        let wanted = |message: &Message| matches!(message.body, Body::Lock(_));
        let Some(instance) = self.instances.get_mut(id) else { return };
        if let Some(another) = instance.waiting.mailbox.take(wanted) {
            self.grant(id, another);
        }
    }

    /// Refuses a lock request that is not to wait when it comes to an entity that is locked. Returns whether it was;
    /// else it has its turn in the mailbox, behind what it finds there.
    pub(super) fn refuse_taken(&mut self, id: InstanceId, message: &Message) -> bool {
        if armed(Fault::TryWaits) {
            return false;
        }
        let Some(instance) = self.instances.get_mut(id) else { return false };
        let holder = instance.entity().and_then(|entity| entity.lock.as_ref());
        let Some(holder) = holder.map(|lock| lock.section.run.clone()).filter(|run| is_taken(message, run))
        else {
            instance.tries = true;
            return false;
        };
        if let Body::TryLock(request) = &message.body {
            self.tell_taken(&message.to, request, holder);
        }
        true
    }

    /// Refuses the lock requests in the mailbox of a locked entity that are not to wait. Called when a lock is granted,
    /// and when more of a locked entity's mailbox has been read.
    pub(super) fn refuse_tries(&mut self, id: InstanceId) {
        loop {
            let Some(instance) = self.instances.get_mut(id).filter(|instance| instance.tries) else { return };
            let holder = instance.entity().and_then(|entity| entity.lock.as_ref());
            let Some(holder) = holder.map(|lock| lock.section.run.clone()) else { return };
            let Some(entry) = instance.waiting.mailbox.take(|message| is_taken(message, &holder)) else {
                let tries = |message: &Message| matches!(message.body, Body::TryLock(_));
                instance.tries = instance.waiting.mailbox.any(tries);
                return;
            };
            self.refuse_waiting(id, entry, &holder);
        }
    }

    /// Tells who waits in vain for an entity that `holder` has locked.
    pub(super) fn refuse_waiting(&mut self, id: InstanceId, entry: Entry, holder: &RunId) {
        let message = self.consume(id, Queue::Back, entry);
        if let Body::TryLock(request) = &message.body {
            if !self.was_cancelled(id, &request.section) {
                self.tell_taken(&message.to, request, holder.clone());
            }
            return;
        }
        let error = CallError::WouldDeadlock { address: message.to.clone(), run: Some(holder.clone()) };
        self.finish_key(&message, &Err(Failure::new(FailureKind::LockLost, error.to_string())));
        self.reply(&message, Answer::refused(error));
    }

    /// Tells the owner of a request that an entity is locked, and gives back what the request was granted before.
    fn tell_taken(&mut self, entity: &Address, request: &LockRequest, holder: RunId) {
        let LockRequest { section, entities, position, .. } = request;
        let granted = usize::try_from(*position).ok().and_then(|before| entities.get(..before));
        if let Some(granted) = granted.filter(|granted| !granted.is_empty())
            && !armed(Fault::RefusalKeepsLocks)
        {
            self.release_set(entity, section, granted);
        }
        let taken = SectionError::Taken { entity: entity.clone(), run: holder };
        let refused = Completion::Refused(taken.into_failure(FailureKind::Returned));
        self.complete(&Address::run(&section.run), section.execution, section.id, refused);
    }

    /// Refuses waiting calls that would now wait for their own caller's lock. Called when a lock is granted, and when
    /// more of a locked entity's mailbox has been read.
    pub(super) fn refuse_deadlocked(&mut self, id: InstanceId) {
        loop {
            let Some(instance) = self.instances.get_mut(id).filter(|instance| instance.within) else {
                return;
            };
            let Some(lock) = instance.entity().and_then(|entity| entity.lock.clone()) else { return };
            let waits = |message: &Message| waits_for_itself(message, &lock.section);
            let Some(entry) = instance.waiting.mailbox.take(waits) else {
                instance.within = instance.waiting.mailbox.any(|message| within(message).is_some());
                return;
            };
            self.refuse_waiting(id, entry, &lock.section.run);
        }
    }

    /// Whether a section was given up before its request had its turn; then its cancel has met it.
    fn was_cancelled(&mut self, id: InstanceId, section: &Section) -> bool {
        let queues = self.instances.get_mut(id).and_then(|instance| instance.waiting.as_mut());
        let Some(queues) = queues else { return false };
        let Some(at) = queues.cancelled.iter().position(|cancelled| cancelled == section) else {
            return false;
        };
        queues.cancelled.swap_remove(at);
        let is_its = |message: &Message| match &message.body {
            Body::Cancel(request) => request.section == *section,
            _ => false,
        };
        if let Some(entry) = queues.front.take(is_its) {
            self.consume(id, Queue::Front, entry);
        }
        true
    }

    /// Hands a request, or the cancel that follows it, to the next entity of its set. Behind the last one a request is
    /// granted.
    fn forward(&mut self, from: &Address, mut request: Box<LockRequest>, body: fn(Box<LockRequest>) -> Body) {
        request.position += 1;
        let next =
            usize::try_from(request.position).ok().and_then(|next| request.entities.get(next)).cloned();
        match (next, body(request)) {
            (Some(next), body) => self.send(Message::one_way(next, from.clone(), body)),
            (None, Body::Lock(request) | Body::TryLock(request)) => {
                let LockRequest { section, entities, .. } = *request;
                let run = Address::run(&section.run);
                self.complete(&run, section.execution, section.id, Completion::Granted(entities));
            }
            (None, _) => {}
        }
    }

    /// Gives the lock back, if the section holds it; a repeat changes nothing. An operator is told whether it did.
    fn release(&mut self, id: InstanceId, entry: Entry) {
        let message = self.consume(id, Queue::Front, entry);
        let Body::Release(section) = &message.body else { return };
        let held = match self.held_by_force(id) {
            Some(other) if message.from.client().is_some() => self.unlock(id, &other),
            _ => self.unlock(id, section),
        };
        if message.from.client().is_none() {
            return;
        }
        if held {
            let (entity, section) = (message.to.clone(), section.clone());
            let run = section.run.clone();
            self.batch.release(Effect::LockForced { entity, section }, 0);
            self.audit(id, Caller::of(&message.from), Act::LockForced { run }, false);
        }
        let told: &[u8] = if held { b"true" } else { b"false" };
        self.reply(&message, Answer::Returned(Payload::copy_of(told)));
    }

    /// Ends a section that may still wait: where it was granted the lock is given back and the cancel goes on; where
    /// its request waits, both end.
    fn cancel(&mut self, id: InstanceId, entry: Entry) {
        let Some(address) = self.address_of(id) else { return };
        let Body::Cancel(request) = &entry.message.body else { return };
        let section = request.section.clone();
        let Some(instance) = self.instances.get_mut(id) else { return };
        let locked = instance.entity().is_some_and(|entity| entity.is_locked_by(&section));
        let is_its =
            |message: &Message| message.body.lock_request().is_some_and(|request| request.section == section);
        if !locked {
            if let Some(waiting) = instance.waiting.mailbox.take(is_its) {
                self.consume(id, Queue::Back, waiting);
                self.consume(id, Queue::Front, entry);
                return;
            }
            if instance.waiting.mailbox.has_gap() && !armed(Fault::CancelForgotten) {
                // The request is in a row, which comes into memory when its turn comes.
                if instance.waiting.cancelled.contains(&section) {
                    self.consume(id, Queue::Front, entry);
                } else {
                    instance.waiting.cancelled.push(section);
                    instance.waiting.front.put_back(vec![entry]);
                }
                return;
            }
        }
        let message = self.consume(id, Queue::Front, entry);
        self.unlock(id, &section);
        if let Body::Cancel(request) = message.body
            && !armed(Fault::CancelStops)
        {
            self.forward(&address, request, Body::Cancel);
        }
    }

    /// The section that holds the lock, if [`Fault::ForceAnyone`] is armed.
    fn held_by_force(&self, id: InstanceId) -> Option<Section> {
        let entity = self.instances.get(id).and_then(Instance::entity).filter(|_| armed(Fault::ForceAnyone));
        entity.and_then(|entity| entity.lock.as_ref()).map(|lock| lock.section.clone())
    }

    /// Returns whether the section held the lock.
    fn unlock(&mut self, id: InstanceId, section: &Section) -> bool {
        let entity = self.instances.get(id).and_then(Instance::entity);
        let held = entity.is_some_and(|entity| {
            entity.is_locked_by(section)
                || armed(Fault::ReleaseByExecution)
                    && entity.lock.as_ref().is_some_and(|lock| lock.section.execution == section.execution)
        });
        if held {
            self.set_lock(id, None);
            self.keep_in_hand(id);
        }
        held
    }

    fn set_lock(&mut self, id: InstanceId, lock: Option<LockRecord>) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.forget_search();
        let Some(entity) = instance.entity_mut() else { return };
        entity.lock = lock.map(Box::new);
        entity.lock_dirty = true;
        self.mark_touched(id);
    }

    /// Reports owners that hold a lock for long. Nothing is taken from them.
    pub(super) fn report_locks(&mut self) {
        for _ in 0..self.config.limits.timers_per_turn_max {
            let Some(Overdue { entity, section, since }) = self.watch.pop_due(self.now) else { return };
            let section = Box::new(section);
            self.batch.release(Effect::LockOverdue { entity, section, since }, 0);
        }
    }

    pub(super) fn address_of(&self, id: InstanceId) -> Option<Address> {
        self.instances.get(id).map(|instance| instance.address.clone())
    }

    /// Refuses a call that would wait for the lock of the very execution for which its caller works.
    pub(super) fn would_deadlock(&mut self, id: InstanceId, message: &Message) -> bool {
        let Some(within) = within(message) else { return false };
        let Some(instance) = self.instances.get(id) else { return false };
        let waits = message.is_answered() && matches!(message.body, Body::Operation(_) | Body::Unschedule(_));
        let (Some(entity), true) = (instance.entity(), waits) else { return false };
        let own = |section: &Section| is_of(section, within);
        let waits =
            |message: &Message| message.body.lock_request().is_some_and(|request| own(&request.section));
        let held = entity.lock.as_ref().is_some_and(|lock| own(&lock.section));
        if !held && !instance.waiting.mailbox.any(waits) {
            return false;
        }
        if let Identity::Key(name) = &message.identity {
            self.keys.set_wanted(&record::key_key(&message.to, name), false);
        }
        let error = CallError::WouldDeadlock { address: message.to.clone(), run: Some(within.run.clone()) };
        self.reply(message, Answer::refused(error));
        true
    }
}

/// Whether a message asks for the lock unless another run than its own holds it, and `holder` is another. A section of
/// its own run is an earlier one, which has ended: its lock is on its way back, and the request waits for that.
fn is_taken(message: &Message, holder: &RunId) -> bool {
    match &message.body {
        Body::TryLock(request) => request.section.run != *holder,
        _ => false,
    }
}

/// Whether a message waits in vain while this section holds the lock.
pub(super) fn impossible(message: &Message, section: &Section) -> bool {
    is_taken(message, &section.run) && !armed(Fault::TryWaits) || waits_for_itself(message, section)
}

/// Whether a message waits in vain while some section holds the lock.
pub(super) fn may_become_impossible(message: &Message) -> bool {
    matches!(message.body, Body::TryLock(_)) || message.is_answered() && within(message).is_some()
}

/// Whether a message asks, for the execution whose section it is, for an answer that comes behind the section's end.
fn waits_for_itself(message: &Message, section: &Section) -> bool {
    message.is_answered() && within(message).is_some_and(|within| is_of(section, within))
}

/// The execution for which a message's sender works.
pub(super) fn within(message: &Message) -> Option<&Within> {
    match &message.from {
        Origin::Client { within, .. } => within.as_deref(),
        Origin::Instance(_) | Origin::Execution { .. } => None,
    }
}

/// Whether a section is one of an execution's.
fn is_of(section: &Section, within: &Within) -> bool {
    section.run == within.run && section.execution == within.execution
}
