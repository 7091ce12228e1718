//! Rewinding: where a failed history is cut, and what is to be done again from there.
//!
//! What is kept is a beginning of the history as it stands, so code replays over it as it did. It ends before the
//! failure that the code did not come back from: the last failure that it was told of, and with it those right before
//! it, between which it has asked for nothing. What came behind that point is a consequence of it, except for what was
//! asked for before: such answers are given again, as if they came now. So recorded results stay, in an order that the
//! code can have seen.

use crate::{Command, CommandId, End, Event, Input, Outstanding};
use sarsen_protocol::{Address, Launch, Payload, Timestamp};

/// What becomes of a failed history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewound {
    /// What is kept; empty when the execution failed before anything came for it, so that it begins anew.
    pub kept: Vec<Event>,
    /// The input with which it began.
    pub input: Option<Payload>,
    /// What is asked for again: activities, failed calls, and timers, which may be due.
    pub again: Vec<(CommandId, Command)>,
    /// Children of which no good result is known: the one that is there is waited for unless it has failed.
    pub children: Vec<(CommandId, Launch)>,
    /// What had come and is given again, in order.
    pub later: Vec<Input>,
    /// Activities that had been asked for and had not ended.
    pub tasks: Vec<CommandId>,
    /// The custom status at that point, if the execution had set one.
    pub status: Option<Payload>,
}

/// Why a history cannot be rewound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewindError {
    /// It does not end with a failure.
    #[error("its last execution has not failed")]
    NotFailed,
    /// The point of failure is inside a critical section, whose locks were given back since.
    #[error(
        "it failed inside a critical section, whose locks others may have had since: start it again instead"
    )]
    InSection,
    /// A call had not been answered, so whether it was done is not known to the history.
    #[error("it failed while it waited for {to}, and what came of that is not known: start it again instead")]
    Unanswered {
        /// Who was called.
        to: Address,
    },
}

impl Rewound {
    /// Cuts a whole history at its point of failure, at a moment: what has only so long has as long again from then.
    ///
    /// # Errors
    /// [`RewindError`] when it did not fail, or failed where it cannot be taken up again.
    pub fn of(mut events: Vec<Event>, now: Timestamp) -> Result<Self, RewindError> {
        if !matches!(events.last(), Some(Event::Ended(End::Failed(_)))) {
            return Err(RewindError::NotFailed);
        }
        let whole = Outstanding::of(&events);
        let input = events.iter().find_map(|event| match event {
            Event::Started(start) => Some(start.input.clone()),
            _ => None,
        });
        let tasks = whole.tasks().iter().copied().collect();
        let mut rewound = Self { input, tasks, ..Self::default() };
        let Some(cut) = point_of_failure(&events) else { return Ok(rewound) };
        let tail = events.split_off(cut);
        events.pop_if(|last| matches!(last, Event::TurnStarted { .. }));
        renew_deadlines(&mut events, now);
        let open = Outstanding::of(&events);
        if open.section().is_some() {
            return Err(RewindError::InSection);
        }
        rewound.later = tail.into_iter().filter_map(|event| kept_input(event, &open)).collect();
        let is_open = |id: &CommandId| !rewound.later.iter().any(|input| answers(input) == Some(*id));
        let unanswered = open.calls().iter().find(|(id, _)| is_open(id) && whole.calls().contains_key(id));
        if let Some((_, to)) = unanswered {
            return Err(RewindError::Unanswered { to: to.clone() });
        }
        let wanted = |id: &CommandId| {
            let timer = open.timers().contains_key(id) && !open.tasks().contains(id);
            timer || ((open.tasks().contains(id) || open.calls().contains_key(id)) && is_open(id))
        };
        for event in &events {
            match event {
                Event::Issued(id, Command::Child(launch))
                    if open.children().contains_key(id) && is_open(id) =>
                {
                    rewound.children.push((*id, launch.clone()));
                }
                Event::Issued(id, command) if wanted(id) => rewound.again.push((*id, command.clone())),
                Event::Issued(_, Command::SetStatus { status }) => rewound.status = Some(status.clone()),
                _ => {}
            }
        }
        rewound.kept = events;
        Ok(rewound)
    }
}

/// Where the failure begins: with the first event that is not kept. `None`: with the first of all.
fn point_of_failure(events: &[Event]) -> Option<usize> {
    let Some(last) = events.iter().rposition(is_failure) else {
        // The code failed by itself, at what came last.
        return events.iter().rposition(|event| matches!(event, Event::Arrived(input) if is_taken(input)));
    };
    let asked = events[..last].iter().rposition(asks).map_or(0, |at| at + 1);
    events[asked..=last].iter().position(is_failure).map(|at| asked + at)
}

/// Whether the code was told of a failure.
fn is_failure(event: &Event) -> bool {
    matches!(
        event,
        Event::Arrived(
            Input::TaskEnded { result: Err(_), .. }
                | Input::ChildEnded { result: Err(_), .. }
                | Input::CallEnded { result: Err(_), .. }
                | Input::AttemptFailed { .. }
                | Input::LockRefused { .. }
        )
    )
}

/// Whether the code takes notice of an input.
fn is_taken(input: &Input) -> bool {
    !matches!(input, Input::Suspended { .. } | Input::Resumed { .. } | Input::Rewound { .. })
}

/// Whether the code asked for anything; to give something up is not to ask.
fn asks(event: &Event) -> bool {
    match event {
        Event::Issued(_, command) => !matches!(command, Command::CancelTimer { .. } | Command::Unlock { .. }),
        _ => false,
    }
}

/// An input behind the point of failure that stays: a good answer to what had been asked for before it, an event.
fn kept_input(event: Event, open: &Outstanding) -> Option<Input> {
    let Event::Arrived(input) = event else { return None };
    let is_kept = match &input {
        Input::TaskEnded { id, result: Ok(_) } => open.tasks().contains(id),
        Input::ChildEnded { id, result: Ok(_) } => open.children().contains_key(id),
        Input::CallEnded { id, result: Ok(_) } => open.calls().contains_key(id),
        Input::EventRaised { .. } => true,
        Input::TaskEnded { .. }
        | Input::ChildEnded { .. }
        | Input::CallEnded { .. }
        | Input::AttemptFailed { .. }
        | Input::TimerFired { .. }
        | Input::LockGranted { .. }
        | Input::LockRefused { .. }
        | Input::Suspended { .. }
        | Input::Resumed { .. }
        | Input::Rewound { .. } => false,
    };
    is_kept.then_some(input)
}

/// The command that an input answers.
fn answers(input: &Input) -> Option<CommandId> {
    match input {
        Input::TaskEnded { id, .. } | Input::ChildEnded { id, .. } | Input::CallEnded { id, .. } => Some(*id),
        _ => None,
    }
}

/// Lets attempts that are still to end have as long from `now` on as they had from their begin.
fn renew_deadlines(events: &mut [Event], now: Timestamp) {
    let mut at = Timestamp::default();
    for event in events {
        match event {
            Event::TurnStarted { at: begun } => at = *begun,
            Event::Issued(_, Command::Attempt(attempt)) => {
                attempt.until = attempt.until.map(|until| until.max(now.after(until.since(at))));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
