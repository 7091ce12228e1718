//! What an activity says of how far it has got is not lost over its attempts: a failure brings it, the next attempt is
//! told it, and no attempt is told less than one before. Of the last the activity itself takes notice.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        act::Conduct,
        activity::{Order, Refusal},
        record::{Histories, History},
    },
};
use sarsen_orchestration::{Command, Event, Input};
use sarsen_protocol::{CommandId, Failure, Payload, json};
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "progress_kept";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Engine(sarsen_engine::Fault::ForgetProgress)];

pub(crate) fn check(histories: &Histories) -> Checked {
    histories
        .iter()
        .try_for_each(|((run, _), history)| of_one(history).map_err(|what| format!("{run}: {what}")))
}

fn of_one(history: &History) -> Checked {
    let mut orders: BTreeMap<CommandId, Order> = BTreeMap::new();
    let mut firsts: BTreeMap<CommandId, CommandId> = BTreeMap::new();
    let mut known: BTreeMap<CommandId, Payload> = BTreeMap::new();
    for event in &history.events {
        match event {
            Event::Issued(id, Command::Task { input, .. }) => {
                orders.extend(json::decode(input).ok().map(|order| (*id, order)));
            }
            Event::Issued(id, Command::Attempt(attempt)) => {
                orders.extend(json::decode(&attempt.input).ok().map(|order| (*id, order)));
                let first = attempt.first.unwrap_or(*id);
                firsts.insert(*id, first);
                if attempt.progress.as_ref() != known.get(&first) {
                    return Err(format!("{attempt:?} is not told {:?}", known.get(&first)));
                }
            }
            Event::Arrived(Input::AttemptFailed { id, progress, .. }) => {
                known.insert(firsts.get(id).copied().unwrap_or(*id), progress.clone());
            }
            Event::Arrived(Input::TaskEnded { id, result: Err(failure) })
                if orders.get(id).is_some_and(|order| says(order, failure)) =>
            {
                return Err(format!("activity {id} failed, and how far it had got is lost"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a failure is one of an activity that says how far it has got.
fn says(order: &Order, failure: &Failure) -> bool {
    let refusal = failure.details.as_ref().map(|details| json::decode::<Refusal>(details));
    matches!((order.conduct, refusal), (Conduct::Far(_), Some(Ok(_))))
}
