//! Who waits for the end of runs.
//!
//! A place stands here for each run whose end somebody may want to know, as long as somebody does; its end is noted
//! there when it is durable. Whoever comes to wait takes the place first, then reads the store, then waits: an end
//! before the read is found by it, an end behind it is noted in the place. Who starts a run takes the place before the
//! start is sent, and so needs no read.

use crate::lock::lock;
use dashmap::{DashMap, Entry};
use sarsen_protocol::{AddressHasher, ExecutionId, Payload, RunId, RunOutcome};
use std::{
    collections::VecDeque,
    hash::BuildHasherDefault,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// How many ends of runs that had one id after the other a place keeps.
const ENDS_MAX: usize = 4;

/// The places of a host, by run.
#[derive(Debug, Default)]
pub struct RunEnds {
    places: DashMap<RunId, Held, BuildHasherDefault<AddressHasher>>,
    stopped: AtomicBool,
}

/// A place, and how many have taken it.
#[derive(Debug)]
struct Held {
    place: Arc<Place>,
    holders: usize,
}

/// What is known of the ends of a run.
#[derive(Debug, Default)]
pub(crate) struct Place {
    ends: Mutex<Ends>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Ends {
    noted: VecDeque<(ExecutionId, Option<RunOutcome>)>,
    /// How many were noted and are no longer kept.
    dropped: u64,
    /// The last custom status of a run of this id.
    shown: Option<(ExecutionId, Payload)>,
    /// How often anything was noted.
    notes: u64,
    stopped: bool,
}

/// What a place says about one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It has ended so.
    Ended(RunOutcome),
    /// It is gone.
    Purged,
    /// Nothing yet. `dropped`: how many ends were noted and are no longer kept.
    Nothing { dropped: u64 },
    /// The host has stopped; nothing more will be noted.
    Stopped,
}

impl RunEnds {
    /// No places.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a durable end; `None`: the run was purged. Called in the order in which the ends were committed.
    pub fn ended(&self, run: &RunId, first: ExecutionId, outcome: Option<RunOutcome>) {
        let Some(place) = self.places.get(run).map(|held| Arc::clone(&held.place)) else { return };
        lock(&place.ends).note(first, outcome);
        place.told.notify_waiters();
    }

    /// Notes that a run which had failed goes on, once that is durable: its end is none any more.
    pub fn rewound(&self, run: &RunId, first: ExecutionId) {
        let Some(place) = self.places.get(run).map(|held| Arc::clone(&held.place)) else { return };
        let mut ends = lock(&place.ends);
        ends.noted.retain(|(noted, _)| *noted != first);
        ends.notes += 1;
        drop(ends);
        place.told.notify_waiters();
    }

    /// Notes a custom status that is durable. Called in the order in which they were committed.
    pub fn status_set(&self, run: &RunId, first: ExecutionId, status: Payload) {
        let Some(place) = self.places.get(run).map(|held| Arc::clone(&held.place)) else { return };
        let mut ends = lock(&place.ends);
        ends.shown = Some((first, status));
        ends.notes += 1;
        drop(ends);
        place.told.notify_waiters();
    }

    /// Tells all who wait that the host has stopped, in the order of the runs' ids.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let mut places: Vec<(RunId, Arc<Place>)> =
            self.places.iter().map(|held| (held.key().clone(), Arc::clone(&held.place))).collect();
        places.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (_, place) in places {
            lock(&place.ends).stopped = true;
            place.told.notify_waiters();
        }
    }

    /// Takes the place of a run, which is given back by [`leave`](Self::leave).
    pub(crate) fn take(&self, run: &RunId) -> Arc<Place> {
        let place = {
            let mut held =
                self.places.entry(run.clone()).or_insert_with(|| Held { place: Arc::default(), holders: 0 });
            held.holders += 1;
            Arc::clone(&held.place)
        };
        // Looked at behind the entry, so that a stop has either found the place or is found here.
        if self.stopped.load(Ordering::SeqCst) {
            lock(&place.ends).stopped = true;
        }
        place
    }

    /// Gives a place back; with the last holder it goes.
    pub(crate) fn leave(&self, run: &RunId) {
        let Entry::Occupied(mut held) = self.places.entry(run.clone()) else { return };
        held.get_mut().holders -= 1;
        if held.get().holders == 0 {
            held.remove();
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.places.len()
    }
}

impl Ends {
    fn note(&mut self, first: ExecutionId, outcome: Option<RunOutcome>) {
        self.notes += 1;
        // A purge says nothing new about a run whose outcome is kept.
        if outcome.is_none() && self.noted.iter().any(|(noted, _)| *noted == first) {
            return;
        }
        if self.noted.len() == ENDS_MAX {
            self.noted.pop_front();
            self.dropped += 1;
        }
        self.noted.push_back((first, outcome));
    }
}

impl Place {
    /// What is noted of the run whose first execution this is.
    pub(crate) fn noted(&self, first: ExecutionId) -> Noted {
        let ends = lock(&self.ends);
        match ends.noted.iter().find(|(noted, _)| *noted == first) {
            Some((_, Some(outcome))) => Noted::Ended(outcome.clone()),
            Some((_, None)) => Noted::Purged,
            None if ends.stopped => Noted::Stopped,
            None => Noted::Nothing { dropped: ends.dropped },
        }
    }

    /// The last custom status that was noted of the run whose first execution this is.
    pub(crate) fn shown(&self, first: ExecutionId) -> Option<Payload> {
        let ends = lock(&self.ends);
        ends.shown.as_ref().filter(|(of, _)| *of == first).map(|(_, status)| status.clone())
    }

    /// How often anything was noted here.
    pub(crate) fn notes(&self) -> u64 {
        lock(&self.ends).notes
    }

    /// Waits until more is noted than `notes`, or the host stops. Returns how often anything was noted then; `None` when
    /// it has stopped.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub(crate) async fn noted_since(&self, notes: u64) -> Option<u64> {
        loop {
            let mut told = std::pin::pin!(self.told.notified());
            // From here on no notification is missed.
            told.as_mut().enable();
            let (now, stopped) = {
                let ends = lock(&self.ends);
                (ends.notes, ends.stopped)
            };
            if now != notes {
                return Some(now);
            }
            if stopped {
                return None;
            }
            told.await;
        }
    }

    /// How many ends are no longer kept.
    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.ends).dropped
    }

    /// Waits until something is noted of the run, or more is dropped than `dropped`.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub(crate) async fn changed(&self, first: ExecutionId, dropped: u64) -> Noted {
        loop {
            let mut told = std::pin::pin!(self.told.notified());
            // From here on no notification is missed.
            told.as_mut().enable();
            match self.noted(first) {
                Noted::Nothing { dropped: now } if now == dropped => told.await,
                noted => return noted,
            }
        }
    }
}

#[cfg(test)]
mod tests;
