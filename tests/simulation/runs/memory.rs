//! What was durable before, for those who compare.

use super::{
    account::{Op, Order},
    act::{Act, Program},
    record::{Histories, RunRecord},
};
use sarsen_orchestration::{Command, End, Event, Input};
use sarsen_protocol::{Address, CommandId, ExecutionId, RunId, RunOutcome, Section, json};
use std::collections::{BTreeMap, BTreeSet};

/// What was durable before.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The lock requests that wait at each entity.
    pub(crate) queues: BTreeMap<Address, Vec<Section>>,
    /// The locks that were held when the store was last looked at.
    pub(crate) held: Vec<(Address, Section)>,
    /// What was last seen of each life of a run, in order.
    pub(crate) lives: BTreeMap<RunId, Vec<RunRecord>>,
    /// Which performance of each activity was taken.
    pub(crate) taken: BTreeMap<(ExecutionId, CommandId), u64>,
    /// How runs have ended, as those were told who wait, by their first execution.
    pub(crate) ends: BTreeMap<ExecutionId, RunOutcome>,
    /// The process in which the store was last looked at.
    pub(crate) looked_in: u64,
    /// Executions whose ends have been noted.
    noted: BTreeSet<ExecutionId>,
    /// Executions that have come to their end by their code, in which nothing could cut anything short.
    whole: BTreeSet<u64>,
    /// What was asked of an account inside a section and answered before its end.
    pub(crate) answered: BTreeSet<Op>,
    /// The locks that an operator may have taken from their sections.
    pub(crate) forced: BTreeSet<(Address, Section)>,
}

impl Memory {
    /// Remembers how executions have ended.
    pub(crate) fn note_ends(&mut self, histories: &Histories) {
        for ((_, execution), history) in histories {
            if history.outstanding.is_ended() && self.noted.insert(*execution) {
                self.note_end(*execution, &history.events);
            }
        }
    }

    fn note_end(&mut self, execution: ExecutionId, events: &[Event]) {
        let mut asked: BTreeMap<CommandId, Op> = BTreeMap::new();
        for event in events {
            match event {
                Event::Issued(id, Command::Call { input, section: Some(_), .. }) => {
                    let order = json::decode::<Order>(input).ok();
                    asked.extend(order.map(|(op, _, _)| (*id, op)));
                }
                Event::Issued(_, Command::Unlock { .. }) => asked.clear(),
                Event::Arrived(Input::CallEnded { id, .. }) => self.answered.extend(asked.remove(id)),
                Event::TurnStarted { .. }
                | Event::Started(_)
                | Event::Arrived(_)
                | Event::Issued(..)
                | Event::Ended(_) => {}
            }
        }
        let started = events.iter().find_map(|event| match event {
            Event::Started(start) => json::decode::<Program>(&start.input).ok(),
            _ => None,
        });
        let by_itself =
            matches!(events.last(), Some(Event::Ended(End::Returned(_) | End::ContinuedAsNew(_))));
        if by_itself && started.is_some_and(|program| !program.acts.iter().any(cuts)) {
            self.whole.insert(execution.unique());
        }
    }

    /// Whether an execution is known to have done all that it began.
    pub(crate) fn is_whole(&self, execution: u64) -> bool {
        let robbed = |(_, section): &(Address, Section)| section.execution.unique() == execution;
        self.whole.contains(&execution) && !self.forced.iter().any(robbed)
    }

    /// Whether the lock of the account may have been taken from a section, named by its execution and its command.
    pub(crate) fn is_forced(&self, account: &str, (execution, command): (u64, u32)) -> bool {
        self.forced.iter().any(|(entity, section)| {
            entity.key() == account && (section.execution.unique(), section.id.0) == (execution, command)
        })
    }
}

/// Whether an act may end what is under way in its program, or be in its way.
fn cuts(act: &Act) -> bool {
    match act {
        Act::Join(_) | Act::Race(_) | Act::Limit(..) | Act::Panic | Act::Fail | Act::Again(_) => true,
        Act::Ahead(_, acts, _) | Act::Transfer(_, _, _, acts) => acts.iter().any(cuts),
        Act::Section(_, _, _, acts, ending) => {
            use super::act::Ending;
            matches!(ending, Ending::Fail | Ending::Panic | Ending::Again) || acts.iter().any(cuts)
        }
        Act::Work(..)
        | Act::Named(..)
        | Act::Events(..)
        | Act::Insist(..)
        | Act::Sleep(_)
        | Act::Event(..)
        | Act::Send(..)
        | Act::Child(..)
        | Act::Detach(..)
        | Act::Call(..)
        | Act::Signal(..)
        | Act::Status
        | Act::Draw
        | Act::Calls(_)
        | Act::Hasty(..)
        | Act::Stream(_) => false,
    }
}
