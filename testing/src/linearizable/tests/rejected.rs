//! What no order explains.

use super::*;

/// Rejects a history, and names the last operation: without it, it is linearizable.
#[track_caller]
fn rejects(operations: &[Operation]) -> String {
    let (last, before) = operations.split_last().expect("there are operations");
    judge(before).assert();
    let verdict = judge(operations);
    let violation = verdict.violation().unwrap_or_else(|| panic!("{verdict}"));
    assert_eq!(violation.misfit, *last, "{violation}");
    let text = verdict.to_string();
    assert!(text.contains(&format!("this does not fit:\n  {last}\n")), "{text}");
    text
}

#[test]
fn a_stale_read_is_rejected() {
    let text = rejects(&[client(0, 1, Set(5)).told(5, 2), client(1, 3, Get).told(0, 4)]);
    let expect = "entity \"a\" is not linearizable; until the misfit this order explains it:\n  \
        0, before\n  \
        5, behind client 0 at 1..2: Set(5) -> 5\n\
        this does not fit:\n  \
        client 1 at 3..4: Get -> 0\n\
        it could have answered: 5";
    assert_eq!(text, expect);
}

#[test]
fn a_lost_update_is_rejected() {
    rejects(&[
        client(0, 1, Add(1)).told(1, 3),
        client(1, 2, Add(1)).told(2, 4),
        client(2, 5, Get).told(1, 6),
    ]);
}

#[test]
fn two_updates_that_saw_the_same_state_are_rejected() {
    rejects(&[client(0, 1, Add(1)).told(1, 3), client(1, 2, Add(1)).told(1, 4)]);
}

#[test]
fn a_doubled_update_is_rejected() {
    rejects(&[client(0, 1, Add(1)).told(1, 2), client(0, 3, Get).told(2, 4)]);
}

#[test]
fn an_effect_before_its_request_is_rejected() {
    let operations = [client(0, 1, Get).told(5, 2), client(1, 3, Set(5)).told(5, 4)];
    let verdict = judge(&operations);
    assert_eq!(verdict.violation().expect("5 was not asked for yet").misfit, operations[0]);
}

#[test]
fn a_clients_own_operations_in_another_order_are_rejected() {
    rejects(&[
        client(0, 1, Set(1)).told(1, 2),
        client(0, 3, Set(2)).told(2, 4),
        client(0, 5, Get).told(1, 6),
    ]);
}

#[test]
fn operations_of_two_clients_against_real_time_are_rejected() {
    rejects(&[
        client(0, 1, Set(1)).told(1, 2),
        client(1, 3, Set(2)).told(2, 4),
        client(2, 5, Get).told(2, 7),
        client(3, 6, Get).told(1, 8),
    ]);
}

#[test]
fn a_value_that_was_never_written_is_rejected() {
    let writes = [client(0, 1, Set(1)).told(1, 4), client(1, 2, Set(2))];
    let text = rejects(&[&writes[..], &[client(2, 3, Get).told(3, 5)]].concat());
    assert!(text.contains("it could have answered: "), "{text}");
}

#[test]
fn an_unknown_outcome_that_was_done_twice_is_rejected() {
    let text = rejects(&[client(0, 1, Add(5)), client(1, 2, Get).told(5, 3), client(1, 4, Get).told(10, 5)]);
    assert!(text.ends_with("it could have answered: 5"), "{text}");
}

#[test]
fn an_unknown_effect_that_was_seen_and_vanished_is_rejected() {
    rejects(&[client(0, 1, Set(5)), client(1, 2, Get).told(5, 3), client(2, 4, Get).told(0, 5)]);
}

#[test]
fn a_failed_operation_that_took_effect_is_rejected() {
    let text = rejects(&[client(0, 1, Add(5)).failed(), client(1, 2, Get).told(5, 3)]);
    assert!(text.ends_with("under way, unknown or failed:\n  client 0 at 1..: Add(5), failed"), "{text}");
}

#[test]
fn reads_that_go_back_during_one_write_are_rejected() {
    let write = client(0, 1, Set(5)).told(5, 6);
    rejects(&[client(1, 2, Get).told(5, 3), write, client(2, 4, Get).told(0, 7)]);
}

#[test]
fn reads_that_disagree_on_the_order_of_writes_are_rejected() {
    let writes = [client(0, 1, Set(1)).told(1, 20), client(1, 2, Set(2)).told(2, 21)];
    let reads = [client(2, 3, Get).told(1, 4), client(2, 5, Get).told(2, 6), client(3, 7, Get).told(1, 22)];
    rejects(&[&writes[..], &reads[..]].concat());
}

#[test]
fn an_acknowledged_signal_that_a_later_call_does_not_see_is_rejected() {
    rejects(&[client(0, 1, Add(5)).acknowledged(2), client(1, 3, Get).told(0, 4)]);
}

#[test]
fn an_acknowledged_signal_that_was_seen_beside_the_mailbox_and_vanished_is_rejected() {
    rejects(&[
        client(0, 1, Add(5)).acknowledged(2),
        client(1, 3, Get).beside().told(5, 4),
        client(2, 5, Get).beside().told(0, 6),
    ]);
}

#[test]
fn a_read_beside_the_mailbox_that_misses_an_answered_call_is_rejected() {
    rejects(&[client(0, 1, Add(5)).told(5, 2), client(1, 3, Get).beside().told(0, 4)]);
}

#[test]
fn signals_of_one_client_in_another_order_are_rejected() {
    rejects(&[
        client(0, 1, Set(1)).acknowledged(2),
        client(0, 3, Set(2)).acknowledged(4),
        client(1, 5, Get).told(1, 6),
    ]);
}

#[test]
fn money_that_was_taken_twice_is_rejected() {
    rejects(&[
        client(0, 1, Add(5)).told(5, 2),
        client(1, 3, Take(5)).told(0, 5),
        client(2, 4, Take(5)).told(0, 6),
    ]);
}

#[test]
fn a_refusal_for_which_there_was_no_reason_is_rejected() {
    rejects(&[client(0, 1, Add(5)).told(5, 2), client(1, 3, Take(5)).told(-1, 4)]);
}

#[test]
fn an_effect_on_another_entity_is_rejected() {
    rejects(&[client(0, 1, Add(5)).told(5, 2), client(0, 3, Get).of("b").told(5, 4)]);
}

#[test]
fn the_misfit_is_the_first_that_has_no_place_whatever_comes_later() {
    let mut operations = Vec::new();
    for n in 0..50_u32 {
        let (at, count) = (u64::from(n) * 10, i64::from(n));
        operations.push(client(n % 4, at, Add(1)).told(count + 1, at + 5));
        operations.push(client(4 + n % 3, at + 1, Get).told(count, at + 6));
    }
    judge(&operations).assert();
    let stale = client(8, 250, Get).told(20, 251);
    operations.push(stale.clone());
    let verdict = judge(&operations);
    let violation = verdict.violation().expect("20 was long ago");
    assert_eq!(violation.misfit, stale, "{violation}");
    assert!((50..=51).contains(&violation.order.len()), "{violation}");
    let text = violation.to_string();
    assert!(text.contains(" operations\n") && text.lines().count() < 32, "{text}");
}

#[test]
fn an_outcome_that_was_known_before_it_was_asked_for_is_a_mistake_of_who_records() {
    let recorded = client(0, 5, Get).told(0, 4);
    let panic = std::panic::catch_unwind(|| History::from_iter([recorded])).expect_err("it cannot be");
    let text = panic.downcast_ref::<String>().expect("it is formatted");
    assert_eq!(text, "an operation was asked for at 5 and its outcome was known at 4, before");
}
