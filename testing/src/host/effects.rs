//! What leaves the host: answers to callers, wake-ups to other shards.

use super::{env::Env, front::Asked, process::Process};
use crate::{Fault, Situation};
use sarsen_engine::{Input, Request};
use sarsen_protocol::{
    Answer, CallError, Delivery, Effect, FailureKind, Identity, Message, Origin, Reply, RequestId, ShardId,
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
            Effect::Deliver { to, delivery } => self.deliver(to, delivery, env),
            Effect::DeadLetter { address, operation, failure } => {
                env.note(|| format!("dead letter: {operation} of {address}: {failure}"));
                env.count(match failure.kind {
                    FailureKind::MailboxFull => Situation::DeadByOverflow,
                    _ => Situation::DeadByFailure,
                });
            }
        }
    }

    /// Answers a caller, if it still waits.
    pub(super) fn reply(&mut self, reply: Reply, env: &mut Env<S>) {
        if reply.session != self.front.session() {
            env.note(|| format!("drop an answer to an earlier session: {:?}", reply.answer));
            return;
        }
        let Some(caller) = self.callers.waiting.remove(&reply.request) else { return };
        env.note(|| format!("answer {} with {:?}", describe(&caller.request), reply.answer));
        count_answer(&reply.answer, env);
        env.observer.released(&caller.request, &reply.answer, &self.store);
        caller.replier.send(reply.answer);
    }

    fn deliver(&mut self, to: ShardId, delivery: Delivery, env: &mut Env<S>) {
        env.count(Situation::CrossShard);
        env.note(|| format!("wake shard {}: {delivery:?}", to.0));
        if env.strikes(Fault::LoseDelivery) {
            return;
        }
        let again = (!env.calm && env.random.one_in(REPEAT_ONE_IN)).then(|| delivery.clone());
        let forged = env.strikes(Fault::RepeatDelivery).then(|| {
            let sequence = delivery.sequence.next();
            Delivery { sequence, ..delivery.clone() }
        });
        self.leaving.extend(again.map(|delivery| Effect::Deliver { to, delivery }));
        let mut inner = self.front.inner();
        for delivery in std::iter::once(delivery).chain(forged) {
            inner.push_inside(usize::from(to.0), Input::Delivered(delivery));
        }
    }

    /// Tells all callers that the process stops, those of `abandoned` batches that their outcome is not known.
    pub(super) fn stop_callers(&mut self, abandoned: Vec<Effect>, env: &mut Env<S>) {
        for effect in abandoned {
            let Effect::Reply(reply) = effect else { continue };
            if let Some(caller) = self.callers.waiting.remove(&reply.request) {
                env.count(Situation::OutcomeUnknown);
                caller.replier.send(Answer::Refused(CallError::OutcomeUnknown));
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
        Request::Operation(message) => {
            let Message { to, operation, input, identity, from, .. } = message;
            let identity = match identity {
                Identity::None => String::new(),
                Identity::Key(key) => format!(" under {}", key.as_str()),
                Identity::Producer { name, number } => format!(" as {} of {}", number.0, name.as_str()),
            };
            let form = if message.answered { "call" } else { "signal" };
            let request = match from {
                Origin::Client { request, .. } => request.0,
                Origin::Instance(_) => 0,
            };
            format!("{form} {request}: {operation}({input:?}) of {to}{identity}")
        }
        Request::State { to, request, .. } => format!("read {}: state of {to}", request.0),
    }
}

fn count_answer<S>(answer: &Answer, env: &mut Env<S>) {
    let situation = match answer {
        Answer::Acknowledged => Situation::Acknowledged,
        Answer::Returned(_) => Situation::Returned,
        Answer::Failed(_) => Situation::Failed,
        Answer::State(Some(_)) => Situation::StateSeen,
        Answer::State(None) => Situation::StateMissed,
        Answer::Refused(error) => match refusal(error) {
            Some(situation) => situation,
            None => return,
        },
    };
    env.count(situation);
}

fn refusal(error: &CallError) -> Option<Situation> {
    Some(match error {
        CallError::Busy { what, .. } if what.contains("mailbox") => Situation::BusyMailbox,
        CallError::Busy { what, .. } if what.contains("key") => Situation::BusyKeys,
        CallError::Busy { what, .. } if what.contains("producer") => Situation::BusyProducers,
        CallError::Busy { what, .. } if what.contains("delayed") => Situation::BusyTimers,
        CallError::KeyReused { .. } => Situation::KeyReused,
        CallError::OutOfSequence { .. } => Situation::OutOfSequence,
        CallError::Expired { .. } => Situation::Expired,
        _ => return None,
    })
}
