//! Code that is run again over its history does what it did: no run is parked because it has changed, what it sees is
//! what it saw, and every history that is there at the end can be replayed, in slices of any size.

use crate::{
    invariants::Checked,
    runs::{Armed, brittle::brittle, code::perform, record::Histories, stage::CodeFault},
};
use sarsen_orchestration::{End, Event, Fault, Orchestrator, Typed};
use sarsen_protocol::OrchestrationType;
use sarsen_testing::Random;

pub(crate) const NAME: &str = "same_commands";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Execution(Fault::OnePollForAll),
    Armed::Execution(Fault::ReplayedTime),
    Armed::Code(CodeFault::Undecoded),
    Armed::Code(CodeFault::ReplaySensitive),
];

/// Replays histories.
pub(crate) fn check(histories: &Histories, random: &mut Random) -> Checked {
    let perform = Typed::<perform>::new().expect("its name is one");
    let brittle = Typed::<brittle>::new().expect("its name is one");
    for ((run, execution), history) in histories {
        let start = history.events.iter().find_map(|event| match event {
            Event::Started(start) => Some((**start).clone()),
            _ => None,
        });
        let Some(start) = start else {
            return Err(format!("the history of execution {execution} of {run} does not begin"));
        };
        let is_brittle = start.name.as_str() == brittle::NAME;
        let mut code = if is_brittle { brittle.begin(start) } else { perform.begin(start) };
        let mut rest = by_the_code(&history.events);
        while !rest.is_empty() {
            let (slice, behind) = rest.split_at(random.between(1, rest.len()));
            code.replay(slice).map_err(|parked| format!("execution {execution} of {run}: {parked}"))?;
            rest = behind;
        }
    }
    Ok(())
}

/// A history without the turn of a termination, which no code knows of.
fn by_the_code(events: &[Event]) -> &[Event] {
    if !matches!(events.last(), Some(Event::Ended(End::Terminated { .. }))) {
        return events;
    }
    let turn = events.iter().rposition(|event| matches!(event, Event::TurnStarted { .. }));
    &events[..turn.unwrap_or_default()]
}
