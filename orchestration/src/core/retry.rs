//! An activity or a child that is attempted more than once.

use crate::{
    Again, Attempt, Attempted, Command, CommandId, Labels, Launch, RetryPolicy,
    wait::{self, Awaited},
};
use sarsen_protocol::{ActivityName, Failure, Payload, Timestamp};
use std::{fmt, rc::Rc, time::Duration};

/// What is asked for, and what is left of the plan for it. Attempts and the waits between them follow one another
/// whether or not somebody polls.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    wanted: Wanted,
    plan: Rc<Plan>,
    /// The attempt that is under way or is next, counted from 1.
    number: u32,
    /// The command of the first attempt, once it is issued.
    first: Option<CommandId>,
    /// When the first attempt began.
    began: Timestamp,
    /// The policy's wait before the next attempt.
    interval: Duration,
    /// What the attempts have last said of how far they had got.
    progress: Option<Payload>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Activity { name: ActivityName, input: Payload, labels: Labels },
    Child(Launch),
}

/// Whether a failure is one that another attempt may mend.
pub(crate) type Filter = Rc<dyn Fn(&Failure) -> bool>;

/// What to do about a failure.
pub(crate) type Handler = Rc<dyn Fn(&Attempted<'_>) -> Again>;

/// When another attempt is made, and how long each and all of them may take.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) policy: Option<RetryPolicy>,
    pub(crate) filter: Option<Filter>,
    pub(crate) handler: Option<Handler>,
    /// How long each attempt may take.
    pub(crate) timeout: Option<Duration>,
    /// How long all may take together.
    pub(crate) total_timeout: Option<Duration>,
}

impl Plan {
    /// Whether there is one attempt, which may take as long as it will.
    pub(super) fn is_plain(&self) -> bool {
        let Self { policy, handler, timeout, total_timeout, filter: _ } = self;
        policy.is_none() && handler.is_none() && timeout.is_none() && total_timeout.is_none()
    }
}

impl Wanted {
    /// The command of the one attempt.
    pub(super) fn into_command(self) -> Command {
        match self {
            Self::Activity { name, input, labels } => Command::Task { name, input, labels },
            Self::Child(launch) => Command::Child(launch),
        }
    }
}

impl Retry {
    pub(crate) fn new(wanted: Wanted, plan: Plan, now: Timestamp) -> Self {
        let interval = plan.policy.map(|policy| policy.first_interval.min(policy.longest_interval));
        let interval = interval.unwrap_or_default();
        Self { wanted, plan: Rc::new(plan), number: 1, first: None, began: now, interval, progress: None }
    }

    /// Notes the command of the first attempt.
    pub(super) fn issued(&mut self, id: CommandId) {
        self.first.get_or_insert(id);
    }

    /// The command of the attempt that is next, which begins now.
    pub(super) fn command(&self, now: Timestamp) -> Command {
        let (name, input, labels) = match &self.wanted {
            Wanted::Child(launch) => return Command::Child(launch.clone()),
            Wanted::Activity { name, input, labels } => (name.clone(), input.clone(), labels.clone()),
        };
        let own = self.plan.timeout.map(|timeout| now.after(timeout));
        let until = own.into_iter().chain(self.deadline()).min();
        if self.number == 1 && until.is_none() {
            return Command::Task { name, input, labels };
        }
        let (number, first, progress) = (self.number, self.first, self.progress.clone());
        Command::Attempt(Box::new(Attempt { name, input, labels, number, first, until, progress }))
    }

    /// What is waited for while this timer runs.
    pub(super) fn paused(&self, timer: CommandId) -> Awaited {
        let wanted = match &self.wanted {
            Wanted::Activity { name, .. } => wait::Wanted::Activity(name.clone()),
            Wanted::Child(launch) => wait::Wanted::Child(launch.run.clone(), launch.name.clone()),
        };
        Awaited::Pause { timer, wanted, attempt: self.number }
    }

    /// When the time for all attempts is over.
    fn deadline(&self) -> Option<Timestamp> {
        self.plan.total_timeout.map(|timeout| self.began.after(timeout))
    }

    /// After a failure: how long to wait, and what is left then; `None` when it was the last attempt, or another one
    /// would come to the same. Runs code of the user.
    pub(super) fn next(
        mut self: Box<Self>,
        failure: &Failure,
        progress: Option<Payload>,
        now: Timestamp,
    ) -> Option<(Duration, Box<Self>)> {
        if failure.is_final() || self.plan.filter.as_ref().is_some_and(|mends| !mends(failure)) {
            return None;
        }
        let elapsed = now.since(self.began);
        let interval = match (&self.plan.handler, &self.plan.policy) {
            (Some(decide), _) => {
                match decide(&Attempted { number: self.number, failure, elapsed, planned: self.interval }) {
                    Again::Stop => return None,
                    Again::After(interval) => interval,
                }
            }
            (None, Some(_)) => self.interval,
            (None, None) => return None,
        };
        if let Some(policy) = &self.plan.policy {
            if self.number >= policy.attempts.max(1) || elapsed.saturating_add(interval) > policy.total {
                return None;
            }
            // Plain multiplication is the same everywhere, which `powi` need not be.
            let seconds = self.interval.as_secs_f64() * policy.backoff.max(1.0);
            let longest = policy.longest_interval;
            self.interval = Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest);
        }
        if self.deadline().is_some_and(|deadline| now.after(interval) >= deadline) {
            return None;
        }
        self.number = self.number.saturating_add(1);
        self.progress = progress.or(self.progress);
        Some((interval, self))
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("policy", &self.policy)
            .field("filter", &self.filter.is_some())
            .field("handler", &self.handler.is_some())
            .field("timeout", &self.timeout)
            .field("total_timeout", &self.total_timeout)
            .finish()
    }
}
