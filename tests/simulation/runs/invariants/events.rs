//! An event that was acknowledged is taken once, or is a dead letter, or has come to an execution whose code never took
//! it; events of one sender and one name come in the order in which they were raised.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        act::{EVENTS, Program, Sent},
        code::{Report, Stopped},
        finish::Finish,
        oracle::{Moment, Oracle, What},
        record::Histories,
    },
};
use sarsen_orchestration::{Command, Event, Input};
use sarsen_protocol::{RunId, RunOutcome, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NAME: &str = "events";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Engine(sarsen_engine::Fault::DropCarried), Armed::Host(sarsen_testing::Fault::SwapRequests)];

pub(crate) fn check(oracle: &Oracle, finish: &Finish, histories: &Histories) -> Checked {
    let taken = taken_once(finish)?;
    let mut came = came_once(histories)?;
    // What executions before have taken is handed on.
    came.extend(histories.values().flat_map(|history| &history.events).flat_map(handed_on));
    for sent in &finish.dead_events {
        if taken.contains(sent) {
            return Err(format!("event {sent:?} was taken, and is a dead letter"));
        }
    }
    for asked in &oracle.asked {
        let What::Raise { run, event, .. } = &asked.what else { continue };
        let sent = Sent(*event, 0);
        let seen = taken.contains(&sent) || came.contains(&sent) || finish.dead_events.contains(&sent);
        let was_replaced =
            oracle.is_cleared(run) || finish.children.iter().any(|child| child.as_str() == run);
        if asked.is_done() && !seen && !was_replaced {
            return Err(format!("event {sent:?} of {run} was acknowledged and is nowhere: {asked:?}"));
        }
        if asked.is_impossible() && seen {
            return Err(format!("event {sent:?} of {run} was refused and has come: {asked:?}"));
        }
    }
    by_client(oracle, histories)?;
    by_run(histories)
}

/// The events that the code has taken, as results tell.
fn taken_once(finish: &Finish) -> Result<BTreeSet<Sent>, String> {
    let mut taken = BTreeSet::new();
    for (first, outcome) in &finish.outcomes {
        let report = match outcome {
            RunOutcome::Returned(result) => json::decode::<Report>(result).ok(),
            RunOutcome::Failed(failure) => {
                let details = failure.details.as_ref();
                details.and_then(|details| json::decode::<Stopped>(details).ok()).map(|stopped| stopped.0)
            }
            RunOutcome::Terminated { .. } => None,
        };
        for sent in report.into_iter().flat_map(|report| report.taken) {
            if !taken.insert(sent) {
                return Err(format!("event {sent:?} was taken twice, the second time by the run of {first}"));
            }
        }
    }
    Ok(taken)
}

/// The events that have come to executions.
fn came_once(histories: &Histories) -> Result<BTreeSet<Sent>, String> {
    let mut came = BTreeSet::new();
    for ((run, execution), history) in histories {
        for (_, sent) in history.events.iter().filter_map(raised) {
            if !came.insert(sent) {
                return Err(format!("event {sent:?} came twice, the second time to {execution} of {run}"));
            }
        }
    }
    Ok(came)
}

fn handed_on(event: &Event) -> Vec<Sent> {
    match event {
        Event::Started(start) => json::decode::<Program>(&start.input).map(|program| program.taken),
        _ => return Vec::new(),
    }
    .unwrap_or_default()
}

fn raised(event: &Event) -> Option<(&str, Sent)> {
    match event {
        Event::Arrived(Input::EventRaised { name, input }) => {
            Some((name.as_str(), json::decode(input).ok()?))
        }
        _ => None,
    }
}

/// Events of one handle that were asked for once.
fn by_client(oracle: &Oracle, histories: &Histories) -> Checked {
    let mut order: BTreeMap<Sent, (u32, Moment)> = BTreeMap::new();
    for asked in &oracle.asked {
        let (What::Raise { event, .. }, [attempt]) = (&asked.what, &asked.attempts[..]) else { continue };
        if let Some(begun) = attempt.begun {
            order.insert(Sent(*event, 0), (attempt.handle, begun));
        }
    }
    for ((run, _), history) in histories {
        let mut last: BTreeMap<(u32, &str), (Moment, Sent)> = BTreeMap::new();
        for (name, sent) in history.events.iter().filter_map(raised) {
            let Some((handle, moment)) = order.get(&sent) else { continue };
            let before = last.insert((*handle, name), (*moment, sent));
            if let Some((_, earlier)) = before.filter(|(before, _)| before > moment) {
                return Err(format!(
                    "event {sent:?} of {run} came behind {earlier:?}, which was raised later"
                ));
            }
        }
    }
    Ok(())
}

/// Events that one execution has sent to another run.
fn by_run(histories: &Histories) -> Checked {
    let mut order: BTreeMap<Sent, usize> = BTreeMap::new();
    let mut sent_to: BTreeMap<Sent, RunId> = BTreeMap::new();
    for history in histories.values() {
        for (at, event) in history.events.iter().enumerate() {
            if let Event::Issued(_, Command::SendEvent { run, input, .. }) = event
                && let Ok(sent) = json::decode::<Sent>(input)
            {
                order.insert(sent, at);
                sent_to.insert(sent, run.clone());
            }
        }
    }
    for ((run, execution), history) in histories {
        let mut last: BTreeMap<(u64, &str), (usize, Sent)> = BTreeMap::new();
        for (name, sent) in history.events.iter().filter_map(raised) {
            let Some(at) = order.get(&sent) else { continue };
            debug_assert!(EVENTS.contains(&name));
            if sent_to[&sent] != *run {
                return Err(format!("event {sent:?} was for {}, and came to {run}", sent_to[&sent]));
            }
            let before = last.insert((sent.1, name), (*at, sent));
            if let Some((_, earlier)) = before.filter(|(before, _)| before > at) {
                return Err(format!(
                    "event {sent:?} came to {execution} of {run} behind {earlier:?}, sent later"
                ));
            }
        }
    }
    Ok(())
}
