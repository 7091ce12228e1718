//! A shard that does anything with its timers, over a store that commits and answers late: each timer fires once and not
//! early, or is taken back, and few are in memory.

use super::{at, message};
use crate::{
    record::{self, RowId, TimerId},
    shard::timers::Timers,
};
use sarsen_protocol::{BatchNumber, Epoch, Page, Read, Row, Slot, Timestamp};
use std::{collections::BTreeSet, time::Duration};

/// How many things happen in a run.
const STEPS: u64 = 1_000;

/// How many timers are to be in memory at most.
const NEAR_MAX: usize = 8;

/// At how many moments timers are due: as many of one moment may be in memory beside the others.
const SAME_MAX: usize = 6;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A read that was asked for, and what is to be answered, once that is chosen.
struct Asked {
    until: Timestamp,
    reads: Vec<Read>,
    pages: Option<Vec<Page>>,
}

struct Model {
    random: Random,
    timers: Timers,
    now: u64,
    /// What is durable, and what the open and the sealed batches do to it.
    rows: BTreeSet<TimerId>,
    sealed: Vec<(TimerId, bool)>,
    open: Vec<(TimerId, bool)>,
    number: u64,
    committed: BatchNumber,
    asked: Option<Asked>,
    waiting: BTreeSet<TimerId>,
    written: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            timers: Timers::new(Duration::from_micros(200), NEAR_MAX),
            now: 0,
            rows: BTreeSet::new(),
            sealed: Vec::new(),
            open: Vec::new(),
            number: 1,
            committed: BatchNumber(0),
            asked: None,
            waiting: BTreeSet::new(),
            written: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..4 => self.insert(),
            4..7 => self.remove(),
            7..10 => self.now += self.random.below(30),
            10 => self.commit(),
            11..14 => self.ask(),
            14 => self.read(),
            15..17 => self.answer(),
            _ => self.fire(),
        }
        let near = self.timers.near.len();
        assert!(near < NEAR_MAX + SAME_MAX, "{near} timers are in memory");
        assert_eq!(self.timers.count(), self.waiting.len() as u64);
    }

    fn insert(&mut self) {
        // Few of one moment; some are due already.
        let due = at((self.now + self.random.below(400)).saturating_sub(100));
        if self.waiting.iter().filter(|id| id.due == due).count() == SAME_MAX {
            return;
        }
        self.written += 1;
        let row = RowId { epoch: Epoch(1), counter: self.written };
        let slot = u16::try_from(self.random.below(3)).expect("it is small");
        let id = TimerId { due, row, slot: Slot::new(slot).expect("a slot") };
        self.waiting.insert(id);
        self.open.push((id, true));
        self.timers.insert(id, message(), BatchNumber(self.number));
    }

    fn remove(&mut self) {
        let place = self.random.below(self.waiting.len().max(1) as u64);
        let Some(id) = self.waiting.iter().nth(usize::try_from(place).expect("a place")).copied() else {
            return;
        };
        self.waiting.remove(&id);
        self.open.push((id, false));
        self.timers.remove(id, BatchNumber(self.number));
    }

    /// Makes the sealed batch durable, and seals the open one.
    fn commit(&mut self) {
        for (id, is_there) in self.sealed.drain(..) {
            if is_there {
                self.rows.insert(id)
            } else {
                self.rows.remove(&id)
            };
        }
        self.committed = BatchNumber(self.number - 1);
        self.sealed.append(&mut self.open);
        self.number += 1;
    }

    fn ask(&mut self) {
        if let Some((until, reads)) = self.timers.poll_read(at(self.now), self.committed) {
            assert!(self.asked.is_none(), "one read is under way");
            self.asked = Some(Asked { until, reads, pages: None });
        }
    }

    /// The store reads; it answers later.
    fn read(&mut self) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.pages.is_none()) else { return };
        let page = |read: &Read| {
            let mut rows: Vec<Row> = self
                .rows
                .iter()
                .map(|id| Row { key: record::timer_key(*id), value: record::write_message(&message()) })
                .filter(|row| read.from <= row.key && row.key < read.to)
                .collect();
            rows.sort_by(|one, other| one.key.cmp(&other.key));
            let more = rows.len() > read.rows_max;
            rows.truncate(read.rows_max);
            Page { rows, more }
        };
        asked.pages = Some(asked.reads.iter().map(page).collect());
    }

    fn answer(&mut self) {
        let Some(Asked { until, pages: Some(pages), .. }) = self.asked.take_if(|asked| asked.pages.is_some())
        else {
            return;
        };
        let reads = self.timers.extend(until, &pages).expect("whole");
        if !reads.is_empty() {
            self.asked = Some(Asked { until, reads, pages: None });
        }
    }

    fn fire(&mut self) {
        for _ in 0..self.random.below(4) {
            let Some((id, _)) = self.timers.pop_due(at(self.now)) else { return };
            assert!(id.due <= at(self.now), "{id:?} fires at {}", self.now);
            assert!(self.waiting.remove(&id), "{id:?} fires again, or was taken back");
            self.open.push((id, false));
        }
    }
}

#[test]
fn each_timer_fires_once_and_few_are_in_memory() {
    for seed in 0..1_000 {
        let mut model = Model::new(seed);
        (0..STEPS).for_each(|_| model.step());
        // From now on all that is due comes in time.
        while !model.waiting.is_empty() {
            let next = model.timers.next_deadline();
            model.now = model.now.max(next.map_or(0, Timestamp::as_micros));
            let before = (model.waiting.len(), model.now, model.number);
            while let Some((id, _)) = model.timers.pop_due(at(model.now)) {
                assert!(model.waiting.remove(&id), "seed {seed}: {id:?} fires again");
                model.open.push((id, false));
            }
            model.commit();
            model.ask();
            model.read();
            model.answer();
            assert!(before.2 < model.number && model.number < 20 * STEPS, "seed {seed}: {before:?} stands");
        }
    }
}
