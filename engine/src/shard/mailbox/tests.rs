//! The window against a model: a queue that is all in memory, over a store that is read late.

use super::*;
use sarsen_protocol::{
    Address, Body, CommandId, Epoch, ExecutionId, Identity, LockRequest, OperationName, Origin, Payload,
    RunId, Section, Slot, Timestamp,
};
use std::collections::BTreeSet;

fn message() -> Message {
    let address = Address::entity("a", "b").expect("valid");
    Message {
        to: address.clone(),
        from: Origin::Instance(address),
        body: Body::operation(OperationName::of("o"), Payload::null(), false),
        identity: Identity::None,
        due: None,
        deadline: None,
        trace: None,
    }
}

/// Whether a lock may make the message impossible.
fn is_hidden(counter: u64) -> bool {
    counter.is_multiple_of(3)
}

fn of(counter: u64) -> Message {
    if !is_hidden(counter) {
        return numbered(counter);
    }
    let slot = Slot::new(0).expect("there is one");
    let section = Section {
        run: RunId::new("r").expect("valid"),
        execution: ExecutionId::generated(Timestamp::default(), slot, 1),
        id: CommandId(0),
    };
    let request = LockRequest { section, entities: Vec::new(), position: 0, since: Timestamp::default() };
    Message { body: Body::TryLock(Box::new(request)), ..numbered(counter) }
}

fn entry(counter: u64, row: Option<BatchNumber>) -> Entry {
    Entry { id: id(counter), message: Box::new(of(counter)), row }
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
    /// What the read under way is behind, 0 for the first row, and whether it is a search.
    reading: Option<(u64, bool)>,
    /// What was taken from behind the front and has not been passed.
    gone: BTreeSet<u64>,
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
            gone: BTreeSet::new(),
            most: 0,
        }
    }

    fn step(&mut self) {
        match random(&mut self.seed, 7) {
            0 | 1 => {
                self.pushed += 1;
                self.mailbox.push(entry(self.pushed, None), 2);
            }
            2 => self.pop(),
            3 => self.seal(),
            4 => self.commit(),
            5 if self.reading.is_none() => {
                self.mailbox.forget_search();
                self.search();
            }
            _ => self.read(),
        }
        self.most = self.most.max(self.mailbox.head.len());
        let waiting = self.pushed - self.popped - self.gone.len() as u64;
        assert_eq!(self.mailbox.len() as u64, waiting, "no message is missed or doubled");
    }

    fn pop(&mut self) {
        if let Some(entry) = self.mailbox.pop() {
            self.popped += 1;
            while self.gone.remove(&self.popped) {
                self.popped += 1;
            }
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

    fn last(&self) -> u64 {
        self.mailbox.last().map_or(0, |last| last.counter)
    }

    /// Asks for rows, or answers as of now.
    fn read(&mut self) {
        let Some((after, searches)) = self.reading.take() else {
            self.mailbox.reading = self.mailbox.wants_rows(2);
            self.reading = self.mailbox.reading.then_some((self.last(), false));
            return;
        };
        let all: Vec<u64> =
            self.rows.iter().map(|row| row.counter).filter(|counter| *counter > after).collect();
        if searches {
            self.found(&all);
        } else {
            let entries = all.iter().take(2).map(|counter| entry(*counter, Some(BatchNumber(0))));
            self.mailbox.extend(entries, all.len() > 2);
        }
        self.mailbox.trim(self.committed);
    }

    /// Asks for all rows behind the front, if that is worth it.
    fn search(&mut self) {
        self.mailbox.reading = self.mailbox.wants_search();
        self.reading = self.mailbox.reading.then_some((self.last(), true));
    }

    /// Takes each second of those that a lock may make impossible.
    fn found(&mut self, rows: &[u64]) {
        self.mailbox.reading = false;
        let mut left = 0;
        for counter in rows {
            let row = entry(*counter, Some(BatchNumber(0)));
            if self.mailbox.is_only_a_row(&row) && counter.is_multiple_of(6) {
                self.mailbox.take_row(row.id);
                self.take(&row);
            } else if self.mailbox.is_only_a_row(&row) {
                left += usize::from(is_hidden(*counter));
            }
        }
        let newest: Vec<u64> = self.mailbox.tail.iter().map(|entry| entry.id.counter).collect();
        for counter in newest.into_iter().filter(|counter| counter.is_multiple_of(6)) {
            let taken = self.mailbox.take_newest(is(counter)).expect("it is there");
            self.take(&taken);
        }
        self.mailbox.searched(left);
        let behind = (self.last() + 1..=self.pushed).filter(|counter| is_hidden(*counter));
        let hidden = behind.filter(|counter| !self.gone.contains(counter)).count();
        assert_eq!(self.mailbox.hidden.count, Some(hidden).filter(|_| self.mailbox.gap).or(Some(0)));
    }

    fn take(&mut self, taken: &Entry) {
        self.gone.insert(taken.id.counter);
        if taken.row.is_some() {
            self.open.push((taken.id, false));
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
        while !world.mailbox.is_empty() {
            world.seal();
            world.commit();
            world.read();
            world.pop();
        }
        assert_eq!(world.popped + world.gone.len() as u64, world.pushed);
    }
}

#[test]
fn messages_beyond_the_window_leave_memory_once_their_rows_are_durable() {
    let mut world = World::new(0);
    for counter in 1..=100 {
        world.mailbox.push(Entry { id: id(counter), message: Box::new(message()), row: None }, 2);
    }
    world.pushed = 100;
    assert_eq!(world.mailbox.tail.len(), 98);
    world.seal();
    assert_eq!(world.mailbox.trim(BatchNumber(0)), 0, "not before they are durable");
    world.commit();
    assert_eq!((world.mailbox.tail.len(), world.mailbox.len()), (0, 100));
}

fn numbers<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
    entries.map(|entry| entry.id.counter).collect()
}

/// A mailbox of window 3 with messages 1 to `last`; those from 4 on are behind the window.
fn filled(last: u64) -> Mailbox {
    let mut mailbox = World::new(0).mailbox;
    for counter in 1..=last {
        mailbox.push(Entry { id: id(counter), message: Box::new(numbered(counter)), row: None }, 3);
    }
    mailbox
}

/// A message that says its number.
fn numbered(number: u64) -> Message {
    Message { deadline: Some(sarsen_protocol::Timestamp::from_micros(number)), ..message() }
}

fn is(number: u64) -> impl Fn(&Message) -> bool {
    move |message| message.deadline.is_some_and(|deadline| deadline.as_micros() == number)
}

#[test]
fn a_message_is_taken_out_of_the_front_wherever_it_stands_there() {
    let mut mailbox = filled(5);
    assert!(mailbox.any(is(2)) && mailbox.any(is(5)) && !mailbox.any(is(6)));
    let taken = mailbox.take(is(2)).expect("it is in the front");
    assert_eq!((taken.id, mailbox.len(), mailbox.head_len()), (id(2), 4, 2));
    assert!(mailbox.take(is(2)).is_none());
    assert!(mailbox.take(is(5)).is_none(), "behind the front it may come again from its row");
    assert_eq!(numbers(mailbox.head.iter()), [1, 3]);
    assert_eq!(mailbox.bytes(), 4 * message().bytes());
    let rest: Vec<u64> = std::iter::from_fn(|| mailbox.pop()).map(|entry| entry.id.counter).collect();
    assert_eq!((rest, mailbox.head_bytes), (vec![1, 3], 0));
    assert!(!mailbox.is_empty(), "rows follow");
}

#[test]
fn what_is_put_back_stands_where_it_stood() {
    let mut mailbox = filled(3);
    let first: Vec<Entry> = std::iter::from_fn(|| mailbox.pop()).take(2).collect();
    mailbox.put_back(first);
    assert_eq!(numbers(mailbox.head.iter()), [1, 2, 3]);
    let middle = mailbox.take(is(2)).expect("it is there");
    mailbox.put_back(vec![middle]);
    assert_eq!(numbers(mailbox.head.iter()), [1, 2, 3]);
    assert_eq!((mailbox.len(), mailbox.head_bytes), (3, 3 * message().bytes()));
}

/// What is put back before messages that have a row was never written.
#[test]
fn what_is_put_back_gets_its_row() {
    let mut mailbox = filled(2);
    for entry in mailbox.unwritten() {
        entry.row = Some(BatchNumber(1));
    }
    mailbox.push(Entry { id: id(3), message: Box::new(numbered(3)), row: None }, 3);
    let taken = mailbox.take(is(3)).expect("it is there");
    mailbox.put_back(vec![taken]);
    let unwritten: Vec<u64> = mailbox.unwritten().map(|entry| entry.id.counter).collect();
    assert_eq!(unwritten, [3]);
}

#[test]
fn a_read_brings_back_nothing_that_was_taken_or_put_back() {
    let mut mailbox = filled(3);
    for entry in mailbox.unwritten() {
        entry.row = Some(BatchNumber(1));
    }
    let taken = mailbox.take(is(3)).expect("it is there");
    drop(mailbox.take(is(2)));
    mailbox.put_back(vec![taken]);
    mailbox.gap = true;
    mailbox.reading = true;
    // The store answers as of the commit before.
    let row =
        |counter| Entry { id: id(counter), message: Box::new(numbered(counter)), row: Some(BatchNumber(1)) };
    mailbox.extend([1, 2, 3, 4].map(row).into_iter(), false);
    assert_eq!(numbers(mailbox.head.iter()), [1, 3, 4]);
}
