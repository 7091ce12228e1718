//! Operations that run off the shard: dispatched once their cause is durable, and applied when their outcome comes.
//!
//! An entity that has such an operation *in hand* is busy. The operation's message was taken from its queue and not
//! consumed: it has a row like any that waits, before all others of its queue, so a crash finds it there and it is
//! dispatched again. Being busy is never stored. A host answers by a token; only that of the dispatch under way counts, so
//! an answer that is late, or of an earlier process, changes nothing.
//!
//! As many run at a time as there are [places](super::places) for their type. Who waits for one has its operation in hand
//! and does nothing else, and may leave memory meanwhile.
//!
//! While an entity is busy the end of a section acts on its lock at once. A call that was dispatched inside the section
//! is then no longer the section's, so that its outcome still counts, also when it has to run again.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance, Kind, Queues, Stage},
    load::undamaged,
    locks::within,
    mailbox::Entry,
    places::Most,
};
use crate::{
    fault::{Fault, armed},
    record::{self, Queue, RowId},
    registry::Registered,
};
use bytes::Bytes;
use sarsen_entities::{After, Asked, Change, Ended};
use sarsen_protocol::{
    Address, Body, Dispatch, DispatchToken, Effect, Failure, FailureKind, HashMap, Message, Origin, Page,
    Parcel, Timestamp, Within,
};
use std::{collections::BTreeSet, slice, time::Duration};

/// An operation that was taken from its queue and is not over.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) entry: Entry,
    pub(crate) queue: Queue,
    /// Whether the message has changed since its row was written.
    pub(crate) changed: bool,
    pub(crate) stage: HandStage,
}

/// How far an operation in hand has got.
#[derive(Debug)]
pub(crate) enum HandStage {
    /// It waits for a place.
    Waits {
        /// There is one.
        called: bool,
    },
    /// It runs.
    Runs {
        number: u64,
        limit: Option<Limit>,
        /// What the entity was counted with in the cache, beside what every one is.
        bytes: usize,
    },
}

impl Hand {
    /// Whether there is a place for it.
    pub(crate) fn is_called(&self) -> bool {
        matches!(self.stage, HandStage::Waits { called: true })
    }

    /// Whether its entity may leave memory: it has not begun, and is a row.
    pub(crate) fn may_leave(&self) -> bool {
        matches!(self.stage, HandStage::Waits { called: false }) && !self.changed && self.entry.row.is_some()
    }
}

/// How long an operation may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    time: Duration,
    until: Timestamp,
}

/// The operations that run off a shard.
#[derive(Debug, Default)]
pub(crate) struct Dispatches {
    last: u64,
    running: HashMap<u64, InstanceId>,
    /// When those are over that have a limit.
    limits: BTreeSet<(Timestamp, u64)>,
}

impl Dispatches {
    /// How many run.
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    /// When the first of them has taken too long.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.limits.first().map(|(until, _)| *until)
    }

    /// The entity of an operation whose time is over.
    fn late(&self, now: Timestamp) -> Option<InstanceId> {
        let (until, number) = self.limits.first()?;
        (*until <= now).then(|| self.running.get(number).copied()).flatten()
    }

    fn begin(&mut self, id: InstanceId, limit: Option<Limit>) -> u64 {
        self.last += 1;
        self.running.insert(self.last, id);
        self.limits.extend(limit.map(|limit| (limit.until, self.last)));
        self.last
    }

    fn end(&mut self, number: u64, limit: Option<Limit>) {
        self.running.remove(&number);
        if let Some(limit) = limit {
            self.limits.remove(&(limit.until, number));
        }
    }
}

impl Shard {
    /// Takes an operation in hand that runs off the shard: its entity is busy from now on.
    pub(super) fn take_in_hand(&mut self, id: InstanceId, queue: Queue, entry: Entry) {
        let stage = HandStage::Waits { called: false };
        self.hold(id, Hand { entry, queue, changed: false, stage });
        let Some(instance) = self.instances.get(id) else { return };
        let Some(entity) = instance.entity() else { return };
        let Some(hand) = entity.hand.as_ref() else { return };
        let row = hand.entry.row.unwrap_or(self.open_number());
        let (name, most) = (entity.of.behaviour.name(), self.most_of(entity));
        if self.places.take(name, &instance.address, most, row) {
            self.dispatch(id);
        }
    }

    fn hold(&mut self, id: InstanceId, hand: Hand) {
        if let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) {
            entity.hand = Some(Box::new(hand));
        }
        self.mark_touched(id);
    }

    fn most_of(&self, entity: &Entity) -> Most {
        let running = entity.of.options.concurrent_operations();
        Most { running, listed: self.config.limits.operations_window }
    }

    /// Lets the operation in hand run, for which there was a place.
    fn dispatch(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let address = instance.address.clone();
        let Kind::Entity(entity) = &mut instance.kind else { return };
        let limits = self.config.limits.run(&entity.of.options);
        let Some(Hand { entry, queue, changed, .. }) = entity.hand.take().map(|hand| *hand) else { return };
        let Some(operation) = entry.message.body.asked() else { return };
        let asked = Asked { operation: &operation.name, input: &operation.input };
        let dispatched = match entity.of.behaviour.dispatch(&address, entity.state.as_ref(), asked, &limits) {
            Ok(dispatched) => dispatched,
            Err(failure) => {
                self.settle(id, (&address, queue), entry, Ended::failed(failure));
                return self.leave_place(&address);
            }
        };
        let time = dispatched.timeout;
        let limit = time.map(|time| Limit { time, until: self.now.after(time) });
        let number = self.dispatches.begin(id, limit);
        let dispatch = Dispatch {
            token: self.dispatch_token(&address, number),
            operation: operation.name.clone(),
            input: operation.input.clone(),
            within: served(&entry.message).map(Box::new),
            work: Parcel::new(dispatched.work),
            address,
        };
        let input = operation.input.len();
        // What is copied occupies memory as long as the operation runs.
        let bytes = self.instances.lend(id);
        self.batch.release(Effect::Operate(Box::new(dispatch)), bytes + input);
        self.hold(id, Hand { entry, queue, changed, stage: HandStage::Runs { number, limit, bytes } });
    }

    /// The turn of an entity with an operation in hand: it begins when there is a place.
    pub(super) fn turn_in_hand(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get(id) else { return };
        let hand = instance.entity().and_then(|entity| entity.hand.as_ref());
        if !hand.is_some_and(|hand| hand.is_called()) {
            return;
        }
        let Some(entity) = instance.entity() else { return };
        let (name, most) = (entity.of.behaviour.name(), self.most_of(entity));
        let row = self.open_number();
        if self.places.take(name, &instance.address, most, row) {
            self.dispatch(id);
        }
    }

    /// An operation has ended: the next that waits is called.
    fn leave_place(&mut self, address: &Address) {
        self.places.leave(address.name());
        self.call_next(address);
    }

    /// Calls those of an address's type for whom there are places.
    fn call_next(&mut self, of: &Address) {
        let Some(registered) = self.config.registry.registered(of.name()) else { return };
        let running = registered.options.concurrent_operations();
        let most = Most { running, listed: self.config.limits.operations_window };
        while let Some(address) = self.places.call(of.name(), most) {
            let id = self.activate(&address);
            let Some((id, instance)) = id.and_then(|id| Some((id, self.instances.get_mut(id)?))) else {
                self.places.decline(&address);
                continue;
            };
            if let Some(hand) = instance.entity_mut().and_then(|entity| entity.hand.as_mut())
                && let HandStage::Waits { called } = &mut hand.stage
            {
                *called = true;
            }
            self.mark_ready(id);
            self.decline_place(id);
        }
    }

    /// Gives the place of an entity to the next when it is called and has no use for it.
    pub(super) fn settle_place(&mut self, id: InstanceId) {
        if let Some(address) = self.decline_place(id) {
            self.call_next(&address);
        }
    }

    /// Gives the place of an entity back when it is called and has nothing to do with it: there was only a row that is gone,
    /// or what it has to do is for the holder of its lock. Returns whose place it was.
    fn decline_place(&mut self, id: InstanceId) -> Option<Address> {
        let instance = self.instances.get(id)?;
        let entity = instance.entity().filter(|entity| entity.dispatches)?;
        if instance.stage == Stage::Loading || !self.places.is_called(&instance.address) {
            return None;
        }
        let waits =
            entity.hand.as_ref().is_some_and(|hand| hand.is_called()) && instance.stage == Stage::Active;
        let reads = instance.waiting.mailbox.reading || instance.waiting.front.reading;
        let runs = entity.hand.as_ref().is_some_and(|hand| matches!(hand.stage, HandStage::Runs { .. }));
        if waits || !runs && (reads || instance.goes_on(self.committed)) {
            return None;
        }
        let address = instance.address.clone();
        self.places.decline(&address);
        Some(address)
    }

    /// Lists entities that wait for places and of which only rows are known.
    pub(super) fn loaded_places(&mut self, name: &'static str, page: &Page) {
        let mut found: Vec<(Address, Bytes)> = Vec::new();
        let mut end = None;
        for row in &page.rows {
            let (address, _, _) = undamaged(record::read_mailbox_key(&row.key));
            end = Some(record::mailbox_end(&address));
            let known = address.name() != name || found.last().is_some_and(|(last, _)| *last == address);
            if !known && !self.is_busy(&address) {
                found.push((address, row.key.clone()));
            }
        }
        let (next, listed) = (end.filter(|_| page.more), self.config.limits.operations_window);
        let first = found.first().map(|(address, _)| address.clone());
        self.places.found(name, found.into_iter(), next, listed);
        if let Some(address) = first {
            self.call_next(&address);
        }
    }

    fn is_busy(&self, address: &Address) -> bool {
        let entity = self.instances.find(address).and_then(|id| self.instances.get(id)?.entity());
        let hand = entity.and_then(|entity| entity.hand.as_ref());
        hand.is_some_and(|hand| matches!(hand.stage, HandStage::Runs { .. }))
    }

    fn dispatch_token(&self, address: &Address, number: u64) -> DispatchToken {
        DispatchToken { epoch: self.config.lease.epoch, slot: address.slot(), number }
    }

    /// Takes the outcome of an operation that ran off the shard, if it is still waited for.
    pub(super) fn operated(&mut self, token: DispatchToken, ended: Ended) {
        if token.epoch != self.config.lease.epoch && !armed(Fault::AcceptOldOutcome) {
            return;
        }
        if let Some(id) = self.dispatches.running.get(&token.number).copied() {
            self.end_operation(id, ended);
        }
    }

    /// Fails the operations whose time is over. Returns whether there were any.
    pub(super) fn end_late(&mut self) -> bool {
        let mut ended = false;
        while let Some(id) = self.dispatches.late(self.now) {
            let Some(instance) = self.instances.get(id) else { break };
            let Some(hand) = instance.entity().and_then(|entity| entity.hand.as_ref()) else { break };
            let HandStage::Runs { number, limit: Some(limit), .. } = hand.stage else { break };
            let (token, time) = (self.dispatch_token(&instance.address, number), limit.time);
            let text = format!("`{}` was not over within {} ms", hand.entry.message.body, time.as_millis());
            self.batch.cancel_operation(token);
            self.end_operation(id, Ended::failed(Failure::new(FailureKind::TimedOut, text)));
            ended = true;
        }
        ended
    }

    /// Lets the outcome of the operation in hand take effect; its entity goes on.
    fn end_operation(&mut self, id: InstanceId, ended: Ended) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let address = instance.address.clone();
        let Some(hand) = instance.entity_mut().and_then(|entity| entity.hand.take()) else { return };
        let Hand { entry, queue, stage: HandStage::Runs { number, limit, bytes }, .. } = *hand else {
            return;
        };
        self.dispatches.end(number, limit);
        self.instances.resize_to(id, bytes);
        self.instances.touch(id, self.now);
        self.operations += 1;
        self.settle(id, (&address, queue), entry, ended);
        self.leave_place(&address);
        self.instances.strip(id);
        self.mark_ready(id);
    }

    fn settle(&mut self, id: InstanceId, place: (&Address, Queue), entry: Entry, ended: Ended) {
        let Ended { outcome, after, outgrown } = ended;
        if outgrown {
            self.refused(place.0.name(), |refusals| refusals.states_too_large += 1);
        }
        let (state, change) = match after {
            After::Same => (None, Change::None),
            After::Put(state, encoded) => (Some(state), Change::Put(encoded)),
            After::Deleted => (None, Change::Deleted),
        };
        if change != Change::None
            && let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut)
        {
            entity.state = state;
        }
        let changed = change != Change::None;
        self.apply(id, change);
        self.audit_operations(id, slice::from_ref(&entry), slice::from_ref(&outcome), changed);
        self.conclude(id, place, entry, outcome);
    }

    /// The section that held the lock is over: a call of it that is in hand is no longer the section's.
    pub(super) fn keep_in_hand(&mut self, id: InstanceId) {
        let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) else { return };
        let Some(hand) = entity.hand.as_mut().filter(|hand| hand.queue == Queue::Front) else { return };
        if let Body::Operation(operation) = &mut hand.entry.message.body {
            operation.section = None;
            hand.changed = true;
        }
    }
}

impl Entity {
    /// Whether a message asks for an operation that runs off the shard.
    pub(crate) fn is_dispatched(&self, message: &Message) -> bool {
        is_dispatched(&self.of, self.dispatches, message)
    }
}

/// Whether a message asks for an operation of this type that runs off the shard; `any`: whether there are any.
pub(crate) fn is_dispatched(of: &Registered, any: bool, message: &Message) -> bool {
    any && message.body.asked().is_some_and(|operation| of.behaviour.is_dispatched(&operation.name))
}

/// What of a busy entity's front queue is done at once: the place of the first.
///
/// The end of a request that waits, and an operator's release. The release of the owner too, unless something that the
/// section has asked for stands before it: that is done before the end of the section.
pub(crate) fn urgent(queues: &Queues) -> Option<RowId> {
    let held_back = if queues.mailbox.has_gap() { &*queues.cancelled } else { &[] };
    let mut asked = false;
    queues.front.iter().find_map(|entry| {
        let now = match &entry.message.body {
            Body::Cancel(request) => !held_back.contains(&request.section),
            Body::Release(_) => !asked || entry.message.from.client().is_some(),
            _ => false,
        };
        asked |= matches!(entry.message.body, Body::Operation(_) | Body::Schedule(_) | Body::Unschedule(_));
        now.then_some(entry.id)
    })
}

/// The execution that waits for a message's answer, or for whom its sender works who does.
fn served(message: &Message) -> Option<Within> {
    if !message.is_answered() {
        return None;
    }
    match &message.from {
        Origin::Execution { run, execution, .. } => Some(Within { run: run.clone(), execution: *execution }),
        Origin::Client { .. } | Origin::Instance(_) => within(message).cloned(),
    }
}
