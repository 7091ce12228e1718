//! What an execution and its futures share: who waits for what, and which commands were issued.
//!
//! Live and in replay this does the same. Commands pile up in [`Core::issued`], from where the execution records
//! them, or compares them with those that were recorded; nothing here knows which.

mod events;
mod retry;
mod section;

pub(crate) use retry::{Plan, Retry, Wanted};
pub(crate) use section::Asked;

use crate::{
    Command, CommandId, End, Input, Labels, Moment, Start,
    place::{TaskId, Woken},
    promise::Promise,
    random::Random,
    wait::Awaited,
};
use events::Events;
use sarsen_protocol::{EventName, Failure, FailureKind, HashMap, Payload, Timestamp};
use section::Section;
use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    time::Duration,
};

/// The part of an execution that its code can reach, through contexts, futures and guards.
pub(crate) struct Core {
    pub(crate) start: Start,
    /// Whether a text is an input of the same orchestration.
    pub(crate) fits: fn(&Payload) -> Result<(), Failure>,
    pub(crate) woken: Woken,
    state: RefCell<State>,
}

/// How the execution stands to what its code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What it does is new.
    Live,
    /// What it does is compared with what was recorded.
    Replaying,
    /// What it does counts for nothing: the execution is over, or leaves memory.
    Discarded,
}

/// The future of a branch.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) now: Timestamp,
    pub(crate) moment: Moment,
    pub(crate) random: Random,
    next: CommandId,
    turn_commands: usize,
    issued: VecDeque<(CommandId, Command)>,
    waiting: HashMap<CommandId, Waiting>,
    events: Events,
    section: Option<Section>,
    end: Option<End>,
    tasks: u32,
    /// Branches that the execution has not taken over yet.
    spawned: Vec<(TaskId, Task)>,
    /// Branches that nobody waits for any longer.
    aborted: Vec<TaskId>,
}

/// Somebody who waits for an outcome.
pub(crate) struct Waiter {
    pub(crate) promise: Promise<Outcome>,
    kind: Kind,
    /// The command that is under way for it: another one with each attempt of an activity; none for an event
    /// without a timeout.
    command: Cell<Option<CommandId>>,
}

/// What is waited for, which says what it means to wait no longer.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// An activity, a child or a call: it goes on; the wait before another attempt is cancelled.
    Answer,
    /// A timer: it is cancelled.
    Timer,
    /// A lock: it is given back.
    Lock,
    /// An event: it stays for who waits next; its timeout is cancelled.
    Event(EventName),
}

/// What was waited for.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The answer of an activity, a child, a call; an event; why a lock cannot be had.
    Answer(Result<Payload, Failure>),
    /// The time has come, the lock is held.
    Due,
}

impl Outcome {
    /// The answer of what is answered.
    pub(crate) fn answer(self) -> Result<Payload, Failure> {
        match self {
            Self::Answer(answer) => answer,
            Self::Due => unreachable!("activities, children and calls are settled by answers alone"),
        }
    }

    /// Whether the lock is held, of what is a lock.
    pub(crate) fn granted(self) -> Result<(), Failure> {
        match self {
            Self::Due => Ok(()),
            Self::Answer(answer) => answer.map(drop),
        }
    }
}

/// What the end of a command means.
enum Waiting {
    /// The waiter's outcome.
    Whole(Rc<Waiter>),
    /// An attempt of what may be repeated.
    Attempt(Rc<Waiter>, Box<Retry>),
    /// The time before the next attempt.
    Pause(Rc<Waiter>, Box<Retry>),
    /// The end of the time that the locks of a section may take.
    Limit { section: CommandId, timeout: Duration },
}

impl Waiter {
    fn new(kind: Kind, command: Option<CommandId>) -> Rc<Self> {
        Rc::new(Self { promise: Promise::new(), kind, command: Cell::new(command) })
    }
}

impl Core {
    pub(crate) fn new(start: Start, fits: fn(&Payload) -> Result<(), Failure>) -> Rc<Self> {
        let state = State {
            mode: Mode::Live,
            now: Timestamp::default(),
            moment: Moment::default(),
            random: Random::new(start.seed),
            next: CommandId::default(),
            turn_commands: 0,
            issued: VecDeque::new(),
            waiting: HashMap::default(),
            events: Events::default(),
            section: None,
            end: None,
            tasks: 0,
            spawned: Vec::new(),
            aborted: Vec::new(),
        };
        Rc::new(Self { start, fits, woken: Woken::default(), state: RefCell::new(state) })
    }

    /// The state, to look at. Never held while code of the user runs.
    pub(crate) fn look(&self) -> Ref<'_, State> {
        self.state.borrow()
    }

    fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.state().random)
    }

    /// What goes with activities and children: the run's trace.
    pub(crate) fn labels(&self) -> Labels {
        Labels { trace: self.start.labels.trace, ..Labels::default() }
    }

    /// Begins a turn; time never goes back. Returns its time.
    pub(crate) fn begin_turn(&self, now: Timestamp) -> Timestamp {
        let mut state = self.state();
        state.now = state.now.max(now);
        state.turn_commands = 0;
        state.now
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        let mut state = self.state();
        if state.mode != Mode::Discarded {
            state.mode = mode;
        }
    }

    /// Applies an input that is expected.
    pub(crate) fn apply(&self, input: Input) {
        {
            let mut state = self.state();
            state.moment = Moment(state.moment.0 + 1);
            // How many inputs share a turn is chance, which must not decide over an end.
            state.turn_commands = 0;
        }
        match input {
            Input::TaskEnded { id, result } | Input::ChildEnded { id, result } => {
                self.answer(id, result, None);
            }
            Input::AttemptFailed { id, failure, progress } => self.answer(id, Err(failure), Some(progress)),
            Input::CallEnded { id, result } => {
                self.state().call_ended(id);
                self.answer(id, result, None);
            }
            Input::TimerFired { id } => self.timer_fired(&mut self.state(), id),
            Input::LockGranted { id } => self.lock_granted(&mut self.state(), id),
            Input::LockRefused { id, failure } => self.lock_refused(&mut self.state(), id, failure),
            Input::EventRaised { name, input } => self.event_raised(&mut self.state(), &name, input),
            Input::Suspended { .. } | Input::Resumed { .. } | Input::Rewound { .. } => {}
        }
    }

    fn answer(&self, id: CommandId, result: Result<Payload, Failure>, progress: Option<Payload>) {
        let waiting = self.state().waiting.remove(&id);
        let waiter = match (waiting, &result) {
            (Some(Waiting::Attempt(waiter, retry)), Err(failure)) => {
                let now = self.look().now;
                // The user's code decides, so nothing is borrowed.
                match catch_unwind(AssertUnwindSafe(|| retry.next(failure, progress, now))) {
                    Ok(Some(next)) => return self.pause(waiter, next),
                    Ok(None) => waiter,
                    Err(panic) => {
                        self.state().close(End::Failed(Failure::panicked(&*panic)));
                        return;
                    }
                }
            }
            (Some(Waiting::Attempt(waiter, _) | Waiting::Whole(waiter) | Waiting::Pause(waiter, _)), _) => {
                waiter
            }
            (Some(Waiting::Limit { .. }) | None, _) => return,
        };
        waiter.promise.settle(self.look().moment, Outcome::Answer(result));
    }

    /// Waits before another attempt.
    fn pause(&self, waiter: Rc<Waiter>, (interval, retry): (Duration, Box<Retry>)) {
        let state = &mut *self.state();
        let fire_at = state.now.after(interval);
        if let Some(id) = self.issue(state, Command::Timer { fire_at }) {
            waiter.command.set(Some(id));
            state.waiting.insert(id, Waiting::Pause(waiter, retry));
        }
    }

    fn timer_fired(&self, state: &mut State, id: CommandId) {
        match state.waiting.remove(&id) {
            Some(Waiting::Pause(waiter, retry)) => {
                let command = retry.command(state.now);
                if let Some(id) = self.issue(state, command) {
                    waiter.command.set(Some(id));
                    state.waiting.insert(id, Waiting::Attempt(waiter, retry));
                }
            }
            Some(Waiting::Whole(waiter) | Waiting::Attempt(waiter, _)) => {
                state.events.leave(&waiter);
                waiter.promise.settle(state.moment, Outcome::Due);
            }
            Some(Waiting::Limit { section, timeout }) => self.lock_overdue(state, section, timeout),
            None => {}
        }
    }

    /// Issues a command; `None` when the execution is over, also by this command being one too many.
    fn issue(&self, state: &mut State, command: Command) -> Option<CommandId> {
        if state.mode == Mode::Discarded || state.end.is_some() {
            return None;
        }
        let most = self.start.limits.commands_per_turn_max;
        if state.turn_commands == most {
            let message = format!("it issues more than {most} commands at once: wait for some in between");
            state.close(End::Failed(Failure::new(FailureKind::OverLimit, message)));
            return None;
        }
        state.turn_commands += 1;
        Some(state.push(command))
    }

    /// Issues a command that nobody waits for. Returns whether it was issued.
    pub(crate) fn act(&self, command: Command) -> bool {
        self.issue(&mut self.state(), command).is_some()
    }

    /// Issues a command and waits for its end; `None` when the execution is over.
    pub(crate) fn request(&self, kind: Kind, command: Command) -> Option<Rc<Waiter>> {
        self.request_with(|_| command, kind)
    }

    /// As [`request`](Self::request), for a command that depends on its id.
    pub(crate) fn request_with(
        &self,
        command: impl FnOnce(CommandId) -> Command,
        kind: Kind,
    ) -> Option<Rc<Waiter>> {
        let state = &mut *self.state();
        let command = command(state.next);
        let id = self.issue(state, command)?;
        let waiter = Waiter::new(kind, Some(id));
        state.waiting.insert(id, Waiting::Whole(Rc::clone(&waiter)));
        Some(waiter)
    }

    /// Begins what is attempted by a plan.
    pub(crate) fn request_planned(&self, wanted: Wanted, plan: Plan) -> Option<Rc<Waiter>> {
        if plan.is_plain() {
            return self.request(Kind::Answer, wanted.into_command());
        }
        let now = self.look().now;
        self.request_retried(Retry::new(wanted, plan, now))
    }

    /// Begins what may be attempted more than once.
    pub(crate) fn request_retried(&self, mut retry: Retry) -> Option<Rc<Waiter>> {
        let state = &mut *self.state();
        let id = self.issue(state, retry.command(state.now))?;
        retry.issued(id);
        let waiter = Waiter::new(Kind::Answer, Some(id));
        state.waiting.insert(id, Waiting::Attempt(Rc::clone(&waiter), Box::new(retry)));
        Some(waiter)
    }

    /// What somebody waits for: commands in their order, then events.
    pub(crate) fn awaited(&self) -> Vec<Awaited> {
        let state = self.look();
        let mut waiting: Vec<_> = state.waiting.iter().collect();
        waiting.sort_unstable_by_key(|(id, _)| **id);
        let commands = waiting.into_iter().filter_map(|(id, waiting)| match waiting {
            // Its timer: the event itself comes later.
            Waiting::Whole(waiter) if matches!(waiter.kind, Kind::Event(_)) => None,
            Waiting::Whole(waiter) if matches!(waiter.kind, Kind::Lock) => {
                Some(Awaited::Lock { section: *id, timer: state.lock_limit(*id) })
            }
            Waiting::Whole(_) | Waiting::Attempt(..) => Some(Awaited::Command(*id)),
            Waiting::Pause(_, retry) => Some(retry.paused(*id)),
            // The lock itself is among the commands.
            Waiting::Limit { .. } => None,
        });
        commands.chain(state.events.awaited()).collect()
    }

    /// Takes the outcome of a waiter that is settled.
    pub(crate) fn take(&self, waiter: &Waiter) -> Outcome {
        let state = &mut *self.state();
        if let (Kind::Event(name), Some(moment)) = (&waiter.kind, waiter.promise.moment()) {
            state.events.taken(name, moment);
        }
        waiter.promise.take().expect("a waiter is taken once, after it was settled")
    }

    /// Nobody waits any longer: what that means is recorded like any command.
    pub(crate) fn forget(&self, waiter: &Rc<Waiter>) {
        let state = &mut *self.state();
        if state.mode == Mode::Discarded || state.end.is_some() {
            return;
        }
        let command = waiter.command.get();
        let pending = command.and_then(|id| state.waiting.remove(&id));
        match (&waiter.kind, pending, command) {
            (Kind::Lock, _, Some(section)) => self.unlock(state, section),
            (Kind::Event(name), pending, timer) => {
                state.events.leave(waiter);
                self.put_back(state, name, waiter.promise.moment());
                if let (Some(_), Some(timer)) = (pending, timer) {
                    self.issue(state, Command::CancelTimer { timer });
                }
            }
            (Kind::Timer, Some(_), Some(timer)) | (Kind::Answer, Some(Waiting::Pause(..)), Some(timer)) => {
                self.issue(state, Command::CancelTimer { timer });
            }
            (Kind::Answer | Kind::Timer | Kind::Lock, ..) => {}
        }
    }

    /// Ends the execution, unless it has ended; an end that is too long is a failure, or is cut.
    pub(crate) fn close(&self, end: End) {
        let bytes_max = self.start.limits.payload_bytes_max;
        self.state().close(match end {
            End::Returned(result) if result.len() > bytes_max => {
                let message = format!("the result has {} bytes, {bytes_max} are allowed", result.len());
                End::Failed(Failure::new(FailureKind::TooLarge, message))
            }
            End::Failed(failure) => End::Failed(failure.bounded(bytes_max)),
            end => end,
        });
    }

    /// The next command that was issued and not yet recorded or compared.
    pub(crate) fn next_issued(&self) -> Option<(CommandId, Command)> {
        self.state().issued.pop_front()
    }

    /// Adds a branch.
    pub(crate) fn spawn(&self, task: Task) -> TaskId {
        let state = &mut *self.state();
        state.tasks += 1;
        let id = TaskId(state.tasks);
        if state.mode != Mode::Discarded {
            state.spawned.push((id, task));
        }
        id
    }

    pub(crate) fn spawned(&self) -> Vec<(TaskId, Task)> {
        std::mem::take(&mut self.state().spawned)
    }

    pub(crate) fn abort(&self, task: TaskId) {
        self.state().aborted.push(task);
    }

    pub(crate) fn aborted(&self) -> Vec<TaskId> {
        std::mem::take(&mut self.state().aborted)
    }
}

impl State {
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// How many commands wait to be recorded or compared.
    pub(crate) fn issued(&self) -> &VecDeque<(CommandId, Command)> {
        &self.issued
    }

    /// The id of the next command.
    pub(crate) fn next(&self) -> CommandId {
        self.next
    }

    fn push(&mut self, command: Command) -> CommandId {
        let id = self.next;
        self.next = id.next();
        self.issued.push_back((id, command));
        id
    }

    fn settle(&mut self, id: CommandId, outcome: Outcome) {
        if let Some(Waiting::Whole(waiter)) = self.waiting.remove(&id) {
            waiter.promise.settle(self.moment, outcome);
        }
    }

    /// Ends the execution, and with it its section.
    fn close(&mut self, end: End) {
        if self.mode == Mode::Discarded || self.end.is_some() {
            return;
        }
        if let Some(section) = self.section.take() {
            self.push(Command::Unlock { section: section.id() });
        }
        self.end = Some(end);
    }
}
