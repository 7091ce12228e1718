//! What an order explains, however unlikely it looks.

use super::*;
use crate::Random;

#[track_caller]
fn accepts(operations: &[Operation]) {
    judge(operations).assert();
}

#[test]
fn one_after_the_other_is_accepted() {
    accepts(&[]);
    accepts(&[
        client(0, 1, Set(5)).told(5, 2),
        client(1, 3, Get).told(5, 4),
        client(0, 5, Take(9)).told(-1, 6),
        client(0, 7, Take(2)).told(3, 8),
    ]);
}

#[test]
fn what_is_under_way_may_be_seen_before_its_answer_or_not_until_then() {
    let write = client(0, 1, Set(5)).told(5, 10);
    accepts(&[write.clone(), client(1, 2, Get).told(5, 3), client(2, 4, Get).told(5, 5)]);
    accepts(&[write, client(1, 2, Get).told(0, 3), client(2, 4, Get).told(5, 5)]);
}

#[test]
fn writes_at_the_same_time_may_come_in_any_order() {
    let writes = [client(0, 1, Set(1)).told(1, 10), client(1, 2, Set(2)).told(2, 9)];
    for last in [1, 2] {
        accepts(&[&writes[..], &[client(2, 11, Get).told(last, 12)]].concat());
    }
}

#[test]
fn what_has_the_same_moment_is_at_the_same_time() {
    accepts(&[client(0, 1, Set(5)).told(5, 2), client(1, 2, Get).told(0, 3)]);
}

#[test]
fn an_unknown_outcome_may_have_happened_or_not_or_much_later() {
    let write = client(0, 1, Set(5));
    accepts(&[write.clone(), client(1, 2, Get).told(5, 3)]);
    accepts(&[write.clone(), client(1, 2, Get).told(0, 3), client(1, 4, Get).told(0, 5)]);
    accepts(&[write, client(1, 2, Get).told(0, 3), client(1, 40, Get).told(5, 41)]);
}

#[test]
fn unknown_outcomes_may_each_happen_once() {
    let adds = [client(0, 1, Add(5)), client(1, 2, Add(5)), client(2, 3, Add(7))];
    accepts(&[&adds[..], &[client(3, 4, Get).told(5, 5), client(3, 6, Get).told(17, 7)]].concat());
    let thrice = judge(&[&adds[..], &[client(3, 4, Get).told(15, 5)]].concat());
    assert!(!thrice.is_linearizable(), "{thrice}");
}

#[test]
fn a_failed_operation_is_not_missed() {
    accepts(&[client(0, 1, Add(5)).failed(), client(1, 2, Get).told(0, 3)]);
}

#[test]
fn a_read_beside_the_mailbox_need_not_see_what_is_acknowledged_and_waits() {
    let signal = client(0, 1, Add(5)).acknowledged(2);
    accepts(&[
        signal.clone(),
        client(1, 3, Get).beside().told(0, 4),
        client(1, 5, Get).told(5, 6),
        client(1, 7, Get).beside().told(5, 8),
    ]);
    // A call that waits behind the signal is over only when the signal is done.
    let call = client(1, 5, Add(1)).told(6, 9);
    accepts(&[
        signal.clone(),
        call.clone(),
        client(2, 6, Get).beside().told(0, 7),
        client(2, 8, Get).beside().told(6, 10),
    ]);
    let skipped = judge(&[signal, call, client(2, 6, Get).beside().told(1, 7)]);
    assert!(!skipped.is_linearizable(), "the call does not overtake the signal: {skipped}");
}

#[test]
fn entities_know_nothing_of_each_other() {
    accepts(&[
        client(0, 1, Set(1)).told(1, 4),
        client(1, 2, Set(2)).of("b").told(2, 3),
        client(2, 5, Get).told(1, 6),
        client(2, 7, Get).of("b").told(2, 8),
        client(2, 9, Get).of("c").told(0, 10),
    ]);
}

/// What eight clients may have been told, each with one operation under way at any time: half of the operations are
/// done when they are asked for, the others when they are answered.
fn long_history(random: &mut Random, events: u64) -> Vec<Operation> {
    let (mut balance, mut told) = (0, Vec::new());
    let mut open: Vec<Option<(Operation, Option<i64>)>> = vec![None; 8];
    let mut perform = |asked: &Operation| account().apply(&mut balance, &asked.operation);
    for now in 0..events {
        let place = random.below(open.len());
        open[place] = if let Some((asked, answer)) = open[place].take() {
            let answer = answer.unwrap_or_else(|| perform(&asked));
            told.push(asked.told(answer, now));
            None
        } else {
            let ask = if random.one_in(3) { Get } else { Add(1) };
            let asked = client(u32::try_from(place).unwrap(), now, ask);
            let answer = random.one_in(2).then(|| perform(&asked));
            Some((asked, answer))
        };
    }
    told.extend(open.into_iter().flatten().map(|(asked, _)| asked));
    told
}

#[test]
fn long_histories_of_many_clients_are_decided_at_once() {
    let operations = long_history(&mut Random::new(1), 40_000);
    assert!(operations.len() > 19_000);
    check(&account(), &operations.into_iter().collect()).assert();
}

#[test]
fn what_was_given_up_is_undecided_and_no_verdict() {
    // Forty different unknown additions may be done or not, and none of their sums is the answer.
    let mut operations: Vec<Operation> = (0..40).map(|n| client(n, 1, Add(1 << n))).collect();
    operations.push(client(50, 2, Get).told(-7, 3));
    let history = operations.into_iter().collect();
    let verdict = Checker::new(&account()).configurations_max(1_000).check(&history);
    assert!(!verdict.is_linearizable() && verdict.violation().is_none());
    assert_eq!(
        verdict.to_string(),
        "undecided: the 41 operations of entity \"a\" have more than 1000 configurations: record fewer at the same time, or raise `configurations_max`"
    );
    let asserted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| verdict.assert()));
    assert!(asserted.is_err(), "what nobody knows is not taken for a yes");
}
