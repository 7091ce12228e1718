//! What an execution asks for.

use sarsen_protocol::{
    ActivityName, Address, CommandId, EventName, Labels, Launch, OperationName, Payload, RunId,
    ScheduleRequest, Timestamp, UnscheduleRequest, json,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An act of an execution's code, to be carried out once it is durable. The order is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Runs an activity; answered by [`Input::TaskEnded`](crate::Input::TaskEnded).
    Task {
        /// The activity.
        name: ActivityName,
        /// Its input.
        input: Payload,
        /// What goes with it.
        labels: Labels,
    },
    /// Sets a timer; answered by [`Input::TimerFired`](crate::Input::TimerFired).
    Timer {
        /// When it fires.
        fire_at: Timestamp,
    },
    /// Takes back a timer that has not fired.
    CancelTimer {
        /// The timer's command.
        timer: CommandId,
    },
    /// Starts a child; answered by [`Input::ChildEnded`](crate::Input::ChildEnded).
    Child(Launch),
    /// Starts a run that nobody waits for.
    Detached(Launch),
    /// Raises an event at another run.
    SendEvent {
        /// The receiver.
        run: RunId,
        /// The event.
        name: EventName,
        /// What it carries.
        input: Payload,
    },
    /// Asks for an operation whose answer nobody waits for.
    Signal {
        /// The entity.
        to: Address,
        /// The operation.
        operation: OperationName,
        /// Its input.
        input: Payload,
        /// Not before this moment; `None` is now.
        due: Option<Timestamp>,
    },
    /// Asks for an operation; answered by [`Input::CallEnded`](crate::Input::CallEnded).
    Call {
        /// The entity.
        to: Address,
        /// The operation.
        operation: OperationName,
        /// Its input.
        input: Payload,
        /// The section inside which it is asked for, which holds the entity's lock.
        section: Option<CommandId>,
    },
    /// Asks for the locks of a critical section, which is named by this command's id; answered by
    /// [`Input::LockGranted`](crate::Input::LockGranted).
    Lock {
        /// The entities, in ascending order, each once; never empty.
        entities: Vec<Address>,
    },
    /// Ends a section: gives back its locks, or cancels a request that still waits.
    Unlock {
        /// The section.
        section: CommandId,
    },
    /// Changes the run's custom status.
    SetStatus {
        /// The status.
        status: Payload,
    },
    /// Runs an activity of which more is asked than in [`Task`](Self::Task); answered as that is, or by
    /// [`Input::AttemptFailed`](crate::Input::AttemptFailed).
    Attempt(Box<Attempt>),
    /// Asks for the locks of a critical section as [`Lock`](Self::Lock) does, unless somebody else holds one of them;
    /// then it is answered by [`Input::LockRefused`](crate::Input::LockRefused).
    TryLock {
        /// The entities, in ascending order, each once; never empty.
        entities: Vec<Address>,
    },
    /// Schedules an operation of an entity under an id.
    Schedule {
        /// The entity.
        to: Address,
        /// What is scheduled.
        request: Box<ScheduleRequest>,
    },
    /// Asks that nothing is scheduled at an entity under an id any longer; answered, as a call is, by whether anything
    /// was.
    Unschedule {
        /// The entity.
        to: Address,
        /// The id.
        request: Box<UnscheduleRequest>,
    },
}

/// One of the attempts of an activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The activity.
    pub name: ActivityName,
    /// Its input.
    pub input: Payload,
    /// What goes with it.
    pub labels: Labels,
    /// Which attempt it is, counted from 1.
    pub number: u32,
    /// The command of the first attempt; `None` when this is it.
    pub first: Option<CommandId>,
    /// When it has failed if it has not ended.
    pub until: Option<Timestamp>,
    /// What the attempts before have last said of how far they had got.
    pub progress: Option<Payload>,
}

impl Command {
    /// The activity that the command asks for, and its input.
    fn activity(&self) -> Option<(&ActivityName, &Payload)> {
        match self {
            Self::Task { name, input, .. } => Some((name, input)),
            Self::Attempt(attempt) => Some((&attempt.name, &attempt.input)),
            _ => None,
        }
    }

    /// Whether replayed code that issued `self` did what the history says; inputs are compared as JSON values, and
    /// labels and what bounds an attempt are not compared.
    pub(crate) fn repeats(&self, recorded: &Self) -> bool {
        match (self, recorded) {
            (Self::Task { .. } | Self::Attempt(_), recorded) => {
                let (now, then) = (self.activity(), recorded.activity());
                now.zip(then).is_some_and(|((name, input), (name_then, input_then))| {
                    name == name_then && json::equal(input, input_then)
                })
            }
            (Self::Child(launch), Self::Child(then)) | (Self::Detached(launch), Self::Detached(then)) => {
                launch.run == then.run && launch.name == then.name && json::equal(&launch.input, &then.input)
            }
            (
                Self::SendEvent { run, name, input },
                Self::SendEvent { run: run_then, name: name_then, input: input_then },
            ) => run == run_then && name == name_then && json::equal(input, input_then),
            (
                Self::Signal { to, operation, input, due },
                Self::Signal { to: to_then, operation: operation_then, input: input_then, due: due_then },
            ) => {
                (to, operation, due) == (to_then, operation_then, due_then) && json::equal(input, input_then)
            }
            (
                Self::Call { to, operation, input, section },
                Self::Call {
                    to: to_then,
                    operation: operation_then,
                    input: input_then,
                    section: section_then,
                },
            ) => {
                (to, operation, section) == (to_then, operation_then, section_then)
                    && json::equal(input, input_then)
            }
            (Self::SetStatus { status }, Self::SetStatus { status: then }) => json::equal(status, then),
            (Self::Schedule { to, request }, Self::Schedule { to: to_then, request: then }) => {
                let plan = |request: &ScheduleRequest| (request.due, request.every, request.section);
                (to, &request.id, &request.operation) == (to_then, &then.id, &then.operation)
                    && plan(request) == plan(then)
                    && json::equal(&request.input, &then.input)
            }
            (
                Self::Timer { .. }
                | Self::CancelTimer { .. }
                | Self::Lock { .. }
                | Self::TryLock { .. }
                | Self::Unlock { .. }
                | Self::Unschedule { .. },
                recorded,
            ) => self == recorded,
            (
                Self::Child(_)
                | Self::Detached(_)
                | Self::SendEvent { .. }
                | Self::Signal { .. }
                | Self::Call { .. }
                | Self::SetStatus { .. }
                | Self::Schedule { .. },
                _,
            ) => false,
        }
    }
}

/// The command in words, as it stands in messages.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { name, input, .. } => write!(f, "activity `{name}` with {}", Excerpt(input)),
            Self::Attempt(attempt) => {
                let Attempt { name, input, number, until, .. } = &**attempt;
                write!(f, "attempt {number} of activity `{name}` with {}", Excerpt(input))?;
                until.map_or(Ok(()), |until| write!(f, " until {until}"))
            }
            Self::Timer { fire_at } => write!(f, "a timer for {fire_at}"),
            Self::CancelTimer { timer } => write!(f, "the end of timer {timer}"),
            Self::Child(Launch { run, name, input, .. }) => {
                write!(f, "orchestration `{name}` as run `{run}` with {}", Excerpt(input))
            }
            Self::Detached(Launch { run, name, input, .. }) => {
                write!(f, "detached orchestration `{name}` as run `{run}` with {}", Excerpt(input))
            }
            Self::SendEvent { run, name, input } => {
                write!(f, "event `{name}` to run `{run}` with {}", Excerpt(input))
            }
            Self::Signal { to, operation, input, due } => {
                write!(f, "signal `{operation}` to {to} with {}", Excerpt(input))?;
                due.map_or(Ok(()), |due| write!(f, " for {due}"))
            }
            Self::Call { to, operation, input, section } => {
                write!(f, "call `{operation}` of {to} with {}", Excerpt(input))?;
                section.map_or(Ok(()), |section| write!(f, " in section {section}"))
            }
            Self::Lock { entities } | Self::TryLock { entities } => {
                let free = if matches!(self, Self::TryLock { .. }) { "free " } else { "" };
                write!(f, "a section over {free}")?;
                for (index, entity) in entities.iter().enumerate() {
                    write!(f, "{}{entity}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Unlock { section } => write!(f, "the end of section {section}"),
            Self::SetStatus { status } => write!(f, "status {}", Excerpt(status)),
            Self::Schedule { to, request } => {
                let ScheduleRequest { id, operation, input, due, every, section } = &**request;
                write!(f, "signal `{operation}` to {to} as `{id}` with {} for {due}", Excerpt(input))?;
                every.map_or(Ok(()), |every| write!(f, " and every {} us", every.duration().as_micros()))?;
                section.map_or(Ok(()), |section| write!(f, " in section {section}"))
            }
            Self::Unschedule { to, request } => {
                write!(f, "the end of what is scheduled as `{}` at {to}", request.id)?;
                request.section.map_or(Ok(()), |section| write!(f, " in section {section}"))
            }
        }
    }
}

/// The beginning of a payload, as it stands in messages.
pub(crate) struct Excerpt<'a>(pub(crate) &'a Payload);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 200;
        let text = String::from_utf8_lossy(self.0.as_bytes());
        match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => write!(f, "{}...", &text[..end]),
            None => f.write_str(&text),
        }
    }
}
