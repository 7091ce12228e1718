//! No lock is given back by what ends no section: one that a section has held it holds for as long as it is alive,
//! whether it has all of its locks or is still on its way to them. But for those that an operator has taken, and those of
//! a request that was refused.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        memory::Memory,
        record::{Durable, Histories},
    },
};
use sarsen_engine::Fault;
use sarsen_protocol::{Address, Completion, Section};

pub(crate) const NAME: &str = "kept";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Engine(Fault::ReleaseOnEviction),
    Armed::Engine(Fault::ReleaseOnSuspend),
    Armed::Engine(Fault::ReleaseOnParking),
];

pub(crate) fn check(durable: &Durable, histories: &Histories, memory: &mut Memory) -> Checked {
    let refused = |section: &Section| {
        durable.completions(section.execution).any(|(command, completion)| {
            command == section.id && matches!(completion, Completion::Refused(_))
        })
    };
    let before = std::mem::replace(&mut memory.held, durable.locks.clone());
    let lost = |(entity, section): &&(Address, Section)| {
        let held = durable.locks.iter().any(|(locked, by)| locked == entity && by == section);
        !held
            && durable.is_alive(section, histories)
            && !memory.forced.contains(&(entity.clone(), section.clone()))
            && !refused(section)
    };
    match before.iter().find(lost) {
        Some((entity, section)) => {
            Err(format!("{section:?} has held {entity}, is alive, and holds it no more"))
        }
        None => Ok(()),
    }
}
