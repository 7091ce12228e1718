//! How long entities live, and how long something is remembered of those that are gone.
//!
//! An entity has one timer at most, its alarm, which is due when the first thing of it has had its time: the entity
//! itself, the producers of one that does not exist, or a part of its audit. The alarm is not moved with each
//! operation. When it is due it comes through the mailbox like a signal, behind who holds the lock and behind what was
//! accepted before it; what has been used meanwhile is left, and another alarm is set for it. An alarm names itself, so
//! one that was set for an earlier life does nothing to a later one.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance},
    mailbox::Entry,
};
use crate::{
    fault::{Fault, armed},
    record::{self, Act, Alarm, Caller, Queue, RowId, TimerId},
};
use sarsen_protocol::{Body, Keyspace, Life, Message, Timestamp};
use std::time::Duration;

impl Entity {
    /// Notes that an operation has changed it, or has left it without state.
    pub(super) fn note_change(&mut self, now: Timestamp) {
        if self.state.is_some() && self.of.options.time_to_live().is_some() {
            self.extras.get_or_insert_default().changed = Some(now);
        } else if let Some(extras) = &mut self.extras {
            extras.changed = None;
        }
    }

    /// Until when it lives, if that is limited.
    fn lives_until(&self) -> Option<Timestamp> {
        let changed = self.extras.as_ref()?.changed.filter(|_| self.state.is_some())?;
        Some(changed.after(self.of.options.time_to_live()?))
    }

    /// When nothing is known any more of the producers of an entity that does not exist.
    fn producers_until(&self, retention: Duration) -> Option<Timestamp> {
        let seen = self.producers.iter().map(|producer| producer.seen_secs).max()?;
        let forgotten = Timestamp::from_micros((seen + 1) * 1_000_000).after(retention);
        self.state.is_none().then_some(forgotten)
    }

    /// Forgets producers that have been silent for long.
    pub(super) fn forget_producers(&mut self, now: Timestamp, retention: Duration) {
        let forgotten = now.before(retention).as_micros() / 1_000_000;
        self.producers.retain(|producer| producer.seen_secs >= forgotten);
    }

    /// Whether something of it may have its time.
    fn has_times(&self) -> bool {
        self.extras.is_some() || (self.state.is_none() && !self.producers.is_empty())
    }
}

impl Shard {
    /// Sees to it that an entity whose record is about to be written has the alarm that it needs, and no other.
    pub(super) fn settle_alarm(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id).filter(|instance| instance.dirty) else { return };
        let Some(entity) = instance.entity_mut().filter(|entity| entity.has_times()) else { return };
        entity.forget_audit();
        let retention = self.config.limits.key_retention;
        let ends = [entity.lives_until(), entity.producers_until(retention), entity.audit_until()];
        let wanted = ends.into_iter().flatten().min();
        let set = entity.extras.as_ref().and_then(|extras| extras.alarm);
        match (wanted, set) {
            (None, None) => return,
            // It comes too early and is set again then.
            (Some(due), Some(alarm)) if alarm.due <= due => return,
            _ => {}
        }
        let address = instance.address.clone();
        if let Some(Alarm { life, due }) = set {
            let timer = TimerId { due, row: RowId::of_life(life), slot: address.slot() };
            self.batch.replace(Keyspace::Timers, record::timer_key(timer), None);
            self.timers.remove(timer, self.open_number());
        }
        let alarm = wanted.map(|due| Alarm { life: Life(self.next_unique()), due });
        if let Some(entity) = self.instances.get_mut(id).and_then(Instance::entity_mut) {
            entity.extras.get_or_insert_default().alarm = alarm;
        }
        if let Some(Alarm { life, due }) = alarm {
            let message = Message::one_way(address.clone(), address, Body::Expire { life });
            self.delay(Message { due: Some(due), ..message });
        }
    }

    /// An entity's alarm has had its turn: what has had its time goes.
    pub(super) fn expire(&mut self, id: InstanceId, entry: Entry) {
        let message = self.consume(id, Queue::Back, entry);
        let Body::Expire { life } = message.body else { return };
        let (now, retention) = (self.now, self.config.limits.key_retention);
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Some(entity) = instance.entity_mut() else { return };
        let Some(extras) = entity.extras.as_mut() else { return };
        if extras.alarm.take_if(|alarm| alarm.life == life).is_none() {
            return;
        }
        entity.forget_producers(now, retention);
        let over = entity.lives_until().is_some_and(|until| until <= now || armed(Fault::AlarmEndsAll));
        if over {
            (entity.state, entity.encoded) = (None, None);
            entity.note_change(now);
        }
        instance.dirty = true;
        let audited = instance.entity().is_some_and(|entity| entity.of.options.audit_options().is_some());
        if over {
            self.end_schedules(id);
            self.instances.resize(id, 0);
        }
        if over && audited {
            self.audit(id, Caller::Expiry, Act::Expired, true);
        }
        self.expire_audit(id);
    }
}
