//! Waiting for a custom status.

use super::{Target, end::Watch};
use crate::{client::exchange::refuse_inside, gate::Coming, run_ends::Noted};
use futures::future::{Either, select};
use sarsen_protocol::{Address, CallError, Payload, RunId, json};
use serde::de::DeserializeOwned;
use std::{fmt, future::IntoFuture, marker::PhantomData, pin::pin, time::Duration};

/// The custom status of a run that is waited for; made by
/// [`Run::custom_status_when`](crate::Run::custom_status_when).
///
/// # Cancel safety
/// It may be dropped at any time; the run goes on.
#[must_use = "a status is waited for when it is awaited"]
pub struct CustomStatusRequest<T, F> {
    target: Target,
    wanted: F,
    timeout: Option<Duration>,
    status: PhantomData<fn() -> T>,
}

impl<T, F> CustomStatusRequest<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: FnMut(&T) -> bool + Send + 'static,
{
    pub(super) fn new(target: Target, wanted: F) -> Self {
        Self { target, wanted, timeout: None, status: PhantomData }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::ReadTimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    async fn wait(self) -> Result<T, CallError> {
        refuse_inside()?;
        let Self { target, wanted, timeout, .. } = self;
        let run = target.run.clone()?;
        let Some(timeout) = timeout else { return target.shows(&run, wanted).await };
        let late = CallError::ReadTimedOut { address: Address::run(&run), timeout };
        let timer = target.asker.gate().sleep(timeout);
        match select(pin!(target.shows(&run, wanted)), timer).await {
            Either::Left((status, _)) => status,
            Either::Right(((), _)) => Err(late),
        }
    }
}

impl<T, F> IntoFuture for CustomStatusRequest<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: FnMut(&T) -> bool + Send + 'static,
{
    type Output = Result<T, CallError>;
    type IntoFuture = Coming<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}

impl<T, F> fmt::Debug for CustomStatusRequest<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomStatusRequest")
            .field("target", &self.target)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Takes a place where statuses and the end are noted, looks at the store, then waits. The store is looked at again
    /// when the run is over: its record has the last status.
    async fn shows<T: DeserializeOwned>(
        &self,
        run: &RunId,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<T, CallError> {
        let watch = Watch::new(self.asker.clone(), run, false);
        let mut target = Self { watch: None, ..self.clone() };
        loop {
            let (mut notes, dropped) = (watch.place.notes(), watch.place.dropped());
            let record = target.find(run).await?;
            if let Some(status) = &record.custom_status
                && let Some(status) = fitting(run, status, &mut wanted)?
            {
                return Ok(status);
            }
            if record.status.is_finished() {
                return Err(CallError::CustomStatusMissed { run: run.clone(), status: record.status });
            }
            target.first = Some(record.first);
            while watch.place.noted(record.first) == (Noted::Nothing { dropped }) {
                notes = watch.place.noted_since(notes).await.ok_or(CallError::Stopped)?;
                if let Some(status) = watch.place.shown(record.first)
                    && let Some(status) = fitting(run, &status, &mut wanted)?
                {
                    return Ok(status);
                }
            }
            if watch.place.noted(record.first) == Noted::Stopped {
                return Err(CallError::Stopped);
            }
        }
    }
}

/// The status, if it is wanted.
fn fitting<T: DeserializeOwned>(
    run: &RunId,
    status: &Payload,
    wanted: &mut impl FnMut(&T) -> bool,
) -> Result<Option<T>, CallError> {
    match json::decode(status) {
        Ok(status) => Ok(Some(status).filter(|status| wanted(status))),
        Err(failure) => Err(CallError::Misfit {
            what: format!("the custom status of run `{run}`"),
            reason: failure.message,
        }),
    }
}
