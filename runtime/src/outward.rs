//! What leaves a shard, with whom it concerns, and how it is let out.

use crate::{gate::Replier, works::Works};
use sarsen_engine::Input;
use sarsen_protocol::{
    Address, Answer, CallError, Delivery, Dispatch, DispatchToken, ExecutionId, Failure, Payload, RunId,
    RunOutcome, Section, ShardId, Task, TaskToken, Timestamp,
};

/// An effect with whom it concerns.
#[derive(Debug)]
pub(crate) enum Outward {
    /// A client is answered, if it is one of ours.
    Answer(Option<Replier>, Answer),
    /// A message goes to another shard.
    Deliver(ShardId, Box<Delivery>),
    /// An activity is to run.
    Perform(Box<Task>),
    /// An activity's result is of no more use.
    CancelTask(TaskToken),
    /// A run is over, or is gone.
    RunEnded(RunId, ExecutionId, Option<Box<RunOutcome>>),
    /// A run that had failed goes on.
    RunRewound(RunId, ExecutionId),
    /// The custom status of a run is another.
    StatusSet(RunId, ExecutionId, Box<Payload>),
    /// A message was given up: who was to receive it, what it was, why.
    DeadLetter(Address, Box<str>, Box<Failure>),
    /// An operator has taken the lock of an entity from a section.
    LockForced(Address, Box<Section>),
    /// An operation is to run off its shard.
    Operate(Box<Dispatch>),
    /// The outcome of such an operation is of no more use.
    CancelOperation(DispatchToken),
    /// A section holds the lock of an entity for long: since when.
    LockOverdue(Address, Box<Section>, Timestamp),
    /// An instance cannot go on: which one, and why.
    Parked(Address, String),
}

/// Lets out what was withheld and is durable now. Each shard gets its messages at once.
pub(crate) fn release(effects: Vec<Outward>, works: &Works) {
    let mut inputs: Vec<(ShardId, Vec<Input>)> = Vec::new();
    for effect in effects {
        match effect {
            Outward::Answer(Some(replier), answer) => replier.send(answer),
            Outward::Answer(None, _) => {}
            Outward::Deliver(to, delivery) => {
                let input = Input::Delivered(*delivery);
                match inputs.iter_mut().find(|(shard, _)| *shard == to) {
                    Some((_, inputs)) => inputs.push(input),
                    None => inputs.push((to, vec![input])),
                }
            }
            Outward::Perform(task) => works.activities.begin(*task),
            Outward::CancelTask(token) => works.activities.cancel(token),
            Outward::Operate(dispatch) => works.dispatches.begin(*dispatch),
            Outward::CancelOperation(token) => works.dispatches.cancel(token),
            Outward::RunEnded(run, first, outcome) => {
                works.run_ends.ended(&run, first, outcome.map(|outcome| *outcome));
            }
            Outward::RunRewound(run, first) => works.run_ends.rewound(&run, first),
            Outward::StatusSet(run, first, status) => works.run_ends.status_set(&run, first, *status),
            Outward::DeadLetter(address, what, failure) => {
                tracing::warn!(%address, %what, %failure, "a message was given up and is kept as a dead letter");
            }
            Outward::LockForced(entity, section) => {
                let (run, section) = (&section.run, section.id);
                tracing::warn!(%entity, %run, %section, "an operator has taken a lock from its section");
            }
            Outward::LockOverdue(entity, section, since) => {
                let (run, section) = (&section.run, section.id);
                tracing::warn!(%entity, %run, %section, %since, "a section has held a lock for long");
            }
            Outward::Parked(address, reason) => {
                tracing::warn!(%address, reason, "an instance is parked");
            }
        }
    }
    for (to, inputs) in inputs {
        works.doorway(to).push(inputs);
    }
}

/// Tells the clients of a batch that no store has seen. What it answers may have been accepted by one before it.
pub(crate) fn turn_back(effects: Vec<Outward>) {
    for effect in effects {
        if let Outward::Answer(Some(replier), _) = effect {
            replier.stop(true);
        }
    }
}

/// Tells the clients of batches that were given up.
pub(crate) fn give_up(effects: Vec<Outward>) {
    for effect in effects {
        if let Outward::Answer(Some(replier), _) = effect {
            replier.send(Answer::refused(CallError::OutcomeUnknown));
        }
    }
}
