//! The window of timers over a store that is read late.

use super::*;
use crate::record::RowId;
use sarsen_protocol::{Address, Epoch, Identity, OperationName, Origin, Payload, Row, Slot};

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
        operation: OperationName::of("o"),
        input: Payload::null(),
        answered: false,
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
    let mut timers = Timers::new(Duration::from_micros(100));
    assert!(timers.poll_read(at(0), BatchNumber(0)).is_none(), "nothing was found that could be read");
    timers
}

#[test]
fn nothing_fires_before_its_window_is_read() {
    let mut timers = Timers::new(Duration::from_micros(100));
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
