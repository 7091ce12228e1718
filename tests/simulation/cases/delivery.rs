//! Messages between ledgers of different shards.

use super::{Returned, address, begin, child, host, id, ids, ledger, list, strangers};
use crate::ledger::Deed;
use sarsen_protocol::CallError;
use sarsen_testing::{Crash, Situation};

/// A wake-up without its message makes the receiver read the rows of its slot, and so take messages whose own
/// wake-ups are still on their way. When these come, the receiver has long run them, committed and left memory.
#[test]
fn a_late_wake_up_after_eviction_applies_nothing_twice() {
    let mut host = host(&[2], |limits| limits.inside_bytes_max = 0);
    let (near, far) = strangers();
    host.odds().release = 0;
    let sends = (2..5).map(|number| child(number, &far)).collect();
    let client = host.client();
    let sent = begin(&mut host, ledger(&client, &near).ask(Deed::Append, &(id(1), sends)).into_future());
    host.settle();
    // The answer and the first wake-up leave; two wake-ups stay behind.
    host.release_one();
    host.release_one();
    host.settle();
    assert!(sent.borrow().is_some(), "the answer has left");
    assert_eq!(host.situations().of(Situation::GapRead), 1);
    assert!(host.evict(&address(&far)), "it is idle and committed");
    host.odds().release = 4;
    host.settle();
    // The host may have repeated one.
    assert!(host.situations().of(Situation::CrossShard) >= 3);
    assert_eq!(list(&mut host, &far), ids(2..5));
    host.crash(Crash::Power);
    assert_eq!(list(&mut host, &far), ids(2..5));
}

#[test]
fn two_shards_with_full_lanes_do_not_block_each_other() {
    let mut host = host(&[2], |limits| {
        limits.lane_messages_max = 1;
        limits.inside_bytes_max = 0;
        limits.batch_turns_max = 1;
        limits.loads_max = 1;
    });
    let (near, far) = strangers();
    let client = host.client();
    let mut refused = 0;
    let mut left: Vec<u64> = (0..40).collect();
    // Both lanes are full for as long as requests are left, and each of them sends to the other shard.
    while !left.is_empty() {
        let ask = |number: &u64| {
            let (from, to) = if number.is_multiple_of(2) { (&near, &far) } else { (&far, &near) };
            let request =
                ledger(&client, from).ask(Deed::Append, &(id(*number), vec![child(1_000 + number, to)]));
            begin(&mut host, request.into_future())
        };
        let answers: Vec<_> = left.iter().map(ask).collect();
        host.settle();
        let was_refused =
            |answer: &Returned<_>| matches!(*answer.borrow(), Some(Err(CallError::Busy { .. })));
        left = left
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| was_refused(answer))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(host.futures(), 0, "every request is answered");
        refused += left.len();
    }
    let came =
        list(&mut host, &near).into_iter().chain(list(&mut host, &far)).filter(|came| *came >= id(1_000));
    assert_eq!(came.count(), 40);
    assert!(refused > 0 && host.situations().of(Situation::BodyDropped) > 0);
}

/// Each time with another number of shards: messages that were sent before come before those that are sent later,
/// whatever shard sent them, and none is lost or comes twice.
#[test]
fn another_number_of_shards_at_reopen_keeps_orders() {
    for seed in 0..30 {
        let mut host = host(&[1, 2, 3, 4, 7], |limits| limits.mailbox_window = 2);
        for _ in 0..seed {
            host.random().draw();
        }
        let (near, far) = strangers();
        let mut number = 0;
        while number < 60 {
            let client = host.client();
            let sends = vec![child(1_000 + number, &far), child(1_001 + number, &far)];
            let sent = ledger(&client, &near).ask(Deed::Append, &(id(number), sends)).signal();
            host.run(sent).expect("it is accepted");
            number += 2;
            if number % 6 == 0 {
                let more = host.random().below(12);
                host.act_times(more);
                host.crash(Crash::Power);
            }
        }
        host.settle();
        assert_eq!(list(&mut host, &near), ids((0..60).step_by(2)), "seed {seed}");
        assert_eq!(list(&mut host, &far), ids(1_000..1_060), "seed {seed}");
        assert!(host.situations().of(Situation::ShardsChanged) > 3);
    }
}
