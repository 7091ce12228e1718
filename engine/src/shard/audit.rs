//! Audit: what was done to an entity is written down in the batch that holds what came of it.
//!
//! Rows are numbered by entity without gaps, over its lives, and which there are stands in its record. They are bounded
//! by count where one is added, and by age where one is added or the entity's alarm goes off. `&self` operations change
//! nothing, wherever they run, and leave no row, but for those that delete the entity.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance},
    mailbox::Entry,
};
use crate::{
    fault::{Fault, armed},
    record::{self, Act, After, AuditSpan, Caller},
};
use sarsen_entities::{AuditOptions, Outcome};
use sarsen_protocol::{Address, Body, Keyspace, Timestamp};
use std::time::Duration;

/// How many rows go in one turn beyond those that have come.
const REMOVED_MAX: u64 = 1_000;

impl Entity {
    /// How its audit is bounded; an entity of a type without one has rows of what operators did.
    fn audit_bounds(&self) -> AuditOptions {
        self.of.options.audit_options().unwrap_or_default()
    }

    fn audit_span(&self) -> Option<&AuditSpan> {
        self.extras.as_ref()?.audit.as_ref()
    }

    /// When the next rows of its audit have had their time.
    pub(super) fn audit_until(&self) -> Option<Timestamp> {
        self.audit_span()?.due(self.audit_bounds().kept_for())
    }

    /// Forgets which rows there were, once there is neither a row nor an entity.
    pub(super) fn forget_audit(&mut self) {
        if self.state.is_none()
            && let Some(extras) = &mut self.extras
        {
            extras.audit.take_if(|span| span.is_empty());
        }
    }
}

impl Shard {
    /// Writes down operations that were done together, if the type is audited. Called when the entity is as they left it.
    pub(super) fn audit_operations(
        &mut self,
        id: InstanceId,
        entries: &[Entry],
        outcomes: &[Outcome],
        changed: bool,
    ) {
        let Some(entity) = self.instances.get(id).and_then(Instance::entity) else { return };
        if entity.of.options.audit_options().is_none() {
            return;
        }
        let behaviour = entity.of.behaviour.clone();
        let mut done = entries.iter().zip(outcomes).filter_map(|(entry, outcome)| {
            let operation = entry.message.body.asked()?;
            if behaviour.is_read(&operation.name) && !outcome.deleted {
                return None;
            }
            if armed(Fault::AuditForgetsFailures) && outcome.answer.is_err()
                || armed(Fault::AuditForgetsSchedules) && matches!(entry.message.body, Body::Scheduled(_))
            {
                return None;
            }
            let caller = if armed(Fault::AuditWrongCaller) {
                Caller::Client { within: None }
            } else {
                Caller::of(&entry.message.from)
            };
            let (name, input, outcome) =
                (operation.name.clone(), operation.input.clone(), outcome.answer.clone());
            Some((caller, Act::Operation { name, input, outcome }))
        });
        let mut next = done.next();
        let mut rows = Vec::with_capacity(entries.len());
        while let Some(one) = next {
            next = done.next();
            rows.push((one, changed && next.is_none()));
        }
        drop(done);
        for ((caller, act), tells) in rows {
            self.audit(id, caller, act, tells);
        }
    }

    /// Writes down something that was done to an entity, with its state if that is to be told. It leaves no row only if
    /// the record could not be written either, since a state that was read does not encode.
    pub(super) fn audit(&mut self, id: InstanceId, caller: Caller, act: Act, tells: bool) {
        let now = self.now;
        if self.keep_encoded(id).is_err() {
            return;
        }
        let Some(instance) = self.instances.get_mut(id) else { return };
        let address = instance.address.clone();
        let Some(entity) = instance.entity_mut() else { return };
        let after = match &entity.encoded {
            _ if !tells => After::Untold,
            Some(state) if entity.state.is_some() => After::State(state.clone()),
            _ => After::Deleted,
        };
        let bounds = entity.audit_bounds();
        let span = entity.extras.get_or_insert_default().audit.get_or_insert_default();
        let row = span.append(now, bounds.kept_for());
        let keep = span.written.saturating_sub(bounds.kept_rows());
        let last = keep.max(span.outlived(now, bounds.kept_for()));
        instance.dirty = true;
        let value = record::write_audit(now, caller, act, after);
        self.batch.replace(Keyspace::Audit, record::audit_key(&address, row), Some(value));
        self.remove_audit(id, &address, last);
        self.mark_touched(id);
    }

    /// Removes the rows of an entity's audit that have had their time.
    pub(super) fn expire_audit(&mut self, id: InstanceId) {
        let now = self.now;
        let Some(instance) = self.instances.get(id) else { return };
        let Some(entity) = instance.entity() else { return };
        let age: Duration = entity.audit_bounds().kept_for();
        if let Some(last) = entity.audit_span().map(|span| span.outlived(now, age)) {
            let address = instance.address.clone();
            self.remove_audit(id, &address, last);
        }
    }

    /// Removes the rows up to `last`, as many of them as a turn may; the alarm sees to the rest.
    fn remove_audit(&mut self, id: InstanceId, address: &Address, last: u64) {
        let entity = self.instances.get_mut(id).and_then(Instance::entity_mut);
        let Some(span) = entity.and_then(|entity| entity.extras.as_mut()?.audit.as_mut()) else { return };
        let first = span.removed + 1;
        let last = last.min(span.removed + REMOVED_MAX);
        if first > last {
            return;
        }
        span.remove(last);
        for row in first..=last {
            self.batch.replace(Keyspace::Audit, record::audit_key(address, row), None);
        }
    }
}
