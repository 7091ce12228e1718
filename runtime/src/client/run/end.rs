//! Waiting for the end of a run.

use super::{Returning, Target, Untyped};
use crate::{
    client::{Asker, exchange::refuse_inside},
    run_ends::{Noted, Place},
};
use futures::future::{Either, select};
use sarsen_entities::AnswerError;
use sarsen_orchestration::Orchestration;
use sarsen_protocol::{Address, CallError, Failure, Payload, RunId, RunOutcome, json};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// The result of a run, to be awaited; made by [`Run::result`](crate::Run::result).
///
/// # Cancel safety
/// It may be dropped at any time; the run goes on.
#[must_use = "a result is waited for when it is awaited"]
pub struct ResultRequest<O> {
    target: Target,
    timeout: Option<Duration>,
    orchestration: PhantomData<fn() -> O>,
}

impl<O> ResultRequest<O> {
    pub(super) fn new(target: Target) -> Self {
        Self { target, timeout: None, orchestration: PhantomData }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::ReadTimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl<O> fmt::Debug for ResultRequest<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultRequest")
            .field("target", &self.target)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<O: Orchestration> IntoFuture for ResultRequest<O> {
    type Output = Result<O::Output, CallError>;
    type IntoFuture = RunResult<O::Output>;

    fn into_future(self) -> RunResult<O::Output> {
        let Self { target, timeout, .. } = self;
        RunResult(Box::pin(async move {
            let end = target.end(timeout).await?;
            let outcome = end.result()?;
            O::returns().decode(outcome).map_err(|error| match error {
                AnswerError::Failed(failure) => end.failed(failure),
                AnswerError::Misfit(reason) => end.misfit(reason),
                other => end.misfit(other.to_string()),
            })
        }))
    }
}

impl IntoFuture for ResultRequest<Untyped> {
    type Output = Result<Payload, CallError>;
    type IntoFuture = RunResult<Payload>;

    fn into_future(self) -> RunResult<Payload> {
        let Self { target, timeout, .. } = self;
        RunResult(Box::pin(async move {
            let end = target.end(timeout).await?;
            end.result()?.map_err(|failure| end.failed(failure))
        }))
    }
}

impl<T: DeserializeOwned> IntoFuture for ResultRequest<Returning<T>> {
    type Output = Result<T, CallError>;
    type IntoFuture = RunResult<T>;

    fn into_future(self) -> RunResult<T> {
        let Self { target, timeout, .. } = self;
        RunResult(Box::pin(async move {
            let end = target.end(timeout).await?;
            let result = end.result()?.map_err(|failure| end.failed(failure))?;
            json::decode(&result).map_err(|misfit| end.misfit(misfit.message))
        }))
    }
}

/// The result of a run that is being waited for; see [`ResultRequest`].
#[must_use = "a result is waited for when it is awaited"]
pub struct RunResult<R>(Pin<Box<dyn Future<Output = Result<R, CallError>> + Send>>);

impl<R> Future for RunResult<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<R> fmt::Debug for RunResult<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunResult(..)")
    }
}

/// How a run ended.
struct End {
    run: RunId,
    orchestration: String,
    outcome: RunOutcome,
}

impl End {
    fn result(&self) -> Result<Result<Payload, Failure>, CallError> {
        match &self.outcome {
            RunOutcome::Returned(result) => Ok(Ok(result.clone())),
            RunOutcome::Failed(failure) => Ok(Err(failure.clone())),
            RunOutcome::Terminated { reason } => {
                Err(CallError::RunTerminated { run: self.run.clone(), reason: reason.clone() })
            }
        }
    }

    fn failed(&self, failure: Failure) -> CallError {
        let (run, orchestration) = (self.run.clone(), self.orchestration.clone());
        CallError::RunFailed { run, orchestration, failure }
    }

    fn misfit(&self, reason: String) -> CallError {
        let what = format!("run `{}` of orchestration `{}`", self.run, self.orchestration);
        CallError::Misfit { what, reason }
    }
}

impl Target {
    /// Waits for the end of the run, for at most `timeout`.
    async fn end(self, timeout: Option<Duration>) -> Result<End, CallError> {
        refuse_inside()?;
        let run = self.run.clone()?;
        let Some(timeout) = timeout else { return self.wait(run).await };
        let late = CallError::ReadTimedOut { address: Address::run(&run), timeout };
        let timer = self.asker.gate().sleep(timeout);
        match select(pin!(self.wait(run)), timer).await {
            Either::Left((end, _)) => end,
            Either::Right(((), _)) => Err(late),
        }
    }

    /// Takes a place where the end is noted, looks whether it has come before, then waits.
    async fn wait(&self, run: RunId) -> Result<End, CallError> {
        let watch = self.watch.clone().unwrap_or_else(|| Watch::new(self.asker.clone(), &run, false));
        let (mut first, mut looked) = (self.first, watch.looked());
        let mut orchestration = self.expected.as_ref().map(ToString::to_string);
        loop {
            let noted = first.map(|first| watch.place.noted(first));
            match (first, noted) {
                (_, Some(Noted::Ended(outcome))) => {
                    let orchestration = match orchestration {
                        Some(orchestration) => orchestration,
                        // What has been purged meanwhile has ended all the same.
                        None => {
                            self.find(&run).await.map_or_else(|_| String::new(), |it| it.name.to_string())
                        }
                    };
                    return Ok(End { run, orchestration, outcome });
                }
                (_, Some(Noted::Purged)) => return Err(CallError::RunNotFound { run }),
                (_, Some(Noted::Stopped)) => return Err(CallError::Stopped),
                (Some(first), Some(Noted::Nothing { dropped })) if looked == Some(dropped) => {
                    watch.place.changed(first, dropped).await;
                    continue;
                }
                (None, _) | (_, None | Some(Noted::Nothing { .. })) => {}
            }
            looked = Some(watch.place.dropped());
            let record = self.find(&run).await?;
            if let Some(outcome) = record.outcome {
                return Ok(End { run, orchestration: record.name.to_string(), outcome });
            }
            (first, orchestration) = (Some(record.first), Some(record.name.to_string()));
        }
    }
}

/// A place where the end of a run is noted, held until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    asker: Asker,
    run: RunId,
    pub(super) place: Arc<Place>,
    /// How many ends the place had dropped, when it was taken before the run was there.
    before: Option<u64>,
}

impl Watch {
    /// Takes the place of `run`. `before`: before the run is there, so that nothing of it can have been missed.
    pub(super) fn new(asker: Asker, run: &RunId, before: bool) -> Self {
        let place = asker.gate().run_ends().take(run);
        let before = before.then(|| place.dropped());
        Self { asker, run: run.clone(), place, before }
    }

    /// Up to how many dropped ends the store needs not be read.
    fn looked(&self) -> Option<u64> {
        self.before
    }
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        let place = self.asker.gate().run_ends().take(&self.run);
        Self { asker: self.asker.clone(), run: self.run.clone(), place, before: self.before }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.asker.gate().run_ends().leave(&self.run);
    }
}
