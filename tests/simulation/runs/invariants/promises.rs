//! What a client learns is durable at that moment and stays true: a start that was acknowledged is there, an event that
//! was acknowledged is in some record, who waits for a run is told how it has ended, an activity that begins has been
//! asked for. A start that is repeated under its key is the same run.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        code::{Report, Stopped},
        memory::Memory,
        oracle::{Oracle, Told},
        record::{self, Durable, Histories, RunRecord},
    },
};
use sarsen_orchestration::{Command, Event};
use sarsen_protocol::{
    Answer, Body, ExecutionId, Identity, Keyspace, Message, Payload, RaisedEvent, RunId, RunOutcome, Task,
    json,
};
use sarsen_storage::Store;
use sarsen_testing::{Fault, rows};

pub(crate) const NAME: &str = "promises";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Host(Fault::EarlyEffects), Armed::Host(Fault::RunEndedEarly), Armed::Host(Fault::PerformEarly)];

/// Compares an answer that is about to leave with the store.
pub(crate) fn check_release<S: Store>(
    oracle: &mut Oracle,
    message: &Message,
    answer: &Answer,
    store: &S,
) -> Checked {
    match (&message.body, answer) {
        (Body::Start(start), Answer::Returned(first)) => {
            let first: ExecutionId = json::decode(first).map_err(|failure| failure.message)?;
            same_under_key(oracle, message, first)?;
            started(oracle, &start.launch.run, first, store)
        }
        (Body::Event(event), Answer::Acknowledged) => raised(oracle, message, event, store),
        _ => Ok(()),
    }
}

fn same_under_key(oracle: &mut Oracle, message: &Message, first: ExecutionId) -> Checked {
    let Identity::Key(key) = &message.identity else { return Ok(()) };
    match oracle.started.insert(key.as_str().to_owned(), first) {
        Some(before) if before != first => {
            Err(format!("the start under {} was run {before}, and is now {first}", key.as_str()))
        }
        _ => Ok(()),
    }
}

fn started<S: Store>(oracle: &Oracle, run: &RunId, first: ExecutionId, store: &S) -> Checked {
    // A store that has just failed cannot be asked; what leaves then was durable before.
    let Ok(record) = record::run(store, run) else { return Ok(()) };
    match record {
        Some(record) if record.first == first => Ok(()),
        _ if oracle.is_cleared(run.as_str()) => Ok(()),
        record => Err(format!("{run} was started as {first}, and in the store is {record:?}")),
    }
}

fn raised<S: Store>(oracle: &Oracle, message: &Message, event: &RaisedEvent, store: &S) -> Checked {
    let run = message.to.key();
    if oracle.is_cleared(run) {
        return Ok(());
    }
    let wanted = digits(&event.input);
    for keyspace in Keyspace::ALL {
        let Ok(rows) = rows(store, keyspace) else { return Ok(()) };
        let has = |value: &[u8]| value.windows(wanted.len()).any(|window| window == wanted);
        if rows.iter().any(|row| has(&row.value)) {
            return Ok(());
        }
    }
    Err(format!("event {:?} of {run} was acknowledged and is in no record", event.input))
}

/// The ten digits that name an event.
fn digits(input: &Payload) -> Vec<u8> {
    input.as_bytes().iter().copied().skip_while(|byte| !byte.is_ascii_digit()).take(10).collect()
}

/// Compares what those are told who wait for a run with the store.
pub(crate) fn check_end<S: Store>(
    run: &RunId,
    first: ExecutionId,
    outcome: Option<&RunOutcome>,
    store: &S,
) -> Checked {
    let Ok(record) = record::run(store, run) else { return Ok(()) };
    let is_true = match (&record, outcome) {
        (Some(RunRecord { first: now, outcome: Some(known), .. }), Some(outcome)) if *now == first => {
            known == outcome
        }
        (Some(RunRecord { first: now, .. }), _) => *now != first,
        (None, _) => true,
    };
    if is_true {
        Ok(())
    } else {
        Err(format!("{run} was told to have ended as {outcome:?}, it is {record:?}"))
    }
}

/// Whether an activity that begins was asked for, as a history says that is durable. One whose execution has gone
/// meanwhile is cancelled next.
pub(crate) fn check_perform(task: &Task, durable: &Durable, histories: &Histories) -> Checked {
    let issued = |event: &Event| matches!(event, Event::Issued(id, Command::Task { .. } | Command::Attempt(_)) if *id == task.token.command);
    let is_known = match histories.get(&(task.run.clone(), task.execution)) {
        Some(history) => history.events.iter().any(issued),
        None => {
            durable.runs.get(&task.run).is_some_and(|run| run.execution.unique() > task.execution.unique())
        }
    };
    if is_known || !durable.runs.contains_key(&task.run) && histories.keys().all(|key| key.0 != task.run) {
        return Ok(());
    }
    Err(format!("{task:?} begins and no history asks for it"))
}

/// Compares what was told of the ends of runs with what they were.
pub(crate) fn check(oracle: &Oracle, memory: &Memory) -> Checked {
    for (first, told) in &oracle.told {
        let lives = memory.lives.values().flatten();
        let seen = lives.filter(|life| life.first == *first).find_map(|life| life.outcome.as_ref());
        let Some(outcome) = seen.or_else(|| memory.ends.get(first)) else { continue };
        if as_told(outcome) != *told {
            return Err(format!("the run of {first} was told to have ended as {told:?}, it was {outcome:?}"));
        }
    }
    Ok(())
}

/// An outcome as a client is told of it.
fn as_told(outcome: &RunOutcome) -> Told {
    match outcome {
        RunOutcome::Returned(result) => match json::decode::<Report>(result) {
            Ok(report) => Told::Returned(Ok(report)),
            Err(failure) => Told::Failed(failure.to_string()),
        },
        RunOutcome::Failed(failure) => {
            let stopped = failure.details.as_ref().and_then(|details| json::decode::<Stopped>(details).ok());
            stopped.map_or_else(|| Told::Failed(failure.to_string()), |stopped| Told::Returned(Err(stopped)))
        }
        RunOutcome::Terminated { .. } => Told::Terminated,
    }
}
