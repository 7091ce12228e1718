//! The window against a model: a queue that is all in memory, over a store that is read late.

use super::*;
use sarsen_protocol::{Address, Epoch, Identity, OperationName, Origin, Payload};
use std::collections::BTreeSet;

fn message() -> Message {
    let address = Address::entity("a", "b").expect("valid");
    Message {
        to: address.clone(),
        from: Origin::Instance(address),
        operation: OperationName::of("o"),
        input: Payload::null(),
        answered: false,
        identity: Identity::None,
        due: None,
        deadline: None,
        trace: None,
    }
}

fn id(counter: u64) -> RowId {
    RowId { epoch: Epoch(1), counter }
}

/// SplitMix64.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

/// A mailbox of window 2 over a store whose commits and reads lag behind.
struct World {
    mailbox: Mailbox,
    seed: u64,
    pushed: u64,
    popped: u64,
    sealed: BatchNumber,
    committed: BatchNumber,
    /// Rows written and consumed by each batch that is not committed yet.
    batches: Vec<Vec<(RowId, bool)>>,
    open: Vec<(RowId, bool)>,
    rows: BTreeSet<RowId>,
    /// What the read under way is behind; 0 for the first row.
    reading: Option<u64>,
    most: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut mailbox = Mailbox::unknown();
        mailbox.extend(std::iter::empty(), false);
        mailbox.count(0, None);
        Self {
            mailbox,
            seed,
            pushed: 0,
            popped: 0,
            sealed: BatchNumber(0),
            committed: BatchNumber(0),
            batches: Vec::new(),
            open: Vec::new(),
            rows: BTreeSet::new(),
            reading: None,
            most: 0,
        }
    }

    fn step(&mut self) {
        match random(&mut self.seed, 6) {
            0 | 1 => {
                self.pushed += 1;
                self.mailbox.push(Entry { id: id(self.pushed), message: message(), row: None }, 2);
            }
            2 => self.pop(),
            3 => self.seal(),
            4 => self.commit(),
            _ => self.read(),
        }
        self.most = self.most.max(self.mailbox.head.len());
        assert_eq!(self.mailbox.len() as u64, self.pushed - self.popped, "no message is missed or doubled");
    }

    fn pop(&mut self) {
        if let Some(entry) = self.mailbox.pop() {
            self.popped += 1;
            assert_eq!(entry.id, id(self.popped), "messages are taken in order");
            if entry.row.is_some() {
                self.open.push((entry.id, false));
            }
        }
    }

    fn seal(&mut self) {
        self.sealed = self.sealed.next();
        let mut batch = std::mem::take(&mut self.open);
        for entry in self.mailbox.unwritten() {
            entry.row = Some(self.sealed);
            batch.push((entry.id, true));
        }
        self.batches.push(batch);
    }

    fn commit(&mut self) {
        if self.batches.is_empty() {
            return;
        }
        self.committed = self.committed.next();
        for (row, there) in self.batches.remove(0) {
            if there {
                self.rows.insert(row);
            } else {
                self.rows.remove(&row);
            }
        }
        self.mailbox.trim(self.committed);
    }

    /// Asks for rows, or answers as of now.
    fn read(&mut self) {
        match self.reading.take() {
            None => {
                self.mailbox.reading = self.mailbox.wants_rows(2);
                let last = self.mailbox.last().map_or(0, |last| last.counter);
                self.reading = self.mailbox.reading.then_some(last);
            }
            Some(after) => {
                let behind = self.rows.iter().copied().filter(|row| row.counter > after);
                let all: Vec<RowId> = behind.collect();
                let entries = all.iter().take(2).map(|row| Entry {
                    id: *row,
                    message: message(),
                    row: Some(BatchNumber(0)),
                });
                self.mailbox.extend(entries, all.len() > 2);
                self.mailbox.trim(self.committed);
            }
        }
    }
}

#[test]
fn a_load_in_flight_misses_no_message() {
    for seed in 0..500 {
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        while world.popped < world.pushed {
            world.seal();
            world.commit();
            world.read();
            world.pop();
        }
        assert!(world.mailbox.is_empty());
    }
}

#[test]
fn messages_beyond_the_window_leave_memory_once_their_rows_are_durable() {
    let mut world = World::new(0);
    for counter in 1..=100 {
        world.mailbox.push(Entry { id: id(counter), message: message(), row: None }, 2);
    }
    world.pushed = 100;
    assert_eq!(world.mailbox.tail.len(), 98);
    world.seal();
    assert_eq!(world.mailbox.trim(BatchNumber(0)), 0, "not before they are durable");
    world.commit();
    assert_eq!((world.mailbox.tail.len(), world.mailbox.len()), (0, 100));
}
