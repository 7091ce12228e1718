//! What has ended stands: a run that is over and is not rewound stays so, with the same outcome, which is the one that its history ends
//! with, until it is purged or replaced; and a run that was replaced never comes back.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        brittle::brittle,
        memory::Memory,
        record::{Durable, Histories, History, RunRecord},
    },
};
use sarsen_orchestration::{End, Event};
use sarsen_protocol::{Keyspace, OrchestrationType, RunId, RunOutcome, RunStatus};
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "ends_stand";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::History))];

pub(crate) fn check(durable: &Durable, histories: &Histories, memory: &mut Memory) -> Checked {
    for (run, record) in &durable.runs {
        let lives = memory.lives.entry(run.clone()).or_default();
        match lives.iter().position(|life| life.first == record.first) {
            None => lives.push(record.clone()),
            Some(at) if at + 1 < lives.len() => {
                return Err(format!("{run} is again what it was before it was replaced: {record:?}"));
            }
            Some(at) => {
                let before = &lives[at];
                if before.status.is_finished()
                    && !same(before, record)
                    && !is_rewound(run, before, record, histories)
                {
                    return Err(format!("{run} was over, {before:?}, and is now {record:?}"));
                }
                lives[at] = record.clone();
            }
        }
        if let Some(outcome) = &record.outcome {
            let history = histories.get(&(run.clone(), record.execution));
            let end = history.and_then(|history| history.events.last());
            let fits = matches!(end, Some(Event::Ended(end)) if fits(record.status, outcome, end));
            if !fits {
                return Err(format!("{run} is {record:?}, and its history ends with {end:?}"));
            }
        } else if record.status.is_finished() {
            return Err(format!("{run} is over and has no outcome: {record:?}"));
        }
    }
    Ok(())
}

/// Whether a run goes on behind an end, since it was rewound.
fn is_rewound(run: &RunId, before: &RunRecord, record: &RunRecord, histories: &Histories) -> bool {
    let history = histories.get(&(run.clone(), record.execution));
    let anew = record.name.as_str() == brittle::NAME && record.execution != before.execution;
    before.status == RunStatus::Failed && (anew || history.is_some_and(History::is_rewound))
}

fn same(before: &RunRecord, now: &RunRecord) -> bool {
    // One that was imported has the execution of its history, whatever was rewound before.
    let imported = now.execution == now.first && now.parent.is_none();
    before.status == now.status
        && before.outcome == now.outcome
        && (imported
            || before.execution == now.execution
                && before.completed == now.completed
                && before.custom_status == now.custom_status)
}

fn fits(status: RunStatus, outcome: &RunOutcome, end: &End) -> bool {
    match (status, outcome, end) {
        (RunStatus::Completed, RunOutcome::Returned(result), End::Returned(recorded)) => result == recorded,
        (RunStatus::Failed, RunOutcome::Failed(failure), End::Failed(recorded)) => failure == recorded,
        (
            RunStatus::Terminated,
            RunOutcome::Terminated { reason },
            End::Terminated { reason: recorded, .. },
        ) => reason == recorded,
        _ => false,
    }
}
