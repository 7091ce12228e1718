//! One request and its answer, as a future.
//!
//! A draft holds what was asked and no message yet: it is moved a few times before it is sent, and waits inside the
//! caller's future, so it is kept small. What all requests of a reference have in common they share.

use super::Asker;
use crate::gate::{Coming, Gate, Replier};
use sarsen_engine::Request;
use sarsen_entities::inside_operation;
use sarsen_orchestration::inside_execution;
use sarsen_protocol::{
    Address, Answer, Body, CallError, Identity, Message, Operation, OperationName, Payload, Period,
    RequestId, ScheduleId, ScheduleRequest, Timestamp,
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

/// To whom the requests of a reference go, and through which gate. Each request holds it by one count, so that
/// requests of different references touch no memory in common.
#[derive(Debug)]
pub(super) struct Route {
    asker: Asker,
    to: Address,
}

impl Route {
    pub(super) fn new(asker: Asker, to: Address) -> Arc<Self> {
        Arc::new(Self { asker, to })
    }

    pub(super) fn to(&self) -> &Address {
        &self.to
    }

    pub(super) fn asker(&self) -> &Asker {
        &self.asker
    }
}

/// A request that nobody has sent yet, or why it is refused.
pub(crate) struct Draft(Result<Drafted, Box<CallError>>);

struct Drafted {
    route: Arc<Route>,
    ask: Ask,
    identity: Identity,
    /// Boxed, since few requests have any.
    times: Option<Box<Times>>,
}

/// What is asked.
enum Ask {
    Body(Body),
    State,
}

/// What a request says of time, counted from its first poll.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    delay: Option<Duration>,
    /// Not before this moment; instead of a delay.
    due: Option<Timestamp>,
    timeout: Option<Duration>,
    /// How long an event is kept for a run that does not exist.
    keep: Option<Duration>,
}

impl Draft {
    /// An operation, for the time being a call.
    pub(super) fn operation(
        route: Result<Arc<Route>, Box<CallError>>,
        operation: OperationName,
        input: Result<Payload, Box<CallError>>,
    ) -> Self {
        let body = |input| Ask::Body(Body::operation(operation, input, true));
        Self::new(route, input.map(body))
    }

    /// Anything that is asked of an instance.
    pub(super) fn message(
        asker: Asker,
        to: Result<Address, CallError>,
        body: Result<Body, CallError>,
    ) -> Self {
        let route = to.map(|to| Route::new(asker, to)).map_err(Box::new);
        Self::asking(route, body)
    }

    /// Anything that is asked of an instance by the way to it.
    pub(super) fn asking(route: Result<Arc<Route>, Box<CallError>>, body: Result<Body, CallError>) -> Self {
        Self::new(route, body.map(Ask::Body).map_err(Box::new))
    }

    /// A read of the state.
    pub(super) fn state(route: Result<Arc<Route>, Box<CallError>>) -> Self {
        Self::new(route, Ok(Ask::State))
    }

    fn new(route: Result<Arc<Route>, Box<CallError>>, ask: Result<Ask, Box<CallError>>) -> Self {
        let drafted = |route| Ok(Drafted { route, ask: ask?, identity: Identity::None, times: None });
        Self(route.and_then(drafted))
    }

    pub(super) fn delay(&mut self, delay: Duration) {
        self.time(|times| times.delay = Some(delay));
    }

    pub(super) fn due(&mut self, moment: Timestamp) {
        self.time(|times| times.due = Some(moment));
    }

    pub(super) fn timeout(&mut self, timeout: Duration) {
        self.time(|times| times.timeout = Some(timeout));
    }

    pub(super) fn keep(&mut self, ttl: Duration) {
        self.time(|times| times.keep = Some(ttl));
    }

    fn time(&mut self, set: impl FnOnce(&mut Times)) {
        if let Ok(drafted) = &mut self.0 {
            set(drafted.times.get_or_insert_default());
        }
    }

    /// Gives it an identity, told to whom it goes.
    pub(super) fn identity(&mut self, identity: impl FnOnce(&Address) -> Result<Identity, CallError>) {
        let Ok(drafted) = &mut self.0 else { return };
        match identity(drafted.route.to()) {
            Ok(identity) => drafted.identity = identity,
            Err(error) => self.0 = Err(Box::new(error)),
        }
    }

    /// Makes it a signal: nobody waits for the operation's answer.
    pub(super) fn signal(&mut self) {
        if let Some(Body::Operation(operation)) = self.body() {
            operation.answered = false;
        }
    }

    /// Makes an operation one that is scheduled under an id.
    pub(super) fn schedule(&mut self, plan: Result<(ScheduleId, Option<Period>), CallError>) {
        let (id, every) = match plan {
            Ok(plan) => plan,
            Err(error) => {
                if self.0.is_ok() {
                    self.0 = Err(Box::new(error));
                }
                return;
            }
        };
        if let Some(body) = self.body()
            && let Body::Operation(Operation { name, input, .. }) = body
        {
            let (operation, input) = (name.clone(), input.clone());
            // When it is due is counted from the first poll.
            let due = Timestamp::default();
            let request = ScheduleRequest { id, operation, input, due, every, section: None };
            *body = Body::Schedule(Box::new(request));
        }
    }

    /// The body of what is asked, to be changed; `None` when it is refused already.
    pub(super) fn body(&mut self) -> Option<&mut Body> {
        match &mut self.0 {
            Ok(Drafted { ask: Ask::Body(body), .. }) => Some(body),
            Ok(Drafted { ask: Ask::State, .. }) | Err(_) => None,
        }
    }

    /// Hands the request to the host.
    fn send(self) -> Result<Sent, CallError> {
        refuse_inside()?;
        let Drafted { route, ask, identity, times } = self.0.map_err(|error| *error)?;
        let gate = route.asker.gate();
        let times = times.map_or_else(Times::default, |times| *times);
        let is_read = matches!(ask, Ask::State);
        let request = match ask {
            Ask::Body(body) => {
                route.asker.check(&route.to, &body)?;
                Request::Message(times.stamp(gate, message(&route, body, identity)))
            }
            Ask::State => {
                let (to, session) = (route.to.clone(), gate.session());
                Request::State { to, session, request: RequestId(0) }
            }
        };
        let may_wait_on_disk = check(gate, &request)?;
        let (replier, answer) = Replier::new(may_wait_on_disk);
        route.asker.submit(request, replier)?;
        let alarm = times.timeout.map(|timeout| {
            let late = late(route.to.clone(), timeout, is_read);
            Box::new((late, gate.sleep(timeout)))
        });
        Ok(Sent { route, answer, alarm })
    }
}

fn message(route: &Route, body: Body, identity: Identity) -> Message {
    let (to, from) = (route.to.clone(), route.asker.origin());
    Message { to, from, body, identity, due: None, deadline: None, trace: None }
}

impl Times {
    /// Writes moments into a message. Few have any: then no clock is read, which all clients share.
    fn stamp(&self, gate: &dyn Gate, mut message: Message) -> Message {
        let Self { delay: None, due: None, timeout: None, keep: None } = self else {
            self.write(gate.now(), &mut message);
            return message;
        };
        message
    }

    fn write(&self, now: Timestamp, message: &mut Message) {
        message.due = self.due.or(self.delay.map(|delay| now.after(delay)));
        message.deadline = self.timeout.map(|timeout| now.after(timeout));
        match &mut message.body {
            Body::Event(event) => event.keep_until = self.keep.map(|ttl| now.after(ttl)),
            // It is accepted at once: the timer is its entity's.
            Body::Schedule(request) => request.due = message.due.take().unwrap_or(now),
            _ => {}
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drafted = match &self.0 {
            Ok(drafted) => drafted,
            Err(error) => return f.debug_tuple("Refused").field(error).finish(),
        };
        let mut draft = f.debug_struct("Draft");
        draft.field("to", drafted.route.to());
        match &drafted.ask {
            Ask::Body(body) => draft.field("body", body),
            Ask::State => draft.field("body", &"a read of the state"),
        };
        draft.field("identity", &drafted.identity).field("times", &drafted.times).finish_non_exhaustive()
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
pub(super) fn check(gate: &dyn Gate, request: &Request) -> Result<bool, CallError> {
    match request {
        Request::Message(message) => {
            gate.registry().check(message, gate.limits().payload_bytes_max)?;
            Ok(message.is_answered())
        }
        Request::State { to, .. } => check_name(gate, to.name()).map(|()| false),
        // Its message was sent before.
        Request::Letter(_) => Ok(false),
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
    route: Arc<Route>,
    answer: oneshot::Receiver<Answer>,
    /// What it ends with when its time is up.
    alarm: Option<Box<(CallError, Coming<()>)>>,
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
        let Some((late, alarm)) = self.alarm.as_deref_mut() else { return Poll::Pending };
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Err(late.clone()))
    }
}

/// A request from its first poll to its answer.
pub(super) struct Exchange(Stage);

enum Stage {
    New(Draft),
    /// `None` after the answer. What is taken out here is small, other than the draft's place beside it.
    Sent(Option<Sent>),
}

impl Exchange {
    pub(super) fn new(draft: Draft) -> Self {
        Self(Stage::New(draft))
    }

    /// The answer, and on which route it came. Sends the request at the first call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Arc<Route>, Answer), CallError>> {
        if let Stage::New(_) = self.0
            && let Stage::New(draft) = mem::replace(&mut self.0, Stage::Sent(None))
        {
            self.0 = Stage::Sent(Some(draft.send()?));
        }
        let Stage::Sent(stage) = &mut self.0 else { unreachable!("it is sent at the first poll") };
        let answer = ready!(stage.as_mut().expect("it is not polled after its answer").poll(cx));
        let sent = stage.take().expect("it was there a moment ago");
        Poll::Ready(answer.map(|answer| (sent.route, answer)))
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stage::New(draft) => write!(f, "{draft:?}"),
            Stage::Sent(Some(sent)) => write!(f, "Sent({})", sent.route.to()),
            Stage::Sent(None) => f.write_str("Done"),
        }
    }
}
