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
        record::{Histories, History},
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
        if asked.is_applied() && !is_done && (*call || !finish.dead_ops.contains(op)) {
            return Err(format!("{op:?} was told to be done, and was not: {asked:?}"));
        }
        if (asked.is_impossible() || asked.is_undone()) && is_done {
            return Err(format!("{op:?} was refused, and was done: {asked:?}"));
        }
    }
    let done = Done { done: &done, dead: &finish.dead_ops };
    histories.iter().try_for_each(|((run, execution), history)| {
        by_execution(&done, history)
            .map_err(|what| format!("{what}, which execution {execution} of {run} has sent"))
    })
}

/// What was done, and what was given up.
struct Done<'a> {
    done: &'a BTreeSet<Op>,
    dead: &'a BTreeSet<Op>,
}

impl Done<'_> {
    /// What a deed that was done has sent has come; what one that failed has sent is nowhere.
    fn check_sent(&self, (op, _, deed): &Order) -> Checked {
        let Some((poked, account)) = deed.pokes(*op) else { return Ok(()) };
        let (sent, came) = (self.done.contains(op), self.done.contains(&poked) || self.dead.contains(&poked));
        if sent == came {
            Ok(())
        } else {
            Err(format!("{op:?}, {deed:?}, was done: {sent}, and {poked:?} has come to {account}: {came}"))
        }
    }

    fn check_signal(&self, order: &Order) -> Checked {
        let (op, _, deed) = order;
        let (is_done, is_dead) = (self.done.contains(op), self.dead.contains(op));
        let fits = match deed {
            Deed::Move(_) => true,
            other if other.succeeds() => is_done || is_dead,
            _ => is_dead && !is_done,
        };
        if fits { self.check_sent(order) } else { Err(format!("the signal {op:?}, {deed:?}, is nowhere")) }
    }
}

fn by_execution(done: &Done<'_>, history: &History) -> Checked {
    let order = |input| json::decode::<Order>(input).map_err(|failure| failure.message);
    let mut called: BTreeMap<CommandId, Order> = BTreeMap::new();
    for event in &history.events {
        match event {
            Event::Issued(_, Command::Signal { input, .. }) => done.check_signal(&order(input)?)?,
            Event::Issued(id, Command::Call { input, .. }) => {
                let order = order(input)?;
                done.check_sent(&order)?;
                called.insert(*id, order);
            }
            Event::Arrived(Input::CallEnded { id, result }) => {
                let Some((op, _, _)) = called.remove(id) else { continue };
                if result.is_ok() != done.done.contains(&op) {
                    return Err(format!("{result:?} answered the call {op:?}"));
                }
            }
            Event::TurnStarted { .. }
            | Event::Started(_)
            | Event::Arrived(_)
            | Event::Issued(..)
            | Event::Ended(_) => {}
        }
    }
    Ok(())
}
