use super::*;
use serde::{Deserialize, Serializer};
use std::{cell::RefCell, collections::HashMap as StdHashMap};

#[derive(Clone, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Clone, Serialize, Deserialize)]
struct Pair<T>(u8, T);

#[derive(Clone, Serialize, Deserialize)]
struct Named<T> {
    ratio: T,
}

#[derive(Clone, Serialize, Deserialize)]
enum External<T> {
    Unit,
    Newtype(T),
    Tuple(u8, T),
    Struct { ratio: T },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal<T> {
    Struct { ratio: T },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent<T> {
    Newtype(T),
    Tuple(u8, T),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Newtype(T),
}

#[derive(Clone, Serialize, Deserialize)]
struct Flattened<T> {
    before: u8,
    #[serde(flatten)]
    inner: Named<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
}

/// Serializes byte strings and `Display`ed text, which no derive does.
struct Odd;

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Bytes;
        impl Serialize for Bytes {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(b"\x00\xff")
            }
        }
        struct Text;
        impl Serialize for Text {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{}-\"{}\"", 1, 2))
            }
        }
        (Bytes, Text).serialize(serializer)
    }
}

fn of_text(text: impl Into<Vec<u8>>) -> Payload {
    Payload::from_encoded(Bytes::from(text.into()))
}

fn refusal<T: Serialize>(value: T) -> String {
    let failure = encode(&value).expect_err("there is no JSON for it");
    assert_eq!((failure.kind, failure.details), (FailureKind::Unencodable, None));
    failure.message
}

#[test]
fn what_serde_json_writes_is_written_byte_for_byte() {
    fn check<T: Serialize>(value: T) {
        let strict = encode(&value).expect("it has JSON");
        let plain = serde_json::to_string(&value).expect("it has JSON");
        assert_eq!(std::str::from_utf8(strict.as_bytes()), Ok(plain.as_str()));
    }
    check(());
    check(Unit);
    check((true, false, 'x', '\u{1F5FF}'));
    check((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    check((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    check([0.0, -0.0, 1.5, f64::MIN_POSITIVE, f64::MAX, f64::EPSILON, 0.1 + 0.2]);
    check([0.1_f32, f32::MAX, f32::MIN_POSITIVE]);
    check("quote \" slash \\ newline \n control \u{1} umlaut ä emoji 🗿");
    check((None::<u8>, Some(1), Some(Some("x")), Some(())));
    check((Newtype(1.5), Newtype(Newtype(())), Pair(1, 2.5), Named { ratio: 1.5 }));
    check([External::Unit, External::Newtype(1.5), External::Tuple(1, 2.5), External::Struct { ratio: 0.5 }]);
    check((
        Internal::Struct { ratio: 1.5 },
        Adjacent::Newtype(1.5),
        Adjacent::Tuple(1, 2.5),
        Untagged::Newtype(1.5),
    ));
    check(Flattened { before: 1, inner: Named { ratio: 2.5 }, absent: None });
    check((Vec::<u8>::new(), vec![vec![1.5], vec![]], BTreeMap::<u8, u8>::new()));
    check(BTreeMap::from([("a b", vec![1.5]), ("", vec![])]));
    check((BTreeMap::from([(1, 2)]), BTreeMap::from([('x', 1)]), BTreeMap::from([(true, 1)])));
    check(BTreeMap::from([(Newtype("inner".to_owned()).0, External::Struct { ratio: 1 })]));
    check((Odd, std::net::Ipv4Addr::LOCALHOST, std::time::Duration::from_millis(1_500)));
    check(serde_json::json!({"nested": [{"a": null, "b": [1, 2.5, "x"]}], "big": u64::MAX}));
}

#[test]
fn a_float_that_is_not_finite_is_refused_with_its_place() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let number = "JSON has no such number";
    for (message, expect) in [
        (refusal(nan), "the value is NaN"),
        (refusal(inf), "the value is infinity"),
        (refusal(-inf), "the value is -infinity"),
        (refusal(f32::NAN), "the value is NaN"),
        (refusal(f32::INFINITY), "the value is infinity"),
        (refusal(f32::NEG_INFINITY), "the value is -infinity"),
        (refusal(Named { ratio: nan }), "`ratio` is NaN"),
        (refusal(Named { ratio: Named { ratio: f32::NAN } }), "`ratio.ratio` is NaN"),
        (refusal(Flattened { before: 1, inner: Named { ratio: nan }, absent: None }), "`[\"ratio\"]` is NaN"),
        (refusal(vec![1.0, nan]), "`[1]` is NaN"),
        (refusal(Named { ratio: vec![vec![], vec![0.0, 0.0, inf]] }), "`ratio[1][2]` is infinity"),
        (refusal((1, nan)), "`[1]` is NaN"),
        (refusal(Some(Some(nan))), "the value is NaN"),
        (refusal(Newtype(Newtype(nan))), "the value is NaN"),
        (refusal(Pair(1, nan)), "`[1]` is NaN"),
        (refusal(External::Newtype(nan)), "`Newtype` is NaN"),
        (refusal(External::Tuple(1, nan)), "`[1]` is NaN"),
        (refusal(External::Struct { ratio: nan }), "`ratio` is NaN"),
        (refusal(Internal::Struct { ratio: nan }), "`ratio` is NaN"),
        (refusal(Adjacent::Newtype(nan)), "`value` is NaN"),
        (refusal(Adjacent::Tuple(1, nan)), "`value[1]` is NaN"),
        (refusal(Untagged::Newtype(nan)), "the value is NaN"),
        (refusal(BTreeMap::from([("a b", 1.0), ("c", nan)])), "`[\"c\"]` is NaN"),
        (refusal(BTreeMap::from([(7, Named { ratio: nan })])), "`[7].ratio` is NaN"),
        (refusal(Named { ratio: FloatKey(nan) }), "`ratio.<key>` is NaN"),
    ] {
        assert_eq!(message, format!("{expect}: {number}"));
    }
}

/// A map with one float as key: no std map takes floats.
struct FloatKey(f64);

impl Serialize for FloatKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, ())])
    }
}

#[test]
fn other_errors_say_where_they_happened_too() {
    assert_eq!(refusal(BTreeMap::from([(vec![1], 1)])), "`<key>`: key must be a string");
    let borrowed = RefCell::new(1);
    let _guard = borrowed.borrow_mut();
    assert_eq!(refusal(&borrowed), "already mutably borrowed");
    assert_eq!(refusal(Named { ratio: vec![&borrowed] }), "`ratio[0]`: already mutably borrowed");
}

#[test]
fn what_encodes_is_not_nested_too_deep_to_be_read() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Chain {
        End,
        Array(Vec<Chain>),
        Tuple(Box<Chain>, u8),
        Struct { next: Box<Chain> },
    }
    type Link = fn(Chain) -> Chain;
    let links: [(&str, usize, Link); 3] = [
        ("a newtype variant with an array", 2, |next| Chain::Array(vec![next])),
        ("a tuple variant", 2, |next| Chain::Tuple(Box::new(next), 1)),
        ("a struct variant", 2, |next| Chain::Struct { next: Box::new(next) }),
    ];
    for (name, levels, link) in links {
        let chain = |length| (0..length).fold(Chain::End, |next, _| link(next));
        let longest = 127 / levels;
        let payload = encode(&chain(longest)).expect("127 levels are read");
        assert_eq!(decode(&payload), Ok(chain(longest)), "{name}");
        assert!(
            refusal(chain(longest + 1)).ends_with("is nested too deep: JSON is read up to 127 levels"),
            "{name}"
        );
    }
    let mut value = Value::Null;
    for _ in 0..127 {
        value = Value::Array(vec![value]);
    }
    assert_eq!(decode::<Value>(&encode(&value).unwrap()).as_ref(), Ok(&value));
    assert!(encode(&[value]).is_err());
}

#[test]
fn sameness_leaves_out_the_order_of_keys_and_elements_alone() {
    let same = |a: &str, b: &str| same(&of_text(a), &of_text(b));
    assert!(same("[1,2]", "[2,1]"));
    assert!(same(r#"{"a":[1,{"b":2,"c":[]}],"d":null}"#, r#"{"d":null,"a":[{"c":[],"b":2},1]}"#));
    assert!(same(r#"[{"a":1,"b":2},{"a":2,"b":1}]"#, r#"[{"b":1,"a":2},{"b":2,"a":1}]"#));
    assert!(!same("[1,1,2]", "[1,2,2]"));
    assert!(!same("[1]", "[1,1]"));
    assert!(!same(r#"{"a":1}"#, r#"{"a":2}"#));
    assert!(!same(r#"{"a":null}"#, "{}"));
    assert!(!same("1", "1.0"));
    assert!(!same("no JSON", "nor this"));
    let map: StdHashMap<u32, u32> = (0..100).map(|n| (n, n)).collect();
    let copy: StdHashMap<u32, u32> = map.iter().map(|(k, v)| (*k, *v)).collect();
    assert!(super::same(&encode(&map).unwrap(), &encode(&copy).unwrap()));
}
