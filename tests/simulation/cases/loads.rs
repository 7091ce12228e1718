//! Loads that are answered late, as of any commit since they were asked for.

use super::{append, begin, child, host, id, ids, ledger, list, strangers};
use crate::ledger::Deed;
use sarsen_protocol::Keyspace;
use sarsen_testing::VirtualHost;
use std::time::Duration;

/// Asks for a ledger that is not in memory, and lets messages of a neighbour come while its load is under way; `late`
/// says whether the load is read before or after they were committed.
fn messages_during_a_load(late: bool, shards: u16) {
    let mut host = host(&[shards], |limits| limits.mailbox_window = 2);
    let (near, far) = strangers();
    append(&mut host, 1, &far).expect("it is accepted").expect("it does not fail");
    append(&mut host, 2, &near).expect("it is accepted").expect("it does not fail");
    host.settle();
    assert!(host.evict(&super::address(&far)), "it is idle and committed");
    host.odds().answer = 0;
    if late {
        host.odds().read = 0;
    }
    let client = host.client();
    let own = begin(&mut host, ledger(&client, &far).ask(Deed::Append, &(id(3), vec![])).into_future());
    host.settle();
    let sends = (4..9).map(|number| child(number, &far)).collect();
    let sent = begin(&mut host, ledger(&client, &near).ask(Deed::Append, &(id(10), sends)).into_future());
    host.settle();
    assert!(sent.borrow().is_some() && own.borrow().is_none(), "the load is still under way");
    host.odds().read = 4;
    host.settle();
    host.odds().answer = 4;
    host.settle();
    let mut came = list(&mut host, &far);
    assert_eq!(came.len(), 7, "{came:?}");
    came.sort_unstable();
    assert_eq!(came, ids([1, 3, 4, 5, 6, 7, 8]));
    assert_eq!(host.rows(Keyspace::Mailbox).len(), 0);
}

#[test]
fn a_load_in_flight_misses_no_message() {
    for shards in [1, 2] {
        messages_during_a_load(false, shards);
        messages_during_a_load(true, shards);
    }
}

/// Lets the window of timers move and writes a delayed signal meanwhile; `late` says whether the window is read
/// before or after the signal was committed.
fn a_timer_during_its_windows_read(late: bool) {
    let window = Duration::from_secs(10);
    let mut host = host(&[1], |limits| limits.timer_window = window);
    let delay = |host: &mut VirtualHost, number, delay| {
        let client = host.client();
        let request = ledger(&client, "a").ask(Deed::Append, &(id(number), vec![]));
        host.run(request.after(delay).signal()).expect("it is accepted");
    };
    // Without a timer behind the window nothing is read when it moves.
    delay(&mut host, 1, 2 * window);
    host.settle();
    host.odds().answer = 0;
    if late {
        host.odds().read = 0;
    }
    host.advance(window / 2);
    // Due behind the old end of the window and before the new one.
    delay(&mut host, 2, 9 * window / 10);
    host.odds().read = 4;
    host.settle();
    host.odds().answer = 4;
    host.settle();
    assert_eq!(list(&mut host, "a"), []);
    host.advance(window);
    assert_eq!(list(&mut host, "a"), ids([2]));
    host.advance(window);
    assert_eq!(list(&mut host, "a"), ids([2, 1]));
    assert_eq!(host.rows(Keyspace::Timers).len(), 0);
}

#[test]
fn a_timer_written_while_its_window_is_read_fires() {
    a_timer_during_its_windows_read(false);
    a_timer_during_its_windows_read(true);
}
