//! Runs of orchestrations, from outside: to start, to wait for, to read, to manage.

mod end;
mod history;
mod import;
mod info;
mod listing;
mod manage;
mod order;
mod purge;
mod raise;
mod restart;
mod start;
mod status;

pub use end::{ResultRequest, RunResult};
pub use history::History;
pub(super) use import::import;
pub use info::RunInfo;
pub use listing::RunListing;
pub use manage::{ManageRequest, Managing, RewindRequest, TerminateRequest};
pub use order::{PageRequest, RunPage};
pub use purge::{PurgeRequest, PurgeRunsRequest, Purged};
pub use raise::RaiseRequest;
pub use restart::RestartRequest;
pub use start::{StartRequest, Starting};
pub use status::CustomStatusRequest;

use super::{Asker, exchange::refuse_inside, listing::refused};
use crate::gate::Gate;
use end::Watch;
use sarsen_engine::{HistoryListing, RunLookup, RunRecord};
use sarsen_orchestration::{Event, ExportedHistory, Orchestration};
use sarsen_protocol::{
    Address, Body, CallError, ExecutionId, OrchestrationName, Payload, RunId, RunStatus, json,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData};

/// A run of the orchestration `O`, which goes on whether or not anybody has this.
///
/// Cheap to clone. One from [`Client::start`](crate::Client::start) is that very run: when another takes its id, what is
/// asked of it is refused as [`CallError::RunReplaced`], but for what manages the run, which reaches whichever has the
/// id. One from [`Client::run`](crate::Client::run) is whichever has the id when it is asked for.
pub struct Run<O> {
    target: Target,
    orchestration: PhantomData<fn() -> O>,
}

/// In the place of an orchestration's type: any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untyped {}

/// In the place of an orchestration's type: any that returns a `T`.
#[derive(Debug)]
pub struct Returning<T>(PhantomData<fn() -> T>);

/// A run of whatever orchestration, from [`Client::any_run`](crate::Client::any_run).
pub type AnyRun = Run<Untyped>;

/// Which run is meant, and by whom.
#[derive(Clone, Debug)]
pub(super) struct Target {
    asker: Asker,
    /// As it was given.
    text: String,
    run: Result<RunId, CallError>,
    /// The first execution of the run that is meant, if that is known.
    first: Option<ExecutionId>,
    /// The orchestration that it is to be of.
    expected: Option<OrchestrationName>,
    /// What has been noted of its end since before its start.
    watch: Option<Watch>,
}

impl<O: Orchestration> Run<O> {
    pub(super) fn existing(asker: Asker, id: &str) -> Self {
        Self::of(Target::existing(asker, id, Some(OrchestrationName::of(O::NAME))))
    }

    /// What the orchestration returned, once that is durable: awaited as `Result<O::Output, CallError>`.
    ///
    /// # Errors
    /// Awaited: [`CallError::RunFailed`] and [`CallError::RunTerminated`] when it ended so, [`CallError::Misfit`] when
    /// its result is none of this type, [`CallError::RunNotFound`] when there is no such run or it was purged,
    /// [`CallError::RunReplaced`] when another has its id, [`CallError::OtherOrchestration`] when it is of another,
    /// [`CallError::InvalidRun`] for an id that is none, and those of reading.
    pub fn result(&self) -> ResultRequest<O> {
        ResultRequest::new(self.target.clone())
    }
}

impl Run<Untyped> {
    pub(super) fn existing_of_any(asker: Asker, id: &str) -> Self {
        Self::of(Target::existing(asker, id, None))
    }

    /// What the orchestration returned, as JSON, once that is durable: awaited as `Result<Payload, CallError>`.
    ///
    /// # Errors
    /// As the result of a typed run, but for what its type brings about.
    pub fn result(&self) -> ResultRequest<Untyped> {
        ResultRequest::new(self.target.clone())
    }

    /// What the orchestration returned, as a `T`, such as a `serde_json::Value`: awaited as `Result<T, CallError>`. An `Err`
    /// that it returned is [`CallError::RunFailed`], since its type is not known.
    ///
    /// # Errors
    /// As the result of a typed run.
    pub fn result_as<T: DeserializeOwned>(&self) -> ResultRequest<Returning<T>> {
        ResultRequest::new(self.target.clone())
    }
}

impl<O> Run<O> {
    fn of(target: Target) -> Self {
        Self { target, orchestration: PhantomData }
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.target.text
    }

    /// How far the run has got, and all that is known of it beside its history. It shows what is durable.
    ///
    /// # Errors
    /// [`CallError::InvalidRun`], [`CallError::RunNotFound`], [`CallError::RunReplaced`],
    /// [`CallError::OtherOrchestration`], [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`],
    /// [`CallError::Stopped`] and [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn status(&self) -> Result<RunInfo, CallError> {
        refuse_inside()?;
        let run = self.target.run.clone()?;
        let record = self.target.find(&run).await?;
        Ok(RunInfo::new(run, record))
    }

    /// What has happened to the run's execution, event by event, from its beginning, as far as it is durable.
    pub fn history(&self) -> History {
        History::new(self.target.clone())
    }

    /// The whole history of the run's execution, as far as it is durable, to be kept outside of the store.
    ///
    /// # Errors
    /// Those of [`status`](Self::status), and [`CallError::RunReplaced`] when the run has gone on as another execution
    /// meanwhile, or before it has begun, [`CallError::RunNotFound`].
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn export(&self) -> Result<ExportedHistory, CallError> {
        refuse_inside()?;
        let run = self.target.run.clone()?;
        let record = self.target.find(&run).await?;
        let events = events(self.target.asker.gate(), &run, record.execution).await?;
        // It may have been deleted while it was read.
        let now = self.target.find(&run).await?;
        if now.execution != record.execution {
            return Err(CallError::RunReplaced { run });
        }
        ExportedHistory::new(events).map_err(|_| match record.status {
            RunStatus::Pending => CallError::RunNotFound { run },
            _ => CallError::RunReplaced { run },
        })
    }

    /// Raises an event: awaited, it is on disk, and the code will find it under `name`.
    ///
    /// # Errors
    /// Awaited: [`CallError::RunNotFound`] without [`before_start`](RaiseRequest::before_start),
    /// [`CallError::RunFinished`], [`CallError::InvalidRun`], [`CallError::Unsendable`] for a value without JSON,
    /// [`CallError::TooLarge`], [`CallError::Busy`], and those of sending.
    pub fn raise<T: Serialize + ?Sized>(&self, name: impl Into<String>, value: &T) -> RaiseRequest {
        RaiseRequest::new(&self.target, name.into().into(), value)
    }

    /// Stops the run where it is: from the next turn on it takes nothing but [`resume`](Self::resume) and
    /// [`terminate`](Self::terminate), and what comes for it waits. Locks stay held. An empty reason is none.
    ///
    /// # Errors
    /// Awaited: [`CallError::RunNotFound`], [`CallError::RunFinished`], [`CallError::InvalidRun`], and those of sending.
    pub fn suspend(&self, reason: impl Into<String>) -> ManageRequest {
        ManageRequest::new(&self.target, Body::Suspend { reason: given(reason.into()) })
    }

    /// Lets a suspended run go on. An empty reason is none.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    pub fn resume(&self, reason: impl Into<String>) -> ManageRequest {
        ManageRequest::new(&self.target, Body::Resume { reason: given(reason.into()) })
    }

    /// Ends the run and its children, wherever they are. `reason` is what those who wait for its result are told; `()`
    /// is none. Locks are given back, activities are cancelled.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend), and [`CallError::Unsendable`] for a reason without JSON.
    pub fn terminate<T: Serialize + ?Sized>(&self, reason: &T) -> TerminateRequest {
        let reason = json::encode(reason).map_err(|failure| unsendable("the reason", failure.message));
        let given = |reason: Payload| (reason != Payload::null()).then_some(reason);
        TerminateRequest::new(&self.target, reason.map(given))
    }

    /// Forgets a run that is over, with its history; its id is free again.
    ///
    /// # Errors
    /// Awaited: [`CallError::RunNotFound`], [`CallError::RunNotFinished`], [`CallError::InvalidRun`], and those of
    /// sending.
    pub fn purge(&self) -> PurgeRequest {
        PurgeRequest::new(self.target.clone())
    }

    /// Lets a run that has failed go on from its point of failure, as another execution of it: recorded results stay, and
    /// what had failed last is asked for again, at once. An empty reason is none.
    ///
    /// The point of failure is the last failure that the code was told of, with those right before it between which it
    /// asked for nothing; if it was told of none, what came last. What it did behind that point it may do again:
    /// signals, detached runs, activities that were asked for there. Good answers that came behind it to what was asked
    /// for before it are given again, and so are events. Children that failed are started again, others are taken as
    /// they are. Timers fire when they were to, or at once.
    ///
    /// ```
    /// # async fn mend(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let run = client.any_run("import-7");
    /// run.rewind("the disk is free again").await?;
    /// let result = run.result().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`CallError::RunNotFailed`], [`CallError::CannotRewind`] when it failed inside a section, while it waited
    /// for an entity's answer, or behind a history that is too long, [`CallError::RunNotFound`],
    /// [`CallError::InvalidRun`], and those of sending.
    pub fn rewind(&self, reason: impl Into<String>) -> RewindRequest {
        RewindRequest::new(&self.target, given(reason.into()))
    }

    /// Starts a run with the orchestration, the input and the tags that this one was started with: under the same id,
    /// in its place, when it is over, or under [another](RestartRequest::id) also while it is under way.
    ///
    /// ```
    #[doc = include_str!("run/greet_of_docs.txt")]
    /// # async fn again(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let run = client.run(greet, "greet-ada");
    /// let second = run.restart().id("greet-ada-2").await?;
    /// assert_eq!(second.result().await?, "hello, Ada");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`CallError::RunNotFound`], [`CallError::RunReplaced`], [`CallError::OtherOrchestration`],
    /// [`CallError::RunExists`] when it is not over or the other id is taken, and those of
    /// [`StartRequest`] and of reading.
    pub fn restart(&self) -> RestartRequest<O> {
        RestartRequest::new(self.target.clone())
    }

    /// Waits until the run's custom status is such as `wanted` says: awaited as `Result<T, CallError>`, it is that
    /// status. What is looked at is durable. A status that is there for a moment only may be missed: of several that the
    /// code sets one behind the other only the last is sure to be seen.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn watch(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
    /// let run = client.any_run("import-7");
    /// let half = run.custom_status_when(|done: &f64| *done >= 0.5).timeout(Duration::from_secs(60));
    /// println!("{} of it are done", half.await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Awaited: [`CallError::CustomStatusMissed`] when the run is over and its last status is none of those,
    /// [`CallError::Misfit`] when a status is no `T`, and those of [`status`](Self::status).
    pub fn custom_status_when<T, F>(&self, wanted: F) -> CustomStatusRequest<T, F>
    where
        T: DeserializeOwned + Send + 'static,
        F: FnMut(&T) -> bool + Send + 'static,
    {
        CustomStatusRequest::new(self.target.clone(), wanted)
    }
}

/// The events of an execution's history, as far as it is durable.
pub(super) async fn events(
    gate: &dyn Gate,
    run: &RunId,
    execution: ExecutionId,
) -> Result<Vec<Event>, CallError> {
    let mut listing = HistoryListing::new(run, execution);
    let mut events = Vec::new();
    while let Some(read) = listing.next_read() {
        for page in gate.read(vec![read]).await? {
            let part =
                listing.take(&page).map_err(|error| CallError::Damaged { reason: error.to_string() })?;
            events.extend(part);
        }
    }
    Ok(events)
}

fn given(reason: String) -> Option<String> {
    (!reason.is_empty()).then_some(reason)
}

fn unsendable(what: impl Into<String>, reason: String) -> CallError {
    CallError::Unsendable { what: what.into(), reason }
}

impl Target {
    fn existing(asker: Asker, id: &str, expected: Option<OrchestrationName>) -> Self {
        let run = RunId::new(id).map_err(CallError::from);
        Self { asker, text: id.to_owned(), run, first: None, expected, watch: None }
    }

    fn address(&self) -> Result<Address, CallError> {
        self.run.as_ref().map(Address::run).map_err(Clone::clone)
    }

    /// Reads the record of the run that is meant.
    async fn find(&self, run: &RunId) -> Result<RunRecord, CallError> {
        let lookup = RunLookup::new(run);
        let pages = self.asker.gate().read(vec![lookup.read()]).await?;
        let record = pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?.flatten();
        let record = record.ok_or_else(|| CallError::RunNotFound { run: run.clone() })?;
        if self.first.is_some_and(|first| first != record.first) {
            return Err(CallError::RunReplaced { run: run.clone() });
        }
        match self.expected.as_ref().filter(|expected| **expected != record.name) {
            Some(expected) => Err(CallError::OtherOrchestration {
                run: run.clone(),
                expected: expected.to_string(),
                found: record.name.to_string(),
            }),
            None => Ok(record),
        }
    }
}

impl<O> Clone for Run<O> {
    fn clone(&self) -> Self {
        Self::of(self.target.clone())
    }
}

impl<O> fmt::Debug for Run<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.target.text)
            .field("orchestration", &self.target.expected)
            .finish_non_exhaustive()
    }
}
