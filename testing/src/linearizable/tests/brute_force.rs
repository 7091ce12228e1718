//! The checker against the definition: all orders of all sets of operations, one by one.

use super::*;
use crate::Random;

/// Whether some order of what must and some of what may have happened explains it; by trying all.
fn by_definition(operations: &[Operation]) -> bool {
    let rest: Vec<&Operation> = operations.iter().filter(|it| it.outcome != Outcome::Failed).collect();
    explains(&rest, 0)
}

fn explains(rest: &[&Operation], balance: i64) -> bool {
    if rest.iter().all(|it| it.outcome == Outcome::Unknown) {
        return true;
    }
    (0..rest.len()).any(|first| {
        let mut others = rest.to_vec();
        let operation = others.remove(first);
        let mut after = balance;
        let answer = account().apply(&mut after, &operation.operation);
        let fits = match &operation.outcome {
            Outcome::Answered { answer: told, .. } => answer == *told,
            _ => true,
        };
        fits && !others.iter().any(|other| must_precede(other, operation)) && explains(&others, after)
    })
}

fn must_precede(earlier: &Operation, later: &Operation) -> bool {
    let passes = matches!(earlier.outcome, Outcome::Acknowledged { .. }) && later.way == Way::Beside;
    earlier.outcome.at().is_some_and(|at| at < later.invoked) && !passes
}

/// Up to six operations of a few values, with answers that may well be right.
fn random_history(random: &mut Random) -> Vec<Operation> {
    let count = random.between(1, 6);
    (0..count).map(|_| random_operation(random)).collect()
}

fn random_operation(random: &mut Random) -> Operation {
    let value = i64::try_from(random.below(3)).unwrap();
    let asks = [Set(value), Get, Get, Add(value), Add(value), Take(value)];
    let ask = asks[random.below(asks.len())].clone();
    let asked = client(u32::try_from(random.below(3)).unwrap(), random.below(10) as u64, ask);
    let asked = if asked.operation == Get && random.one_in(2) { asked.beside() } else { asked };
    let at = asked.invoked.0 + random.below(6) as u64;
    match random.below(8) {
        0 => asked,
        1 => asked.failed(),
        2 if asked.way == Way::Queued => asked.acknowledged(at),
        _ => asked.told(i64::try_from(random.below(5)).unwrap() - 1, at),
    }
}

#[test]
fn small_random_histories_are_judged_as_the_definition_judges_them() {
    let (mut linearizable, mut violated) = (0, 0);
    for seed in 0..if cfg!(debug_assertions) { 20_000 } else { 1_000_000 } {
        let operations = random_history(&mut Random::new(seed));
        let expected = by_definition(&operations);
        let verdict = judge(&operations);
        assert_eq!(verdict.is_linearizable(), expected, "seed {seed}: {operations:#?}\n{verdict}");
        if expected {
            linearizable += 1;
        } else {
            violated += 1;
            check_explanation(seed, &operations, verdict.violation().expect("it is decided"));
        }
    }
    assert!(linearizable > 1_000 && violated > 1_000, "{linearizable} and {violated}");
}

/// What was known until the misfit has no order; what was known before it has one, and the order that is told is one.
fn check_explanation(seed: u64, operations: &[Operation], violation: &Violation<Account>) {
    let told = violation.misfit.outcome.at().expect("it was answered");
    assert!(!by_definition(&known(operations, |at| at <= told)), "seed {seed}: {operations:#?}\n{violation}");
    assert!(by_definition(&known(operations, |at| at < told)), "seed {seed}: {operations:#?}\n{violation}");
    let mut balance = violation.initial;
    for Step { operation, state } in &violation.order {
        let answer = account().apply(&mut balance, &operation.operation);
        assert_eq!(balance, *state, "seed {seed}");
        if let Outcome::Answered { answer: expected, at } = &operation.outcome
            && *at < told
        {
            assert_eq!(answer, *expected, "seed {seed}");
        }
    }
}

/// The history as it was known when all these moments had passed.
fn known(operations: &[Operation], passed: impl Fn(Moment) -> bool) -> Vec<Operation> {
    let begun = operations.iter().filter(|it| passed(it.invoked)).cloned();
    let known = begun.map(|it| match it.outcome.at() {
        Some(at) if !passed(at) => Operation { outcome: Outcome::Unknown, ..it },
        _ => it,
    });
    known.collect()
}
