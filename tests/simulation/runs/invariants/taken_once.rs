//! The result of each activity is taken once, from a performance of what was asked for, in the process that was running
//! when it was taken: what an earlier process has handed out counts for nothing, and neither does a second answer.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        act::Node,
        activity::{Order, Performed, Refusal},
        memory::Memory,
        record::{Durable, Histories},
        stage,
    },
};
use sarsen_orchestration::{Command, Event, Input};
use sarsen_protocol::{CommandId, Completion, ExecutionId, Failure, Payload, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NAME: &str = "taken_once";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Engine(sarsen_engine::Fault::AcceptOldToken),
    Armed::Host(sarsen_testing::Fault::AnswerTaskAsAnother),
];

/// What the host says of answers that it has made up and that nobody may take.
const VOID: [&str; 2] = ["a second answer", "an answer of an earlier process"];

pub(crate) fn check(durable: &Durable, histories: &Histories, memory: &mut Memory) -> Checked {
    let since = std::mem::replace(&mut memory.looked_in, stage::process());
    // What was taken by an execution is given to the one that goes on behind its failure.
    let rewound: BTreeSet<ExecutionId> = histories
        .iter()
        .filter(|(_, history)| history.is_rewound())
        .map(|((_, execution), _)| *execution)
        .collect();
    for record in durable.runs.values().filter(|record| !rewound.contains(&record.execution)) {
        for (command, completion) in durable.completions(record.execution) {
            match completion {
                Completion::Task(result) => taken(memory, since, (record.execution, command), result)?,
                Completion::Failed(failed) => {
                    let result = Err(failed.failure.clone());
                    taken(memory, since, (record.execution, command), &result)?;
                }
                _ => {}
            }
        }
    }
    for ((_, execution), history) in
        histories.iter().filter(|((_, execution), _)| !rewound.contains(execution))
    {
        let mut asked: BTreeMap<CommandId, Node> = BTreeMap::new();
        for event in &history.events {
            match event {
                Event::Issued(id, Command::Task { input, .. }) => note(&mut asked, *id, input),
                Event::Issued(id, Command::Attempt(attempt)) => note(&mut asked, *id, &attempt.input),
                Event::Arrived(Input::TaskEnded { id, result }) => {
                    taken(memory, since, (*execution, *id), result)?;
                    fits(&asked, (*execution, *id), result)?;
                }
                Event::Arrived(Input::AttemptFailed { id, failure, .. }) => {
                    let result = Err(failure.clone());
                    taken(memory, since, (*execution, *id), &result)?;
                    fits(&asked, (*execution, *id), &result)?;
                }
                Event::TurnStarted { .. }
                | Event::Started(_)
                | Event::Arrived(_)
                | Event::Issued(..)
                | Event::Ended(_) => {}
            }
        }
    }
    Ok(())
}

/// Notes which place in the program an activity is of.
fn note(asked: &mut BTreeMap<CommandId, Node>, id: CommandId, input: &Payload) {
    asked.extend(json::decode::<Order>(input).ok().map(|order| (id, order.node)));
}

/// Whether a result is of what was asked for.
fn fits(
    asked: &BTreeMap<CommandId, Node>,
    (execution, id): (ExecutionId, CommandId),
    result: &Result<Payload, Failure>,
) -> Checked {
    let node = performed(result).map(|performed| performed.node);
    if node.is_some_and(|node| asked.get(&id) != Some(&node)) {
        return Err(format!("activity {id} of execution {execution} was answered by {result:?}"));
    }
    Ok(())
}

fn taken(
    memory: &mut Memory,
    since: u64,
    (execution, command): (ExecutionId, CommandId),
    result: &Result<Payload, Failure>,
) -> Checked {
    if result.as_ref().is_err_and(|failure| VOID.iter().any(|void| failure.message.ends_with(void))) {
        return Err(format!("activity {command} of execution {execution} was answered by {result:?}"));
    }
    let Some(performed) = performed(result) else { return Ok(()) };
    let before = memory.taken.insert((execution, command), performed.performance);
    match before {
        None if performed.process < since => Err(format!(
            "activity {command} of execution {execution} was answered by {performed:?} after process {since} began"
        )),
        Some(before) if before != performed.performance => Err(format!(
            "activity {command} of execution {execution} was answered by performance {before}, and now by {performed:?}"
        )),
        _ => Ok(()),
    }
}

/// Which performance it was, if the activity says so.
fn performed(result: &Result<Payload, Failure>) -> Option<Performed> {
    match result {
        Ok(answer) => json::decode(answer).ok(),
        Err(failure) => json::decode::<Refusal>(failure.details.as_ref()?).ok().map(|refusal| refusal.0),
    }
}
