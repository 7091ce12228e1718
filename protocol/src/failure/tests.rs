use super::*;
use crate::record;

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("the card is refused")]
struct Refused {
    code: u32,
    #[serde(skip)]
    #[source]
    cause: Option<Cause>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the bank says no")]
struct Cause(#[source] std::fmt::Error);

impl Default for Cause {
    fn default() -> Self {
        Self(std::fmt::Error)
    }
}

fn refused() -> Refused {
    Refused { code: 7, cause: Some(Cause::default()) }
}

#[test]
fn a_returned_error_keeps_its_type_its_causes_and_its_json() {
    let error = refused();
    let failure = Failure::returned(&error).caused_by(&error);
    assert_eq!(failure.to_string(), "returned an error: the card is refused");
    assert!(failure.type_name().is_some_and(|name| name.ends_with("::Refused")), "{failure:?}");
    assert_eq!(failure.causes(), ["the bank says no", &std::fmt::Error.to_string()]);
    assert_eq!(failure.error::<Refused>(), Some(Refused { code: 7, cause: None }));
    assert_eq!(failure.error::<String>(), None);
    assert!(!failure.is_final() && failure.clone().finally().is_final());
}

#[test]
fn a_failure_of_version_1_stands_and_one_with_more_comes_back() {
    let plain = Failure::new(FailureKind::Returned, "no");
    let details = plain.clone().with_details(Some(Payload::copy_of(b"1")));
    assert_eq!(record::encode(1, &plain), [1, 0, 2, b'n', b'o', 0]);
    assert_eq!(record::encode(1, &details), [1, 0, 2, b'n', b'o', 1, 1, b'1']);
    let origin = FailureOrigin { type_name: "T".to_owned(), causes: vec!["c".to_owned()], is_final: true };
    let whole = Failure { origin: Some(Box::new(origin)), ..details.clone() };
    let bytes = record::encode(1, &whole);
    assert_eq!(bytes, [1, 0, 2, b'n', b'o', 2, 1, 1, b'1', 1, b'T', 1, 1, b'c', 1]);
    for failure in [plain, details, whole] {
        assert_eq!(record::decode_all(1, &record::encode(1, &failure)), Ok(failure.clone()));
        let text = json::encode(&failure).expect("it has JSON");
        assert_eq!(json::decode(&text), Ok(failure));
    }
    let earlier = Payload::copy_of(br#"{"kind":"Returned","message":"no","details":null}"#);
    assert_eq!(json::decode(&earlier), Ok(Failure::new(FailureKind::Returned, "no")));
}

#[test]
fn a_failure_is_cut_to_a_size_that_can_be_kept() {
    let long = "x".repeat(MESSAGE_CHARS_MAX + 1);
    let failure = Failure::new(FailureKind::Returned, long).with_details(Some(Payload::copy_of(b"123")));
    let bounded = failure.bounded(2);
    assert_eq!((bounded.message.len(), bounded.details), (MESSAGE_CHARS_MAX + 3, None));
}
