//! What leaves the host: answers to callers, wake-ups to other shards, the ends of runs.

use super::{env::Env, front::Asked, process::Process};
use crate::{Fault, Situation};
use sarsen_engine::{Input, LetterFate, LetterRequest, Request};
use sarsen_protocol::{
    Answer, Body, CallError, Delivery, Effect, ExecutionId, FailureKind, Identity, Message, Operation, Reply,
    RequestId, RunId, RunOutcome, ShardId,
};
use sarsen_runtime::gate::{Gate, Replier};
use sarsen_storage::Store;
use std::collections::{BTreeMap, VecDeque};

/// One wake-up in so many comes twice.
const REPEAT_ONE_IN: usize = 16;

/// A client that waits for an answer of a shard.
#[derive(Debug)]
struct Caller {
    replier: Replier,
    request: Request,
    shard: usize,
    /// How many batches the shard had sealed when it was handed the request.
    sealed: u64,
}

/// The clients that wait.
#[derive(Debug, Default)]
pub(super) struct Callers {
    waiting: BTreeMap<RequestId, Caller>,
    last: u64,
}

impl Callers {
    /// Clients that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What they have asked.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.waiting.values().map(|caller| &caller.request)
    }

    /// Keeps a caller and returns its request with the id under which it is found.
    fn keep(&mut self, (mut request, replier): Asked, shard: usize, sealed: u64) -> Request {
        self.last += 1;
        let id = RequestId(self.last);
        request.set_request(id);
        self.waiting.insert(id, Caller { replier, request: request.clone(), shard, sealed });
        request
    }
}

/// Effects of durable batches that have not left yet, in order.
pub(super) type Leaving = VecDeque<Effect>;

impl<S: Store> Process<S> {
    /// Hands a client's request to its shard.
    pub(super) fn ask(&mut self, at: usize, asked: Asked, env: &mut Env<S>) {
        let sealed = self.drivers[at].sealed;
        let request = self.callers.keep(asked, at, sealed);
        env.know(request.to());
        env.note(|| format!("shard {at} takes {}", describe(&request)));
        let now = self.now();
        self.drivers[at].shard.handle(Input::Requested(request), now);
        self.after_input(at, env);
    }

    /// Lets the next effect out.
    pub(super) fn release(&mut self, env: &mut Env<S>) {
        if let Some(effect) = self.leaving.pop_front() {
            self.let_out(effect, env);
        }
    }

    /// Lets an effect out.
    pub(super) fn let_out(&mut self, effect: Effect, env: &mut Env<S>) {
        match effect {
            Effect::Reply(reply) => self.reply(reply, env),
            Effect::Deliver { to, delivery } => self.deliver(to, *delivery, env),
            Effect::DeadLetter { address, what, failure } => {
                env.note(|| format!("dead letter: {what} of {address}: {failure}"));
                env.count(match failure.kind {
                    FailureKind::MailboxFull => Situation::DeadByOverflow,
                    FailureKind::Expired => Situation::EventExpired,
                    FailureKind::RunFinished | FailureKind::RunNotFound => Situation::EventUntaken,
                    _ => Situation::DeadByFailure,
                });
            }
            Effect::Perform(task) => self.begin(*task, env),
            Effect::CancelTask(token) => self.cancel(token, env),
            Effect::Operate(dispatch) => self.operate(*dispatch, env),
            Effect::CancelOperation(token) => self.cancel_operation(token, env),
            Effect::RunEnded { run, first, outcome } => {
                self.end_run(&run, first, outcome.map(|outcome| *outcome), env);
            }
            Effect::RunRewound { run, first } => {
                env.note(|| format!("run {run} is rewound"));
                env.count(Situation::Rewound);
                self.front.run_ends().rewound(&run, first);
            }
            Effect::StatusSet { run, first, status } => {
                self.front.run_ends().status_set(&run, first, *status);
            }
            Effect::LockForced { entity, section } => {
                env.note(|| format!("the lock of {entity} is taken from {section:?}"));
                env.count(Situation::LockForced);
            }
            Effect::LockOverdue { entity, section, since } => {
                env.note(|| format!("{section:?} has held the lock of {entity} since {since}"));
                env.count(Situation::LockOverdue);
            }
            Effect::Parked { address, reason } => {
                env.note(|| format!("{address} is parked: {reason}"));
                env.count(Situation::Parked);
            }
        }
    }

    fn end_run(&mut self, run: &RunId, first: ExecutionId, outcome: Option<RunOutcome>, env: &mut Env<S>) {
        env.note(|| format!("run {run} has ended: {outcome:?}"));
        env.count(match &outcome {
            Some(RunOutcome::Returned(_)) => Situation::RunReturned,
            Some(RunOutcome::Failed(_)) => Situation::RunFailed,
            Some(RunOutcome::Terminated { .. }) => Situation::Terminated,
            None => Situation::Purged,
        });
        self.work.run_ended(run);
        env.observer.ended(run, first, outcome.as_ref(), &self.store);
        self.front.run_ends().ended(run, first, outcome);
    }

    /// Answers a caller, if it still waits.
    pub(super) fn reply(&mut self, reply: Reply, env: &mut Env<S>) {
        if reply.session != self.front.session() {
            env.note(|| format!("drop an answer to an earlier session: {:?}", reply.answer));
            return;
        }
        let Some(caller) = self.callers.waiting.remove(&reply.request) else { return };
        env.note(|| format!("answer {} with {:?}", describe(&caller.request), reply.answer));
        count_answer(&caller.request, &reply.answer, env);
        env.observer.released(&caller.request, &reply.answer, &self.store);
        caller.replier.send(reply.answer);
    }

    fn deliver(&mut self, to: ShardId, delivery: Delivery, env: &mut Env<S>) {
        env.count(Situation::CrossShard);
        match delivery.message.as_ref().map(|message| &message.body) {
            Some(Body::Lock(_) | Body::TryLock(_)) => env.count(Situation::LockAcrossShards),
            Some(Body::Cancel(_)) => env.count(Situation::LockCancelled),
            _ => {}
        }
        env.note(|| format!("wake shard {}: {delivery:?}", to.0));
        if env.strikes(Fault::LoseDelivery) {
            return;
        }
        let again = (!env.calm && env.random.one_in(REPEAT_ONE_IN)).then(|| delivery.clone());
        let delivery = self.reorder(delivery, env);
        let forged = env.strikes(Fault::RepeatDelivery).then(|| {
            let sequence = delivery.sequence.next();
            Delivery { sequence, ..delivery.clone() }
        });
        self.leaving.extend(again.map(|delivery| Effect::Deliver { to, delivery: Box::new(delivery) }));
        let mut inner = self.front.inner();
        for delivery in std::iter::once(delivery).chain(forged) {
            inner.push_inside(usize::from(to.0), Input::Delivered(delivery));
        }
    }

    /// For [`Fault::ReorderDeliveries`]: lets a message change places with the next one of its stream.
    fn reorder(&mut self, mut delivery: Delivery, env: &mut Env<S>) -> Delivery {
        if env.fault != Some(Fault::ReorderDeliveries) {
            return delivery;
        }
        let next = self.leaving.iter_mut().find_map(|effect| match effect {
            Effect::Deliver { delivery: next, .. }
                if (next.source, next.slot) == (delivery.source, delivery.slot)
                    && next.sequence == delivery.sequence.next() =>
            {
                Some(next)
            }
            _ => None,
        });
        if let Some(next) = next
            && env.strikes(Fault::ReorderDeliveries)
        {
            std::mem::swap(&mut next.message, &mut delivery.message);
        }
        delivery
    }

    /// Tells all callers that the process stops, those of `abandoned` batches that their outcome is not known.
    pub(super) fn stop_callers(&mut self, abandoned: Vec<Effect>, env: &mut Env<S>) {
        for effect in abandoned {
            let Effect::Reply(reply) = effect else { continue };
            if let Some(caller) = self.callers.waiting.remove(&reply.request) {
                env.count(Situation::OutcomeUnknown);
                caller.replier.send(Answer::refused(CallError::OutcomeUnknown));
            }
        }
        let in_lanes = self.front.inner().close();
        for (_, replier) in in_lanes {
            env.count(Situation::Stopped);
            replier.stop(false);
        }
        for (_, caller) in std::mem::take(&mut self.callers.waiting) {
            env.count(Situation::Stopped);
            caller.replier.stop(self.drivers[caller.shard].sealed > caller.sealed);
        }
    }
}

/// A request, in a line.
pub(super) fn describe(request: &Request) -> String {
    match request {
        Request::Message(message) => {
            let Message { to, body, identity, from, .. } = message;
            let identity = match identity {
                Identity::None => String::new(),
                Identity::Key(key) => format!(" under {}", key.as_str()),
                Identity::Producer { name, number } => format!(" as {} of {}", number.0, name.as_str()),
            };
            let request = from.client().map_or(0, |(_, request)| request.0);
            match body {
                Body::Operation(Operation { name, input, answered, .. }) => {
                    let form = if *answered { "call" } else { "signal" };
                    format!("{form} {request}: {name}({input:?}) of {to}{identity}")
                }
                Body::Start(start) => {
                    let (input, reuse) = (&start.launch.input, start.reuse);
                    format!("request {request}: {body}({input:?}) as {to}, {reuse:?}{identity}")
                }
                Body::Event(event) => {
                    format!("request {request}: {body}({:?}) at {to}{identity}", event.input)
                }
                _ => format!("request {request}: {body} of {to}{identity}"),
            }
        }
        Request::State { to, request, .. } => format!("read {}: state of {to}", request.0),
        Request::Letter(asked) => {
            let LetterRequest { letter, message, fate, request, .. } = &**asked;
            let Message { to, body, .. } = message;
            format!("request {}: dead letter {letter}, {body} of {to}, is to be {fate:?}", request.0)
        }
    }
}

fn count_answer<S>(request: &Request, answer: &Answer, env: &mut Env<S>) {
    let body = match request {
        Request::Message(message) => Some(&message.body),
        Request::State { .. } => None,
        Request::Letter(asked) => return count_letter(asked.fate, answer, env),
    };
    let situation = match (answer, body) {
        (Answer::Acknowledged, Some(Body::Suspend { .. })) => Situation::Suspended,
        (Answer::Acknowledged, Some(Body::Resume { .. })) => Situation::Resumed,
        (Answer::Acknowledged, Some(Body::Event(_))) if env.sight.knows(request.to()) => {
            Situation::EventRaised
        }
        (Answer::Acknowledged, Some(Body::Event(_))) => Situation::EventBeforeStart,
        (Answer::Acknowledged, _) => Situation::Acknowledged,
        (Answer::Returned(_), Some(Body::Start(_))) => Situation::RunStarted,
        (Answer::Returned(_), _) => Situation::Returned,
        (Answer::Failed(_), _) => Situation::Failed,
        (Answer::State(Some(_)), _) => Situation::StateSeen,
        (Answer::State(None), _) => Situation::StateMissed,
        (Answer::Refused(error), _) => match refusal(error) {
            Some(situation) => situation,
            None => return,
        },
    };
    env.count(situation);
}

fn count_letter<S>(fate: LetterFate, answer: &Answer, env: &mut Env<S>) {
    match (answer, fate) {
        (Answer::Acknowledged, LetterFate::SentAgain) => env.count(Situation::LetterSentAgain),
        (Answer::Acknowledged, LetterFate::Discarded) => env.count(Situation::LetterDiscarded),
        _ => env.count(Situation::LetterGone),
    }
}

fn refusal(error: &CallError) -> Option<Situation> {
    Some(match error {
        CallError::Busy { what, .. } if what.contains("mailbox") => Situation::BusyMailbox,
        CallError::Busy { what, .. } if what.contains("rate") => Situation::BusyRate,
        CallError::Busy { what, .. } if what.contains("key") => Situation::BusyKeys,
        CallError::Busy { what, .. } if what.contains("producer") => Situation::BusyProducers,
        CallError::Busy { what, .. } if what.contains("delayed") => Situation::BusyTimers,
        CallError::KeyReused { .. } => Situation::KeyReused,
        CallError::OutOfSequence { .. } => Situation::OutOfSequence,
        CallError::Expired { .. } => Situation::Expired,
        CallError::RunExists { .. } => Situation::RunExists,
        CallError::RunNotFound { .. } => Situation::RunNotFound,
        CallError::RunFinished { .. } => Situation::RunFinished,
        CallError::WouldDeadlock { .. } => Situation::WouldDeadlock,
        _ => return None,
    })
}
