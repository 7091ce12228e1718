//! What runs cost in clones and encodings of the state when it does not always encode.

use crate::ledger::{LIMITS, Op, op, run, state_of};
use sarsen_entities::{Entity, EntityType, NamedEntity, Operations, Port, Returns, RunLimits};
use serde::{Deserialize, Serialize, Serializer};
use std::cell::Cell;

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
    static ENCODINGS: Cell<usize> = const { Cell::new(0) };
}

/// A state that counts its clones and encodings, and encodes as long as it holds no more than its limit.
#[derive(Deserialize)]
struct Crate {
    items: usize,
}

const ITEMS_MAX: usize = 2_000;

impl Clone for Crate {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Self { items: self.items }
    }
}

impl Serialize for Crate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain {
            items: usize,
        }
        ENCODINGS.set(ENCODINGS.get() + 1);
        if self.items > ITEMS_MAX {
            return Err(serde::ser::Error::custom("the crate is full"));
        }
        Plain { items: self.items }.serialize(serializer)
    }
}

impl EntityType for Crate {
    const NAME: &'static str = "crate";
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl Entity for Crate {
    fn initial(_key: &str) -> Self {
        Self { items: 0 }
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("push", Returns::value(), |full: &mut Self, _, ()| full.items += 1)
            .update("overload", Returns::value(), |full: &mut Self, _, ()| full.items += ITEMS_MAX)
            .update("pop", Returns::value(), |full: &mut Self, _, ()| full.items -= 1)
            .update("refuse", Returns::fallible(), |_: &mut Self, _, ()| Err::<(), _>("no".to_owned()))
    }
}

/// How many operations each run has.
const LENGTH: usize = 1_024;

/// The steps down from a whole run to one operation.
const STEPS: usize = 10;

/// Runs `script` on a crate with `items` and returns how many failed, and the larger of the two counts.
fn cost(items: usize, script: impl Fn(usize) -> &'static str) -> (usize, usize) {
    let ops: Vec<Op> = (0..LENGTH).map(|index| op(script(index))).collect();
    let mut state = state_of::<Crate>(&format!(r#"{{"items":{items}}}"#));
    CLONES.set(0);
    ENCODINGS.set(0);
    let limits = RunLimits { verify: false, ..LIMITS };
    let ran = run::<Crate>("abc", &mut state, &ops, &limits);
    let failed = ran.outcomes.iter().filter(|outcome| outcome.answer.is_err()).count();
    (failed, CLONES.get().max(ENCODINGS.get()))
}

/// A failure once cost as many clones and encodings as it takes to halve a run down to one operation.
#[test]
fn operations_on_a_full_state_cost_a_clone_and_an_encoding_each() {
    let (failed, cost) = cost(ITEMS_MAX, |_| "push");
    assert_eq!(failed, LENGTH);
    assert!(cost <= LENGTH + STEPS, "{cost}");
}

#[test]
fn failures_in_a_row_cost_one_more_each_and_no_more_than_steps_around_them() {
    let full_halfway = |index| if index < LENGTH / 2 { "overload" } else { "push" };
    let (failed, cost) = cost(1, full_halfway);
    assert_eq!(failed, LENGTH / 2);
    assert!(cost <= LENGTH / 2 + 2 * STEPS, "{cost}");
}

#[test]
fn a_single_failure_costs_a_few_steps() {
    for at in [0, 1, LENGTH / 2, LENGTH - 1] {
        let (failed, cost) = cost(1, |index| if index == at { "overload" } else { "push" });
        assert_eq!(failed, 1);
        assert!(cost <= 5 * STEPS, "a failure at {at} costs {cost}");
    }
}

#[test]
fn a_state_that_is_full_now_and_then_costs_a_few_clones_and_encodings_an_operation() {
    let swaying = |index| if index % 3 < 2 { "push" } else { "pop" };
    let (failed, cost) = cost(ITEMS_MAX, swaying);
    assert!(failed > LENGTH / 4, "{failed} failed");
    assert!(cost <= 2 * LENGTH + STEPS, "{cost}");
}

#[test]
fn an_operation_that_fails_by_itself_shortens_nothing_but_the_way_to_it() {
    let (failed, cost) = cost(0, |index| if index % 256 == 128 { "refuse" } else { "push" });
    assert_eq!(failed, 4);
    assert!(cost <= 3 * failed + 1, "{cost}");
}
