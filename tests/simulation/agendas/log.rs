//! What an agenda's own log allows: a model of what its operations schedule, in the order of the log.

use super::{
    entity::{Entry, Moment},
    promised::{Origin, Promised},
};
use crate::invariants::Checked;
use sarsen_testing::Situation;
use std::collections::{BTreeMap, BTreeSet};

/// What is scheduled under a name.
struct Current {
    id: u64,
    due: u64,
    every: Option<u64>,
    /// For how many multiples of the period it has come, and the latest time at which it did.
    came: Option<(u64, Moment)>,
}

/// Follows the lives of an agenda.
pub(super) fn check(
    known: &Promised,
    given_up: &BTreeSet<u64>,
    key: &str,
    lives: &[Vec<Entry>],
    count: impl Fn(Situation),
) -> Checked {
    for (life, log) in lives.iter().enumerate() {
        let last = life + 1 == lives.len();
        let mut current: BTreeMap<&str, Current> = BTreeMap::new();
        for (place, entry) in log.iter().enumerate() {
            let what =
                |why: &str| format!("entry {place} of life {life} of {key} {why}: {entry:?} in {log:?}");
            match entry {
                Entry::Planned { id, .. } if given_up.contains(id) => {}
                Entry::Planned { name, id, due, every_ms } => {
                    let every = every_ms.map(|every| every * 1_000);
                    let plan = Current { id: *id, due: due.micros(), every, came: None };
                    if current.insert(name, plan).is_some() {
                        count(Situation::SignalReplaced);
                    }
                }
                Entry::Dropped { name } => {
                    if current.remove(name.as_str()).is_some() {
                        count(Situation::SignalCancelled);
                    }
                }
                Entry::Came { id, at } if known.origin(*id) == Some(Origin::Own) => {
                    let found = current.iter_mut().find(|(_, plan)| plan.id == *id);
                    let Some((name, plan)) = found else {
                        return Err(what("came although nothing is scheduled by it"));
                    };
                    let name = *name;
                    come(plan, *at, known.seen_at(*id, at.micros()).as_micros()).map_err(|why| what(&why))?;
                    match plan.every {
                        None => drop(current.remove(name)),
                        Some(_) => count(Situation::ReminderCame),
                    }
                }
                Entry::Came { .. } => {}
            }
        }
        if !last && !current.is_empty() {
            count(Situation::SchedulesEnded);
        }
        if last && let Some((name, plan)) = current.iter().find(|(_, plan)| is_missing(known, plan)) {
            let id = plan.id;
            return Err(format!("{id} is scheduled as {name} at {key} and did not come in the end: {log:?}"));
        }
    }
    Ok(())
}

/// Whether a reminder comes at a multiple of its period for which it has not come. A crash may have taken the clock back
/// from `seen` when it had been accepted and not done.
fn come(plan: &mut Current, at: Moment, seen: u64) -> Result<(), String> {
    let Some(behind) = at.micros().checked_sub(plan.due) else { return Ok(()) };
    let every = plan.every.unwrap_or(u64::MAX);
    let mut multiple = behind / every;
    match plan.came {
        Some((_, latest)) if at < latest => return Ok(()),
        Some((came, _)) if came >= multiple && seen.saturating_sub(plan.due) / every > came => {
            multiple = came + 1;
        }
        Some((came, _)) if came >= multiple => {
            return Err(format!("came a second time for multiple {multiple}"));
        }
        Some(_) | None => {}
    }
    plan.came = Some((multiple, at));
    Ok(())
}

/// Whether a signal should have come by the end, or a reminder once more.
fn is_missing(known: &Promised, plan: &Current) -> bool {
    let Some(every) = plan.every else { return true };
    let last = plan.came.map(|(came, _)| plan.due + came * every);
    last.is_none_or(|last| last + every < known.rest().as_micros())
}
