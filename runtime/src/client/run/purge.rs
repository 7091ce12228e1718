//! Purging runs: one, one with its children, or all that a filter wants.
//!
//! Children are found by the histories of their parents and go before them, so that whatever comes between, what is left
//! can be found again.

use super::{Target, listing::Query, manage::PURGE};
use crate::{
    client::{
        Asker,
        exchange::{Draft, Exchange, refuse_inside},
        listing::refused,
        request::{call_error, foreign, identity},
    },
    gate::Coming,
};
use futures::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use sarsen_engine::{HistoryListing, ListedRun, RunLookup, RunRecord};
use sarsen_orchestration::{Command, Event};
use sarsen_protocol::{Address, Answer, Body, CallError, ExecutionId, RunId};
use std::{
    future::{IntoFuture, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Runs that are being purged at a time.
const AT_ONCE: usize = 64;

/// A run to forget, made by [`Run::purge`](crate::Run::purge); awaited, it is on disk and will be done.
///
/// # Errors
/// Awaited: [`CallError::RunNotFound`], [`CallError::RunNotFinished`], [`CallError::InvalidRun`], and those of sending
/// and of reading.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, it may or may not be done, and of
/// the children some may be gone: ask again.
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct PurgeRequest {
    target: Target,
    key: Option<String>,
    timeout: Option<Duration>,
    with_children: bool,
}

impl PurgeRequest {
    pub(super) fn new(target: Target) -> Self {
        Self { target, key: None, timeout: None, with_children: false }
    }

    /// The run's children too, and theirs, as far as they are over: those that its last execution has started, as its
    /// history says. They go before it.
    pub fn with_children(self) -> Self {
        Self { with_children: true, ..self }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::TimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Makes repeats recognisable: it is done once for a `key` (1 to 256 bytes without control characters), for as long
    /// as keys are kept. Of a run with its children the key is the run's own.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    async fn purge(self) -> Result<(), CallError> {
        refuse_inside()?;
        let run = self.target.run.clone()?;
        let Some(timeout) = self.timeout.filter(|_| self.with_children) else { return self.ask(&run).await };
        let late = CallError::TimedOut { address: Address::run(&run), timeout };
        let timer = self.target.asker.gate().sleep(timeout);
        match select(pin!(self.ask(&run)), timer).await {
            Either::Left((told, _)) => told,
            Either::Right(((), _)) => Err(late),
        }
    }

    async fn ask(&self, run: &RunId) -> Result<(), CallError> {
        let asker = &self.target.asker;
        if self.with_children
            && let Some(record) = find(asker, run).await?.filter(|record| record.status.is_finished())
        {
            for child in children(asker, run, record.execution).await? {
                purge_tree(asker, child, true).await?;
            }
        }
        let mut draft = draft(asker, run, Body::Purge);
        if let Some(timeout) = self.timeout {
            draft.timeout(timeout);
        }
        if let Some(key) = &self.key {
            draft.identity(|_| identity(key));
        }
        send(draft).await
    }
}

impl IntoFuture for PurgeRequest {
    type Output = Result<(), CallError>;
    type IntoFuture = Coming<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.purge())
    }
}

/// Runs to forget, made by [`RunListing::purge`](crate::RunListing::purge); awaited as [`Purged`].
///
/// Each run goes in a commit of its own, and only if it is still the one that was listed. Who starts runs meanwhile may
/// find some of them left.
///
/// # Errors
/// Awaited: [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`],
/// [`CallError::OutcomeUnknown`] and [`CallError::InsideOperation`].
///
/// # Cancel safety
/// Dropped before its first poll, it has done nothing; later, some of the runs may be gone.
#[must_use = "it is asked when it is awaited"]
#[derive(Debug)]
pub struct PurgeRunsRequest {
    query: Query,
    timeout: Option<Duration>,
    with_children: bool,
}

/// What a purge of many runs came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// How many runs are gone.
    pub purged: u64,
    /// Whether all were looked at. If not, the time was over or the runtime too busy: ask again.
    pub is_complete: bool,
}

impl PurgeRunsRequest {
    pub(super) fn new(query: Query) -> Self {
        Self { query, timeout: None, with_children: false }
    }

    /// The children of each run too, as [`PurgeRequest::with_children`].
    pub fn with_children(self) -> Self {
        Self { with_children: true, ..self }
    }

    /// Stops after `timeout`, counted from the first poll; what was done until then is told.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    async fn purge(self) -> Result<Purged, CallError> {
        refuse_inside()?;
        let Self { query, timeout, with_children } = self;
        let Some(query) = query.finished() else { return Ok(Purged { purged: 0, is_complete: true }) };
        let purged = AtomicU64::new(0);
        let all = pin!(purge_all(&query, with_children, &purged));
        let is_complete = match timeout {
            None => all.await?,
            Some(timeout) => match select(all, query.asker.gate().sleep(timeout)).await {
                Either::Left((is_complete, _)) => is_complete?,
                Either::Right(((), _)) => false,
            },
        };
        Ok(Purged { purged: purged.load(Ordering::Relaxed), is_complete })
    }
}

impl IntoFuture for PurgeRunsRequest {
    type Output = Result<Purged, CallError>;
    type IntoFuture = Coming<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.purge())
    }
}

/// Purges what a listing finds. Returns whether all of it was done.
async fn purge_all(query: &Query, with_children: bool, purged: &AtomicU64) -> Result<bool, CallError> {
    let asker = &query.asker;
    let mut walk = query.begin()?;
    let mut is_complete = true;
    while let Some(reads) = walk.next_read() {
        let found = walk.take(&asker.gate().read(reads).await?).map_err(refused)?;
        let mut found = found.into_iter();
        let mut under_way = FuturesUnordered::new();
        loop {
            let room = AT_ONCE - under_way.len();
            under_way.extend(found.by_ref().take(room).map(|run| purge_tree(asker, run, with_children)));
            match under_way.next().await {
                None => break,
                Some(Ok(gone)) => drop(purged.fetch_add(gone, Ordering::Relaxed)),
                Some(Err(CallError::Busy { .. })) => is_complete = false,
                Some(Err(error)) => return Err(error),
            }
        }
    }
    Ok(is_complete)
}

/// Purges a run that is over, if it still is the one that was found, with its children before it if they are wanted.
/// Returns how many are gone.
async fn purge_tree(asker: &Asker, run: ListedRun, with_children: bool) -> Result<u64, CallError> {
    let mut purged = 0;
    let mut left = vec![(run, !with_children)];
    while let Some((ListedRun { run, record }, bare)) = left.pop() {
        if !bare {
            let children = children(asker, &run, record.execution).await?;
            left.push((ListedRun { run, record }, true));
            left.extend(children.into_iter().map(|child| (child, false)));
            continue;
        }
        match send(draft(asker, &run, Body::PurgeThis { first: record.first })).await {
            Ok(()) => purged += 1,
            // It went another way meanwhile.
            Err(
                CallError::RunNotFound { .. }
                | CallError::RunReplaced { .. }
                | CallError::RunNotFinished { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(purged)
}

/// The children of an execution that are over, as its history says.
async fn children(asker: &Asker, run: &RunId, execution: ExecutionId) -> Result<Vec<ListedRun>, CallError> {
    let mut history = HistoryListing::new(run, execution);
    let mut children = Vec::new();
    while let Some(read) = history.next_read() {
        for page in asker.gate().read(vec![read]).await? {
            let events =
                history.take(&page).map_err(|error| CallError::Damaged { reason: error.to_string() })?;
            for event in events {
                let Event::Issued(_, Command::Child(launch)) = event else { continue };
                let record = find(asker, &launch.run).await?;
                children.extend(
                    record
                        .filter(|record| is_over(record, run))
                        .map(|record| ListedRun { run: launch.run, record }),
                );
            }
        }
    }
    Ok(children)
}

/// Whether a run is over and was a child of `parent`.
fn is_over(record: &RunRecord, parent: &RunId) -> bool {
    record.status.is_finished() && record.parent.as_ref().is_some_and(|of| of.run == *parent)
}

async fn find(asker: &Asker, run: &RunId) -> Result<Option<RunRecord>, CallError> {
    let lookup = RunLookup::new(run);
    let pages = asker.gate().read(vec![lookup.read()]).await?;
    Ok(pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?.flatten())
}

fn draft(asker: &Asker, run: &RunId, body: Body) -> Draft {
    Draft::message(asker.clone(), Ok(Address::run(run)), Ok(body))
}

async fn send(draft: Draft) -> Result<(), CallError> {
    let mut exchange = Exchange::new(draft);
    let (route, answer) = poll_fn(|cx| exchange.poll(cx)).await?;
    match answer {
        Answer::Acknowledged => Ok(()),
        other => Err(call_error(foreign(&other), route.to().clone(), PURGE)),
    }
}
