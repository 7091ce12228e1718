//! The window of tasks over a store that is read late.

use super::*;
use bytes::Bytes;
use sarsen_protocol::{ActivityName, Payload, Row, RunId, Timestamp};

const EPOCH: Epoch = Epoch(5);

fn slot() -> Slot {
    Slot::new(7).expect("a slot")
}

/// An execution in the slot.
fn execution(unique: u64) -> ExecutionId {
    ExecutionId::generated(Timestamp::from_micros(0), slot(), unique)
}

/// A run in the slot.
fn run(unique: u64) -> RunId {
    RunId::generated(Timestamp::from_micros(0), slot(), unique)
}

fn limits(window: usize) -> Limits {
    Limits { tasks_window: window, tasks_bytes_max: 100, ..Limits::default() }
}

fn record(unique: u64, input: &str) -> TaskRecord {
    let name = ActivityName::of("work");
    let input = Payload::from_encoded(Bytes::copy_from_slice(input.as_bytes()));
    let (attempt, first, progress) = (1, None, None);
    let (run, execution) = (run(unique), execution(unique));
    TaskRecord { run, execution, name, input, trace: None, attempt, first, progress }
}

/// The place of the first task of an execution.
fn place(unique: u64) -> TaskPlace {
    (slot(), RowId::of_command(execution(unique), CommandId(0)))
}

fn token(unique: u64) -> TaskToken {
    TaskToken { epoch: EPOCH, slot: slot(), execution: execution(unique).unique(), command: CommandId(0) }
}

/// Tasks of a shard, and the rows that are durable.
struct World {
    tasks: Tasks,
    limits: Limits,
    input: String,
}

impl World {
    fn new(window: usize) -> Self {
        Self { tasks: Tasks::default(), limits: limits(window), input: "1".to_owned() }
    }

    /// Adds the task of an execution in a batch. Returns whether it is handed out.
    fn add(&mut self, unique: u64, batch: u64) -> bool {
        let address = Address::run(&run(unique));
        assert_eq!(address.slot(), slot());
        let place = (EPOCH, BatchNumber(batch));
        let record = record(unique, &self.input);
        let task = self.tasks.add(CommandId(0), record, &address, place, &self.limits);
        assert!(task.as_ref().is_none_or(|task| task.token == token(unique)));
        task.is_some()
    }

    fn end(&mut self, unique: u64, batch: u64) -> bool {
        let ended = self.tasks.end(token(unique), BatchNumber(batch));
        ended.is_some_and(|(at, task)| at == place(unique) && task.execution == execution(unique))
    }

    fn remove(&mut self, unique: u64, batch: u64) -> Removed {
        self.tasks.remove(place(unique), BatchNumber(batch))
    }

    fn poll(&mut self, committed: u64) -> bool {
        self.tasks.poll_read(BatchNumber(committed), &self.limits) == Some(slot())
    }

    /// Answers a read by the rows of executions. Returns what is handed out, and whether it is read on.
    fn extend(&mut self, rows: &[u64], more: bool) -> (Vec<u64>, bool) {
        let row = |unique: &u64| {
            let (slot, id) = place(*unique);
            let value = record::write_task(&record(*unique, &self.input));
            Row { key: record::task_key(slot, id), value }
        };
        let page = Page { rows: rows.iter().map(row).collect(), more };
        let found =
            self.tasks.extend(slot(), &page, EPOCH, &self.limits, |name| name == "work").expect("whole");
        let handed_out = found.tasks.iter().map(|task| task.token.execution).collect();
        (handed_out, found.after.is_some())
    }
}

#[test]
fn tasks_are_handed_out_up_to_the_window_and_then_in_turn() {
    let mut world = World::new(2);
    let handed_out: Vec<bool> = (0..4).map(|unique| world.add(unique, 1)).collect();
    assert_eq!(handed_out, [true, true, false, false]);
    assert_eq!(world.tasks.count(), 4);
    assert!(world.end(0, 2));
    assert!(!world.add(4, 2), "who waits already goes first");
    assert!(!world.poll(1), "not before all rows are durable");
    assert!(world.poll(2));
    assert!(!world.poll(2), "one read at a time");
    assert_eq!(world.extend(&[1, 2, 3, 4], false), (vec![2], false));
    assert_eq!(world.tasks.count(), 4);
    assert!(!world.poll(2), "there is no room");
    assert!(world.end(1, 3) && world.end(2, 3));
    assert!(world.poll(3));
    assert_eq!(world.extend(&[3, 4], false), (vec![3, 4], false));
    assert_eq!(world.tasks.count(), 2);
    assert!(world.end(3, 4) && world.end(4, 4));
    assert!(!world.poll(4), "nothing is left");
    assert!(world.add(5, 5), "and the next one goes out at once");
}

#[test]
fn there_is_room_by_bytes_too() {
    let mut world = World::new(100);
    world.input = format!("\"{}\"", "x".repeat(58));
    assert_eq!([world.add(0, 1), world.add(1, 1), world.add(2, 1)], [true, true, false]);
    assert!(world.end(0, 2));
    assert!(!world.poll(2), "not while half of the bytes are out");
    assert!(world.end(1, 2) && world.poll(2));
    assert_eq!(world.extend(&[2], false), (vec![2], false));
}

#[test]
fn a_token_counts_once_and_only_while_its_task_is_out() {
    let mut world = World::new(1);
    assert!(world.add(0, 1) && !world.add(1, 1));
    assert!(!world.end(1, 1), "it was not handed out");
    assert!(world.end(0, 1) && !world.end(0, 1));
    assert!(!world.end(9, 1));
}

/// A read answers as of any commit since it was asked for: before what has ended meanwhile was deleted.
#[test]
fn a_read_as_of_an_older_commit_resurrects_nothing_that_has_ended() {
    let mut world = World::new(4);
    for unique in 0..6 {
        world.add(unique, 1);
    }
    assert!(world.end(0, 2) && world.end(1, 2) && world.end(2, 2));
    world.tasks.trim(BatchNumber(1));
    assert!(world.poll(1), "batch 1 is durable, the deletions are not");
    assert_eq!(world.remove(4, 3), Removed::Waiting);
    world.tasks.trim(BatchNumber(3));
    assert_eq!(world.extend(&[0, 1, 2, 3, 4, 5], false), (vec![5], false), "as of batch 1");
    assert_eq!((world.tasks.count(), world.remove(3, 4)), (2, Removed::HandedOut));
    // Once the deletions are durable and nothing is read, nothing of it is kept.
    world.tasks.trim(BatchNumber(4));
    assert!(world.tasks.ended.is_empty() && world.tasks.ended_order.is_empty());
}

#[test]
fn a_slot_with_many_tasks_is_read_on_while_there_is_room() {
    let mut world = World::new(4);
    for unique in 0..9 {
        world.add(unique, 1);
    }
    for unique in 0..4 {
        assert!(world.end(unique, 2));
    }
    world.tasks.trim(BatchNumber(2));
    assert!(world.poll(2));
    assert_eq!(world.extend(&[4, 5], true), (vec![4, 5], true));
    assert!(!world.poll(2), "it is still being read");
    assert_eq!(world.extend(&[6, 7], true), (vec![6, 7], false), "the window is full");
    assert_eq!(world.tasks.count(), 5);
    assert!((4..8).all(|unique| world.end(unique, 3)));
    assert!(world.poll(3));
    assert_eq!(world.extend(&[4, 5, 6, 7, 8], false), (vec![8], false));
    assert_eq!(world.tasks.count(), 1);
}

/// The one removed was not far: it had been performed, its run had not taken the result. A task that was far was
/// counted as the one removed, and never read.
#[test]
fn what_has_ended_and_is_removed_is_not_taken_for_another_that_waits() {
    let mut world = World::new(1);
    assert!(world.add(0, 1) && !world.add(1, 1));
    assert!(world.end(0, 2));
    world.tasks.trim(BatchNumber(2));
    assert_eq!(world.remove(0, 3), Removed::Waiting);
    assert!(world.poll(3));
    assert_eq!(world.extend(&[1], false), (vec![1], false));
    assert_eq!(world.tasks.count(), 1);
}

/// A row that is written while its slot is read may be missed by the read.
#[test]
fn a_task_written_while_its_slot_is_read_is_handed_out() {
    let mut world = World::new(2);
    assert!(world.add(0, 1) && world.add(1, 1) && !world.add(2, 1));
    assert!(world.end(0, 2) && world.end(1, 2));
    assert!(world.poll(2));
    assert!(!world.add(3, 3), "who waits already goes first");
    assert_eq!(world.extend(&[2], false), (vec![2], false), "as of batch 2");
    assert!(!world.poll(2) && world.poll(3));
    assert_eq!(world.extend(&[2, 3], false), (vec![3], false));
    assert_eq!(world.tasks.count(), 2);
}

#[test]
fn rows_of_earlier_lives_are_found_counted_and_read() {
    let mut world = World::new(2);
    let keys = [0, 1, 2].map(|unique| record::task_key(slot(), place(unique).1));
    let rows = keys.map(|key| Row { key, value: Bytes::new() }).into();
    world.tasks.found(&Page { rows, more: false }).expect("whole");
    assert_eq!(world.tasks.count(), 3);
    assert!(!world.add(3, 1));
    assert!(world.poll(1));
    assert_eq!(world.extend(&[0, 1, 2, 3], false), (vec![0, 1], false));
    assert_eq!(world.tasks.count(), 4);
}

/// Neither are they handed out: they are left for a process that knows what to do.
#[test]
fn tasks_without_a_registered_activity_take_no_room() {
    let mut world = World::new(2);
    let keys: Vec<Bytes> = (0..5).map(|unique| record::task_key(slot(), place(unique).1)).collect();
    let found = |(_, key): (u64, &Bytes)| Row { key: key.clone(), value: Bytes::new() };
    let rows = (0..).zip(&keys).map(found).collect();
    world.tasks.found(&Page { rows, more: false }).expect("whole");
    assert!(world.poll(0));
    let task = |(unique, key): (u64, &Bytes)| {
        let mut record = record(unique, "1");
        if unique != 3 {
            record.name = ActivityName::of("gone");
        }
        Row { key: key.clone(), value: record::write_task(&record) }
    };
    let page = Page { rows: (0..).zip(&keys).map(task).collect(), more: false };
    let found =
        world.tasks.extend(slot(), &page, EPOCH, &world.limits, |name| name == "work").expect("whole");
    let handed_out: Vec<u64> = found.tasks.iter().map(|task| task.token.execution).collect();
    assert_eq!((handed_out, found.after.is_some(), world.tasks.count()), (vec![3], false, 5));
    assert!(!world.poll(9), "nothing is left to be read");
    assert!(world.add(9, 1), "there is room");
    assert_eq!(world.remove(0, 2), Removed::Waiting);
    assert_eq!(world.tasks.count(), 5);
}

/// Each new task beyond the window put off the read of those that waited.
#[test]
fn tasks_beyond_the_window_are_read_while_new_ones_keep_coming() {
    let mut world = World::new(1);
    assert!(world.add(0, 1) && !world.add(1, 1));
    assert!(world.end(0, 2));
    assert!(!world.poll(0), "wanted");
    assert!(!world.add(2, 3) && !world.add(3, 4));
    assert!(world.poll(1), "what was there when it was wanted is durable");
    assert_eq!(world.extend(&[1], false), (vec![1], false));
    assert_eq!(world.tasks.count(), 3);
    assert!(world.end(1, 5) && !world.poll(3) && world.poll(4));
    assert_eq!(world.extend(&[2, 3], false), (vec![2], false));
}
