//! What operations are told and may send.

use crate::ledger::{LIMITS, Ledger, NOW, Op, encoded, op, outcome_text, run};
use sarsen_entities::{
    Entity, EntityContext, EntityType, NamedEntity, Operations, OrchestrationType, Port, Returns, RunLimits,
};
use sarsen_protocol::{Address, json};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An orchestration as code that starts it knows it.
struct Greet;

impl OrchestrationType for Greet {
    const NAME: &'static str = "greet";
    type Input = (String, f64);
}

fn greet() -> Greet {
    Greet
}

/// An entity whose one operation is given by the test.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Probe;

type Act = fn(&mut EntityContext<'_>);

thread_local! {
    static ACT: std::cell::Cell<Act> = const { std::cell::Cell::new(|_| ()) };
}

impl EntityType for Probe {
    const NAME: &'static str = "probe";
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl Entity for Probe {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new().update("act", Returns::value(), |_: &mut Self, cx, ()| ACT.get()(cx))
    }
}

/// What an operation that does `act` answers and sends.
fn acted(act: Act) -> String {
    ACT.set(act);
    let ran = run::<Probe>("me", &mut None, &[op("act")], &LIMITS);
    outcome_text(&ran.outcomes[0])
}

#[test]
fn an_operation_is_told_where_and_when_it_runs() {
    assert_eq!(
        acted(|cx| {
            assert_eq!(*cx.address(), Address::entity("probe", "me").unwrap());
            assert_eq!((cx.key(), cx.now()), ("me", NOW));
            assert_eq!(sarsen_entities::inside_operation().as_ref(), Some(cx.address()));
        }),
        "null"
    );
}

#[test]
fn references_live_side_by_side() {
    assert_eq!(
        acted(|cx| {
            let (a, b) = (cx.entity::<Ledger>("a"), cx.entity::<Ledger>(String::from("b")));
            let later = a.add(1).after(Duration::from_nanos(1));
            b.clone().add(2).signal();
            cx.entity::<Ledger>(cx.key()).note("x").after(Duration::ZERO).signal();
            later.signal();
            drop(b.add(3));
        }),
        "null -> @ledger@b add 2 -> @ledger@me note \"x\" -> @ledger@a add 1 @1001"
    );
}

#[test]
fn orchestrations_are_started_in_the_order_of_all_that_is_sent() {
    assert_eq!(
        acted(|cx| {
            let (named, input) = (cx.start(greet, ("bob".to_owned(), 0.5)).id("g-1"), (String::new(), 2.0));
            cx.entity::<Ledger>("a").add(1).signal();
            cx.start(greet, &input).detach();
            cx.entity::<Ledger>("a").add(2).signal();
            named.detach();
        }),
        "null -> @ledger@a add 1 -> run (generated) greet [\"\",2.0] -> @ledger@a add 2 -> run g-1 greet [\"bob\",0.5]"
    );
}

#[test]
fn what_is_scheduled_has_its_id_its_time_and_its_place_among_all_that_is_sent() {
    assert_eq!(
        acted(|cx| {
            let me = cx.entity::<Ledger>(cx.key());
            me.note("x").after(Duration::from_millis(2)).scheduled_as("flush").signal();
            cx.cancel_scheduled(&cx.entity::<Ledger>("a"), "flush");
            me.add(1).every(Duration::from_millis(5)).scheduled_as("poll").signal();
            me.add(2).after(Duration::ZERO).every(Duration::from_millis(5)).scheduled_as("poll").signal();
        }),
        "null -> @ledger@me flush: note \"x\" @3000 -> @ledger@a flush: none \
         -> @ledger@me poll: add 1 @6000 +5ms -> @ledger@me poll: add 2 @1000 +5ms"
    );
}

#[test]
fn an_operation_that_fails_starts_nothing() {
    assert_eq!(
        acted(|cx| {
            cx.start(greet, (String::new(), 1.0)).detach();
            panic!("after all");
        }),
        "panicked: after all"
    );
}

#[test]
fn what_cannot_be_scheduled_fails_the_operation() {
    let cases: [(Act, &str); 4] = [
        (
            |cx| cx.entity::<Ledger>("a").add(1).scheduled_as("").signal(),
            "scheduled what cannot be: `` is no id of a scheduled signal: use 1 to 256 bytes without control characters",
        ),
        (
            |cx| cx.cancel_scheduled(&cx.entity::<Ledger>("a"), "a\tb"),
            "scheduled what cannot be: `a\\tb` is no id of a scheduled signal: use 1 to 256 bytes without control characters",
        ),
        (
            |cx| cx.entity::<Ledger>("a").add(1).every(Duration::from_micros(999)).scheduled_as("a").signal(),
            "scheduled what cannot be: a signal cannot be repeated every 999 us: the shortest period is 1000 us",
        ),
        (
            |cx| cx.entity::<Ledger>("a").note(&"x".repeat(70)).scheduled_as("a").signal(),
            "result is too large: the input of the scheduled signal `note` to @ledger@a has 72 bytes, 64 are allowed: \
             send a reference instead, or raise `payload_bytes_max`",
        ),
    ];
    for (act, failure) in cases {
        assert_eq!(acted(act), failure);
    }
}

#[test]
fn a_fault_fails_the_operation_whatever_it_does_meanwhile() {
    let cases: [(Act, &str); 10] = [
        (
            |cx| drop(cx.entity::<Ledger>("\0")),
            "sent to an invalid address: the key `\\0` has a control character: use printable characters only",
        ),
        (
            |cx| {
                cx.entity::<Ledger>("a").add(1).signal();
                cx.entity::<Misnamed>("a").operation::<()>("add", &1).signal();
                cx.entity::<Ledger>("a\n").add(1).signal();
            },
            "sent to an invalid address: `Misnamed` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _",
        ),
        (
            |cx| cx.entity::<Ledger>("a").scale(f64::INFINITY).signal(),
            "result cannot be encoded: the input of the signal `scale` to @ledger@a: the value is infinity: JSON has no such number",
        ),
        (
            |cx| cx.entity::<Ledger>("a").note(&"x".repeat(63)).signal(),
            "result is too large: the input of the signal `note` to @ledger@a has 65 bytes, 64 are allowed: send a reference instead, or raise `payload_bytes_max`",
        ),
        (
            |cx| (0..5).for_each(|n| cx.entity::<Ledger>("a").add(n).signal()),
            "result is too large: it sends more than 4 messages, the most that one operation may: send fewer, or raise `messages_per_operation_max`",
        ),
        (
            |cx| cx.start(greet, ("x".repeat(60), 1.0)).detach(),
            "result is too large: the input of orchestration `greet` has 68 bytes, 64 are allowed: send a reference instead, or raise `payload_bytes_max`",
        ),
        (
            |cx| {
                (0..3).for_each(|n| cx.entity::<Ledger>("a").add(n).signal());
                (0..2).for_each(|_| cx.start(greet, (String::new(), 1.0)).detach());
            },
            "result is too large: it sends more than 4 messages, the most that one operation may: send fewer, or raise `messages_per_operation_max`",
        ),
        (
            |cx| {
                cx.start(greet, (String::new(), 1.0)).id("@bob").detach();
                cx.start(greet, (String::new(), f64::NAN)).detach();
            },
            "sent to an invalid address: `@bob` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`",
        ),
        (
            |cx| cx.start(greet, (String::new(), f64::NAN)).detach(),
            "result cannot be encoded: the input of orchestration `greet`: `[1]` is NaN: JSON has no such number",
        ),
        (
            |cx| {
                cx.entity::<Ledger>("\0").add(1).signal();
                panic!("and then");
            },
            "panicked: and then",
        ),
    ];
    for (act, expected) in cases {
        assert_eq!(acted(act), expected);
    }
}

#[test]
fn what_is_not_sent_is_no_fault() {
    assert_eq!(
        acted(|cx| {
            drop(cx.entity::<Ledger>("a").scale(f64::NAN));
            drop(cx.entity::<Ledger>("a").note(&"x".repeat(63)));
            drop(cx.start(greet, ("x".repeat(63), f64::NAN)).id(""));
            (0..4).for_each(|_| cx.entity::<Ledger>("a").note(&"x".repeat(62)).signal());
        })
        .len(),
        "null".len() + 4 * (" -> @ledger@a note ".len() + 64)
    );
}

struct Misnamed;

impl Clone for Misnamed {
    fn clone(&self) -> Self {
        Self
    }
}

impl Serialize for Misnamed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Misnamed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

impl EntityType for Misnamed {
    const NAME: &'static str = "Misnamed";
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl Entity for Misnamed {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new()
    }
}

#[test]
fn the_same_run_gives_the_same_result() {
    let ops: Vec<Op> = ["pass [\"b\",2]", "refuse 1", "total"].map(op).into();
    let limits = RunLimits { verify: true, ..LIMITS };
    assert_eq!(run::<Ledger>("a", &mut None, &ops, &limits), run::<Ledger>("a", &mut None, &ops, &limits));
}

/// `serde_json` needs its feature `float_roundtrip` for this.
#[test]
fn every_finite_float_of_a_state_comes_back_as_it_was() {
    let mut bits = 7_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let float = f64::from_bits(bits);
        if float.is_finite() {
            let back: f64 = json::decode(&encoded(&float)).unwrap();
            assert_eq!(back.to_bits(), float.to_bits(), "{float}");
        }
    }
}
