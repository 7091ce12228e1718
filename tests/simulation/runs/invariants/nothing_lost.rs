//! At every durable state something is coming for everything that an execution waits for: the row of the message or
//! task that it has sent, the lock request on its path, the timer, the child that is under way, or the answer's row.
//! Of answers there is one.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        brittle::brittle,
        record::{Durable, Histories, History, RunRecord},
    },
};
use sarsen_protocol::{
    Address, Body, CommandId, Completion, ExecutionId, Keyspace, Message, OrchestrationType, Origin, RunId,
};
use sarsen_testing::Fault;
use std::collections::BTreeSet;

pub(crate) const NAME: &str = "nothing_lost";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Host(Fault::LoseRows(Keyspace::Mailbox)),
    Armed::Host(Fault::LoseRows(Keyspace::Inbox)),
    Armed::Host(Fault::LoseRows(Keyspace::Timers)),
    Armed::Host(Fault::LoseRows(Keyspace::Tasks)),
    Armed::Host(Fault::ReorderDeliveries),
    Armed::Engine(sarsen_engine::Fault::RewindForgets),
];

pub(crate) fn check(durable: &Durable, histories: &Histories) -> Checked {
    for (run, record) in durable.runs.iter().filter(|(_, record)| !record.status.is_finished()) {
        let what = match histories.get(&(run.clone(), record.execution)) {
            None => begin(durable, run, record.execution),
            Some(history) => under_way(durable, run, record, history),
        };
        what.map_err(|what| format!("{run}, execution {}: {what}", record.execution))?;
    }
    Ok(())
}

/// An execution without a history is about to begin.
fn begin(durable: &Durable, run: &RunId, execution: ExecutionId) -> Checked {
    let begins = |message: &Message| match &message.body {
        Body::Begin(begin) => begin.start.execution == execution,
        _ => false,
    };
    if durable.waiting_for(&Address::run(run)).any(begins) {
        Ok(())
    } else {
        Err("it has no history and nothing begins it".to_owned())
    }
}

fn under_way(durable: &Durable, run: &RunId, record: &RunRecord, history: &History) -> Checked {
    let execution = record.execution;
    if history.outstanding.is_ended() {
        return Err(format!("its history has ended and it is {}", record.status));
    }
    // An activity's time may be over while its answer is on its way: the first that comes counts.
    let (mut answered, mut overdue) = (BTreeSet::new(), BTreeSet::new());
    for (command, completion) in durable.completions(execution) {
        let of_its_kind = if *completion == Completion::Overdue { &mut overdue } else { &mut answered };
        // A child that has failed may be rewound before its parent hears of it: the first answer counts.
        let may_repeat = record.name.as_str() == brittle::NAME && matches!(completion, Completion::Child(_));
        if !of_its_kind.insert(command) && !may_repeat {
            return Err(format!("command {command} is completed twice, the second time by {completion:?}"));
        }
    }
    let lost = |what: &str, command: CommandId| Err(format!("{what} {command} is waited for and lost"));
    let outstanding = &history.outstanding;
    let is_open = |command: &CommandId| !answered.contains(command);
    let is_set = |timer: &CommandId| answered.contains(timer) || overdue.contains(timer);
    if let Some(timer) = outstanding.timers().keys().copied().find(|timer| !is_set(timer)) {
        return lost("timer", timer);
    }
    let has_row = |command: CommandId| {
        durable.tasks.iter().any(|task| task.execution == execution && task.command == command)
    };
    if let Some(task) = outstanding.tasks().iter().copied().find(|task| is_open(task) && !has_row(*task)) {
        return lost("activity", task);
    }
    let mut open_calls = outstanding.calls().keys().copied().filter(is_open);
    if let Some(call) = open_calls.find(|call| !is_called(durable, execution, *call)) {
        return lost("call", call);
    }
    let mut open_children = outstanding.children().iter().filter(|(command, _)| is_open(command));
    if let Some((child, _)) = open_children.find(|(command, child)| !is_child(durable, run, **command, child))
    {
        return lost("child", *child);
    }
    match outstanding.section().filter(|section| !section.granted && is_open(&section.id)) {
        Some(section) if !is_asked_for(durable, execution, section.id) => lost("section", section.id),
        _ => Ok(()),
    }
}

fn is_called(durable: &Durable, execution: ExecutionId, call: CommandId) -> bool {
    durable.waiting.iter().any(|waiting| match &waiting.message.from {
        Origin::Execution { execution: by, command, .. } => *by == execution && *command == call,
        Origin::Client { .. } | Origin::Instance(_) => false,
    })
}

fn is_child(durable: &Durable, parent: &RunId, command: CommandId, child: &RunId) -> bool {
    let by = |of: &sarsen_protocol::Parent| of.run == *parent && of.command == command;
    let under_way = durable
        .runs
        .get(child)
        .is_some_and(|record| !record.status.is_finished() && record.parent.as_ref().is_some_and(by));
    under_way
        || durable.waiting_for(&Address::run(child)).any(|message| match &message.body {
            Body::Start(start) => start.parent.as_ref().is_some_and(by),
            _ => false,
        })
}

fn is_asked_for(durable: &Durable, execution: ExecutionId, section: CommandId) -> bool {
    let requests = durable.waiting.iter().filter_map(|waiting| waiting.message.body.lock_request());
    requests.map(|request| &request.section).any(|of| of.execution == execution && of.id == section)
}
