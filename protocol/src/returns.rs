//! How the answer of a user's function is written and read: an operation, an activity, an orchestration.

use crate::{Failure, FailureKind, Payload, json};
use serde::{Serialize, de::DeserializeOwned};
use std::{error::Error, fmt, marker::PhantomData};

/// How an answer of type `R` becomes JSON, and again an `R` for who asked.
///
/// There are three ways. [`value`](Self::value) is for every type. [`fallible`](Returns::fallible) is for a
/// `Result<T, E>`: an `Err` fails the operation, activity or execution (which undoes an operation), and is still an
/// `Err` of its own type for who asked. [`with_causes`](Returns::with_causes) is the same for an error that tells its
/// causes. The macros choose by the type, also behind an alias.
pub struct Returns<R> {
    encode: fn(R) -> Result<Payload, Failure>,
    decode: fn(Result<Payload, Failure>) -> Result<R, AnswerError>,
}

/// Why an answer is not the value that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The operation failed, other than by an error that the caller's type can hold.
    #[error(transparent)]
    Failed(Failure),
    /// The answer is there and does not fit the caller's type.
    #[error("the answer does not fit its type: {0}")]
    Misfit(String),
}

impl<R> Returns<R> {
    /// Encodes an answer; called inside the turn.
    ///
    /// # Errors
    /// The operation's failure: of kind `Returned` for an `Err`, of kind `Unencodable` when there is no JSON for
    /// the answer.
    pub fn encode(self, answer: R) -> Result<Payload, Failure> {
        (self.encode)(answer)
    }

    /// Decodes an outcome; called where it was asked for.
    ///
    /// # Errors
    /// [`AnswerError`] when the operation failed or its answer does not fit.
    pub fn decode(self, outcome: Result<Payload, Failure>) -> Result<R, AnswerError> {
        (self.decode)(outcome)
    }
}

impl<R: Serialize + DeserializeOwned> Returns<R> {
    /// Returns its value as it is; only a panic, or what a context notes, is a failure.
    pub const fn value() -> Self {
        Self {
            encode: |answer| json::encode(&answer),
            decode: |outcome| read(&outcome.map_err(AnswerError::Failed)?),
        }
    }
}

impl<T, E> Returns<Result<T, E>>
where
    T: Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned + fmt::Display,
{
    /// Returns its `Ok` as it is; its `Err` fails the operation with the error's text and, as details, its JSON.
    pub const fn fallible() -> Self {
        let encode = |answer: Result<T, E>| match answer {
            Ok(value) => json::encode(&value),
            Err(error) => Err(Failure::returned(&error)),
        };
        Self { encode, decode: decode_fallible }
    }
}

impl<T, E> Returns<Result<T, E>>
where
    T: Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned + Error + 'static,
{
    /// As [`fallible`](Self::fallible), and keeps what the error's causes say.
    pub const fn with_causes() -> Self {
        let encode = |answer: Result<T, E>| match answer {
            Ok(value) => json::encode(&value),
            Err(error) => Err(Failure::returned(&error).caused_by(&error)),
        };
        Self { encode, decode: decode_fallible }
    }
}

fn decode_fallible<T: DeserializeOwned, E: DeserializeOwned>(
    outcome: Result<Payload, Failure>,
) -> Result<Result<T, E>, AnswerError> {
    let failure = match outcome {
        Ok(answer) => return read(&answer).map(Ok),
        Err(failure) => failure,
    };
    match &failure.details {
        Some(details) if failure.kind == FailureKind::Returned => {
            json::decode(details).map(Err).map_err(|_| AnswerError::Failed(failure))
        }
        _ => Err(AnswerError::Failed(failure)),
    }
}

fn read<T: DeserializeOwned>(answer: &Payload) -> Result<T, AnswerError> {
    json::decode(answer).map_err(|misfit| AnswerError::Misfit(misfit.message))
}

impl<R> Clone for Returns<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Returns<R> {}

impl<R> fmt::Debug for Returns<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Returns<{}>", std::any::type_name::<R>())
    }
}

/// Chooses [`Returns::with_causes`] for a `Result` whose error is an [`Error`], [`Returns::fallible`] for any other
/// `Result`, and [`Returns::value`] for all else, by its type.
///
/// `(&&&Kind::<R>::new()).returns()` with the three traits in scope finds [`ViaError`] first, since it needs all three
/// references, then [`ViaResult`], then [`ViaValue`]. The bounds of the second stand at the method and not at the impl, so
/// that a `Result` with an error that is no answer does not compile, instead of silently being a plain value. (Autoref
/// specialisation, after D. Tolnay.)
#[derive(Debug)]
pub struct Kind<R>(PhantomData<fn(R)>);

impl<R> Kind<R> {
    /// The kind of `R`.
    #[expect(clippy::new_without_default, reason = "named by generated code alone")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The way of a `Result` whose error tells its causes.
pub trait ViaError {
    /// Its `Ok`.
    type Value;
    /// Its `Err`.
    type Error;

    /// [`Returns::with_causes`].
    fn returns(&self) -> Returns<Result<Self::Value, Self::Error>>
    where
        Self::Value: Serialize + DeserializeOwned,
        Self::Error: Serialize + DeserializeOwned + Error + 'static;
}

impl<T, E: Error> ViaError for &&Kind<Result<T, E>> {
    type Value = T;
    type Error = E;

    fn returns(&self) -> Returns<Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
        E: Serialize + DeserializeOwned + Error + 'static,
    {
        Returns::with_causes()
    }
}

/// The way of any other `Result`.
pub trait ViaResult {
    /// Its `Ok`.
    type Value;
    /// Its `Err`.
    type Error;

    /// [`Returns::fallible`].
    fn returns(&self) -> Returns<Result<Self::Value, Self::Error>>
    where
        Self::Value: Serialize + DeserializeOwned,
        Self::Error: Serialize + DeserializeOwned + fmt::Display;
}

impl<T, E> ViaResult for &Kind<Result<T, E>> {
    type Value = T;
    type Error = E;

    fn returns(&self) -> Returns<Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
        E: Serialize + DeserializeOwned + fmt::Display,
    {
        Returns::fallible()
    }
}

/// The way of every other type.
pub trait ViaValue {
    /// The type.
    type Value;

    /// [`Returns::value`].
    fn returns(&self) -> Returns<Self::Value>
    where
        Self::Value: Serialize + DeserializeOwned;
}

impl<R> ViaValue for Kind<R> {
    type Value = R;

    fn returns(&self) -> Returns<R>
    where
        R: Serialize + DeserializeOwned,
    {
        Returns::value()
    }
}

#[cfg(test)]
mod tests;
