//! Runs: what each mix of operations answers, sends and leaves behind.

use crate::ledger::{LIMITS, Ledger, check, check_with};
use sarsen_entities::{
    Entity, EntityType, NamedEntity, Operations, Port, Returns, RunLimits, inside_operation,
};
use sarsen_protocol::Address;
use serde::{Deserialize, Serialize};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
};

const TEN: &str = r#"{"total":10}"#;
const RETURNED: &str = "returned an error: refused";

#[test]
fn operations_of_a_run_see_each_other() {
    check(TEN, &[("add 1", "11"), ("total", "11"), ("add -4", "7"), ("total", "7")], r#"{"total":7}"#);
    check(TEN, &[], "unchanged");
}

#[test]
fn a_missing_entity_begins_with_its_initial_state() {
    check("-", &[("add 1", "4"), ("add 1", "5")], r#"{"total":5}"#);
    check("-", &[("note \"\"", "null")], r#"{"total":3}"#);
}

#[test]
fn a_read_neither_creates_nor_writes() {
    check("-", &[("total", "3"), ("total", "3")], "unchanged");
    check(TEN, &[("total", "10"), ("ask \"b\"", "null -> @ledger@b add 10")], "unchanged");
    check("-", &[("total", "3"), ("add 2", "5"), ("total", "5")], r#"{"total":5}"#);
    check("-", &[("doubt", "returned an error: refused 3 3"), ("total", "3")], "unchanged");
}

#[test]
fn a_failure_undoes_its_own_operation_alone() {
    let exploded = |at| format!("panicked: exploded at {at}");
    check(TEN, &[("refuse 5", &format!("{RETURNED} 10 10"))], "unchanged");
    check("-", &[("explode 5", &exploded(3)), ("total", "3")], "unchanged");
    check(
        TEN,
        &[("add 1", "11"), ("refuse 5", &format!("{RETURNED} 11 11")), ("add 1", "12")],
        r#"{"total":12}"#,
    );
    check(
        TEN,
        &[("explode 5", &exploded(10)), ("add 1", "11"), ("explode 2", &exploded(11))],
        r#"{"total":11}"#,
    );
    check(TEN, &[("total", "10"), ("doubt", &format!("{RETURNED} 10 10")), ("total", "10")], "unchanged");
}

#[test]
fn signals_are_sent_in_order_and_only_by_what_succeeds() {
    let passed = "null -> @ledger@b add 2 -> @ledger@b note \"late\" @6000";
    check(
        TEN,
        &[("pass [\"b\",2]", passed), ("refuse 1", &format!("{RETURNED} 8 8")), ("pass [\"b\",2]", passed)],
        r#"{"total":6}"#,
    );
}

#[test]
fn what_cannot_be_done_is_a_failure_of_its_kind() {
    let with_ten = |operation, outcome| {
        check(TEN, &[("add 0", "10"), (operation, outcome), ("add 1", "11")], r#"{"total":11}"#);
    };
    with_ten("divide [0.0,0.0]", "result cannot be encoded: the value is NaN: JSON has no such number");
    with_ten(
        "repeat [\"abcdefgh\",8]",
        "result is too large: the answer has 66 bytes, 64 are allowed: return less, or raise `payload_bytes_max`",
    );
    with_ten("scale null", "input does not fit: invalid type: null, expected f64 at line 1 column 4");
    with_ten(
        "divide [1.0]",
        "input does not fit: invalid length 1, expected a tuple of size 2 at line 1 column 5",
    );
    with_ten(
        "jump",
        "unknown operation: entity `ledger` has no operation `jump`: it has add, ask, delete, divide, doubt, explode, note, pass, refuse, remove, repeat, scale, shatter, total",
    );
    with_ten(
        "pass [\"a\\nb\",1]",
        "sent to an invalid address: the key `a\\nb` has a control character: use printable characters only",
    );
}

#[test]
fn a_state_that_cannot_be_kept_fails_the_operation_that_made_it() {
    let text = "x".repeat(30);
    let note = format!("note {text:?}");
    check(
        TEN,
        &[
            (&note, "null"),
            (
                &note,
                "result is too large: the state after `note` has 81 bytes, 64 are allowed: keep less in it, or raise `state_bytes_max` or its type's `state_bytes`",
            ),
            ("add 1", "11"),
        ],
        &format!(r#"{{"total":11,"log":"{text}"}}"#),
    );
    let not_finite = RunLimits { state_bytes_max: 1_000, ..LIMITS };
    let script = [
        ("add 1", "11"),
        (
            "break",
            "result cannot be encoded: the state after `break` cannot be encoded: `ratio` is NaN: JSON has no such number",
        ),
        ("add 1", "12"),
        ("add 1", "13"),
    ];
    for verify in [false, true] {
        let limits = RunLimits { verify, ..not_finite };
        check_with::<Fragile>(
            ("abc", r#"{"total":10,"ratio":1.0}"#, &limits),
            &script,
            r#"{"total":13,"ratio":1.0}"#,
        );
    }
}

#[test]
fn a_deletion_leaves_no_state_and_the_next_operation_begins_anew() {
    check(TEN, &[("delete", "null")], "deleted");
    check("-", &[("delete", "null")], "unchanged");
    check(TEN, &[("remove", "11"), ("total", "3")], "deleted");
    check("-", &[("add 1", "4"), ("delete", "null")], "unchanged");
    check(TEN, &[("delete", "null"), ("add 1", "4"), ("delete", "null"), ("add 2", "5")], r#"{"total":5}"#);
    check(TEN, &[("add 1", "11"), ("remove", "12"), ("total", "3"), ("delete", "null")], "deleted");
    check(TEN, &[("delete", "null"), ("explode 1", "panicked: exploded at 3"), ("total", "3")], "deleted");
    check(
        TEN,
        &[("delete 5", "input does not fit: invalid type: integer `5`, expected unit at line 1 column 1")],
        "unchanged",
    );
}

#[test]
fn a_state_that_is_deleted_must_have_been_fit_to_keep() {
    let broken = "result cannot be encoded: the state after `break` cannot be encoded: `ratio` is NaN: JSON has no such number";
    let script = [("add 1", "1"), ("break", broken), ("delete", "null"), ("add 1", "1")];
    check_with::<Fragile>(("", "-", &LIMITS), &script, r#"{"total":1,"ratio":0.0}"#);
}

#[test]
fn a_panic_outside_of_operations_fails_the_operation_too() {
    let panicked = "panicked: assertion `left != right` failed: no initial state\n  left: \"initial panics\"\n right: \"initial panics\"";
    check_with::<Ledger>(
        ("initial panics", "-", &LIMITS),
        &[("add 1", panicked), ("total", panicked)],
        "unchanged",
    );
    check_with::<Ledger>(("initial panics", TEN, &LIMITS), &[("add 1", "11")], r#"{"total":11}"#);
    let script = [
        ("set \"clone\"", "null"),
        ("set \"x\"", "panicked: cloned"),
        ("get", "\"clone\""),
        ("delete", "null"),
        ("set \"y\"", "null"),
        ("fail", "panicked: failed"),
        ("get", "\"y\""),
        ("set \"serialize\"", "panicked: serialized"),
    ];
    // One at a time: the first stretch clones before any of them runs.
    let mut state = "-".to_owned();
    for step in &script[..4] {
        let next = match step.0 {
            "set \"clone\"" => "{\"text\":\"clone\"}",
            "delete" => "deleted",
            _ => "unchanged",
        };
        check_with::<Spring>(("", &state, &LIMITS), &[*step], next);
        state = if next == "unchanged" { state } else { next.replace("deleted", "-") };
    }
    check_with::<Spring>(("", "-", &LIMITS), &script[4..], "{\"text\":\"y\"}");
}

#[test]
fn a_change_through_a_shared_reference_is_found_where_states_are_verified() {
    let verify = RunLimits { verify: true, ..LIMITS };
    let failure = "changed the state through `&self`: `peek` takes `&self` and changed the state: let it take `&mut self`";
    let script = [("count", "1"), ("peek", failure), ("look", "1"), ("count", "2")];
    check_with::<Peeked>(("", "-", &verify), &script, "{\"peeks\":2}");
    check_with::<Peeked>(("", "-", &verify), &[("peek", failure)], "unchanged");
    check_with::<Peeked>(("", "{\"peeks\":7}", &verify), &[("peek", failure), ("look", "7")], "unchanged");
}

#[test]
fn a_state_that_does_not_come_back_is_found_where_states_are_verified() {
    let verify = RunLimits { verify: true, ..LIMITS };
    let after = "result cannot be encoded: the state after `set`";
    let changes = format!(
        "{after} changes when it is read back: {{\"kept\":1,\"lost\":2}} becomes {{\"kept\":1,\"lost\":0}}"
    );
    check_with::<Lossy>(
        ("", "-", &verify),
        &[("set [1,0]", "null"), ("set [1,2]", &changes)],
        "{\"kept\":1,\"lost\":0}",
    );
    let unread = format!("{after} cannot be read back: 13 is not read at line 1 column 10");
    check_with::<Lossy>(("", "-", &verify), &[("set [13,0]", &unread)], "unchanged");
    check_with::<Lossy>(("", "-", &LIMITS), &[("set [1,2]", "null")], "{\"kept\":1,\"lost\":2}");
}

#[test]
fn the_order_of_hashed_collections_is_no_difference() {
    let verify = RunLimits { verify: true, state_bytes_max: 100_000, ..LIMITS };
    let mut state = None;
    let ran = crate::ledger::run::<Hashed>("", &mut state, &[crate::ledger::op("fill 300")], &verify);
    assert_eq!(ran.outcomes[0].answer.as_ref().map(crate::ledger::text), Ok("null".to_owned()));
}

#[test]
fn a_long_message_of_a_failure_is_cut() {
    let limits = RunLimits { payload_bytes_max: 100_000, ..LIMITS };
    let long = format!("returned an error: {}...", "ä".repeat(1_000));
    check_with::<Spring>(
        ("", "-", &RunLimits { payload_bytes_max: 1_000, ..limits }),
        &[("rant 1001", &long)],
        "unchanged",
    );
    let (short, details) = ("ä".repeat(9), "ä".repeat(9));
    check_with::<Spring>(
        ("", "-", &limits),
        &[("rant 9", &format!("returned an error: {short} {details:?}"))],
        "unchanged",
    );
}

#[test]
fn code_of_an_entity_knows_whose_it_is() {
    let script = [("get", "\"@spring@me\""), ("fail", "panicked: failed"), ("get", "\"@spring@me\"")];
    check_with::<Spring>(("me", "{\"text\":\"inside\"}", &LIMITS), &script, "unchanged");
    assert_eq!(inside_operation(), None::<Address>);
}

/// A type without reference methods: these tests ask by name.
macro_rules! entity {
    ($type:ident, $name:literal, $operations:expr) => {
        impl EntityType for $type {
            const NAME: &'static str = $name;
            type Ref<P: Port> = NamedEntity<P>;

            fn refer<P: Port>(port: P) -> NamedEntity<P> {
                NamedEntity::new(port)
            }
        }

        impl Entity for $type {
            fn initial(_key: &str) -> Self {
                Self::default()
            }

            fn operations() -> Operations<Self> {
                $operations
            }
        }
    };
}

/// Its ratio, once broken, is never mended.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Fragile {
    total: i64,
    ratio: f64,
}

entity! { Fragile, "fragile", Operations::new()
    .update("add", Returns::value(), |fragile: &mut Self, _, n: i64| { fragile.total += n; fragile.total })
    .update("break", Returns::value(), |fragile: &mut Self, _, ()| fragile.ratio = f64::NAN)
}

/// Panics wherever user code is called, when its text says so.
#[derive(Default, Deserialize)]
struct Spring {
    text: String,
}

impl Clone for Spring {
    fn clone(&self) -> Self {
        assert!(self.text != "clone", "cloned");
        Self { text: self.text.clone() }
    }
}

impl Serialize for Spring {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain<'a> {
            text: &'a str,
        }
        assert!(self.text != "serialize", "serialized");
        Plain { text: &self.text }.serialize(serializer)
    }
}

entity! { Spring, "spring", Operations::new()
    .update("set", Returns::value(), |spring: &mut Self, _, text| spring.text = text)
    .update("fail", Returns::value(), |_: &mut Self, _, ()| panic!("{}", "failed") as ())
    .update("rant", Returns::fallible(), |_: &mut Self, _, n: usize| Err::<(), _>("ä".repeat(n)))
    .read("get", Returns::value(), |spring: &Self, _, ()| match spring.text.as_str() {
        "inside" => inside_operation().map(|address| address.to_string()).unwrap_or_default(),
        text => text.to_owned(),
    })
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Peeked {
    peeks: Cell<u32>,
}

entity! { Peeked, "peeked", Operations::new()
    .update("count", Returns::value(), |peeked: &mut Self, _, ()| { *peeked.peeks.get_mut() += 1; peeked.peeks.get() })
    .read("peek", Returns::value(), |peeked: &Self, _, ()| peeked.peeks.set(peeked.peeks.get() + 1))
    .read("look", Returns::value(), |peeked: &Self, _, ()| peeked.peeks.get())
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Lossy {
    #[serde(deserialize_with = "not_13")]
    kept: u32,
    #[serde(skip_deserializing)]
    lost: u32,
}

fn not_13<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        13 => Err(serde::de::Error::custom("13 is not read")),
        number => Ok(number),
    }
}

entity! { Lossy, "lossy", Operations::new()
    .update("set", Returns::value(), |lossy: &mut Self, _, (kept, lost)| *lossy = Self { kept, lost })
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Hashed {
    map: RefCell<HashMap<u32, String>>,
    set: HashSet<u32>,
}

entity! { Hashed, "hashed", Operations::new()
    .update("fill", Returns::value(), |hashed: &mut Self, _, n: u32| {
        hashed.map.get_mut().extend((0..n).map(|n| (n, n.to_string())));
        hashed.set.extend(0..n);
    })
}
