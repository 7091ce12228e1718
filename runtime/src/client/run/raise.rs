//! Raising events.

use super::{
    Target,
    manage::{ManageRequest, Managing},
    unsendable,
};
use sarsen_protocol::{Body, CallError, EventName, RaisedEvent, json};
use serde::Serialize;
use std::{future::IntoFuture, time::Duration};

/// An event to raise, made by [`Run::raise`](crate::Run::raise); awaited, it is on disk.
///
/// Events of one handle keep their order, by the first poll of each.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, it may or may not be raised: raise it
/// again under the same [`idempotency_key`](Self::idempotency_key).
#[must_use = "an event is raised when this is awaited"]
#[derive(Debug)]
pub struct RaiseRequest {
    request: ManageRequest,
}

impl RaiseRequest {
    pub(super) fn new<T: Serialize + ?Sized>(target: &Target, name: EventName, value: &T) -> Self {
        let input =
            json::encode(value).map_err(|failure| unsendable(format!("event `{name}`"), failure.message));
        let body = input.map(|input| Body::Event(Box::new(RaisedEvent { name, input, keep_until: None })));
        Self { request: ManageRequest::of(target, body, "raise") }
    }

    /// When there is no such run, keeps the event for its start, for as long as `ttl` from the first poll on.
    pub fn before_start(mut self, ttl: Duration) -> Self {
        self.request.draft().keep(ttl);
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

impl IntoFuture for RaiseRequest {
    type Output = Result<(), CallError>;
    type IntoFuture = Managing;

    fn into_future(self) -> Managing {
        self.request.into_future()
    }
}
