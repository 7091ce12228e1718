//! One request and its answer, as a future.

use crate::gate::{Coming, Gate, Replier};
use sarsen_engine::Request;
use sarsen_protocol::{
    Address, Answer, CallError, Identity, Message, OperationName, Origin, Payload, RequestId,
};
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::oneshot;

/// A request that nobody has sent yet.
pub(crate) struct Draft {
    gate: Arc<dyn Gate>,
    request: Result<Request, CallError>,
    delay: Option<Duration>,
    timeout: Option<Duration>,
}

impl Draft {
    /// An operation, for the time being a call.
    pub(super) fn operation(
        gate: Arc<dyn Gate>,
        to: Result<Address, CallError>,
        operation: &'static str,
        input: Result<Payload, CallError>,
    ) -> Self {
        let from = Origin::Client { session: gate.session(), request: RequestId(0) };
        let request = to.and_then(|to| {
            Ok(Request::Operation(Message {
                to,
                from,
                operation: OperationName::of(operation),
                input: input?,
                answered: true,
                identity: Identity::None,
                due: None,
                deadline: None,
                trace: None,
            }))
        });
        Self { gate, request, delay: None, timeout: None }
    }

    /// A read of the state.
    pub(super) fn state(gate: Arc<dyn Gate>, to: Result<Address, CallError>) -> Self {
        let session = gate.session();
        let request = to.map(|to| Request::State { to, session, request: RequestId(0) });
        Self { gate, request, delay: None, timeout: None }
    }

    pub(super) fn delay(&mut self, delay: Duration) {
        self.delay = Some(delay);
    }

    pub(super) fn timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(super) fn identity(&mut self, identity: Result<Identity, CallError>) {
        match (self.message(), identity) {
            (Some(message), Ok(identity)) => message.identity = identity,
            (Some(_), Err(error)) => self.request = Err(error),
            (None, _) => {}
        }
    }

    /// Makes it a signal: nobody waits for the operation's answer.
    pub(super) fn signal(&mut self) {
        if let Some(message) = self.message() {
            message.answered = false;
        }
    }

    fn message(&mut self) -> Option<&mut Message> {
        match &mut self.request {
            Ok(Request::Operation(message)) => Some(message),
            Ok(Request::State { .. }) | Err(_) => None,
        }
    }

    /// Hands the request to the host.
    fn send(mut self) -> Result<Sent, CallError> {
        refuse_inside_operation()?;
        let now = self.gate.now();
        let (delay, timeout) = (self.delay, self.timeout);
        if let Some(message) = self.message() {
            message.due = delay.map(|delay| now.after(delay));
            message.deadline = timeout.map(|timeout| now.after(timeout));
        }
        let request = self.request?;
        let may_wait_on_disk = check(&*self.gate, &request)?;
        let to = request.to().clone();
        let is_read = matches!(request, Request::State { .. });
        let (replier, answer) = Replier::new(may_wait_on_disk);
        self.gate.submit(request, replier)?;
        let timer = timeout.map(|timeout| (late(to.clone(), timeout, is_read), self.gate.sleep(timeout)));
        Ok(Sent { to, answer, timer })
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("request", &self.request)
            .field("delay", &self.delay)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// An operation runs on the shard's thread: waiting there for the shard would be waiting for ever.
pub(super) fn refuse_inside_operation() -> Result<(), CallError> {
    match sarsen_entities::inside_operation() {
        Some(inside) => Err(CallError::InsideOperation { inside }),
        None => Ok(()),
    }
}

/// Refuses what no state is needed to refuse. Returns whether the request may wait on disk.
fn check(gate: &dyn Gate, request: &Request) -> Result<bool, CallError> {
    match request {
        Request::Operation(message) => {
            gate.registry().check(message, gate.limits().payload_bytes_max)?;
            Ok(message.answered)
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
                Ok(Answer::Refused(error)) => Err(error),
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
