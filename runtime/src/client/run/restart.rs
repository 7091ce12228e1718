//! Starting a run again.

use super::{Run, Target, Watch, start::started, unsendable};
use crate::{
    client::{
        exchange::{Draft, Exchange, refuse_inside},
        listing::refused,
        request::identity,
    },
    gate::Coming,
};
use sarsen_engine::{InputLookup, RunRecord};
use sarsen_orchestration::{Labels, Launch};
use sarsen_protocol::{self as protocol, Address, Body, CallError, Payload, Reuse, RunId};
use std::{
    fmt,
    future::{IntoFuture, poll_fn},
    marker::PhantomData,
    time::Duration,
};

/// How often a run that goes on as another execution meanwhile is looked at again.
const LOOKS_MAX: usize = 16;

/// A run to start again, made by [`Run::restart`](crate::Run::restart); awaited it is a [`Run`](crate::Run).
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, the run may or may not be started:
/// ask again with the same [`idempotency_key`](Self::idempotency_key).
#[must_use = "a run is started when this is awaited"]
pub struct RestartRequest<O> {
    target: Target,
    id: Option<String>,
    key: Option<String>,
    timeout: Option<Duration>,
    orchestration: PhantomData<fn() -> O>,
}

impl<O> RestartRequest<O> {
    pub(super) fn new(target: Target) -> Self {
        Self { target, id: None, key: None, timeout: None, orchestration: PhantomData }
    }

    /// Gives the new run an id of its own: 1 to 256 bytes without control characters, not beginning with `@`. The other
    /// stays as it is.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Makes repeats recognisable: a start is done once for a `key` (1 to 256 bytes without control characters) and an
    /// id, for as long as keys are kept.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Gives up on the start after `timeout`, counted from when it is sent, with [`CallError::TimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    async fn send(self) -> Result<Run<O>, CallError> {
        refuse_inside()?;
        let Self { target, id, key, timeout, .. } = self;
        let (record, input) = target.beginning().await?;
        let text = id.clone().unwrap_or_else(|| target.text.clone());
        let run = RunId::new(&text).map_err(CallError::from)?;
        let reuse = if id.is_some() { Reuse::Fail } else { Reuse::ReplaceFinished };
        let labels = Labels { trace: None, ..record.labels };
        let launch = Launch { run: run.clone(), name: record.name, input, labels };
        let start = protocol::StartRequest { launch, reuse, parent: None, generated: false };
        let watch = Watch::new(target.asker.clone(), &run, key.is_none());
        let body = Ok(Body::Start(Box::new(start)));
        let mut draft = Draft::message(target.asker.clone(), Ok(Address::run(&run)), body);
        if let Some(timeout) = timeout {
            draft.timeout(timeout);
        }
        if let Some(key) = &key {
            draft.identity(|_| identity(key));
        }
        let mut exchange = Exchange::new(draft);
        let (route, answer) = poll_fn(|cx| exchange.poll(cx)).await?;
        let first = started(answer, route.to())?;
        Ok(Run::of(Target { text, run: Ok(run), first: Some(first), watch: Some(watch), ..target }))
    }
}

impl<O: 'static> IntoFuture for RestartRequest<O> {
    type Output = Result<Run<O>, CallError>;
    type IntoFuture = Coming<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<O> fmt::Debug for RestartRequest<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestartRequest")
            .field("target", &self.target)
            .field("id", &self.id)
            .field("key", &self.key)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// The record of the run that is meant, and with what it was started.
    async fn beginning(&self) -> Result<(RunRecord, Payload), CallError> {
        let run = self.run.clone()?;
        for _ in 0..LOOKS_MAX {
            let record = self.find(&run).await?;
            let lookup = InputLookup::new(&run, &record);
            if let Some(input) = lookup.known() {
                return Ok((record, input.clone()));
            }
            let pages = self.asker.gate().read(lookup.reads()).await?;
            if let Some(input) = lookup.take(&pages).map_err(refused)? {
                return Ok((record, input));
            }
        }
        let reason = "it goes on as another execution again and again: try again".to_owned();
        Err(unsendable(format!("the input of run `{run}`"), reason))
    }
}
