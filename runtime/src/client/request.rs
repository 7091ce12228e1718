//! The request that an operation of a reference returns, and the futures that it turns into.

use super::{
    exchange::{Draft, Exchange},
    schedules::{ReminderRequest, ScheduledRequest},
};
use sarsen_entities::{AnswerError, Returns};
use sarsen_protocol::{Address, Answer, CallError, Identity, IdentityName, OperationName};
use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// An operation that a client asks for: awaited it is a call, by [`signal`](Self::signal) it becomes a signal.
///
/// The input was encoded when the request was made. Nothing is sent before the first poll of the future, and the
/// requests of one client handle to one entity keep the order of these first polls; a clone of the client is another
/// handle.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, the request may or may not be
/// done: ask again under the same [`idempotency_key`](Self::idempotency_key).
#[must_use = "a request is sent when it is awaited or turned into a signal that is awaited"]
pub struct Request<R> {
    draft: Draft,
    operation: OperationName,
    returns: Returns<R>,
}

impl<R> Request<R> {
    pub(super) fn new(draft: Draft, operation: OperationName, returns: Returns<R>) -> Self {
        Self { draft, operation, returns }
    }

    /// Makes it a signal: the future is ready when the request is durable, whatever becomes of the operation. One
    /// that fails later is kept as a dead letter.
    pub fn signal(self) -> Signal {
        Signal::new(self.draft, self.operation)
    }

    /// Makes it a reminder: a signal that is repeated, each time a `period` later, for the first time after one period. The
    /// period is at least a millisecond.
    ///
    /// It goes on, also over crashes and restarts, until it is cancelled or replaced under its id, or its entity is deleted.
    /// What was missed, because nothing ran or because the entity was locked, is made up for by one signal and no more; the
    /// next one is due at the next multiple of the period after that one has had its turn.
    ///
    /// ```
    /// # use sarsen_runtime::{CallError, Client};
    /// # use std::time::Duration;
    /// # async fn remind(client: &Client) -> Result<(), CallError> {
    /// let poll = client.entity_named("station", "7").operation::<()>("poll", &());
    /// poll.every(Duration::from_secs(30)).scheduled_as("poll").signal().await?;
    /// # Ok(()) }
    /// ```
    pub fn every(self, period: Duration) -> ReminderRequest {
        self.after(period).every(period)
    }

    /// Delays the operation by `delay` from the first poll on. Only a signal can be delayed.
    pub fn after(mut self, delay: Duration) -> DelayedRequest {
        self.draft.delay(delay);
        DelayedRequest { draft: self.draft, operation: self.operation }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::TimedOut`]. A request that was not
    /// accepted until then never will be; whether one that was accepted is done is not known.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout(timeout);
        self
    }

    /// Makes repeats recognisable: the entity does the operation once for a `key` (1 to 256 bytes without control
    /// characters) and gives every repeat the first outcome, failures included, for as long as keys are kept.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.draft.identity(|_| identity(key.as_ref()));
        self
    }
}

impl<R> fmt::Debug for Request<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.draft).finish()
    }
}

impl<R> IntoFuture for Request<R> {
    type Output = Result<R, CallError>;
    type IntoFuture = Call<R>;

    fn into_future(self) -> Call<R> {
        Call::new(self.draft, self.operation, self.returns)
    }
}

/// An operation that a client asks for after a delay; only a signal can be.
#[must_use = "a request is sent when it is turned into a signal that is awaited"]
#[derive(Debug)]
pub struct DelayedRequest {
    pub(super) draft: Draft,
    pub(super) operation: OperationName,
}

impl DelayedRequest {
    /// The signal: its future is ready when the request is durable, long before it is due.
    pub fn signal(self) -> Signal {
        Signal::new(self.draft, self.operation)
    }

    /// Repeats it from then on, each time a `period` later; see [`Request::every`].
    pub fn every(self, period: Duration) -> ReminderRequest {
        ReminderRequest::new(self, period)
    }

    /// Names it, so that it can be [cancelled](crate::Client::cancel_scheduled), and takes the place of what is scheduled at
    /// the entity under this id (1 to 256 bytes without control characters), its time, its operation and its input.
    ///
    /// Once this is acknowledged, what it replaces is not done, unless its time had come before this was accepted. An
    /// operation that is to be done once things have been quiet for a while is one line:
    ///
    /// ```
    /// # use sarsen_runtime::{CallError, Client};
    /// # use std::time::Duration;
    /// # async fn changed(client: &Client) -> Result<(), CallError> {
    /// let save = client.entity_named("document", "7").operation::<()>("save", &());
    /// save.after(Duration::from_secs(2)).scheduled_as("save").signal().await?;
    /// # Ok(()) }
    /// ```
    pub fn scheduled_as(self, id: impl AsRef<str>) -> ScheduledRequest {
        ScheduledRequest::new(self, None, id.as_ref())
    }

    /// As [`Request::idempotency_key`].
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.draft.identity(|_| identity(key.as_ref()));
        self
    }
}

pub(super) fn identity(key: &str) -> Result<Identity, CallError> {
    Ok(Identity::Key(IdentityName::new(key)?))
}

/// A call: the operation's result, once whatever the operation wrote is durable.
///
/// Cancel safety: see [`Request`].
#[must_use = "a call is sent when it is awaited"]
pub struct Call<R> {
    exchange: Exchange,
    operation: OperationName,
    returns: Returns<R>,
}

impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (route, answer) = ready!(self.exchange.poll(cx))?;
        let result = match answer {
            Answer::Returned(payload) => self.returns.decode(Ok(payload)),
            Answer::Failed(failure) => self.returns.decode(Err(*failure)),
            other => Err(foreign(&other)),
        };
        Poll::Ready(result.map_err(|error| call_error(error, route.to().clone(), self.operation.as_str())))
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.exchange).finish()
    }
}

/// A signal: ready when the request is durable.
///
/// Cancel safety: see [`Request`].
#[must_use = "a signal is sent when it is awaited"]
#[derive(Debug)]
pub struct Signal {
    exchange: Exchange,
    operation: OperationName,
}

impl<R> Call<R> {
    pub(super) fn new(draft: Draft, operation: OperationName, returns: Returns<R>) -> Self {
        Self { exchange: Exchange::new(draft), operation, returns }
    }
}

impl Signal {
    pub(super) fn new(mut draft: Draft, operation: OperationName) -> Self {
        draft.signal();
        Self { exchange: Exchange::new(draft), operation }
    }
}

impl Future for Signal {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (route, answer) = ready!(self.exchange.poll(cx))?;
        let result = match answer {
            Answer::Acknowledged => Ok(()),
            // It could not be accepted: the entity's state does not encode beside the producer's number.
            Answer::Failed(failure) => Err(AnswerError::Failed(*failure)),
            other => Err(foreign(&other)),
        };
        Poll::Ready(result.map_err(|error| call_error(error, route.to().clone(), self.operation.as_str())))
    }
}

/// The error for an answer of another kind than was asked for.
pub(super) fn foreign(answer: &Answer) -> AnswerError {
    let kind = match answer {
        Answer::Acknowledged => "an acknowledgement",
        Answer::Returned(_) | Answer::Failed(_) => "an operation's answer",
        Answer::State(_) => "a state",
        Answer::Refused(_) => "a refusal",
    };
    AnswerError::Misfit(format!("it is {kind}"))
}

/// Names the operation in an error.
pub(super) fn call_error(error: AnswerError, address: Address, operation: &str) -> CallError {
    let operation = operation.to_owned();
    match error {
        AnswerError::Failed(failure) => CallError::Failed { address, operation, failure },
        AnswerError::Misfit(reason) => CallError::InvalidAnswer { address, operation, reason },
        other => CallError::InvalidAnswer { address, operation, reason: other.to_string() },
    }
}
