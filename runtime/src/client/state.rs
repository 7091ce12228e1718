//! Reading an entity's state.

use super::{
    exchange::{Draft, Exchange},
    request::{call_error, foreign},
};
use sarsen_entities::AnswerError;
use sarsen_protocol::{Answer, CallError, json};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// How errors call the read of a state.
const STATE: &str = "state";

/// A read of an entity's state, made by `state()` of a reference.
///
/// Awaited it is the state, `None` when the entity does not exist. What it shows is durable, never older than the
/// last commit, and taken beside the entity's queue: requests that still wait there are not in it.
///
/// # Cancel safety
/// It may be dropped at any time; a read changes nothing.
#[must_use = "a state is read when it is awaited"]
pub struct StateRequest<E> {
    draft: Draft,
    entity: PhantomData<fn() -> E>,
}

impl<E> StateRequest<E> {
    pub(super) fn new(draft: Draft) -> Self {
        Self { draft, entity: PhantomData }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::ReadTimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout(timeout);
        self
    }
}

impl<E> fmt::Debug for StateRequest<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateRequest").field(&self.draft).finish()
    }
}

impl<E: DeserializeOwned> IntoFuture for StateRequest<E> {
    type Output = Result<Option<E>, CallError>;
    type IntoFuture = State<E>;

    fn into_future(self) -> State<E> {
        State { exchange: Exchange::new(self.draft), entity: PhantomData }
    }
}

/// A read of an entity's state that is under way; see [`StateRequest`].
#[must_use = "a state is read when it is awaited"]
pub struct State<E> {
    exchange: Exchange,
    entity: PhantomData<fn() -> E>,
}

impl<E: DeserializeOwned> Future for State<E> {
    type Output = Result<Option<E>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (route, answer) = ready!(self.exchange.poll(cx))?;
        let result = match answer {
            Answer::State(None) => Ok(None),
            Answer::State(Some(payload)) => {
                json::decode(&payload).map(Some).map_err(|failure| AnswerError::Misfit(failure.message))
            }
            Answer::Failed(failure) => Err(AnswerError::Failed(*failure)),
            other => Err(foreign(&other)),
        };
        Poll::Ready(result.map_err(|error| match error {
            AnswerError::Misfit(reason) => CallError::InvalidState { address: route.to().clone(), reason },
            other => call_error(other, route.to().clone(), STATE),
        }))
    }
}

impl<E> fmt::Debug for State<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.exchange).finish()
    }
}
