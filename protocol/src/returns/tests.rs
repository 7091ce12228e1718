use super::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Refused {
    reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.reason)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("it lies deeper")]
struct Deeper;

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("it cannot be")]
struct Caused(#[source] Deeper);

type Answer = Result<u32, Refused>;

mod alias {
    /// A `Result` that has neither its name nor two parameters.
    pub(super) type Outcome<T> = Result<T, super::Refused>;

    /// Something else under that name.
    pub(super) mod other {
        pub(crate) type Result<T> = Option<T>;
    }
}

fn text(payload: &Payload) -> &str {
    std::str::from_utf8(payload.as_bytes()).unwrap()
}

fn failure(details: Option<&str>) -> Failure {
    let details = details.map(|text| Payload::from_encoded(text.to_owned().into()));
    Failure::new(FailureKind::Returned, "refused: no").with_details(details)
}

#[test]
#[expect(clippy::needless_borrow, reason = "the reference is what tells the two ways apart")]
fn a_result_is_recognised_by_its_type() {
    let via_alias: Returns<alias::Outcome<u32>> = (&&&Kind::<alias::Outcome<u32>>::new()).returns();
    let error = via_alias.encode(Err(Refused { reason: "no".to_owned() })).expect_err("an `Err` fails");
    assert!(error.is_same(&failure(Some(r#"{"reason":"no"}"#))), "{error:?}");
    assert_eq!(error.type_name(), Some(std::any::type_name::<Refused>()));

    let via_error: Returns<Result<u32, Caused>> = (&&&Kind::<Result<u32, Caused>>::new()).returns();
    let error = via_error.encode(Err(Caused(Deeper))).expect_err("an `Err` fails");
    assert_eq!(error.causes(), ["it lies deeper"]);

    let via_value: Returns<Option<u32>> = (&&&Kind::<alias::other::Result<u32>>::new()).returns();
    assert_eq!(text(&via_value.encode(None).unwrap()), "null");
    let unit: Returns<()> = (&&&Kind::<()>::new()).returns();
    assert_eq!(text(&unit.encode(()).unwrap()), "null");
}

#[test]
fn an_error_comes_back_as_its_own_type() {
    let returns: Returns<Answer> = Returns::fallible();
    for answer in [Ok(5), Err(Refused { reason: "no".to_owned() })] {
        let expected = match &answer {
            Ok(value) => Ok(*value),
            Err(error) => Err(Refused { reason: error.reason.clone() }),
        };
        assert_eq!(returns.decode(returns.encode(answer)), Ok(expected));
    }
}

#[test]
fn a_failure_that_the_type_cannot_hold_stays_one() {
    let panicked = Failure::new(FailureKind::Panicked, "oh");
    for given in [panicked.clone(), failure(None), failure(Some("[]"))] {
        let decoded = Returns::<Answer>::fallible().decode(Err(given.clone()));
        assert_eq!(decoded, Err(AnswerError::Failed(given)));
    }
    let given = failure(Some(r#"{"reason":"no"}"#));
    assert_eq!(Returns::<u32>::value().decode(Err(given.clone())), Err(AnswerError::Failed(given)));
}

#[test]
fn an_answer_of_another_type_is_a_misfit() {
    let answer = || Ok(Payload::from_encoded(r#""five""#.into()));
    let reason = r#"invalid type: string "five", expected u32 at line 1 column 6"#.to_owned();
    assert_eq!(Returns::<u32>::value().decode(answer()), Err(AnswerError::Misfit(reason.clone())));
    assert_eq!(Returns::<Answer>::fallible().decode(answer()), Err(AnswerError::Misfit(reason)));
}

#[test]
fn an_error_without_json_still_fails_with_its_text() {
    #[derive(Serialize, Deserialize)]
    struct NoNumber(f64);
    impl fmt::Display for NoNumber {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused: no")
        }
    }
    let returns = Returns::<Result<(), NoNumber>>::fallible();
    let error = returns.encode(Err(NoNumber(f64::NAN))).expect_err("an `Err` fails");
    assert!(error.is_same(&failure(None)), "{error:?}");
    assert_eq!(
        Returns::<f64>::value().encode(f64::NAN).map_err(|failure| failure.kind),
        Err(FailureKind::Unencodable)
    );
}
