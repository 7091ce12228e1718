//! What each client was promised, and what it has seen.

use crate::ledger::{Child, Deed, OperationId};
use sarsen_protocol::{CallError, FailureKind, LetterId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A client handle; each process of the host has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HandleId(pub(crate) u32);

/// A moment in the order of everything that clients do and learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// Who asked for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A client.
    Client,
    /// Another operation, if it was applied.
    Operation(OperationId),
}

/// How a client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Signal,
    Call,
    KeyedSignal(String),
    KeyedCall(String),
    Produced { producer: String, number: u64 },
}

impl Form {
    /// Whether a repeat is recognised, so that the client may ask until it knows.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Signal | Self::Call)
    }

    /// Whether the client waits for the operation's answer.
    pub(crate) fn is_call(&self) -> bool {
        matches!(self, Self::Call | Self::KeyedCall(_))
    }
}

/// What a client learned of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Waiting,
    /// It is durable.
    Acknowledged,
    /// It was applied, and stood at this place of the list then.
    Returned(usize),
    /// It failed.
    Failed,
    /// It was certainly not done.
    NotDone(CallError),
    /// It was never polled.
    Unpolled,
    /// Nobody knows: given up, crashed, or told so.
    Unknown,
}

/// One attempt of a client.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) handle: HandleId,
    pub(crate) begun: Option<Moment>,
    pub(crate) ended: Option<Moment>,
    pub(crate) outcome: Outcome,
}

/// What a client may expect of an operation after all of its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Applied once, or one dead letter.
    Accepted,
    /// Applied once.
    Applied,
    /// Run and undone; the caller knows.
    Failed,
    /// Never heard of.
    Never,
    /// Whatever of these.
    AtMostOnce,
}

/// An operation that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) to: String,
    pub(crate) deed: Deed,
    pub(crate) by: Asker,
    pub(crate) delayed: bool,
    pub(crate) delay_ms: u64,
    pub(crate) form: Form,
    pub(crate) children: Vec<Child>,
    pub(crate) attempts: Vec<Attempt>,
    /// How many processes had been opened when it was first asked for.
    pub(crate) process: u64,
    /// Whether the client has stopped asking.
    pub(crate) given_up: bool,
}

impl Asked {
    /// What was promised, all in all.
    pub(crate) fn promise(&self) -> Promise {
        let outcomes = || self.attempts.iter().map(|attempt| &attempt.outcome);
        if outcomes().any(|outcome| matches!(outcome, Outcome::Returned(_))) {
            Promise::Applied
        } else if outcomes().any(|outcome| *outcome == Outcome::Failed) {
            Promise::Failed
        } else if outcomes().any(|outcome| *outcome == Outcome::Acknowledged) {
            Promise::Accepted
        } else if outcomes().any(|outcome| matches!(outcome, Outcome::Waiting | Outcome::Unknown)) {
            Promise::AtMostOnce
        } else {
            Promise::Never
        }
    }

    /// Whether the client knows what became of it, or cannot find out.
    pub(crate) fn is_settled(&self) -> bool {
        let waiting = self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Waiting);
        let known = !matches!(self.promise(), Promise::AtMostOnce | Promise::Never);
        !waiting && (known || self.given_up || !self.form.is_repeatable())
    }

    /// When and by whom it was asked for, if by one attempt that counts in the order of its handle.
    pub(crate) fn in_order(&self) -> Option<(HandleId, Moment)> {
        let [attempt] = &self.attempts[..] else { return None };
        (!self.delayed).then_some((attempt.handle, attempt.begun?))
    }
}

/// Whether what was given up for this has run.
pub(crate) fn has_run(kind: FailureKind) -> bool {
    kind != FailureKind::MailboxFull
}

/// A list that a client has seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) of: String,
    /// `None`: the ledger did not exist.
    pub(crate) list: Option<Vec<OperationId>>,
    pub(crate) begun: Moment,
}

/// Everything that clients did and learned.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) asked: BTreeMap<OperationId, Asked>,
    pub(crate) seen: Vec<Seen>,
    /// The operation that first used an idempotency key of an entity.
    pub(crate) keys: HashMap<String, OperationId>,
    /// Operations whose dead letters somebody has begun to send again: they come out of order.
    pub(crate) resent: BTreeSet<OperationId>,
    /// Operations whose dead letters somebody has begun to discard, and whether one was told that it was.
    pub(crate) discarded: BTreeMap<OperationId, bool>,
    /// Dead letters of which something was asked.
    settled: HashSet<LetterId>,
    /// Those of them that an operation is that has run and failed.
    pub(crate) failures: BTreeMap<OperationId, BTreeSet<LetterId>>,
    /// The operation of each producer's number.
    pub(crate) produced: HashMap<(String, String, u64), OperationId>,
    /// Violations that were noticed on the way.
    pub(crate) violations: Vec<crate::invariants::Violation>,
    moments: u64,
    ids: u64,
}

impl Oracle {
    /// The next moment.
    pub(crate) fn moment(&mut self) -> Moment {
        self.moments += 1;
        Moment(self.moments)
    }

    /// An id that no operation has.
    pub(crate) fn new_id(&mut self) -> OperationId {
        self.ids += 1;
        OperationId(OperationId::FIRST.0 + self.ids)
    }

    /// Adds an operation, and those that it is to send.
    pub(crate) fn add(&mut self, id: OperationId, asked: Asked) {
        for child in &asked.children {
            let sent = Asked {
                to: child.to.clone(),
                deed: child.deed,
                by: Asker::Operation(id),
                delayed: child.delay_ms > 0,
                delay_ms: child.delay_ms,
                form: Form::Signal,
                children: child.children.clone(),
                attempts: Vec::new(),
                process: asked.process,
                given_up: true,
            };
            self.add(child.id, sent);
        }
        self.asked.insert(id, asked);
    }

    /// Notes that a client is about to try.
    pub(crate) fn attempt(&mut self, id: OperationId, handle: HandleId) -> usize {
        let attempts = &mut self.get_mut(id).attempts;
        attempts.push(Attempt { handle, begun: None, ended: None, outcome: Outcome::Waiting });
        attempts.len() - 1
    }

    /// Notes the first poll of an attempt.
    pub(crate) fn begin(&mut self, id: OperationId, attempt: usize) {
        let moment = self.moment();
        self.get_mut(id).attempts[attempt].begun = Some(moment);
    }

    /// Notes that a client is about to send a letter of an operation that was given up for this again, or to discard
    /// it. Returns whether it is the first who asks anything of it.
    pub(crate) fn settle(
        &mut self,
        (letter, kind): (LetterId, FailureKind),
        id: OperationId,
        discards: bool,
    ) -> bool {
        if has_run(kind) {
            self.failures.entry(id).or_default().insert(letter);
        }
        if discards {
            self.discarded.entry(id).or_default();
        } else {
            self.resent.insert(id);
        }
        self.settled.insert(letter)
    }

    /// Notes what a client learned of an attempt.
    pub(crate) fn end(&mut self, id: OperationId, attempt: usize, outcome: Outcome) {
        let moment = self.moment();
        let attempt = &mut self.get_mut(id).attempts[attempt];
        (attempt.ended, attempt.outcome) = (Some(moment), outcome);
    }

    /// Notes that an attempt's future was dropped.
    pub(crate) fn dropped(&mut self, id: OperationId, attempt: usize) {
        let polled = self.get_mut(id).attempts[attempt].begun.is_some();
        self.end(id, attempt, if polled { Outcome::Unknown } else { Outcome::Unpolled });
    }

    /// An operation.
    pub(crate) fn get(&self, id: OperationId) -> Option<&Asked> {
        self.asked.get(&id)
    }

    fn get_mut(&mut self, id: OperationId) -> &mut Asked {
        self.asked.get_mut(&id).expect("it was added before it is tried")
    }
}
