//! What an execution waits for, for people who ask why it does not go on.

use crate::{Command, CommandId, Event, Execution, Outstanding, request::CANCEL};
use sarsen_protocol::{ActivityName, Address, EventName, OperationName, OrchestrationName, RunId, Timestamp};
use std::collections::BTreeMap;

/// Something that an execution waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// An activity that was asked for.
    Activity {
        /// The activity.
        name: ActivityName,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// When it was asked for.
        since: Timestamp,
        /// When it has failed if it has not ended.
        until: Option<Timestamp>,
    },
    /// The time before another attempt of an activity.
    NextAttempt {
        /// The activity.
        name: ActivityName,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// When it begins.
        at: Timestamp,
    },
    /// A timer.
    Timer {
        /// When it fires.
        at: Timestamp,
    },
    /// An event.
    Event {
        /// Its name.
        name: EventName,
        /// When it is waited for no longer.
        until: Option<Timestamp>,
    },
    /// The end of a child.
    Child {
        /// The child.
        run: RunId,
        /// What it runs.
        orchestration: OrchestrationName,
        /// When it is started again, while it is over and waits for that.
        again: Option<Timestamp>,
    },
    /// The answer of an entity.
    Call {
        /// The entity.
        entity: Address,
        /// The operation.
        operation: OperationName,
        /// When it was asked for.
        since: Timestamp,
    },
    /// The locks of a section.
    Lock {
        /// Its entities, in the order in which they are locked.
        entities: Vec<Address>,
        /// When they were asked for.
        since: Timestamp,
        /// When they are waited for no longer.
        until: Option<Timestamp>,
    },
}

/// What the code of an execution waits for, as the execution itself knows it.
#[derive(Clone, Debug)]
pub(crate) enum Awaited {
    /// The end of a command.
    Command(CommandId),
    /// The locks of a section, perhaps with a timer.
    Lock { section: CommandId, timer: Option<CommandId> },
    /// The timer before another attempt of an activity, or of a child.
    Pause { timer: CommandId, wanted: Wanted, attempt: u32 },
    /// An event, perhaps with a timer.
    Event { name: EventName, timer: Option<CommandId> },
}

/// What another attempt is made of.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Activity(ActivityName),
    Child(RunId, OrchestrationName),
}

/// What an execution of this history waits for, in the order in which it was asked for; events come last.
///
/// `execution`, which has replayed the history, knows what its code has given up, which events it waits for, and what a
/// timer is set for. Without it, what the history leaves is told.
pub fn waits(history: &[Event], execution: Option<&Execution>) -> Vec<Wait> {
    let commands = Commands::of(history);
    match execution {
        Some(execution) => {
            execution.awaited().into_iter().filter_map(|awaited| commands.wait(awaited)).collect()
        }
        None => commands.left(&Outstanding::of(history)),
    }
}

/// The commands of a history, and when they were issued.
struct Commands<'h>(BTreeMap<CommandId, (Timestamp, &'h Command)>);

impl<'h> Commands<'h> {
    fn of(history: &'h [Event]) -> Self {
        let mut now = Timestamp::default();
        let mut commands = BTreeMap::new();
        for event in history {
            match event {
                Event::TurnStarted { at } => now = *at,
                Event::Issued(id, command) => drop(commands.insert(*id, (now, command))),
                Event::Started(_) | Event::Arrived(_) | Event::Ended(_) => {}
            }
        }
        Self(commands)
    }

    /// What the history leaves.
    fn left(&self, outstanding: &Outstanding) -> Vec<Wait> {
        let timers = outstanding.timers().keys().filter(|timer| !outstanding.tasks().contains(timer));
        let section = outstanding.section().filter(|section| !section.granted).map(|section| section.id);
        let ids = outstanding.tasks().iter().chain(timers).chain(outstanding.children().keys());
        let mut ids: Vec<CommandId> = ids.chain(outstanding.calls().keys()).copied().chain(section).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.command(id)).collect()
    }

    fn wait(&self, awaited: Awaited) -> Option<Wait> {
        let at = |timer: CommandId| match self.0.get(&timer) {
            Some((_, Command::Timer { fire_at })) => Some(*fire_at),
            _ => None,
        };
        match awaited {
            Awaited::Command(id) => self.command(id),
            Awaited::Lock { section, timer } => match self.command(section)? {
                Wait::Lock { entities, since, .. } => {
                    Some(Wait::Lock { entities, since, until: timer.and_then(at) })
                }
                other => Some(other),
            },
            Awaited::Pause { timer, wanted: Wanted::Activity(name), attempt } => {
                Some(Wait::NextAttempt { name, attempt, at: at(timer)? })
            }
            Awaited::Pause { timer, wanted: Wanted::Child(run, orchestration), .. } => {
                Some(Wait::Child { run, orchestration, again: at(timer) })
            }
            Awaited::Event { name, timer } => Some(Wait::Event { name, until: timer.and_then(at) }),
        }
    }

    fn command(&self, id: CommandId) -> Option<Wait> {
        let (since, command) = self.0.get(&id)?;
        let since = *since;
        Some(match command {
            Command::Task { name, .. } => {
                Wait::Activity { name: name.clone(), attempt: 1, since, until: None }
            }
            Command::Attempt(attempt) => Wait::Activity {
                name: attempt.name.clone(),
                attempt: attempt.number,
                since,
                until: attempt.until,
            },
            Command::Timer { fire_at } => Wait::Timer { at: *fire_at },
            Command::Child(launch) => {
                Wait::Child { run: launch.run.clone(), orchestration: launch.name.clone(), again: None }
            }
            Command::Call { to, operation, .. } => {
                Wait::Call { entity: to.clone(), operation: operation.clone(), since }
            }
            Command::Unschedule { to, .. } => {
                Wait::Call { entity: to.clone(), operation: OperationName::of(CANCEL), since }
            }
            Command::Lock { entities } | Command::TryLock { entities } => {
                Wait::Lock { entities: entities.clone(), since, until: None }
            }
            Command::CancelTimer { .. }
            | Command::Detached(_)
            | Command::SendEvent { .. }
            | Command::Signal { .. }
            | Command::Schedule { .. }
            | Command::Unlock { .. }
            | Command::SetStatus { .. } => return None,
        })
    }
}
