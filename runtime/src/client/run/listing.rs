//! Listing runs.

use super::RunInfo;
use crate::{
    client::{Asker, exchange::refuse_inside, listing::refused},
    gate::Coming,
};
use futures::Stream;
use sarsen_engine::{self as engine, RunFilter};
use sarsen_orchestration::Orchestration;
use sarsen_protocol::{CallError, Page, RunStatus};
use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

/// How many runs a page holds unless told otherwise.
const PAGE_ROWS: usize = 256;

/// Runs, read page by page: a [`Stream`] of [`RunInfo`].
///
/// It shows what is durable. Each page is read from one state of the store, and a later page from a later one: a run
/// that is there all the time is listed once; one that comes or goes meanwhile may or may not be. The order is fixed but
/// has no meaning. No more than a page is in memory. After an error the stream ends.
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "a listing reads nothing until it is polled"]
pub struct RunListing {
    asker: Asker,
    filter: RunFilter,
    page_size: usize,
    page: VecDeque<RunInfo>,
    phase: Phase,
}

enum Phase {
    New,
    Between(engine::RunListing),
    Reading(engine::RunListing, Coming<Result<Vec<Page>, CallError>>),
    Done,
}

impl RunListing {
    pub(in crate::client) fn new(asker: Asker) -> Self {
        let (filter, page) = (RunFilter::default(), VecDeque::new());
        Self { asker, filter, page_size: PAGE_ROWS, page, phase: Phase::New }
    }

    /// Only runs of this orchestration. The listing begins anew.
    pub fn orchestration<O: Orchestration>(self, _orchestration: fn() -> O) -> Self {
        self.orchestration_named(O::NAME)
    }

    /// Only runs of the orchestration of this name. The listing begins anew.
    pub fn orchestration_named(self, name: impl Into<String>) -> Self {
        self.anew(|filter| filter.orchestration = Some(name.into()))
    }

    /// Only runs of this status; asked for again, also those of that one. The listing begins anew.
    pub fn status(self, status: RunStatus) -> Self {
        self.anew(|filter| filter.statuses.push(status))
    }

    /// Only runs whose id begins with `prefix`. The listing begins anew.
    pub fn id_prefix(self, prefix: impl Into<String>) -> Self {
        self.anew(|filter| filter.id_prefix = prefix.into())
    }

    /// Reads about `rows` runs at a time instead of 256; at least one. The listing begins anew.
    pub fn page_size(self, rows: usize) -> Self {
        Self { page_size: rows.max(1), ..self.anew(|_| {}) }
    }

    /// The next run; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`] and
    /// [`CallError::InsideOperation`].
    pub async fn next(&mut self) -> Option<Result<RunInfo, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The listing with another filter, from its beginning.
    fn anew(mut self, change: impl FnOnce(&mut RunFilter)) -> Self {
        change(&mut self.filter);
        self.page.clear();
        self.phase = Phase::New;
        self
    }

    fn begin(&self) -> Result<engine::RunListing, CallError> {
        refuse_inside()?;
        Ok(engine::RunListing::new(self.filter.clone(), self.page_size))
    }
}

impl Stream for RunListing {
    type Item = Result<RunInfo, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(run) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(run)));
            }
            // An error leaves `Done` behind.
            self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
                Phase::New => Phase::Between(self.begin()?),
                Phase::Between(listing) => match listing.next_read() {
                    Some(reads) => {
                        let pages = self.asker.gate().read(reads);
                        Phase::Reading(listing, pages)
                    }
                    None => return Poll::Ready(None),
                },
                Phase::Reading(mut listing, mut pages) => {
                    let Poll::Ready(read) = pages.as_mut().poll(cx) else {
                        self.phase = Phase::Reading(listing, pages);
                        return Poll::Pending;
                    };
                    let found = listing.take(&read?).map_err(refused)?.into_iter();
                    self.page = found.map(|found| RunInfo::new(found.run, found.record)).collect();
                    Phase::Between(listing)
                }
                Phase::Done => return Poll::Ready(None),
            };
        }
    }
}

impl fmt::Debug for RunListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunListing")
            .field("filter", &self.filter)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}
