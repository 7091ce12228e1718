//! What was asked of accounts is done once, or told to have failed, or a dead letter: by clients as they were told, by
//! executions as their histories say. Nothing is done that nobody has asked for.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        account::{Op, Order},
        act::Deed,
        finish::Finish,
        oracle::{Oracle, What},
        record::Histories,
    },
};
use sarsen_orchestration::{Command, Event, Input};
use sarsen_protocol::{CommandId, Keyspace, json};
use sarsen_testing::Fault;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NAME: &str = "sent_once";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Host(Fault::LoseRows(Keyspace::Mailbox)), Armed::Host(Fault::LoseRows(Keyspace::Dead))];

pub(crate) fn check(oracle: &Oracle, finish: &Finish, histories: &Histories) -> Checked {
    let done: BTreeSet<Op> =
        finish.accounts.values().flat_map(|account| &account.log).map(|entry| entry.op).collect();
    if let Some(op) = finish.dead_ops.iter().find(|op| done.contains(op)) {
        return Err(format!("{op:?} was done, and is a dead letter"));
    }
    for asked in &oracle.asked {
        let What::Note { op, call, .. } = &asked.what else { continue };
        let is_done = done.contains(op);
        if asked.is_done() && !is_done && (*call || !finish.dead_ops.contains(op)) {
            return Err(format!("{op:?} was told to be done, and was not: {asked:?}"));
        }
        if asked.is_impossible() && is_done {
            return Err(format!("{op:?} was refused, and was done: {asked:?}"));
        }
    }
    by_executions(finish, histories, &done)
}

fn by_executions(finish: &Finish, histories: &Histories, done: &BTreeSet<Op>) -> Checked {
    for ((run, execution), history) in histories {
        let mut called: BTreeMap<CommandId, Order> = BTreeMap::new();
        for event in &history.events {
            match event {
                Event::Issued(_, Command::Signal { input, .. }) => {
                    let (op, _, deed): Order = json::decode(input).map_err(|failure| failure.message)?;
                    let (is_done, is_dead) = (done.contains(&op), finish.dead_ops.contains(&op));
                    let fits = match deed {
                        Deed::Note | Deed::Poke(..) | Deed::Start(..) => is_done || is_dead,
                        Deed::Fail | Deed::Panic => is_dead && !is_done,
                        Deed::Move(_) => true,
                    };
                    if !fits {
                        return Err(format!("the signal {op:?} of {run}, {deed:?}, is nowhere"));
                    }
                }
                Event::Issued(id, Command::Call { input, .. }) => {
                    called.insert(*id, json::decode(input).map_err(|failure| failure.message)?);
                }
                Event::Arrived(Input::CallEnded { id, result }) => {
                    let Some((op, _, _)) = called.remove(id) else { continue };
                    if result.is_ok() != done.contains(&op) {
                        return Err(format!(
                            "the call {op:?} of execution {execution} of {run} was answered by {result:?}"
                        ));
                    }
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
