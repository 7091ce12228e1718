//! An operation on its way: the code with all that it needs, and what it comes to.

use super::{OperationContext, OperationHost};
use crate::{
    Entity, Outcome, RunLimits, State,
    inside::catch,
    run::{changed_by_read, check_answer},
    state::encode_state,
};
use sarsen_protocol::{Address, Failure, FailureKind, Payload, Returns, json};
use serde::de::DeserializeOwned;
use std::{
    any::Any,
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A host, of which only the code knows the type.
type AnyHost = Arc<dyn Any + Send + Sync>;

/// What the code of a dispatched operation comes to.
type Coming = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A dispatched operation: its code, a copy of the state, and its input. Nothing runs before a host begins it.
pub struct Work {
    start: Start,
}

enum Start {
    Future(Box<dyn FnOnce(AnyHost) -> Coming + Send>),
    Blocking(Box<dyn FnOnce(AnyHost) -> Ended + Send>),
}

impl Work {
    /// Whether it holds up the thread on which it runs.
    pub fn is_blocking(&self) -> bool {
        matches!(self.start, Start::Blocking(_))
    }

    /// Begins it. A panic of its code is its failure. What blocks does so at the first poll.
    ///
    /// The operation fails when `host` is of another type than its code expects.
    pub async fn begin<H: OperationHost>(self, host: Arc<H>) -> Ended {
        match self.start {
            Start::Future(start) => start(host).await,
            Start::Blocking(start) => start(host),
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("blocking", &self.is_blocking()).finish_non_exhaustive()
    }
}

/// What a dispatched operation has come to, ready to be applied.
#[derive(Debug)]
pub struct Ended {
    /// Its answer and messages, or why it failed.
    pub outcome: Outcome,
    /// What becomes of the state; as it was, when it failed.
    pub after: After,
    /// Whether it failed because the state would have become too long.
    pub outgrown: bool,
}

/// How a dispatched operation leaves the state.
#[derive(Debug)]
pub enum After {
    /// As it was.
    Same,
    /// As this, with its encoding.
    Put(State, Payload),
    /// None is left.
    Deleted,
}

impl Ended {
    /// It failed: nothing changes and nothing is sent.
    pub fn failed(failure: Failure) -> Self {
        let outcome = Outcome { answer: Err(failure), messages: Vec::new(), deleted: false };
        Self { outcome, after: After::Same, outgrown: false }
    }
}

/// What an operation is dispatched with.
pub(crate) struct Detached<E> {
    pub(crate) address: Address,
    pub(crate) operation: &'static str,
    /// A copy of the state; `None` when the entity does not exist.
    pub(crate) state: Option<E>,
    pub(crate) input: Payload,
    pub(crate) limits: RunLimits,
}

/// The code of an operation that runs off its shard.
pub(crate) struct Code<E> {
    begin: Box<dyn Fn(Detached<E>) -> Work + Send + Sync>,
    reads: bool,
}

impl<E> Code<E> {
    fn update(begin: impl Fn(Detached<E>) -> Work + Send + Sync + 'static) -> Self {
        Self { begin: Box::new(begin), reads: false }
    }

    fn read(begin: impl Fn(Detached<E>) -> Work + Send + Sync + 'static) -> Self {
        Self { begin: Box::new(begin), reads: true }
    }

    /// Whether it only looks at the state.
    pub(crate) fn is_read(&self) -> bool {
        self.reads
    }

    /// The code with all that it needs.
    pub(crate) fn work(&self, detached: Detached<E>) -> Work {
        (self.begin)(detached)
    }
}

/// An operation under way, but for its state.
struct Frame<H> {
    cx: OperationContext<H>,
    operation: &'static str,
    limits: RunLimits,
    /// Whether there was a state before.
    existed: bool,
}

/// A state as it was before it was looked at; `None` when nobody compares.
type Before = Option<Result<Payload, Failure>>;

impl<E: Entity> Detached<E> {
    /// Reads the input and sees to a state and a context.
    fn begin<H: OperationHost, I: DeserializeOwned>(
        self,
        host: AnyHost,
    ) -> Result<(Frame<H>, E, I), Failure> {
        let Self { address, operation, state, input, limits } = self;
        let host = host.downcast::<H>().expect("the context is that of the host");
        let (existed, input) = (state.is_some(), json::decode(&input)?);
        let state = state.unwrap_or_else(|| E::initial(address.key()));
        let cx = OperationContext::new(host, address, limits);
        Ok((Frame { cx, operation, limits, existed }, state, input))
    }
}

impl<H: OperationHost> Frame<H> {
    fn before<E: Entity>(&self, state: &E) -> Before {
        self.limits.verify.then(|| json::encode(state))
    }

    /// Closes an operation that has only looked at the state.
    fn end_read<E: Entity>(
        &self,
        state: &E,
        before: Before,
        answer: Result<Payload, Failure>,
    ) -> Result<Ended, Failure> {
        if before.is_some_and(|before| before != json::encode(state)) {
            return Err(changed_by_read(self.operation));
        }
        self.end::<E>(None, answer)
    }

    /// Closes an operation: its answer and messages count, and its entity is as it left it.
    fn end<E: Entity>(&self, changed: Option<E>, answer: Result<Payload, Failure>) -> Result<Ended, Failure> {
        let answer = check_answer(answer?, &self.limits)?;
        let done = self.cx.finish()?;
        let after = match changed {
            _ if done.deleted && self.existed => After::Deleted,
            _ if done.deleted => After::Same,
            Some(state) => {
                let encoded = match encode_state(&state, self.operation, &self.limits) {
                    Err(failure) if failure.kind == FailureKind::TooLarge => {
                        return Ok(Ended { outgrown: true, ..Ended::failed(failure) });
                    }
                    encoded => encoded?,
                };
                After::Put(State::new(state), encoded)
            }
            None => After::Same,
        };
        let outcome = Outcome { answer: Ok(answer), messages: done.messages, deleted: done.deleted };
        Ok(Ended { outcome, after, outgrown: false })
    }
}

/// An `async` operation that may change the state.
pub(crate) fn future_update<E, H, I, R, F, W>(code: F, returns: Returns<R>) -> Code<E>
where
    E: Entity,
    H: OperationHost,
    I: DeserializeOwned + Send + 'static,
    R: Send + 'static,
    F: Fn(E, OperationContext<H>, I) -> W + Send + Sync + 'static,
    W: Future<Output = (E, R)> + Send + 'static,
{
    let code = Arc::new(code);
    Code::update(move |detached| {
        let code = Arc::clone(&code);
        future(detached.limits, move |host| async move {
            let (frame, state, input) = detached.begin::<H, I>(host)?;
            let (state, answer) = code(state, frame.cx.clone(), input).await;
            frame.end(Some(state), returns.encode(answer))
        })
    })
}

/// An `async` operation that only looks at the state.
pub(crate) fn future_read<E, H, I, R, F, W>(code: F, returns: Returns<R>) -> Code<E>
where
    E: Entity + Sync,
    H: OperationHost,
    I: DeserializeOwned + Send + 'static,
    R: Send + 'static,
    F: Fn(Arc<E>, OperationContext<H>, I) -> W + Send + Sync + 'static,
    W: Future<Output = R> + Send + 'static,
{
    let code = Arc::new(code);
    Code::read(move |detached| {
        let code = Arc::clone(&code);
        future(detached.limits, move |host| async move {
            let (frame, state, input) = detached.begin::<H, I>(host)?;
            let before = frame.before(&state);
            let state = Arc::new(state);
            let answer = code(Arc::clone(&state), frame.cx.clone(), input).await;
            frame.end_read(&*state, before, returns.encode(answer))
        })
    })
}

/// A blocking operation that may change the state.
pub(crate) fn blocking_update<E, H, I, R, F>(code: F, returns: Returns<R>) -> Code<E>
where
    E: Entity,
    H: OperationHost,
    I: DeserializeOwned + 'static,
    R: 'static,
    F: Fn(&mut E, OperationContext<H>, I) -> R + Send + Sync + 'static,
{
    let code = Arc::new(code);
    Code::update(move |detached| {
        let code = Arc::clone(&code);
        blocking(detached.limits, move |host| {
            let (frame, mut state, input) = detached.begin::<H, I>(host)?;
            let answer = code(&mut state, frame.cx.clone(), input);
            frame.end(Some(state), returns.encode(answer))
        })
    })
}

/// A blocking operation that only looks at the state.
pub(crate) fn blocking_read<E, H, I, R, F>(code: F, returns: Returns<R>) -> Code<E>
where
    E: Entity,
    H: OperationHost,
    I: DeserializeOwned + 'static,
    R: 'static,
    F: Fn(&E, OperationContext<H>, I) -> R + Send + Sync + 'static,
{
    let code = Arc::new(code);
    Code::read(move |detached| {
        let code = Arc::clone(&code);
        blocking(detached.limits, move |host| {
            let (frame, state, input) = detached.begin::<H, I>(host)?;
            let before = frame.before(&state);
            let answer = code(&state, frame.cx.clone(), input);
            frame.end_read(&state, before, returns.encode(answer))
        })
    })
}

fn future<W>(limits: RunLimits, code: impl FnOnce(AnyHost) -> W + Send + 'static) -> Work
where
    W: Future<Output = Result<Ended, Failure>> + Send + 'static,
{
    let start = move |host| -> Coming {
        let work = Caught(Box::pin(async move { code(host).await }));
        Box::pin(async move { bounded(work.await.flatten(), &limits) })
    };
    Work { start: Start::Future(Box::new(start)) }
}

fn blocking(
    limits: RunLimits,
    code: impl FnOnce(AnyHost) -> Result<Ended, Failure> + Send + 'static,
) -> Work {
    let start = move |host| bounded(catch(|| code(host)).flatten(), &limits);
    Work { start: Start::Blocking(Box::new(start)) }
}

fn bounded(ended: Result<Ended, Failure>, limits: &RunLimits) -> Ended {
    ended.unwrap_or_else(|failure| Ended::failed(failure.bounded(limits.payload_bytes_max)))
}

/// User code that is polled; its panic is a failure.
struct Caught<W>(Pin<Box<W>>);

impl<W: Future> Future for Caught<W> {
    type Output = Result<W::Output, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(Failure::panicked(panic.as_ref()))),
        }
    }
}
