//! What the clients of agendas asked for and were told, and what follows of it.

use super::entity::{Did, Entry};
use crate::invariants::Checked;
use sarsen_protocol::{CallError, Timestamp};
use sarsen_testing::Situation;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::RangeInclusive,
    time::Duration,
};

/// What a client asks of an agenda.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// That it schedules something at itself.
    Plan { name: String, id: u64, delay: Duration, every: Option<Duration>, fails: bool },
    /// That it cancels what it has scheduled at itself.
    Drop { name: String },
    /// That it schedules something at another one.
    Tell { to: String, id: u64, delay: Duration },
    /// That it is deleted.
    Erase,
    /// The client schedules something at it.
    Schedule { name: String, id: u64, delay: Duration, every: Option<Duration> },
    /// The client cancels what is scheduled.
    Cancel { name: String },
}

/// Who schedules what has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// An operation of the agenda.
    Own,
    /// An operation of an agenda, perhaps another one.
    Told,
    /// A client; whether it is repeated.
    Client { repeated: bool },
}

/// Who has sent what has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caused<'a> {
    ByClient,
    /// An operation of this agenda.
    ByAgenda(&'a str),
}

/// What became of a request.
#[derive(Clone, Debug)]
enum Told {
    Nothing,
    /// It was acknowledged, or answered by this.
    Done(Option<bool>),
    Never,
    Unknown,
}

#[derive(Debug)]
struct Ask {
    to: String,
    act: Act,
    begun: u64,
    ended: Option<u64>,
    told: Told,
}

impl Ask {
    /// The name under which it schedules or cancels as a client.
    fn name(&self) -> Option<&str> {
        match &self.act {
            Act::Schedule { name, .. } | Act::Cancel { name } => Some(name),
            Act::Plan { .. } | Act::Drop { .. } | Act::Tell { .. } | Act::Erase => None,
        }
    }

    fn id(&self) -> Option<u64> {
        match self.act {
            Act::Plan { id, .. } | Act::Tell { id, .. } | Act::Schedule { id, .. } => Some(id),
            Act::Drop { .. } | Act::Erase | Act::Cancel { .. } => None,
        }
    }
}

/// Everything that clients of agendas know.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    asks: Vec<Ask>,
    moments: u64,
    ids: u64,
    /// The latest time that anything has seen.
    seen: Timestamp,
    /// That time when something came, by what and when.
    seen_at: HashMap<(u64, u64), Timestamp>,
    /// When signals are due, the earliest of all attempts.
    pub(super) due: HashMap<u64, Timestamp>,
    /// What must not come any more.
    dead: BTreeMap<u64, String>,
    /// What was not found by who cancelled it: there was no room for it.
    missed: BTreeMap<u64, String>,
    /// From when on everything has come that was to come once.
    rest: Timestamp,
    violations: Vec<String>,
}

impl Promised {
    pub(super) fn new_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Notes the time.
    pub(super) fn see(&mut self, now: Timestamp) {
        self.seen = self.seen.max(now);
    }

    /// Takes in what an operation has done, undone or not.
    pub(super) fn did(&mut self, did: Did) {
        match did {
            Did::Planned(id, due) => {
                let known = self.due.entry(id).or_insert(due);
                *known = due.min(*known);
            }
            Did::Came(id, at) => {
                self.seen_at.insert((id, at.as_micros()), self.seen);
                if self.due.get(&id).is_some_and(|due| *due > self.seen) {
                    self.violations.push(format!("{id} came before it was due"));
                }
            }
        }
    }

    /// When the last of all signals is due, as far as clients know.
    pub(super) fn latest_due(&self) -> Timestamp {
        self.due.values().copied().max().unwrap_or_default().max(self.seen)
    }

    pub(super) fn come_to_rest(&mut self) {
        self.rest = self.seen.max(self.latest_due());
    }

    /// The latest time that anything had seen when this came at this moment, which may be of an earlier process.
    pub(super) fn seen_at(&self, id: u64, at: u64) -> Timestamp {
        self.seen_at.get(&(id, at)).copied().unwrap_or_default()
    }

    pub(super) fn rest(&self) -> Timestamp {
        self.rest
    }

    pub(super) fn origin(&self, id: u64) -> Option<Origin> {
        let ask = self.asks.iter().find(|ask| ask.id() == Some(id))?;
        Some(match &ask.act {
            Act::Schedule { every, .. } => Origin::Client { repeated: every.is_some() },
            Act::Tell { .. } => Origin::Told,
            Act::Plan { .. } | Act::Drop { .. } | Act::Erase | Act::Cancel { .. } => Origin::Own,
        })
    }

    pub(super) fn caused(&self, id: u64) -> Option<Caused<'_>> {
        let ask = self.asks.iter().find(|ask| ask.id() == Some(id))?;
        Some(match &ask.act {
            Act::Schedule { .. } => Caused::ByClient,
            _ => Caused::ByAgenda(&ask.to),
        })
    }

    /// The plans of an agenda that fail, and how often they may have.
    pub(super) fn failed(&self, key: &str) -> impl Iterator<Item = (u64, RangeInclusive<usize>)> {
        let fails = |ask: &&Ask| matches!(ask.act, Act::Plan { fails: true, .. });
        self.asks.iter().filter(move |ask| ask.to == key).filter(fails).filter_map(|ask| {
            let possible = match ask.told {
                Told::Done(_) => 1..=1,
                Told::Never => 0..=0,
                Told::Nothing | Told::Unknown => 0..=1,
            };
            Some((ask.id()?, possible))
        })
    }

    pub(super) fn begin(&mut self, to: &str, act: Act) -> usize {
        self.moments += 1;
        let begun = self.moments;
        self.asks.push(Ask { to: to.to_owned(), act, begun, ended: None, told: Told::Nothing });
        self.asks.len() - 1
    }

    /// Takes in what a client was told.
    pub(super) fn end(&mut self, number: usize, told: Result<Option<bool>, CallError>) {
        self.moments += 1;
        let ask = &mut self.asks[number];
        ask.ended = Some(self.moments);
        ask.told = match told {
            Ok(told) => Told::Done(told),
            Err(error) if error.is_unknown_outcome() => Told::Unknown,
            Err(_) => Told::Never,
        };
        self.conclude(number);
    }

    /// Draws the conclusions of what a client was told that schedules or cancels.
    fn conclude(&mut self, number: usize) {
        let ask = &self.asks[number];
        let (Told::Done(told), Some(name)) = (&ask.told, ask.name()) else { return };
        let (told, end) = (*told, ask.ended.unwrap_or(u64::MAX));
        let others: Vec<&Ask> = self
            .asks
            .iter()
            .filter(|other| other.begun != ask.begun && other.to == ask.to && other.name() == Some(name))
            .collect();
        let before = |other: &&&Ask| other.ended.is_some_and(|ended| ended < ask.begun);
        let (mut dead, mut missed) = (Vec::new(), None);
        for other in others.iter().filter(before) {
            let (Told::Done(None), Some(id)) = (&other.told, other.id()) else { continue };
            if self.due.get(&id).is_some_and(|due| *due > self.seen) {
                dead.push(id);
                // Nothing else may have ended it.
                let alone = others.iter().all(|third| third.begun == other.begun || third.begun > end);
                missed =
                    missed.or((told == Some(false) && alone && !self.may_be_erased(&ask.to)).then_some(id));
            }
        }
        let scheduled: Vec<&&Ask> =
            others.iter().filter(|other| other.begun < end && other.id().is_some()).collect();
        // A reminder may have come before.
        if let (Some(true), [only]) = (told, scheduled.as_slice())
            && matches!(only.act, Act::Schedule { every: None, .. })
        {
            dead.extend(only.id());
        }
        let why = format!("{:?} of {} was told {told:?}", ask.act, ask.to);
        if let Some(id) = missed {
            self.missed.insert(id, why.clone());
        }
        self.dead.extend(dead.into_iter().map(|id| (id, why.clone())));
    }

    fn may_be_erased(&self, key: &str) -> bool {
        self.asks.iter().any(|ask| ask.to == key && matches!(ask.act, Act::Erase))
    }

    /// Whether a signal must have come: nothing that may have been done can have replaced, cancelled or ended it.
    fn must_come(&self, ask: &Ask) -> bool {
        let last = |other: &Ask| {
            other.begun == ask.begun
                || other.to != ask.to
                || other.name() != ask.name()
                || matches!(other.told, Told::Never)
                || other.ended.is_some_and(|ended| ended < ask.begun)
        };
        matches!(ask.told, Told::Done(_)) && !self.may_be_erased(&ask.to) && self.asks.iter().all(last)
    }
}

/// Compares what came to an agenda with what was promised.
pub(super) fn check(
    known: &Promised,
    given_up: &BTreeSet<u64>,
    key: &str,
    lives: &[Vec<Entry>],
    count: impl Fn(Situation),
) -> Checked {
    if let Some(violation) = known.violations.first() {
        return Err(violation.clone());
    }
    if let Some((id, why)) = known.missed.iter().find(|(id, _)| !given_up.contains(id)) {
        return Err(format!("{id} was scheduled, and {why}"));
    }
    let mut came: HashMap<u64, Vec<u64>> = HashMap::new();
    for entry in lives.iter().flatten() {
        if let Entry::Came { id, at } = entry {
            came.entry(*id).or_default().push(at.micros());
        }
    }
    let failed: HashSet<u64> = known
        .asks
        .iter()
        .filter(|ask| matches!(ask.act, Act::Plan { fails: true, .. }))
        .filter_map(Ask::id)
        .collect();
    for (id, times) in &came {
        let origin = known.origin(*id).ok_or_else(|| format!("nobody has scheduled {id} at {key}"))?;
        let repeated = matches!(origin, Origin::Client { repeated: true } | Origin::Own);
        if !repeated && times.len() > 1 {
            return Err(format!("{id} came {} times to {key}", times.len()));
        }
        if failed.contains(id) {
            return Err(format!("{id} came to {key} and was scheduled by an operation that failed"));
        }
        if let Some(why) = known.dead.get(id) {
            return Err(format!("{id} came to {key} although {why}"));
        }
        if given_up.contains(id) {
            return Err(format!("{id} came to {key} and is a dead letter"));
        }
    }
    for ask in known.asks.iter().filter(|ask| ask.to == key) {
        let Act::Schedule { id, every, .. } = &ask.act else { continue };
        // What instances have scheduled in between may have left no room for it.
        if given_up.contains(id) || !known.must_come(ask) {
            continue;
        }
        count(Situation::ScheduledCame);
        let last = came.get(id).and_then(|times| times.last());
        let since = every.map_or(Timestamp::default(), |every| known.rest().before(every));
        if last.is_none_or(|last| *last < since.as_micros()) {
            return Err(format!(
                "{id} was scheduled at {key} and did not come in the end: {ask:?}, {came:?}"
            ));
        }
    }
    Ok(())
}
