//! Starting a run.

use super::{Run, Target, Untyped, Watch};
use crate::client::{
    Asker,
    exchange::{Draft, Exchange},
    request::{call_error, foreign, identity},
};
use sarsen_entities::AnswerError;
use sarsen_orchestration::{Labels, Launch, Orchestration};
use sarsen_protocol::{
    self as protocol, Address, Answer, Body, CallError, ExecutionId, Failure, FailureKind, OrchestrationName,
    Payload, Reuse, RunId, Timestamp, json,
};
use serde::Serialize;
use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// How errors call the start of a run.
const START: &str = "start";

/// A run to start, made by [`Client::start`](crate::Client::start); awaited it is a [`Run`].
///
/// ```
/// # use std::time::Duration;
#[doc = include_str!("greet_of_docs.txt")]
/// # async fn start(client: &sarsen_runtime::Client) -> Result<(), sarsen_runtime::CallError> {
/// let later = client.start(greet, "Ada").id("greet-ada").tag("team", "blue").after(Duration::from_secs(60));
/// let run = later.await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Awaited: [`CallError::RunExists`] as [`reuse`](Self::reuse) says, [`CallError::UnknownOrchestration`],
/// [`CallError::InvalidStart`] for an input that is none, [`CallError::InvalidRun`] for an id that is none,
/// [`CallError::KeyReused`], [`CallError::TooLarge`], [`CallError::Busy`], and those of sending.
///
/// # Cancel safety
/// A future that is dropped before its first poll has sent nothing. Dropped later, the run may or may not be started:
/// ask again with the same [`id`](Self::id) or [`idempotency_key`](Self::idempotency_key).
#[must_use = "a run is started when this is awaited"]
pub struct StartRequest<O> {
    asker: Asker,
    input: Result<Payload, CallError>,
    id: Option<String>,
    key: Option<String>,
    reuse: Reuse,
    timeout: Option<Duration>,
    tags: Vec<(String, String)>,
    begin: Option<Begin>,
    name: OrchestrationName,
    orchestration: PhantomData<fn() -> O>,
}

/// When a run is to begin, if not at once.
#[derive(Clone, Copy, Debug)]
enum Begin {
    At(Timestamp),
    After(Duration),
}

impl<O: Orchestration> StartRequest<O> {
    pub(in crate::client) fn new(asker: Asker, input: &O::Input) -> Self {
        Self::of(asker, OrchestrationName::of(O::NAME), input)
    }
}

impl StartRequest<Untyped> {
    pub(in crate::client) fn named(asker: Asker, name: String, input: &(impl Serialize + ?Sized)) -> Self {
        Self::of(asker, OrchestrationName::from(name), input)
    }
}

impl<O> StartRequest<O> {
    fn of(asker: Asker, name: OrchestrationName, input: &(impl Serialize + ?Sized)) -> Self {
        let input = json::encode(input).map_err(|failure| CallError::InvalidStart {
            orchestration: name.to_string(),
            reason: failure.message,
        });
        let (reuse, tags, orchestration) = (Reuse::default(), Vec::new(), PhantomData);
        let (id, key, timeout, begin) = (None, None, None, None);
        Self { asker, input, id, key, reuse, timeout, tags, begin, name, orchestration }
    }

    /// Gives the run its id: 1 to 256 bytes without control characters, not beginning with `@`. It is the run's whole
    /// identity: no two runs share one, also of different orchestrations. Without it the id is generated, or taken from
    /// the [`idempotency_key`](Self::idempotency_key).
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Makes repeats recognisable: a start is done once for a `key` (1 to 256 bytes without control characters) and an
    /// id, and every repeat gets the first outcome, refusals included, for as long as keys are kept.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// What to do about a run that has the id: refuse the start unless told otherwise.
    pub fn reuse(self, reuse: Reuse) -> Self {
        Self { reuse, ..self }
    }

    /// Gives up after `timeout`, counted from the first poll, with [`CallError::TimedOut`]. A start that was not
    /// accepted until then never will be.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Lets the run begin at `moment`, not before; at once when that has passed. Until then it is there as
    /// [`Pending`](protocol::RunStatus::Pending): it is listed, takes events for later, and can be suspended, terminated
    /// or replaced.
    pub fn at(self, moment: Timestamp) -> Self {
        Self { begin: Some(Begin::At(moment)), ..self }
    }

    /// As [`at`](Self::at), `delay` after the first poll.
    pub fn after(self, delay: Duration) -> Self {
        Self { begin: Some(Begin::After(delay)), ..self }
    }

    /// Adds a free word to the run, by name. It is shown with the run, and [listings](super::RunListing::tag) find the
    /// run by it.
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    fn run_id(&self) -> Result<RunId, CallError> {
        match self.id.as_ref().or(self.key.as_ref()) {
            Some(id) => Ok(RunId::new(id)?),
            None => Ok(self.asker.gate().next_run()),
        }
    }
}

impl<O> fmt::Debug for StartRequest<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartRequest")
            .field("input", &self.input)
            .field("name", &self.name)
            .field("id", &self.id)
            .field("key", &self.key)
            .field("reuse", &self.reuse)
            .field("timeout", &self.timeout)
            .field("tags", &self.tags)
            .field("begin", &self.begin)
            .finish_non_exhaustive()
    }
}

impl<O> IntoFuture for StartRequest<O> {
    type Output = Result<Run<O>, CallError>;
    type IntoFuture = Starting<O>;

    fn into_future(self) -> Starting<O> {
        let run = self.run_id();
        let Self { asker, input, id, key, reuse, timeout, tags, begin, name, .. } = self;
        // A repeat, or a policy that gives back the run that is there, may be answered with a run that is over.
        let new = key.is_none() && reuse != Reuse::Return;
        let watch = run.as_ref().ok().map(|run| Watch::new(asker.clone(), run, new));
        let generated = id.is_none() && key.is_none();
        let expected = Some(name.clone());
        let body = run.clone().and_then(|run| {
            let labels = Labels { tags, ..Labels::default() };
            let launch = Launch { run, name, input: input?, labels };
            Ok(Body::Start(Box::new(protocol::StartRequest { launch, reuse, parent: None, generated })))
        });
        let mut draft =
            Draft::message(asker.clone(), run.as_ref().map(Address::run).map_err(Clone::clone), body);
        if let Some(timeout) = timeout {
            draft.timeout(timeout);
        }
        match begin {
            None => {}
            Some(Begin::At(moment)) => draft.due(moment),
            Some(Begin::After(delay)) => draft.delay(delay),
        }
        if let Some(key) = &key {
            draft.identity(|_| identity(key));
        }
        let text = run.as_ref().map_or_else(|_| id.or(key).unwrap_or_default(), ToString::to_string);
        let target = Target { asker, text, run, first: None, expected, watch };
        Starting { exchange: Exchange::new(draft), target: Some(target), orchestration: PhantomData }
    }
}

/// A run that is being started; see [`StartRequest`].
#[must_use = "a run is started when this is awaited"]
pub struct Starting<O> {
    exchange: Exchange,
    /// The run, until it is started.
    target: Option<Target>,
    orchestration: PhantomData<fn() -> O>,
}

impl<O> Future for Starting<O> {
    type Output = Result<Run<O>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (route, answer) = ready!(self.exchange.poll(cx))?;
        let first = started(answer, route.to());
        let target = mem::take(&mut self.target);
        Poll::Ready(first.map(|first| {
            let target = target.expect("a request is answered once");
            Run::of(Target { first: Some(first), ..target })
        }))
    }
}

/// The first execution of a run that was started, as the answer says.
pub(super) fn started(answer: Answer, run: &Address) -> Result<ExecutionId, CallError> {
    match answer {
        Answer::Returned(first) => json::decode(&first)
            .map_err(|failure| call_error(AnswerError::Misfit(failure.message), run.clone(), START)),
        Answer::Failed(failure) => Err(refusal(*failure, run.clone())),
        other => Err(call_error(foreign(&other), run.clone(), START)),
    }
}

/// The refusal that a repeat under a key gets as the first one's outcome.
fn refusal(failure: Failure, address: Address) -> CallError {
    let status = failure.details.as_ref().and_then(|details| json::decode(details).ok());
    match (failure.kind, address.as_run(), status) {
        (FailureKind::RunExists, Some(run), Some(status)) => CallError::RunExists { run, status },
        _ => call_error(AnswerError::Failed(failure), address, START),
    }
}

impl<O> fmt::Debug for Starting<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
