//! Listing runs.

use super::{PageRequest, PurgeRunsRequest, RunInfo};
use crate::client::{Asker, exchange::refuse_inside, listing::refused, pages::Pages};
use futures::Stream;
use sarsen_engine::{self as engine, ListedRun, RunFilter, RunOrder};
use sarsen_orchestration::Orchestration;
use sarsen_protocol::{CallError, RunStatus, Timestamp};
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

/// How many runs a page holds unless told otherwise.
const PAGE_ROWS: usize = 256;

/// Runs, read page by page: a [`Stream`] of [`RunInfo`].
///
/// ```
/// # use std::time::Duration;
/// # use sarsen_runtime::{CallError, Client, RunOrder, RunStatus, Timestamp};
/// # async fn look(client: &Client, monday: Timestamp) -> Result<(), CallError> {
/// let failed = client.runs().status(RunStatus::Failed).tag("team", "blue").created_from(monday);
/// println!("{} runs of the team have failed since Monday", failed.count().await?);
///
/// let page = client.runs().page_size(50).order(RunOrder::CompletedNewest).await?;
/// if let Some(token) = page.next {
///     let second = client.runs().page_size(50).order(token.order()).after(token).await?;
/// }
///
/// let old = client.runs().completed_before(monday).purge().timeout(Duration::from_secs(5)).await?;
/// println!("{} runs are gone, that were all: {}", old.purged, old.is_complete);
/// # Ok(()) }
/// ```
///
/// It shows what is durable. Each page is read from one state of the store, and a later page from a later one: a run
/// that is there all the time is listed once; one that comes or goes meanwhile may or may not be. The order is fixed but
/// has no meaning. No more than a page is in memory. After an error the stream ends.
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "a listing reads nothing until it is polled"]
pub struct RunListing {
    query: Query,
    pages: Pages<engine::RunListing>,
}

/// Which runs are wanted, and how many are read at a time.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) asker: Asker,
    filter: RunFilter,
    pub(super) page_size: usize,
}

impl RunListing {
    pub(in crate::client) fn new(asker: Asker) -> Self {
        let query = Query { asker, filter: RunFilter::default(), page_size: PAGE_ROWS };
        Self { query, pages: Pages::new() }
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

    /// Only runs that were started with this tag; asked for again, those that have the other as well. The listing begins
    /// anew.
    pub fn tag(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.anew(|filter| filter.tags.push((name.into(), value.into())))
    }

    /// Only runs whose start was accepted at `moment` or later. The listing begins anew.
    pub fn created_from(self, moment: Timestamp) -> Self {
        self.anew(|filter| filter.created.from = Some(moment))
    }

    /// Only runs whose start was accepted before `moment`. The listing begins anew.
    pub fn created_before(self, moment: Timestamp) -> Self {
        self.anew(|filter| filter.created.before = Some(moment))
    }

    /// Only runs that ended at `moment` or later. The listing begins anew.
    pub fn completed_from(self, moment: Timestamp) -> Self {
        self.anew(|filter| filter.completed.from = Some(moment))
    }

    /// Only runs that ended before `moment`. The listing begins anew.
    pub fn completed_before(self, moment: Timestamp) -> Self {
        self.anew(|filter| filter.completed.before = Some(moment))
    }

    /// Only runs of which anything that is listed has changed at `moment` or later. Where nothing has, nothing is read: a
    /// coarse index says when runs have changed. The listing begins anew.
    pub fn updated_since(self, moment: Timestamp) -> Self {
        self.anew(|filter| filter.changed_since = Some(moment))
    }

    /// Counts the runs, and keeps none of them in memory.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn count(self) -> Result<u64, CallError> {
        let mut count = 0;
        self.query.walk(|_| count += 1).await?;
        Ok(count)
    }

    /// The runs in an order, a page at a time.
    pub fn order(self, order: RunOrder) -> PageRequest {
        PageRequest::new(self.query, order)
    }

    /// Forgets those of the runs that are over, with their histories; the others are left alone.
    pub fn purge(self) -> PurgeRunsRequest {
        PurgeRunsRequest::new(self.query)
    }

    /// Reads about `rows` runs at a time instead of 256; at least one. The listing begins anew.
    pub fn page_size(self, rows: usize) -> Self {
        let mut listing = self.anew(|_| {});
        listing.query.page_size = rows.max(1);
        listing
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
        change(&mut self.query.filter);
        self.pages = Pages::new();
        self
    }
}

impl Query {
    /// Only runs that are over, of those that are wanted otherwise. `None`: no such run can be.
    pub(super) fn finished(mut self) -> Option<Self> {
        let statuses = &mut self.filter.statuses;
        if statuses.is_empty() {
            statuses.extend([RunStatus::Completed, RunStatus::Failed, RunStatus::Terminated]);
        }
        statuses.retain(|status| status.is_finished());
        (!statuses.is_empty()).then_some(self)
    }

    pub(super) fn begin(&self) -> Result<engine::RunListing, CallError> {
        refuse_inside()?;
        Ok(engine::RunListing::new(self.filter.clone(), self.page_size))
    }

    /// Shows all runs to `each`.
    pub(super) async fn walk(&self, mut each: impl FnMut(ListedRun)) -> Result<(), CallError> {
        let mut listing = self.begin()?;
        while let Some(reads) = listing.next_read() {
            let pages = self.asker.gate().read(reads).await?;
            listing.take(&pages).map_err(refused)?.into_iter().for_each(&mut each);
        }
        Ok(())
    }
}

impl Stream for RunListing {
    type Item = Result<RunInfo, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { query, pages } = &mut *self;
        let run = pages.poll_next(cx, || Ok((query.asker.clone(), query.begin()?)));
        run.map_ok(|found| RunInfo::new(found.run, found.record))
    }
}

impl fmt::Debug for RunListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunListing").field("query", &self.query).finish_non_exhaustive()
    }
}
