//! One execution: its turns, and their replay.

use crate::{
    Command, CommandId, End, Event, EventNumber, Input, Outstanding, Parked, Start,
    core::{Core, Mode, Task},
    fault::{Fault, armed},
    place::TaskId,
    tasks::Tasks,
    wait::Awaited,
};
use sarsen_protocol::{Failure, FailureKind, Payload, Timestamp};
use std::{fmt, pin::Pin, rc::Rc, time::Duration};

/// One execution of an orchestration: its waiting code, and how far its history goes.
///
/// It is made by [`Orchestrator::begin`](crate::Orchestrator::begin). A new one is given its first
/// [`turn`](Self::turn) at once. One that is loaded again is first given its history by [`replay`](Self::replay), in
/// slices of any size. Both run the same code in the same way: inputs are applied one at a time, and after each the
/// code runs until it waits again.
///
/// Dropping it drops the code's futures, which notice nothing: what they do then counts for nothing, and a panic is
/// caught.
pub struct Execution {
    core: Rc<Core>,
    tasks: Tasks,
    outstanding: Outstanding,
    /// How many events the history has.
    events: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The code has not run.
    New,
    /// It has.
    Begun,
    /// It has ended, or cannot go on.
    Over,
}

/// What a turn came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "its events are to be appended, and its commands carried out once they are durable"]
pub struct Turn {
    /// What to append to the history; empty when there was nothing to do.
    pub events: Vec<Event>,
    /// Inputs that were not applied: answers to what nobody waits for any longer, and what came behind the end. A
    /// grant among them is to be answered by a release of its whole set.
    pub unapplied: Vec<Input>,
    /// Behind a continue-as-new: the events that nobody took, in the order in which they came. They are the first
    /// inputs of the next execution.
    pub carried: Vec<Input>,
}

impl Turn {
    /// The commands to carry out, in order.
    pub fn commands(&self) -> impl Iterator<Item = (CommandId, &Command)> {
        self.events.iter().filter_map(|event| match event {
            Event::Issued(id, command) => Some((*id, command)),
            Event::TurnStarted { .. } | Event::Started(_) | Event::Arrived(_) | Event::Ended(_) => None,
        })
    }

    /// How the execution ended, if it did.
    pub fn end(&self) -> Option<&End> {
        match self.events.last()? {
            Event::Ended(end) => Some(end),
            Event::TurnStarted { .. } | Event::Started(_) | Event::Arrived(_) | Event::Issued(..) => None,
        }
    }
}

/// The future of an orchestration's code, with its result encoded.
pub(crate) type Run = Pin<Box<dyn Future<Output = Result<Payload, Failure>>>>;

impl Execution {
    pub(crate) fn new(core: Rc<Core>, run: Run) -> Self {
        let main: Task = Box::pin({
            let core = Rc::clone(&core);
            async move {
                let end = run.await.map_or_else(End::Failed, End::Returned);
                core.close(end);
            }
        });
        let (outstanding, stage) = (Outstanding::default(), Stage::New);
        Self { core, tasks: Tasks::new(main), outstanding, events: 0, stage }
    }

    /// What it began with.
    pub fn start(&self) -> &Start {
        &self.core.start
    }

    /// What it has asked for and not got.
    pub fn outstanding(&self) -> &Outstanding {
        &self.outstanding
    }

    /// What its code waits for.
    pub(crate) fn awaited(&self) -> Vec<Awaited> {
        self.core.awaited()
    }

    /// How many events its history has.
    pub fn events(&self) -> EventNumber {
        EventNumber(self.events)
    }

    /// Whether it has ended or cannot go on; then it is given no more turns.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// One turn: begins the execution if it is new, then applies the inputs one at a time.
    ///
    /// What it returns is to be made durable before anybody learns of it, and then the commands are to be carried
    /// out.
    ///
    /// # Errors
    /// [`Parked`] when the code awaits what is not of its context, or, behind a replay, goes on beyond its history.
    /// Then nothing of the turn has happened: nothing is appended and all inputs stay where they are.
    ///
    /// # Panics
    /// If the execution is over.
    pub fn turn(&mut self, now: Timestamp, inputs: impl IntoIterator<Item = Input>) -> Result<Turn, Parked> {
        assert!(self.stage != Stage::Over, "an execution that is over was given a turn");
        self.expect_idle("the end of the history")?;
        self.core.set_mode(Mode::Live);
        let mut turn = Turn::default();
        if self.stage == Stage::New {
            self.stage = Stage::Begun;
            self.open(&mut turn, now);
            self.step(None)?;
            self.record(&mut turn, Event::Started(Box::new(self.core.start.clone())));
            self.record_commands(&mut turn);
        }
        for input in inputs {
            if self.core.look().end().is_some() || !self.outstanding.expects(&input) {
                turn.unapplied.push(input);
                continue;
            }
            if turn.events.is_empty() {
                self.open(&mut turn, now);
            }
            self.step(Some(input.clone()))?;
            self.record(&mut turn, Event::Arrived(input));
            self.record_commands(&mut turn);
        }
        if armed(Fault::OnePollForAll) {
            self.poll()?;
            self.record_commands(&mut turn);
        }
        let end = self.core.look().end().cloned();
        if let Some(end) = end {
            self.finish(&mut turn, end);
        }
        Ok(turn)
    }

    /// Applies the next part of the history, as far as it goes; may be called again and again.
    ///
    /// # Errors
    /// [`Parked`] when the code does not do what it did, or the events are no history of it. Then the execution is
    /// of no further use.
    pub fn replay(&mut self, events: &[Event]) -> Result<(), Parked> {
        self.core.set_mode(Mode::Replaying);
        events.iter().try_for_each(|event| self.replay_event(event))
    }

    fn replay_event(&mut self, event: &Event) -> Result<(), Parked> {
        match event {
            _ if self.stage == Stage::Over => return Err(self.disorder("the execution has ended before it")),
            Event::TurnStarted { at } => {
                self.expect_idle("the beginning of another turn")?;
                let at = if armed(Fault::ReplayedTime) { at.after(Duration::from_micros(1)) } else { *at };
                self.core.begin_turn(at);
            }
            Event::Started(start) if self.stage == Stage::New && **start == self.core.start => {
                self.stage = Stage::Begun;
                self.step(None)?;
            }
            Event::Started(_) => return Err(self.disorder("another execution begins")),
            Event::Arrived(input) => {
                self.expect_idle("an input")?;
                if self.stage == Stage::New || !self.outstanding.expects(input) {
                    return Err(self.disorder("nothing waits for this input"));
                }
                self.step(Some(input.clone()))?;
            }
            Event::Issued(id, command) => self.compare(*id, command)?,
            Event::Ended(end) => self.compare_end(end)?,
        }
        self.outstanding.apply(event);
        self.events += 1;
        Ok(())
    }

    /// Begins the code, or applies an input, and runs the code until it waits.
    fn step(&mut self, input: Option<Input>) -> Result<(), Parked> {
        // These are recorded without the code too, of an execution that is parked: they never end it.
        let manages =
            matches!(input, Some(Input::Suspended { .. } | Input::Resumed { .. } | Input::Rewound { .. }));
        match input {
            None => self.core.woken.borrow_mut().push_back(TaskId::MAIN),
            Some(input) => {
                self.core.apply(input);
                if armed(Fault::OnePollForAll) && self.core.look().mode == Mode::Live {
                    return Ok(());
                }
            }
        }
        self.poll()?;
        if !manages {
            self.bound_history();
        }
        Ok(())
    }

    /// Runs the code until it waits.
    fn poll(&mut self) -> Result<(), Parked> {
        if self.tasks.run(&self.core).is_err() {
            let after = self.core.look().next().0.checked_sub(1).map(CommandId);
            let name = self.core.start.name.clone();
            return Err(self.park(Parked::Foreign { name, after }));
        }
        Ok(())
    }

    /// Ends the execution when its history gets too long.
    fn bound_history(&self) {
        let most = self.core.start.limits.history_events_max;
        let events = self.events + 1 + self.core.look().issued().len() as u64;
        if events > most {
            let message = format!("its history has more than {most} events: let it continue as new");
            self.core.close(End::Failed(Failure::new(FailureKind::OverLimit, message)));
        }
    }

    fn open(&mut self, turn: &mut Turn, now: Timestamp) {
        let at = self.core.begin_turn(now);
        self.record(turn, Event::TurnStarted { at });
    }

    fn record(&mut self, turn: &mut Turn, event: Event) {
        self.outstanding.apply(&event);
        self.events += 1;
        turn.events.push(event);
    }

    fn record_commands(&mut self, turn: &mut Turn) {
        while let Some((id, command)) = self.core.next_issued() {
            self.record(turn, Event::Issued(id, command));
        }
    }

    fn finish(&mut self, turn: &mut Turn, end: End) {
        if let End::ContinuedAsNew(_) = end {
            turn.carried = self.core.untaken_events();
            let raised = |input: &mut Input| matches!(input, Input::EventRaised { .. });
            turn.carried.extend(turn.unapplied.extract_if(.., raised));
        }
        self.record(turn, Event::Ended(end));
        self.discard();
    }

    /// That the code has issued nothing beyond what was recorded, and has not ended.
    fn expect_idle(&mut self, expected: &str) -> Result<(), Parked> {
        let found = match (self.core.look().issued().front(), self.core.look().end()) {
            (Some((_, command)), _) => command.to_string(),
            (None, Some(end)) => end.to_string(),
            (None, None) => return Ok(()),
        };
        Err(self.changed(expected.to_owned(), found))
    }

    fn compare(&mut self, id: CommandId, recorded: &Command) -> Result<(), Parked> {
        let Some((at, issued)) = self.core.next_issued() else {
            let found = self.core.look().end().map_or("a wait".to_owned(), ToString::to_string);
            return Err(self.changed(recorded.to_string(), found));
        };
        if at == id && issued.repeats(recorded) {
            return Ok(());
        }
        Err(self.changed(format!("command {id}, {recorded}"), format!("command {at}, {issued}")))
    }

    fn compare_end(&mut self, recorded: &End) -> Result<(), Parked> {
        let terminated = matches!(recorded, End::Terminated { .. });
        let found = self.core.look().end().cloned();
        let issued = self.core.next_issued();
        match (issued, found) {
            _ if terminated => {}
            (Some((_, command)), _) => return Err(self.changed(recorded.to_string(), command.to_string())),
            (None, None) => return Err(self.changed(recorded.to_string(), "a wait".to_owned())),
            (None, Some(end)) if end.repeats(recorded) => {}
            (None, Some(end)) => return Err(self.changed(recorded.to_string(), end.to_string())),
        }
        self.discard();
        Ok(())
    }

    fn changed(&mut self, expected: String, found: String) -> Parked {
        let (name, at) = (self.core.start.name.clone(), self.events());
        self.park(Parked::Changed { name, at, expected, found })
    }

    fn disorder(&mut self, reason: &'static str) -> Parked {
        let (name, at) = (self.core.start.name.clone(), self.events());
        self.park(Parked::Disorder { name, at, reason })
    }

    fn park(&mut self, parked: Parked) -> Parked {
        self.discard();
        parked
    }

    /// Drops the code without its noticing.
    fn discard(&mut self) {
        self.stage = Stage::Over;
        self.core.set_mode(Mode::Discarded);
        self.tasks.clear(&self.core);
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.discard();
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("run", &self.core.start.run)
            .field("name", &self.core.start.name)
            .field("events", &self.events)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
