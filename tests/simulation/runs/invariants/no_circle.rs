//! No sections wait for each other in a circle: from a section that waits to the one that holds the entity where it
//! waits, and on from that one if it waits as well, nobody comes back to where he was.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        record::{Durable, Histories},
    },
};
use sarsen_engine::Fault;
use sarsen_protocol::{Address, Section};

pub(crate) const NAME: &str = "no_circle";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Engine(Fault::LockOrder), Armed::Engine(Fault::DuplicateInSet)];

pub(crate) fn check(durable: &Durable, histories: &Histories) -> Checked {
    let alive = |section: &Section| durable.is_alive(section, histories);
    let waits: Vec<(&Section, &Address)> = durable
        .waiting
        .iter()
        .filter_map(|waiting| Some((&waiting.message.body.lock_request()?.section, &waiting.message.to)))
        .filter(|(section, _)| alive(section))
        .collect();
    let next = |section: &Section| {
        let (_, entity) = waits.iter().find(|(waits, _)| *waits == section)?;
        let (_, holder) = durable.locks.iter().find(|(locked, _)| locked == *entity)?;
        Some(holder).filter(|holder| alive(holder))
    };
    for (section, entity) in &waits {
        let mut at = *section;
        // No way that has no circle is longer.
        for _ in 0..=waits.len() {
            match next(at) {
                Some(holder) if holder == *section => {
                    return Err(format!("{section:?} waits at {entity} for itself: {waits:?}"));
                }
                Some(holder) => at = holder,
                None => break,
            }
        }
    }
    Ok(())
}
