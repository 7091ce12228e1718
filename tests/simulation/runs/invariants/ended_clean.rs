//! Nothing of an execution that is over goes on: its timers are gone in the commit of its end, and so are its activities
//! when it was terminated; then its children are over, or are about to be terminated, if they were to end with it.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        record::{Durable, Histories, History},
    },
};
use sarsen_engine::Fault;
use sarsen_orchestration::{End, Event, Outstanding};
use sarsen_protocol::{Address, Body, CommandId, ExecutionId, Keyspace, Message, Parent, RunId};

pub(crate) const NAME: &str = "ended_clean";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Engine(Fault::KeepTasks)];

pub(crate) fn check(durable: &Durable, histories: &Histories) -> Checked {
    for waiting in durable.waiting.iter().filter(|waiting| waiting.keyspace == Keyspace::Timers) {
        let (Some(run), Body::Completed(completed)) = (waiting.message.to.as_run(), &waiting.message.body)
        else {
            continue;
        };
        let under_way = durable
            .runs
            .get(&run)
            .is_some_and(|record| record.execution == completed.execution && !record.status.is_finished());
        if !under_way {
            return Err(format!("a timer of {run} is left behind the end of its execution: {completed:?}"));
        }
    }
    for task in &durable.tasks {
        let history = histories.get(&(task.run.clone(), task.execution));
        let end = history.and_then(|history| history.events.last());
        if matches!(end, Some(Event::Ended(End::Terminated { .. } | End::ContinuedAsNew(_)))) {
            return Err(format!("an activity is left behind the end of its execution: {task:?}"));
        }
    }
    histories.iter().try_for_each(|((run, execution), history)| {
        let Some(Event::Ended(End::Terminated { recurse: true, .. })) = history.events.last() else {
            return Ok(());
        };
        children(durable, histories, (run, *execution), &history.outstanding)
    })
}

/// The children of an execution that was terminated together with them.
fn children(
    durable: &Durable,
    histories: &Histories,
    (run, execution): (&RunId, ExecutionId),
    left: &Outstanding,
) -> Checked {
    let is_parent = |command: CommandId, parent: &Parent| {
        parent.run == *run && parent.execution == execution && parent.command == command
    };
    for (command, child) in left.children() {
        let address = Address::run(child);
        let terminates = |message: &Message| matches!(message.body, Body::Terminate { .. });
        let goes_on = durable.runs.get(child).is_some_and(|record| {
            let own = record.parent.as_ref().is_some_and(|parent| is_parent(*command, parent));
            // One that has failed may be rewound whatever has become of its parent.
            let history = histories.get(&(child.clone(), record.execution));
            own && !record.status.is_finished() && !history.is_some_and(History::is_rewound)
        });
        let starts = |message: &Message| match &message.body {
            Body::Start(start) => start.parent.as_ref().is_some_and(|parent| is_parent(*command, parent)),
            _ => false,
        };
        let may_go_on = goes_on || durable.waiting_for(&address).any(starts);
        if may_go_on && !durable.waiting_for(&address).any(terminates) {
            return Err(format!("{run} was terminated with its children, and {child} goes on"));
        }
    }
    Ok(())
}
