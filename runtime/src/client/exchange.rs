//! One request and its answer, as a future.

use super::Asker;
use crate::gate::{Coming, Gate, Replier};
use sarsen_engine::Request;
use sarsen_entities::inside_operation;
use sarsen_orchestration::inside_execution;
use sarsen_protocol::{
    Address, Answer, Body, CallError, Identity, Message, OperationName, Payload, RequestId,
};
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::oneshot;

/// A request that nobody has sent yet.
pub(crate) struct Draft {
    asker: Asker,
    request: Result<Request, CallError>,
    delay: Option<Duration>,
    timeout: Option<Duration>,
    /// How long an event is kept for a run that does not exist.
    keep: Option<Duration>,
}

impl Draft {
    /// An operation, for the time being a call.
    pub(super) fn operation(
        asker: Asker,
        to: Result<Address, CallError>,
        operation: &'static str,
        input: Result<Payload, CallError>,
    ) -> Self {
        let body = input.map(|input| Body::operation(OperationName::of(operation), input, true));
        Self::message(asker, to, body)
    }

    /// Anything that is asked of an instance.
    pub(super) fn message(
        asker: Asker,
        to: Result<Address, CallError>,
        body: Result<Body, CallError>,
    ) -> Self {
        let request = to.and_then(|to| {
            let (from, identity) = (asker.origin(), Identity::None);
            let body = body?;
            Ok(Request::Message(Message { to, from, body, identity, due: None, deadline: None, trace: None }))
        });
        Self { asker, request, delay: None, timeout: None, keep: None }
    }

    /// A read of the state.
    pub(super) fn state(asker: Asker, to: Result<Address, CallError>) -> Self {
        let session = asker.gate().session();
        let request = to.map(|to| Request::State { to, session, request: RequestId(0) });
        Self { asker, request, delay: None, timeout: None, keep: None }
    }

    pub(super) fn delay(&mut self, delay: Duration) {
        self.delay = Some(delay);
    }

    pub(super) fn timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(super) fn keep(&mut self, ttl: Duration) {
        self.keep = Some(ttl);
    }

    pub(super) fn identity(&mut self, identity: Result<Identity, CallError>) {
        match (self.parts(), identity) {
            (Some(message), Ok(identity)) => message.identity = identity,
            (Some(_), Err(error)) => self.request = Err(error),
            (None, _) => {}
        }
    }

    /// Makes it a signal: nobody waits for the operation's answer.
    pub(super) fn signal(&mut self) {
        if let Some(Message { body: Body::Operation(operation), .. }) = self.parts() {
            operation.answered = false;
        }
    }

    /// The body of what is asked, to be changed; `None` when it is refused already.
    pub(super) fn body(&mut self) -> Option<&mut Body> {
        self.parts().map(|message| &mut message.body)
    }

    fn parts(&mut self) -> Option<&mut Message> {
        match &mut self.request {
            Ok(Request::Message(message)) => Some(message),
            Ok(Request::State { .. }) | Err(_) => None,
        }
    }

    /// Hands the request to the host.
    fn send(mut self) -> Result<Sent, CallError> {
        refuse_inside()?;
        let now = self.asker.gate().now();
        let (delay, timeout, keep) = (self.delay, self.timeout, self.keep);
        if let Some(message) = self.parts() {
            message.due = delay.map(|delay| now.after(delay));
            message.deadline = timeout.map(|timeout| now.after(timeout));
            if let Body::Event(event) = &mut message.body {
                event.keep_until = keep.map(|ttl| now.after(ttl));
            }
        }
        let (request, gate) = (self.request?, self.asker.gate());
        let may_wait_on_disk = check(gate, &request)?;
        let to = request.to().clone();
        let is_read = matches!(request, Request::State { .. });
        let (replier, answer) = Replier::new(may_wait_on_disk);
        gate.submit(request, replier)?;
        let timer = timeout.map(|timeout| (late(to.clone(), timeout, is_read), gate.sleep(timeout)));
        Ok(Sent { to, answer, timer })
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("request", &self.request)
            .field("delay", &self.delay)
            .field("timeout", &self.timeout)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The code of operations and orchestrations runs on the shard's thread: waiting there for the shard would be waiting
/// for ever.
pub(super) fn refuse_inside() -> Result<(), CallError> {
    let orchestration = || inside_execution().map(|run| Address::run(&run));
    match inside_operation().or_else(orchestration) {
        Some(inside) => Err(CallError::InsideOperation { inside }),
        None => Ok(()),
    }
}

/// Refuses what no state is needed to refuse. Returns whether the request may wait on disk.
fn check(gate: &dyn Gate, request: &Request) -> Result<bool, CallError> {
    match request {
        Request::Message(message) => {
            gate.registry().check(message, gate.limits().payload_bytes_max)?;
            Ok(message.is_answered())
        }
        Request::State { to, .. } => check_name(gate, to.name()).map(|()| false),
    }
}

/// Refuses the name of an entity that is not registered.
pub(super) fn check_name(gate: &dyn Gate, name: &str) -> Result<(), CallError> {
    match gate.registry().get(name) {
        Some(_) => Ok(()),
        None => Err(CallError::UnknownEntity { name: name.to_owned() }),
    }
}

/// A read leaves nothing behind whose outcome could be unknown.
fn late(address: Address, timeout: Duration, is_read: bool) -> CallError {
    if is_read {
        CallError::ReadTimedOut { address, timeout }
    } else {
        CallError::TimedOut { address, timeout }
    }
}

/// A request whose answer is awaited.
struct Sent {
    to: Address,
    answer: oneshot::Receiver<Answer>,
    /// What it ends with when its time is up.
    timer: Option<(CallError, Coming<()>)>,
}

impl Sent {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, CallError>> {
        if let Poll::Ready(answer) = Pin::new(&mut self.answer).poll(cx) {
            return Poll::Ready(match answer {
                Ok(Answer::Refused(error)) => Err(*error),
                Ok(answer) => Ok(answer),
                Err(_) => Err(CallError::OutcomeUnknown),
            });
        }
        let Some((late, timer)) = &mut self.timer else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(late.clone()))
    }
}

/// A request from its first poll to its answer.
pub(super) struct Exchange(Stage);

enum Stage {
    New(Draft),
    Sent(Sent),
    Done,
}

impl Exchange {
    pub(super) fn new(draft: Draft) -> Self {
        Self(Stage::New(draft))
    }

    /// The answer, and who gave it. Sends the request at the first call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Address, Answer), CallError>> {
        let mut sent = match mem::replace(&mut self.0, Stage::Done) {
            Stage::New(draft) => draft.send()?,
            Stage::Sent(sent) => sent,
            Stage::Done => panic!("a request was polled after its answer"),
        };
        match sent.poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map(|answer| (sent.to, answer))),
            Poll::Pending => {
                self.0 = Stage::Sent(sent);
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stage::New(draft) => write!(f, "{draft:?}"),
            Stage::Sent(sent) => write!(f, "Sent({})", sent.to),
            Stage::Done => f.write_str("Done"),
        }
    }
}
