//! Locks are granted in the order in which they were asked for: no request that waits at an entity is overtaken by one
//! that waited behind it.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        memory::Memory,
        record::{Durable, Histories},
    },
};
use sarsen_orchestration::{Event, Input};
use sarsen_protocol::{Address, Keyspace, Section};
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "first_come";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Engine(sarsen_engine::Fault::GrantOutOfTurn)];

pub(crate) fn check(durable: &Durable, histories: &Histories, memory: &mut Memory) -> Checked {
    let mut queues: BTreeMap<Address, Vec<Section>> = BTreeMap::new();
    for waiting in durable.waiting.iter().filter(|waiting| waiting.keyspace == Keyspace::Mailbox) {
        if let Some(request) = waiting.message.body.lock_request() {
            queues.entry(waiting.message.to.clone()).or_default().push(request.section.clone());
        }
    }
    for (entity, before) in &memory.queues {
        let now = queues.get(entity).map_or(&[][..], Vec::as_slice);
        let mut waits: Option<&Section> = None;
        for section in before {
            if now.contains(section) {
                waits = waits.or(Some(section));
            } else if let Some(first) = waits
                && was_granted(durable, histories, entity, section)
            {
                return Err(format!("{section:?} was granted {entity} before {first:?}"));
            }
        }
    }
    memory.queues = queues;
    Ok(())
}

fn was_granted(durable: &Durable, histories: &Histories, entity: &Address, section: &Section) -> bool {
    let holds = durable.locks.iter().any(|(locked, by)| locked == entity && by == section);
    let history = histories.get(&(section.run.clone(), section.execution));
    holds || history.is_some_and(|history| {
        let granted =
            |event: &Event| matches!(event, Event::Arrived(Input::LockGranted { id }) if *id == section.id);
        history.events.iter().any(granted)
    })
}
