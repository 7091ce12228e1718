//! Reading the history of a run.

use super::Target;
use crate::{client::exchange::refuse_inside, gate::Coming};
use futures::Stream;
use sarsen_engine::{HistoryListing, RunRecord};
use sarsen_orchestration::{Converter, HistoryEvent};
use sarsen_protocol::{CallError, Page, RunId};
use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

/// What has happened to a run's execution, event by event: a [`Stream`] of [`HistoryEvent`].
///
/// It begins with the execution that is under way when it is first polled, or was the last, and shows what is durable,
/// read part by part. When the run goes on as another execution or is purged meanwhile, the stream ends early. No more
/// than a part is in memory. After an error the stream ends.
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "a history reads nothing until it is polled"]
pub struct History {
    target: Target,
    converter: Converter,
    events: VecDeque<HistoryEvent>,
    phase: Phase,
}

enum Phase {
    New,
    /// The run's record is being read.
    Finding(Coming<Result<(RunId, RunRecord), CallError>>),
    Between(HistoryListing),
    Reading(HistoryListing, Coming<Result<Vec<Page>, CallError>>),
    Done,
}

impl History {
    pub(super) fn new(target: Target) -> Self {
        Self { target, converter: Converter::new(), events: VecDeque::new(), phase: Phase::New }
    }

    /// The next event; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// Those of [`Run::status`](crate::Run::status).
    pub async fn next(&mut self) -> Option<Result<HistoryEvent, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Takes a step; `false` at the end.
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, CallError>> {
        // An error leaves `Done` behind.
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::New => Phase::Finding(find(self.target.clone())),
            Phase::Finding(mut finding) => match finding.as_mut().poll(cx) {
                Poll::Ready(found) => {
                    let (run, record) = found?;
                    Phase::Between(HistoryListing::new(&run, record.execution))
                }
                Poll::Pending => {
                    self.phase = Phase::Finding(finding);
                    return Poll::Pending;
                }
            },
            Phase::Between(listing) => match listing.next_read() {
                Some(read) => {
                    let pages = self.target.asker.gate().read(vec![read]);
                    Phase::Reading(listing, pages)
                }
                None => Phase::Done,
            },
            Phase::Reading(mut listing, mut pages) => match pages.as_mut().poll(cx) {
                Poll::Ready(pages) => {
                    self.take(&mut listing, &pages?)?;
                    Phase::Between(listing)
                }
                Poll::Pending => {
                    self.phase = Phase::Reading(listing, pages);
                    return Poll::Pending;
                }
            },
            Phase::Done => return Poll::Ready(Ok(false)),
        };
        Poll::Ready(Ok(true))
    }

    fn take(&mut self, listing: &mut HistoryListing, pages: &[Page]) -> Result<(), CallError> {
        for page in pages {
            let events =
                listing.take(page).map_err(|error| CallError::Damaged { reason: error.to_string() })?;
            for event in &events {
                self.events.extend(self.converter.convert(event));
            }
        }
        Ok(())
    }
}

fn find(target: Target) -> Coming<Result<(RunId, RunRecord), CallError>> {
    Box::pin(async move {
        refuse_inside()?;
        let run = target.run.clone()?;
        let record = target.find(&run).await?;
        Ok((run, record))
    })
}

impl Stream for History {
    type Item = Result<HistoryEvent, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match self.step(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(None),
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("target", &self.target).finish_non_exhaustive()
    }
}
