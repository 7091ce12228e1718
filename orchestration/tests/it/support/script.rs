use super::{input, start};
use sarsen_orchestration::{
    Event, Execution, Input, Orchestration, Orchestrator, Outstanding, Parked, Start, Turn, Typed,
};
use sarsen_protocol::Timestamp;

/// An execution that keeps what went in, so that any prefix can be replayed.
pub(crate) struct Script {
    orchestrator: Box<dyn Orchestrator>,
    start: Start,
    pub(crate) execution: Execution,
    pub(crate) turns: Vec<Taken>,
}

/// A turn that was taken.
pub(crate) struct Taken {
    pub(crate) inputs: Vec<Input>,
    pub(crate) turn: Turn,
}

/// The time of the n-th turn.
fn time(turn: usize) -> Timestamp {
    Timestamp::from_micros(100_000_000 + 1_000_000 * turn as u64)
}

impl Script {
    pub(crate) fn new<O: Orchestration>(start: Start) -> Self {
        let orchestrator: Box<dyn Orchestrator> = Box::new(Typed::<O>::new().unwrap());
        let execution = orchestrator.begin(start.clone());
        Self { orchestrator, start, execution, turns: Vec::new() }
    }

    pub(crate) fn turn(&mut self, inputs: Vec<Input>) -> Result<&Turn, Parked> {
        let turn = self.execution.turn(time(self.turns.len()), inputs.clone())?;
        self.turns.push(Taken { inputs, turn });
        Ok(&self.turns.last().unwrap().turn)
    }

    /// A turn with inputs from texts, separated by `; `.
    pub(crate) fn turn_of(&mut self, inputs: &str) -> Result<&Turn, Parked> {
        let texts = inputs.split("; ").filter(|text| !text.is_empty());
        let inputs = texts.map(|text| input(text, self.execution.outstanding())).collect();
        self.turn(inputs)
    }

    pub(crate) fn history(&self) -> Vec<Event> {
        self.turns.iter().flat_map(|taken| taken.turn.events.clone()).collect()
    }

    /// Leaves memory and comes back, as the engine's eviction does.
    pub(crate) fn evict(&mut self) {
        self.execution = self.replayed(self.turns.len(), usize::MAX);
    }

    /// The execution after so many turns, out of its history in slices.
    fn replayed(&self, turns: usize, slice: usize) -> Execution {
        let mut execution = self.orchestrator.begin(self.start.clone());
        let events: Vec<Event> =
            self.turns[..turns].iter().flat_map(|taken| taken.turn.events.clone()).collect();
        for slice in events.chunks(slice.min(events.len().max(1))) {
            execution.replay(slice).unwrap_or_else(|parked| panic!("{parked}\n{events:#?}"));
        }
        assert_eq!(execution.events().0, events.len() as u64);
        assert_eq!(execution.outstanding(), &Outstanding::of(&events));
        execution
    }

    /// Replays every prefix, and from each goes on with the next turn, and with all that follow.
    pub(crate) fn check_replays(&self) {
        for replayed in 0..=self.turns.len() {
            let mut execution = self.replayed(replayed, 1 + replayed % 5);
            for (index, taken) in self.turns.iter().enumerate().skip(replayed) {
                let turn = execution.turn(time(index), taken.inputs.clone());
                assert_eq!(turn.as_ref(), Ok(&taken.turn), "turn {index}, after a replay of {replayed}");
            }
        }
        if let (Some(taken), true) = (self.turns.last(), self.execution.is_over()) {
            assert!(taken.turn.end().is_some(), "what is over has an end");
        }
    }
}

/// What a turn came to: its commands with their ids, and its end.
fn outcome(turn: &Turn) -> String {
    let commands = turn.commands().map(|(id, command)| format!("{id} {command}"));
    let unapplied = turn.unapplied.iter().map(|input| format!("unapplied {input:?}"));
    let end = turn.end().map(|end| format!("{end}"));
    commands.chain(unapplied).chain(end).collect::<Vec<_>>().join("; ")
}

/// Runs a script of (inputs, outcome) a turn, the first of which begins the execution, and replays it in all ways.
#[track_caller]
pub(crate) fn check<O: Orchestration>(given: &str, turns: &[(&str, &str)]) {
    check_start::<O>(start(O::NAME, given), turns);
}

#[track_caller]
pub(crate) fn check_start<O: Orchestration>(start: Start, turns: &[(&str, &str)]) {
    let mut script = Script::new::<O>(start);
    for (inputs, expected) in turns {
        let turn = script.turn_of(inputs).unwrap_or_else(|parked| panic!("{parked}"));
        assert_eq!(outcome(turn), *expected, "after `{inputs}`");
    }
    script.check_replays();
}
