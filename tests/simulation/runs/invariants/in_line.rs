//! A lock request waits for the sections before it and for nothing else: when everything rests, the entity at which one
//! waits is locked. One that is not to wait does not wait at all.

use crate::{
    invariants::Checked,
    runs::{Armed, record::Durable},
};
use sarsen_engine::Fault;
use sarsen_protocol::{Body, Keyspace};
use std::collections::BTreeSet;

pub(crate) const NAME: &str = "in_line";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Engine(Fault::TryWaits), Armed::Engine(Fault::FrontIgnored)];

/// What is durable while nothing has anything to do.
pub(crate) fn check(durable: &Durable) -> Checked {
    let mut seen = BTreeSet::new();
    for waiting in durable.waiting.iter().filter(|waiting| waiting.keyspace == Keyspace::Mailbox) {
        let message = &waiting.message;
        if message.to.is_run() {
            continue;
        }
        let oldest = seen.insert(&message.to);
        let holder =
            durable.locks.iter().find(|(locked, _)| *locked == message.to).map(|(_, section)| section);
        let Some(holder) = holder else {
            return Err(format!("{} waits at {}, which is free", message.body, message.to));
        };
        match &message.body {
            // Others before it may keep it where it cannot be seen.
            Body::TryLock(request) if oldest && request.section.run != holder.run => {
                return Err(format!("{:?} waits at {}, which is locked", request.section, message.to));
            }
            Body::Release(section) if **section == *holder => {
                return Err(format!("{} is not given back by {section:?}", message.to));
            }
            _ => {}
        }
    }
    Ok(())
}
