//! Queues what happens to a shard; nothing runs here.

use super::{InstanceId, Shard, instance::Stage};
use crate::{BUSY_RETRY_AFTER, Input, Request};
use bytes::Bytes;
use sarsen_protocol::{Address, CallError, Delivery, Identity, Message, Origin, Timestamp};

impl Shard {
    /// Queues an input; nothing runs.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.advance(now);
        self.let_in &= !matches!(input, Input::Requested(_));
        match input {
            Input::Requested(Request::Operation(message)) => self.request(message),
            Input::Requested(Request::State { to, session, request }) => match self.activate(&to) {
                Some(id) => {
                    if let Some(instance) = self.instances.get_mut(id) {
                        instance.reads.push((session, request));
                    }
                    self.mark_ready(id);
                }
                None => self.refuse_unknown(&to, &Origin::Client { session, request }),
            },
            Input::Delivered(delivery) => self.deliver(delivery),
            Input::Loaded(loaded) => self.loaded(loaded),
        }
    }

    fn refuse_unknown(&mut self, to: &Address, from: &Origin) {
        if let Origin::Client { session, request } = *from {
            let error = CallError::UnknownEntity { name: to.name().to_owned() };
            let answer = sarsen_protocol::Answer::Refused(error);
            self.refusals.push_back(sarsen_protocol::Reply { session, request, answer });
        }
    }

    fn request(&mut self, message: Message) {
        let Some(id) = self.activate(&message.to) else {
            self.refuse_unknown(&message.to, &message.from);
            return;
        };
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.arrivals.len() + instance.mailbox.len() >= self.config.limits.mailbox_messages_max {
            let error = busy(&message.to, "its mailbox");
            self.refuse(&message, error);
            return;
        }
        if let Identity::Key(name) = &message.identity {
            self.prefetch_key(&message.to, name);
        }
        let Some(instance) = self.instances.get_mut(id) else { return };
        self.queued_bytes += message.bytes();
        instance.arrivals.push_back(message);
        self.mark_ready(id);
    }

    /// Puts a message of another shard before its entity's door.
    pub(super) fn arrive(&mut self, message: Message, row: Bytes) {
        let Some(id) = self.activate(&message.to) else {
            // The row stays for a process in which the type is registered.
            self.unregistered += 1;
            return;
        };
        let Some(instance) = self.instances.get_mut(id) else { return };
        self.queued_bytes += message.bytes();
        instance.deliveries.push_back((message, row));
        self.mark_ready(id);
    }

    /// Takes a wake-up of another shard, or notes its slot until the rows of earlier lives are accepted.
    fn deliver(&mut self, delivery: Delivery) {
        if !self.recovered {
            self.held.insert(delivery.slot);
            return;
        }
        match self.inboxes.deliver(delivery) {
            Ok(None) => {}
            Ok(Some((message, row))) => self.arrive(message, row),
            Err(read) => self.load_inbox(read),
        }
    }

    /// Reads the inbox rows of slots for which wake-ups came too early.
    pub(super) fn deliver_held(&mut self) {
        for slot in std::mem::take(&mut self.held) {
            let read = self.inboxes.read_slot(slot);
            self.load_inbox(read);
        }
    }

    /// Finds an entity in memory or begins to load it. `None` when its type is not registered.
    pub(super) fn activate(&mut self, address: &Address) -> Option<InstanceId> {
        if let Some(id) = self.instances.find(address) {
            return Some(id);
        }
        let behaviour = self.config.registry.get(address.name())?.clone();
        let id = self.instances.insert(address.clone(), behaviour.clone(), self.now);
        self.load_instance(id, address.clone(), behaviour);
        Some(id)
    }

    /// A refusal because `what` of `address` has reached `limit` and nothing leaves it before `until`.
    pub(super) fn busy_for(
        &self,
        address: &Address,
        (what, limit): (&'static str, &'static str),
        until: Timestamp,
    ) -> CallError {
        let retry_after = until.since(self.now).max(BUSY_RETRY_AFTER);
        CallError::Busy { address: address.clone(), what, limit: Some(limit), retry_after }
    }

    /// Whether an entity is in memory and cannot go on.
    pub(super) fn parked(&self, id: InstanceId) -> Option<&str> {
        match &self.instances.get(id)?.stage {
            Stage::Parked(reason) => Some(reason),
            Stage::Loading | Stage::Active => None,
        }
    }
}

/// A refusal because `what` of `address` is full.
pub(super) fn busy(address: &Address, what: &'static str) -> CallError {
    CallError::Busy { address: address.clone(), what, limit: None, retry_after: BUSY_RETRY_AFTER }
}
