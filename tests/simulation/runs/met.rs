//! What sections have met: each way to end, and each thing that ends none, while they held their locks and while they
//! waited for them. An invariant of sections that end in no other way than by a release proves little.

use super::record::{Durable, Histories, History};
use sarsen_orchestration::{Command, End, Event, Input};
use sarsen_protocol::{CommandId, ExecutionId, FailureKind, RunId, RunStatus, Section};
use std::{collections::BTreeMap, fmt};

/// What has ended a section, or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its code has ended it and gone on.
    Released,
    /// A timer has fired, and its request was given up.
    TimedOut,
    /// It was refused, and has not waited.
    Refused,
    Returned,
    /// Its execution has returned an error.
    ReturnedError,
    Panicked,
    ContinuedAsNew,
    Terminated,
    TerminatedWhileSuspended,
    TerminatedWhileParked,
    Replaced,
    /// Its run was purged before everything of it was given back.
    Purged,
    /// A later process went on with it.
    Restarted,
    /// A process with another number of shards went on with it.
    Resharded,
    Resumed,
    /// Its run was parked, and goes on.
    Mended,
}

impl Way {
    const ALL: [Self; 16] = [
        Self::Released,
        Self::TimedOut,
        Self::Refused,
        Self::Returned,
        Self::ReturnedError,
        Self::Panicked,
        Self::ContinuedAsNew,
        Self::Terminated,
        Self::TerminatedWhileSuspended,
        Self::TerminatedWhileParked,
        Self::Replaced,
        Self::Purged,
        Self::Restarted,
        Self::Resharded,
        Self::Resumed,
        Self::Mended,
    ];

    /// Whether it comes over sections that do not hold all of their locks, and over those that do.
    fn is_possible(self, waits: bool) -> bool {
        waits || !matches!(self, Self::TimedOut | Self::Refused)
    }
}

/// How often each way was met by sections that held all of their locks, and by those that waited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways([[u64; 2]; Way::ALL.len()]);

impl Ways {
    fn count(&mut self, way: Way, waits: bool) {
        self.0[way as usize][usize::from(waits)] += 1;
    }

    /// Adds the counts of another seed.
    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()) {
            *count += more;
        }
    }

    /// Those that were never met, and whether the section waited.
    pub(crate) fn missing(&self) -> Vec<(Way, bool)> {
        let all = Way::ALL.into_iter().flat_map(|way| [(way, false), (way, true)]);
        all.filter(|(way, waits)| way.is_possible(*waits))
            .filter(|(way, waits)| self.0[*way as usize][usize::from(*waits)] == 0)
            .collect()
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (way, [held, waited]) in Way::ALL.into_iter().zip(self.0) {
            writeln!(f, "{:>26} {held:>9} held {waited:>9} waited", format!("{way:?}"))?;
        }
        Ok(())
    }
}

/// Where the host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) process: u64,
    /// How often the number of shards has changed.
    pub(crate) changes: u64,
}

/// A section as it was seen last.
#[derive(Clone, Debug)]
struct Seen {
    /// Whether it did not hold all of its locks.
    waits: bool,
    first: ExecutionId,
    status: RunStatus,
    parked: bool,
    stand: Stand,
}

/// Follows the sections of a seed.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// Those that were alive when the store was last looked at.
    open: BTreeMap<Section, Seen>,
    /// Those whose runs were gone then.
    gone: Vec<Section>,
    pub(crate) ways: Ways,
}

impl Met {
    /// The runs that hold locks or wait for them: those that are suspended or parked, and the others.
    pub(crate) fn contenders(&self) -> (Vec<&RunId>, Vec<&RunId>) {
        let is_stuck = |seen: &Seen| seen.parked || seen.status == RunStatus::Suspended;
        let runs = |stuck| self.open.iter().filter(move |(_, seen)| is_stuck(seen) == stuck);
        let stuck = runs(true).map(|(section, _)| &section.run).collect();
        (stuck, runs(false).map(|(section, _)| &section.run).collect())
    }

    /// Takes in what is durable.
    pub(crate) fn look(&mut self, durable: &Durable, histories: &Histories, stand: Stand) {
        for (section, seen) in &self.open {
            if durable.is_alive(section, histories) {
                for way in outlived(section, seen, durable, stand) {
                    self.ways.count(way, seen.waits);
                }
            } else if let Some(way) = ended(section, seen, durable, histories) {
                self.ways.count(way, seen.waits);
            }
        }
        let holding = durable.locks.iter().map(|(_, section)| (section, false));
        let waiting = durable.waiting.iter().filter_map(|waiting| waiting.message.body.lock_request());
        let waiting = waiting.map(|request| (&request.section, true));
        let (mut open, mut gone): (BTreeMap<Section, Seen>, Vec<Section>) = Default::default();
        for (section, waits) in holding.chain(waiting) {
            let Some(run) = durable.runs.get(&section.run) else {
                if !self.gone.contains(section) && !gone.contains(section) {
                    self.ways.count(Way::Purged, waits);
                }
                gone.push(section.clone());
                continue;
            };
            if durable.is_alive(section, histories) {
                let seen = open.entry(section.clone()).or_insert(Seen {
                    waits,
                    first: run.first,
                    status: run.status,
                    parked: run.parked.is_some(),
                    stand,
                });
                seen.waits |= waits;
            }
        }
        (self.open, self.gone) = (open, gone);
    }
}

/// What a section has outlived that is still alive.
fn outlived(section: &Section, seen: &Seen, durable: &Durable, stand: Stand) -> Vec<Way> {
    let run = &durable.runs[&section.run];
    let met = [
        (Way::Restarted, seen.stand.process != stand.process),
        (Way::Resharded, seen.stand.changes != stand.changes),
        (Way::Resumed, seen.status == RunStatus::Suspended && run.status != RunStatus::Suspended),
        (Way::Mended, seen.parked && run.parked.is_none()),
    ];
    met.into_iter().filter(|(_, met)| *met).map(|(way, _)| way).collect()
}

/// What has ended a section that was alive.
fn ended(section: &Section, seen: &Seen, durable: &Durable, histories: &Histories) -> Option<Way> {
    let run = durable.runs.get(&section.run)?;
    if run.first != seen.first {
        return Some(Way::Replaced);
    }
    if run.execution != section.execution {
        return Some(Way::ContinuedAsNew);
    }
    let history = histories.get(&(section.run.clone(), section.execution))?;
    Some(match history.events.last()? {
        Event::Ended(End::Returned(_)) => Way::Returned,
        Event::Ended(End::Failed(failure)) if failure.kind == FailureKind::Panicked => Way::Panicked,
        Event::Ended(End::Failed(failure)) if failure.kind == FailureKind::Returned => Way::ReturnedError,
        Event::Ended(End::Failed(_) | End::ContinuedAsNew(_)) => return None,
        Event::Ended(End::Terminated { .. }) if seen.parked => Way::TerminatedWhileParked,
        Event::Ended(End::Terminated { .. }) if seen.status == RunStatus::Suspended => {
            Way::TerminatedWhileSuspended
        }
        Event::Ended(End::Terminated { .. }) => Way::Terminated,
        Event::TurnStarted { .. } | Event::Started(_) | Event::Arrived(_) | Event::Issued(..) => {
            given_up(section.id, history, seen.waits)
        }
    })
}

/// How a section was ended by code that goes on.
fn given_up(section: CommandId, history: &History, waits: bool) -> Way {
    // The timer of a request is set right behind it.
    let limit = CommandId(section.0 + 1);
    let mut late = false;
    for event in &history.events {
        match event {
            Event::Arrived(Input::LockRefused { id, .. }) if *id == section => return Way::Refused,
            Event::Arrived(Input::TimerFired { id }) if *id == limit => late = true,
            Event::Issued(_, Command::Unlock { section: ended }) if *ended == section => {
                return if waits && late { Way::TimedOut } else { Way::Released };
            }
            _ => {}
        }
    }
    Way::Released
}
