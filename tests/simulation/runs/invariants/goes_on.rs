//! Once nothing goes wrong any more, everything that can go on goes on: what was asked of clients is answered, every
//! run that is resumed, rewound and given its events comes to its end, no lock is waited for that is free, no message, timer or
//! activity is left.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        act::Node,
        brittle::{Stages, brittle},
        record::{Durable, Histories},
    },
};
use sarsen_engine::Fault as EngineFault;
use sarsen_orchestration::Event;
use sarsen_protocol::{Body, Failure, FailureKind, OrchestrationType, RunOutcome, json};
use sarsen_runtime::RunInfo;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "goes_on";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseTaskAnswer)];

/// The faults that break it where sections overlap.
pub(crate) const ARMED_IN_SECTIONS: &[Armed] = &[
    Armed::Engine(EngineFault::ReleaseUnwritten),
    Armed::Host(Fault::LoseDelivery),
    Armed::Host(Fault::LoseLoad),
];

/// What is still there, and whether the listing shows the runs that are.
pub(crate) fn check(durable: &Durable, histories: &Histories, listed: &[RunInfo]) -> Checked {
    let under_way = durable.runs.iter().filter(|(_, record)| !record.status.is_finished());
    let under_way: Vec<String> = under_way
        .map(|(run, record)| {
            let history = histories.get(&(run.clone(), record.execution));
            let waits = history.map(|history| &history.outstanding);
            format!("{run} is {}, parked {:?}, waiting for {waits:?}", record.status, record.parked)
        })
        .collect();
    if !under_way.is_empty() {
        return Err(format!("runs do not end: {}; locks: {:?}", under_way.join("; "), durable.locks));
    }
    rewound(durable, histories)?;
    if let Some((entity, section)) = durable.locks.first() {
        return Err(format!("{entity} is still locked by {section:?}"));
    }
    // What an operator did to a lock is kept for a time, and something tells when that is over.
    let is_alarm = |body: &Body| matches!(body, Body::Expire { .. });
    if let Some(waiting) = durable.waiting.iter().find(|waiting| !is_alarm(&waiting.message.body)) {
        return Err(format!("a message is left in {:?}: {:?}", waiting.keyspace, waiting.message));
    }
    if let Some(task) = durable.tasks.first() {
        return Err(format!("an activity is left: {task:?}"));
    }
    let mut shown: Vec<_> = listed.iter().map(|info| (&info.id, info.status, info.first_execution)).collect();
    shown.sort_unstable_by_key(|(id, _, _)| *id);
    let there: Vec<_> = durable.runs.iter().map(|(id, record)| (id, record.status, record.first)).collect();
    if shown == there { Ok(()) } else { Err(format!("the listing shows {shown:?}, there are {there:?}")) }
}

/// Whether a limit keeps a run from its end, and with it its parent.
pub(crate) fn is_limited(durable: &Durable) -> bool {
    let is_over = |failure: &Failure| {
        matches!(failure.kind, FailureKind::OverLimit | FailureKind::RunExists | FailureKind::TooLarge)
    };
    let mut outcomes = durable.runs.values().filter_map(|record| record.outcome.as_ref());
    outcomes.any(|outcome| matches!(outcome, RunOutcome::Failed(failure) if is_over(failure)))
}

/// A run that is rewound as often as it fails returns what its input says.
fn rewound(durable: &Durable, histories: &Histories) -> Checked {
    for (run, record) in durable.runs.iter().filter(|(_, record)| record.name.as_str() == brittle::NAME) {
        let Some(history) = histories.get(&(run.clone(), record.execution)) else { continue };
        let input = history.events.iter().find_map(|event| match event {
            Event::Started(start) => json::decode::<Stages>(&start.input).ok(),
            _ => None,
        });
        let expected = input.map(|stages| stages.expected());
        match &record.outcome {
            Some(RunOutcome::Returned(result)) if json::decode::<Vec<Node>>(result).ok() == expected => {}
            Some(RunOutcome::Terminated { .. }) => {}
            Some(RunOutcome::Failed(_)) if is_limited(durable) => {}
            outcome => return Err(format!("{run} has come to {outcome:?}, and not to {expected:?}")),
        }
    }
    Ok(())
}
