//! The window of timers over a store that is read late.

mod model;

use super::*;
use crate::record::RowId;
use sarsen_protocol::{Address, Body, Epoch, Identity, OperationName, Origin, Payload, Row, Slot};

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn timer(due: u64) -> TimerId {
    let row = RowId { epoch: Epoch(1), counter: due };
    TimerId { due: at(due), row, slot: Slot::new(7).expect("a slot") }
}

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

fn page(dues: &[u64], more: bool) -> Page {
    let row =
        |due: &u64| Row { key: record::timer_key(timer(*due)), value: record::write_message(&message()) };
    Page { rows: dues.iter().map(row).collect(), more }
}

fn due(timers: &mut Timers, now: u64) -> Vec<u64> {
    std::iter::from_fn(|| timers.pop_due(at(now))).map(|(id, _)| id.due.as_micros()).collect()
}

/// Timers whose first window, up to 100, is empty.
fn opened() -> Timers {
    opened_for(1_000)
}

/// The same, of which so many may be in memory.
fn opened_for(near_max: usize) -> Timers {
    let mut timers = Timers::new(Duration::from_micros(100), near_max);
    assert!(timers.poll_read(at(0), BatchNumber(0)).is_none(), "nothing was found that could be read");
    timers
}

#[test]
fn nothing_fires_before_its_window_is_read() {
    let mut timers = Timers::new(Duration::from_micros(100), 1_000);
    timers.insert(timer(5), message(), BatchNumber(1));
    assert_eq!(due(&mut timers, 50), [0; 0]);
    let (until, _) = timers.poll_read(at(0), BatchNumber(1)).expect("wanted");
    timers.extend(until, &[page(&[4, 5], false)]).expect("whole");
    assert_eq!(due(&mut timers, 50), [4, 5]);
}

#[test]
fn a_timer_written_while_its_window_is_read_fires() {
    let mut timers = opened();
    // Wanted at 60 up to 160, but a timer behind the horizon is not durable yet.
    timers.insert(timer(120), message(), BatchNumber(3));
    assert!(timers.poll_read(at(60), BatchNumber(2)).is_none());
    timers.insert(timer(130), message(), BatchNumber(4));
    let (until, reads) = timers.poll_read(at(60), BatchNumber(3)).expect("batch 3 is durable");
    assert_eq!(until, at(160));
    assert!(reads[0].from > record::timer_key(timer(100)) && reads[0].to > record::timer_key(timer(160)));
    timers.insert(timer(140), message(), BatchNumber(4));
    timers.insert(timer(170), message(), BatchNumber(4));
    // The store answers as of batch 3.
    timers.extend(until, &[page(&[120], false)]).expect("whole");
    assert_eq!(due(&mut timers, 1000), [120, 130, 140], "170 is behind the horizon");
    assert_eq!(timers.count(), 1);
}

#[test]
fn a_window_is_read_to_its_end_before_it_counts() {
    let mut timers = opened();
    timers.insert(timer(110), message(), BatchNumber(1));
    timers.insert(timer(111), message(), BatchNumber(1));
    let (until, _) = timers.poll_read(at(60), BatchNumber(1)).expect("half of the window is over");
    let rest = timers.extend(until, &[page(&[110], true)]).expect("whole");
    assert_eq!(rest.len(), 1);
    assert_eq!(due(&mut timers, 1000), [0; 0]);
    assert!(timers.extend(until, &[page(&[111], false)]).expect("whole").is_empty());
    assert_eq!(due(&mut timers, 1000), [110, 111]);
}

#[test]
fn the_window_moves_in_time() {
    let mut timers = opened();
    assert_eq!(timers.next_deadline(), Some(at(50)), "when half of the window is over");
    timers.insert(timer(30), message(), BatchNumber(1));
    assert_eq!(timers.next_deadline(), Some(at(30)));
    assert_eq!(due(&mut timers, 29), [0; 0]);
    assert_eq!(due(&mut timers, 30), [30]);
}

#[test]
fn a_timer_is_taken_back_while_it_is_in_memory() {
    let mut timers = opened();
    timers.insert(timer(30), message(), BatchNumber(1));
    timers.insert(timer(40), message(), BatchNumber(1));
    timers.remove(timer(30), BatchNumber(1));
    assert_eq!((timers.count(), due(&mut timers, 100)), (1, vec![40]));
    timers.remove(timer(40), BatchNumber(2));
    assert_eq!(timers.count(), 0, "it has fired, and is counted off once");
}

#[test]
fn a_timer_that_is_only_a_row_is_taken_back_before_it_can_be_read() {
    let mut timers = opened();
    timers.insert(timer(130), message(), BatchNumber(1));
    timers.insert(timer(140), message(), BatchNumber(1));
    timers.remove(timer(130), BatchNumber(2));
    assert_eq!(timers.count(), 1);
    assert!(timers.poll_read(at(60), BatchNumber(1)).is_none(), "its row is still there");
    let (until, _) = timers.poll_read(at(60), BatchNumber(2)).expect("it is gone");
    timers.extend(until, &[page(&[140], false)]).expect("whole");
    assert_eq!((due(&mut timers, 1000), timers.count()), (vec![140], 0));
}

/// It had fired in an earlier life, and the clock has gone back since. The other one of its slot was taken for it, and never
/// read.
#[test]
fn a_timer_that_had_fired_takes_none_of_its_slot_with_it() {
    let mut timers = opened();
    timers.insert(timer(130), message(), BatchNumber(1));
    timers.remove(timer(140), BatchNumber(1));
    let (until, _) = timers.poll_read(at(60), BatchNumber(1)).expect("the slot is read");
    timers.extend(until, &[page(&[130], false)]).expect("whole");
    assert_eq!((due(&mut timers, 1000), timers.count()), (vec![130], 0));
}

#[test]
fn a_timer_that_is_taken_back_while_its_window_is_wanted_or_read_does_not_fire() {
    for read in [false, true] {
        for later in [false, true] {
            let mut timers = opened();
            for due in [120, 130, 140] {
                timers.insert(timer(due), message(), BatchNumber(2));
            }
            assert!(timers.poll_read(at(60), BatchNumber(1)).is_none(), "wanted");
            // Due before the new horizon, so it stays in memory as well as in its row.
            timers.insert(timer(150), message(), BatchNumber(3));
            let take_back = |timers: &mut Timers| {
                timers.remove(timer(130), BatchNumber(4));
                timers.remove(timer(150), BatchNumber(4));
            };
            if !read {
                take_back(&mut timers);
            }
            let (until, _) = timers.poll_read(at(60), BatchNumber(2)).expect("batch 2 is durable");
            if read && !later {
                take_back(&mut timers);
            }
            let rest = timers.extend(until, &[page(&[120, 130], true)]).expect("whole");
            assert_eq!(rest.len(), 1);
            if read && later {
                take_back(&mut timers);
            }
            timers.extend(until, &[page(&[140, 150], false)]).expect("whole");
            assert_eq!(timers.count(), 2);
            assert_eq!((due(&mut timers, 1000), timers.count()), (vec![120, 140], 0));
        }
    }
}

#[test]
fn what_was_taken_back_is_forgotten_with_the_read() {
    let mut timers = opened();
    timers.insert(timer(130), message(), BatchNumber(2));
    assert!(timers.poll_read(at(60), BatchNumber(1)).is_none(), "wanted");
    timers.remove(timer(130), BatchNumber(2));
    let (until, _) = timers.poll_read(at(60), BatchNumber(2)).expect("its row may be there");
    timers.extend(until, &[page(&[130], false)]).expect("whole");
    assert!(timers.removed.is_empty());
    assert_eq!((due(&mut timers, 1000), timers.count()), (vec![], 0));
}

#[test]
fn timers_that_were_found_are_counted_until_they_fire_or_are_taken_back() {
    let mut timers = Timers::new(Duration::from_micros(100), 1_000);
    timers.found(&page(&[10, 20, 300, 400], false)).expect("whole");
    let (until, reads) = timers.poll_read(at(0), BatchNumber(0)).expect("wanted at once");
    assert_eq!((until, reads.len()), (at(100), 1));
    timers.extend(until, &[page(&[10, 20], false)]).expect("whole");
    timers.remove(timer(300), BatchNumber(1));
    assert_eq!((timers.count(), due(&mut timers, 1000)), (3, vec![10, 20]));
    timers.remove(timer(400), BatchNumber(1));
    assert_eq!(timers.count(), 0);
}

#[test]
fn a_timer_taken_back_before_the_first_window_is_read_does_not_fire() {
    for there in [false, true] {
        let mut timers = Timers::new(Duration::from_micros(100), 1_000);
        timers.found(&page(&[10, 20, 40], false)).expect("whole");
        timers.insert(timer(30), message(), BatchNumber(1));
        timers.remove(timer(10), BatchNumber(2));
        timers.remove(timer(30), BatchNumber(2));
        assert_eq!(timers.count(), 2);
        assert!(timers.poll_read(at(0), BatchNumber(1)).is_none(), "their rows are still there");
        let (until, _) = timers.poll_read(at(0), BatchNumber(2)).expect("wanted");
        // Another one, before the read is answered, as of a commit in which its row is or is not.
        timers.remove(timer(20), BatchNumber(3));
        timers.extend(until, &[page(if there { &[20, 40] } else { &[40] }, false)]).expect("whole");
        assert_eq!((due(&mut timers, 1000), timers.count()), (vec![40], 0));
    }
}

#[test]
fn timers_that_are_due_last_wait_as_rows_when_there_are_too_many() {
    let mut timers = opened_for(2);
    for due in [30, 50, 40, 60] {
        timers.insert(timer(due), message(), BatchNumber(1));
    }
    assert_eq!((timers.near.len(), timers.count()), (2, 4));
    assert!(timers.poll_read(at(29), BatchNumber(1)).is_none(), "there is no room");
    assert_eq!(timers.next_deadline(), Some(at(30)));
    assert_eq!(due(&mut timers, 1_000), [30, 40], "more is not known");
    assert_eq!(timers.next_deadline(), Some(at(0)), "the horizon is 49, and is to move");
    assert!(timers.poll_read(at(45), BatchNumber(0)).is_none(), "their rows are not there yet");
    let (until, reads) = timers.poll_read(at(45), BatchNumber(1)).expect("half of them have fired");
    let (from, to) = record::timer_bounds(timer(0).slot, Some(at(49)), at(145));
    assert_eq!((until, &reads[0].from, &reads[0].to), (at(145), &from, &to));
    assert!(timers.extend(until, &[page(&[50, 60], false)]).expect("whole").is_empty());
    assert_eq!((due(&mut timers, 1_000), timers.count()), (vec![50, 60], 0));
}

#[test]
fn a_read_takes_as_many_as_there_is_room_for() {
    let mut timers = Timers::new(Duration::from_millis(100), 2);
    assert!(timers.poll_read(at(0), BatchNumber(0)).is_none(), "the first window is empty");
    for due in [110_000, 120_000, 130_000, 140_000, 150_000] {
        timers.insert(timer(due), message(), BatchNumber(1));
    }
    let (until, _) = timers.poll_read(at(60_000), BatchNumber(1)).expect("half of the window is over");
    // The rest of the page is behind what counts by then, and is not asked for.
    let pages = [page(&[110_000, 120_000, 130_000, 140_000], true)];
    assert!(timers.extend(until, &pages).expect("whole").is_empty());
    assert_eq!((timers.near.len(), timers.horizon), (2, Some(at(129_999))));
    assert_eq!(due(&mut timers, 1_000_000), [110_000, 120_000]);
    let (until, _) = timers.poll_read(at(120_000), BatchNumber(1)).expect("there is room");
    assert_eq!(until, at(120_000 + 69_999), "it looks less far ahead");
    timers.extend(until, &[page(&[130_000, 140_000, 150_000], false)]).expect("whole");
    assert_eq!((due(&mut timers, 1_000_000), timers.count()), (vec![130_000, 140_000], 1));
}

#[test]
fn the_horizon_does_not_go_back_behind_what_has_fired() {
    let mut timers = opened_for(2);
    timers.insert(timer(50), message(), BatchNumber(1));
    assert_eq!(due(&mut timers, 60), [50]);
    for due in [40, 41, 42] {
        timers.insert(timer(due), message(), BatchNumber(1));
    }
    timers.remove(timer(50), BatchNumber(1));
    assert_eq!(timers.count(), 3, "it had fired before it was taken back");
    assert_eq!(due(&mut timers, 60), [40, 41, 42]);
}
