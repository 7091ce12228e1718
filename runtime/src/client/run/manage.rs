//! What manages a run: suspend, resume, terminate, purge.

use super::Target;
use crate::client::{
    exchange::{Draft, Exchange},
    request::{call_error, foreign, identity},
};
use sarsen_protocol::{Answer, Body, CallError, Payload};
use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// How errors call a purge.
pub(super) const PURGE: &str = "purge";

/// Something that is asked of a run as a whole; awaited, it is on disk and will be done.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, it may or may not be done.
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct ManageRequest {
    draft: Draft,
    what: &'static str,
}

impl ManageRequest {
    pub(super) fn new(target: &Target, body: Body) -> Self {
        let what = match &body {
            Body::Suspend { .. } => "suspend",
            Body::Resume { .. } => "resume",
            Body::Terminate { .. } => "terminate",
            _ => PURGE,
        };
        Self::of(target, Ok(body), what)
    }

    pub(super) fn of(target: &Target, body: Result<Body, CallError>, what: &'static str) -> Self {
        Self { draft: Draft::message(target.asker.clone(), target.address(), body), what }
    }

    pub(super) fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout(timeout);
        self
    }

    /// Makes repeats recognisable: it is done once for a `key` (1 to 256 bytes without control characters), for as long
    /// as keys are kept.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.draft.identity(|_| identity(key.as_ref()));
        self
    }
}

impl IntoFuture for ManageRequest {
    type Output = Result<(), CallError>;
    type IntoFuture = Managing;

    fn into_future(self) -> Managing {
        Managing { exchange: Exchange::new(self.draft), what: self.what }
    }
}

/// The end of a run that is asked for, made by [`Run::terminate`](crate::Run::terminate); as [`ManageRequest`].
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct TerminateRequest {
    request: ManageRequest,
}

impl TerminateRequest {
    pub(super) fn new(target: &Target, reason: Result<Option<Payload>, CallError>) -> Self {
        let body = reason.map(|reason| Body::Terminate { reason, recurse: true, child_of: None });
        Self { request: ManageRequest::of(target, body, "terminate") }
    }

    /// Leaves the run's children alone.
    pub fn keep_children(mut self) -> Self {
        if let Some(Body::Terminate { recurse, .. }) = self.request.draft().body() {
            *recurse = false;
        }
        self
    }

    /// As [`ManageRequest::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { request: self.request.timeout(timeout) }
    }

    /// As [`ManageRequest::idempotency_key`].
    pub fn idempotency_key(self, key: impl AsRef<str>) -> Self {
        Self { request: self.request.idempotency_key(key) }
    }
}

impl IntoFuture for TerminateRequest {
    type Output = Result<(), CallError>;
    type IntoFuture = Managing;

    fn into_future(self) -> Managing {
        self.request.into_future()
    }
}

/// A failed run to take up again, made by [`Run::rewind`](crate::Run::rewind); awaited, it is under way.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, it may or may not be done: ask for
/// the run's status.
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct RewindRequest {
    request: ManageRequest,
}

impl RewindRequest {
    pub(super) fn new(target: &Target, reason: Option<String>) -> Self {
        Self { request: ManageRequest::of(target, Ok(Body::Rewind { reason }), "rewind") }
    }

    /// As [`ManageRequest::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { request: self.request.timeout(timeout) }
    }
}

impl IntoFuture for RewindRequest {
    type Output = Result<(), CallError>;
    type IntoFuture = Managing;

    fn into_future(self) -> Managing {
        self.request.into_future()
    }
}

/// Something that is being asked of a run; see [`ManageRequest`].
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct Managing {
    exchange: Exchange,
    what: &'static str,
}

impl Future for Managing {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (route, answer) = ready!(self.exchange.poll(cx))?;
        Poll::Ready(match answer {
            Answer::Acknowledged | Answer::Returned(_) => Ok(()),
            other => Err(call_error(foreign(&other), route.to().clone(), self.what)),
        })
    }
}
