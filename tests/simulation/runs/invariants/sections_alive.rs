//! At every durable state each lock's section is alive, or its release or cancel is in a row of that entity or of one
//! before it on the path. And a section that was granted holds all of its locks for as long as it is alive, but for
//! those that an operator has taken from it.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        memory::Memory,
        record::{Durable, Histories},
    },
};
use sarsen_engine::Fault;
use sarsen_protocol::{Address, Body, Keyspace, Section};

pub(crate) const NAME: &str = "sections_alive";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Engine(Fault::AnyExecution), Armed::Host(sarsen_testing::Fault::LoseRows(Keyspace::Locks))];

/// The faults that break it where sections overlap.
pub(crate) const ARMED_IN_SECTIONS: &[Armed] = &[
    Armed::Engine(Fault::ReleaseOvertakes),
    Armed::Engine(Fault::ReleaseMissesOne),
    Armed::Engine(Fault::CancelStops),
    Armed::Engine(Fault::CancelUnsent),
    Armed::Engine(Fault::CancelOvertakes),
    Armed::Engine(Fault::CancelForgotten),
    Armed::Engine(Fault::RefusalKeepsLocks),
    Armed::Engine(Fault::LockUnwritten),
    Armed::Engine(Fault::LockKept),
    Armed::Engine(Fault::GrantTwice),
    Armed::Engine(Fault::MailboxRowStays),
    Armed::Engine(Fault::InboxRowStays),
];

pub(crate) fn check(durable: &Durable, histories: &Histories, memory: &Memory) -> Checked {
    for (entity, section) in &durable.locks {
        if !durable.is_alive(section, histories) && !is_ending(durable, entity, section) {
            return Err(format!(
                "{entity} is locked by {section:?}, which is over, and nothing gives it back"
            ));
        }
    }
    for ((run, execution), history) in histories {
        let Some(open) = history.outstanding.section().filter(|open| open.granted) else { continue };
        let section = Section { run: run.clone(), execution: *execution, id: open.id };
        if !durable.is_alive(&section, histories) {
            continue;
        }
        let held = |entity: &&Address| {
            let forced = memory.forced.contains(&((*entity).clone(), section.clone()));
            forced || durable.locks.iter().any(|(locked, by)| locked == *entity && *by == section)
        };
        if let Some(free) = open.entities.iter().find(|entity| !held(entity)) {
            return Err(format!("{section:?} was granted and does not hold {free}"));
        }
    }
    Ok(())
}

/// Whether a row says that the lock goes.
fn is_ending(durable: &Durable, entity: &Address, section: &Section) -> bool {
    durable.waiting.iter().any(|waiting| match &waiting.message.body {
        Body::Release(ended) => **ended == *section && waiting.message.to == *entity,
        Body::Cancel(request) => {
            let place = |of: &Address| request.entities.iter().position(|one| one == of);
            request.section == *section && place(&waiting.message.to) <= place(entity)
        }
        _ => false,
    })
}
