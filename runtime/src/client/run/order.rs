//! Runs in an order, a page at a time.

use super::{RunInfo, listing::Query};
use crate::gate::Coming;
use sarsen_engine::{PageToken, RunOrder, RunSorter};
use sarsen_protocol::CallError;
use std::future::IntoFuture;

/// A page of runs in an order, to be awaited; made by [`RunListing::order`](crate::RunListing::order). Its size is the
/// listing's [`page_size`](crate::RunListing::page_size).
///
/// Each page looks at all runs that the filter wants and keeps a page of them: it costs what a whole listing costs, and
/// the memory of a page. A run that is there all the time stands on one page, also when others come and go meanwhile.
///
/// # Errors
/// Awaited: [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`] and
/// [`CallError::InsideOperation`].
///
/// # Cancel safety
/// It may be dropped at any time; reading changes nothing.
#[must_use = "a page is read when it is awaited"]
#[derive(Debug)]
pub struct PageRequest {
    query: Query,
    order: RunOrder,
    after: Option<PageToken>,
}

/// A page of runs in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunInfo>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<PageToken>,
}

impl PageRequest {
    pub(super) fn new(query: Query, order: RunOrder) -> Self {
        Self { query, order, after: None }
    }

    /// Goes on behind an earlier page, in its order.
    pub fn after(self, page: PageToken) -> Self {
        Self { order: page.order(), after: Some(page), ..self }
    }

    async fn read(self) -> Result<RunPage, CallError> {
        let mut sorter = RunSorter::new(self.order, self.query.page_size, self.after.as_ref());
        self.query.walk(|run| sorter.add(run)).await?;
        let (runs, next) = sorter.finish();
        let runs = runs.into_iter().map(|found| RunInfo::new(found.run, found.record)).collect();
        Ok(RunPage { runs, next })
    }
}

impl IntoFuture for PageRequest {
    type Output = Result<RunPage, CallError>;
    type IntoFuture = Coming<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
