//! What an execution has asked for and has not got.

use crate::{Command, CommandId, End, Event, Input};
use sarsen_protocol::{Address, Payload, RunId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What an execution has asked for and has not got, by its history alone: no code of the user is needed, so it is
/// known of a parked execution too.
///
/// An execution that ends has given back its section by a command before the end. What else is left here is to be
/// deleted in the same commit: the timers, and behind a termination or a continue-as-new the tasks as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    tasks: BTreeSet<CommandId>,
    timers: BTreeMap<CommandId, Timestamp>,
    children: BTreeMap<CommandId, RunId>,
    calls: BTreeMap<CommandId, Address>,
    section: Option<OpenSection>,
    suspended: bool,
    ended: bool,
    now: Timestamp,
    next: CommandId,
}

/// A section that is held or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSection {
    /// Its name: the command that asked for it.
    pub id: CommandId,
    /// The entities, in ascending order.
    pub entities: Vec<Address>,
    /// Whether all locks are held.
    pub granted: bool,
}

impl Outstanding {
    /// What a whole history leaves.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut outstanding = Self::default();
        events.into_iter().for_each(|event| outstanding.apply(event));
        outstanding
    }

    /// Takes the next event of the history.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::TurnStarted { at } => self.now = *at,
            Event::Started(_) => {}
            Event::Arrived(input) => self.arrived(input),
            Event::Issued(id, command) => self.issued(*id, command),
            Event::Ended(_) => self.ended = true,
        }
    }

    fn arrived(&mut self, input: &Input) {
        match input {
            Input::TaskEnded { id, .. } | Input::AttemptFailed { id, .. } => {
                self.tasks.remove(id);
                self.timers.remove(id);
            }
            Input::TimerFired { id } => {
                self.timers.remove(id);
            }
            Input::ChildEnded { id, .. } => {
                self.children.remove(id);
            }
            Input::CallEnded { id, .. } => {
                self.calls.remove(id);
            }
            Input::LockGranted { id } => {
                if let Some(section) = self.section.as_mut().filter(|section| section.id == *id) {
                    section.granted = true;
                }
            }
            Input::LockRefused { id, .. } => {
                self.section.take_if(|open| open.id == *id);
            }
            Input::EventRaised { .. } | Input::Rewound { .. } => {}
            Input::Suspended { .. } => self.suspended = true,
            Input::Resumed { .. } => self.suspended = false,
        }
    }

    fn issued(&mut self, id: CommandId, command: &Command) {
        self.next = id.next();
        match command {
            Command::Task { .. } => {
                self.tasks.insert(id);
            }
            Command::Attempt(attempt) => {
                self.tasks.insert(id);
                self.timers.extend(attempt.until.map(|until| (id, until)));
            }
            Command::Timer { fire_at } => {
                self.timers.insert(id, *fire_at);
            }
            Command::CancelTimer { timer } => {
                self.timers.remove(timer);
            }
            Command::Child(launch) => {
                self.children.insert(id, launch.run.clone());
            }
            Command::Call { to, .. } | Command::Unschedule { to, .. } => {
                self.calls.insert(id, to.clone());
            }
            Command::Lock { entities } | Command::TryLock { entities } => {
                self.section = Some(OpenSection { id, entities: entities.clone(), granted: false });
            }
            Command::Unlock { section } => {
                self.section.take_if(|open| open.id == *section);
            }
            Command::Detached(_)
            | Command::SendEvent { .. }
            | Command::Signal { .. }
            | Command::Schedule { .. }
            | Command::SetStatus { .. } => {}
        }
    }

    /// Whether an input can be applied: whether it answers what was asked for and has not been answered.
    pub fn expects(&self, input: &Input) -> bool {
        !self.ended
            && match input {
                Input::TaskEnded { id, .. } | Input::AttemptFailed { id, .. } => self.tasks.contains(id),
                Input::TimerFired { id } => self.timers.contains_key(id) && !self.tasks.contains(id),
                Input::ChildEnded { id, .. } => self.children.contains_key(id),
                Input::CallEnded { id, .. } => self.calls.contains_key(id),
                Input::LockGranted { id } | Input::LockRefused { id, .. } => {
                    self.section.as_ref().is_some_and(|section| section.id == *id && !section.granted)
                }
                Input::EventRaised { .. } | Input::Rewound { .. } => true,
                Input::Suspended { .. } => !self.suspended,
                Input::Resumed { .. } => self.suspended,
            }
    }

    /// What a termination records, for an execution in memory as for a parked one: the locks are given back.
    pub fn terminate(&self, now: Timestamp, reason: Option<Payload>, recurse: bool) -> Vec<Event> {
        let unlock = self.section.as_ref().map(|section| {
            let command = Command::Unlock { section: section.id };
            Event::Issued(self.next, command)
        });
        let started = Event::TurnStarted { at: now.max(self.now) };
        let ended = Event::Ended(End::Terminated { reason, recurse });
        [Some(started), unlock, Some(ended)].into_iter().flatten().collect()
    }

    /// What a suspension records, for an execution in memory as for a parked one whose code cannot run; nothing when
    /// it is suspended or has ended. The execution has begun.
    pub fn suspend(&self, now: Timestamp, reason: Option<String>) -> Vec<Event> {
        self.arrival(now, Input::Suspended { reason })
    }

    /// What a resumption records, as [`suspend`](Self::suspend); nothing when it is not suspended.
    pub fn resume(&self, now: Timestamp, reason: Option<String>) -> Vec<Event> {
        self.arrival(now, Input::Resumed { reason })
    }

    /// What a rewinding records, as [`suspend`](Self::suspend), behind what is kept of a history.
    pub fn rewind(&self, now: Timestamp, reason: Option<String>) -> Vec<Event> {
        self.arrival(now, Input::Rewound { reason })
    }

    /// A turn with an input that no code takes notice of.
    fn arrival(&self, now: Timestamp, input: Input) -> Vec<Event> {
        if !self.expects(&input) {
            return Vec::new();
        }
        vec![Event::TurnStarted { at: now.max(self.now) }, Event::Arrived(input)]
    }

    /// Activities that have not ended.
    pub fn tasks(&self) -> &BTreeSet<CommandId> {
        &self.tasks
    }

    /// Timers that have neither fired nor been cancelled, and when they fire; among them those of activities that have
    /// only so long, under the activity's command.
    pub fn timers(&self) -> &BTreeMap<CommandId, Timestamp> {
        &self.timers
    }

    /// Children that have not ended.
    pub fn children(&self) -> &BTreeMap<CommandId, RunId> {
        &self.children
    }

    /// Calls that are not answered.
    pub fn calls(&self) -> &BTreeMap<CommandId, Address> {
        &self.calls
    }

    /// The section that is held or waited for.
    pub fn section(&self) -> Option<&OpenSection> {
        self.section.as_ref()
    }

    /// Whether the run is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether the execution has ended.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The time of the last turn.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
