//! Loads in flight: read at any moment between request and answer, answered in any order.

use super::{env::Env, process::Process};
use crate::{Fault, Situation};
use sarsen_engine::{Input, LoadRequest};
use sarsen_orchestration::Cursor;
use sarsen_protocol::{Keyspace, Page, Read};
use sarsen_storage::{Error, Store};

/// A load that a shard waits for.
#[derive(Debug)]
struct Load {
    shard: usize,
    request: LoadRequest,
    /// What was read, and how many groups had been applied then.
    pages: Option<(Vec<Page>, u64)>,
    /// Its place in the order of requests.
    number: u64,
    /// Whether it takes up what an earlier process has left.
    recovery: bool,
}

/// The loads in flight.
#[derive(Debug, Default)]
pub(super) struct Loads {
    in_flight: Vec<Load>,
    requested: u64,
    /// For [`Fault::StaleLoad`]: what was read before.
    earlier: Vec<(Vec<Read>, Vec<Page>)>,
}

impl Loads {
    pub(super) fn push<S>(&mut self, shard: usize, request: LoadRequest, _applied: u64, env: &mut Env<S>) {
        count_kind(request.reads(), env);
        env.note(|| format!("shard {shard} asks for {}", describe(request.reads())));
        self.requested += 1;
        self.in_flight.push(Load { shard, request, pages: None, number: self.requested, recovery: false });
    }

    /// Marks all loads as those of an open.
    pub(super) fn recovering(&mut self) {
        for load in &mut self.in_flight {
            load.recovery = true;
        }
    }

    /// Whether a load of the open is not answered yet.
    pub(super) fn is_recovering(&self) -> bool {
        self.in_flight.iter().any(|load| load.recovery)
    }

    pub(super) fn unread(&self) -> usize {
        self.in_flight.iter().filter(|load| load.pages.is_none()).count()
    }

    pub(super) fn read(&self) -> usize {
        self.in_flight.iter().filter(|load| load.pages.is_some()).count()
    }

    /// The place of the `nth` load that was read, or was not.
    fn nth(&self, nth: usize, read: bool) -> Option<usize> {
        let mut places = (0..self.in_flight.len()).filter(|at| self.in_flight[*at].pages.is_some() == read);
        places.nth(nth)
    }

    /// For [`Fault::StaleLoad`]: swaps what was read for what the same reads found before.
    fn stale<S>(&mut self, reads: &[Read], pages: Vec<Page>, env: &mut Env<S>) -> Vec<Page> {
        if env.fault != Some(Fault::StaleLoad) {
            return pages;
        }
        let known = self.earlier.iter().position(|(earlier, _)| earlier == reads);
        let stale = known.map(|at| self.earlier.swap_remove(at).1);
        self.earlier.push((reads.to_vec(), pages.clone()));
        match stale {
            Some(stale) if env.strikes(Fault::StaleLoad) => stale,
            Some(_) | None => pages,
        }
    }
}

impl<S: Store> Process<S> {
    /// Reads what one of the loads asks for.
    pub(super) fn read_load(&mut self, env: &mut Env<S>) -> Result<(), Error> {
        let chosen = env.random.below(self.loads.unread());
        let Some(at) = self.loads.nth(chosen, false) else { return Ok(()) };
        let reads = self.loads.in_flight[at].request.reads().to_vec();
        env.note(|| format!("read {}", describe(&reads)));
        let pages = self.store.read(&reads)?;
        let pages = self.loads.stale(&reads, pages, env);
        self.loads.in_flight[at].pages = Some((pages, self.applied));
        Ok(())
    }

    /// Answers one of the loads that were read.
    pub(super) fn answer_load(&mut self, env: &mut Env<S>) {
        let chosen = env.random.below(self.loads.read());
        let Some(at) = self.loads.nth(chosen, true) else { return };
        let load = self.loads.in_flight.swap_remove(at);
        let Some((pages, applied)) = load.pages else { return };
        env.note(|| format!("answer {} to shard {}", describe(load.request.reads()), load.shard));
        if applied < self.applied {
            env.count(Situation::LoadStale);
        }
        if self.loads.in_flight.iter().any(|other| other.number < load.number && other.shard == load.shard) {
            env.count(Situation::LoadOutOfOrder);
        }
        count_history(load.request.reads(), &pages, env);
        if env.strikes(Fault::LoseLoad) {
            return;
        }
        let answer = Input::Loaded(load.request.answer(pages));
        self.front.inner().push_inside(load.shard, answer);
    }
}

fn count_kind<S>(reads: &[Read], env: &mut Env<S>) {
    let [read] = reads else { return };
    match read.keyspace {
        Keyspace::Mailbox => env.count(Situation::WindowRead),
        Keyspace::Inbox if slot(&read.to).saturating_sub(slot(&read.from)) <= 1 => {
            env.count(Situation::GapRead);
        }
        Keyspace::Tasks if read.values => env.count(Situation::TasksRead),
        _ => {}
    }
}

/// Counts a history that is on its way to be replayed.
fn count_history<S>(reads: &[Read], pages: &[Page], env: &mut Env<S>) {
    let ([Read { keyspace: Keyspace::History, .. }], [page]) = (reads, pages) else { return };
    let mut cursor = Cursor::default();
    let events = page.rows.iter().map_while(|row| cursor.read(&row.value).ok()).flatten().count();
    if events > 0 {
        env.count(Situation::Replayed);
    }
    if events > env.limits.replay_events_per_turn_max {
        env.count(Situation::ReplayedInSlices);
    }
}

/// The slot of a row's key; rows are keyed by slot in every keyspace.
fn slot(key: &[u8]) -> u16 {
    key.get(..2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_be_bytes)
}

fn describe(reads: &[Read]) -> String {
    match reads {
        [] => "nothing".to_owned(),
        [read] => format!("{:?} {:?}..{:?}", read.keyspace, read.from, read.to),
        [first, ..] => format!("{:?} {:?}.. and {} more", first.keyspace, first.from, reads.len() - 1),
    }
}
