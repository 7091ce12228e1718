//! A run: consecutive operations on one state, each done whole or not at all.
//!
//! Operations are tried in stretches, at first the whole run as one. A stretch clones the state once and encodes
//! it once. When something in it goes wrong the stretch is undone and a shorter one is tried: up to the operation
//! that failed, or half as many when it is the state that does not encode. A stretch of one that fails is that
//! operation's failure. So the good case costs one clone and one encoding, a failure costs those around it a
//! second try, and nobody else's operation is lost.
//!
//! A state that does not encode once, as one that is full, will likely not encode the next time either: the stretch
//! after it is of one operation, and each that goes well lets the next be twice as long (the exponential search of
//! Bentley and Yao, 1976). So operations that fail in a row cost one clone and one encoding each, and one that fails
//! alone costs as many as it takes to halve the run down to it and to double up again.
//!
//! An operation is thus to blame for a state without JSON only if no later operation of its stretch has mended it
//! before anyone could see it.

use crate::{
    Asked, Change, Entity, EntityContext, Outcome, Ran, RunLimits, State, Typed,
    context::Done,
    inside::{Inside, catch},
    operations::{Code, Operation},
    state::encode_state,
};
use sarsen_protocol::{Address, Failure, FailureKind, Payload, Timestamp, json};

/// One run under way.
pub(crate) struct Run<'a, E> {
    typed: &'a Typed<E>,
    address: &'a Address,
    now: Timestamp,
    limits: &'a RunLimits,
    state: &'a mut Option<State>,
    existed: bool,
    outcomes: Vec<Outcome>,
    change: Change,
    outgrown: u32,
}

/// What a stretch has done to the state so far.
struct Stretch<E> {
    before: Before<E>,
    /// Whether the record is to be written.
    changed: bool,
}

/// The state before a stretch.
enum Before<E> {
    /// As it is now.
    Same,
    /// This, or none.
    Was(Option<E>),
}

/// Why a stretch was undone.
enum Undone {
    /// So many operations, fewer than it had, are to be tried first.
    Shorter(usize),
    /// Its first operation failed.
    First(Failure),
    /// The state that it left behind cannot be kept.
    Unfit(Failure),
}

impl Undone {
    /// For a failure behind so many operations that may stand.
    fn behind(good: usize, failure: Failure) -> Self {
        if good == 0 { Self::First(failure) } else { Self::Shorter(good) }
    }
}

impl<E: Entity> Stretch<E> {
    /// Keeps the state for the case that the stretch is undone; only the first call does anything.
    fn keep(&mut self, state: impl FnOnce() -> Option<E>) {
        if let Before::Same = self.before {
            self.before = Before::Was(state());
        }
    }
}

impl<'a, E: Entity> Run<'a, E> {
    pub(crate) fn new(
        typed: &'a Typed<E>,
        address: &'a Address,
        state: &'a mut Option<State>,
        now: Timestamp,
        limits: &'a RunLimits,
    ) -> Self {
        Self {
            typed,
            address,
            now,
            limits,
            existed: state.is_some(),
            state,
            outcomes: Vec::new(),
            change: Change::None,
            outgrown: 0,
        }
    }

    /// Runs all of `asked`.
    pub(crate) fn all(mut self, asked: &[Asked<'_>]) -> Ran {
        let _inside = Inside::enter(self.address);
        self.outcomes.reserve_exact(asked.len());
        let mut rest = asked;
        // As many as were last found to leave a state that encodes, twice.
        let mut most = rest.len();
        let mut length = most;
        while !rest.is_empty() {
            let done = match self.stretch(&rest[..length]) {
                Ok(()) => {
                    most = most.max(2 * length);
                    length
                }
                Err(Undone::First(failure)) => self.fail(failure),
                Err(Undone::Unfit(failure)) if length == 1 => {
                    self.outgrown += u32::from(failure.kind == FailureKind::TooLarge);
                    most = 1;
                    self.fail(failure)
                }
                Err(Undone::Unfit(_)) => {
                    most = length / 2;
                    length = most;
                    continue;
                }
                Err(Undone::Shorter(fewer)) => {
                    length = fewer;
                    continue;
                }
            };
            rest = &rest[done..];
            length = rest.len().min(most);
        }
        Ran { outcomes: self.outcomes, change: self.change, outgrown: self.outgrown }
    }

    /// Answers one operation with its failure. Returns how many were answered.
    fn fail(&mut self, failure: Failure) -> usize {
        let failure = failure.bounded(self.limits.payload_bytes_max);
        self.outcomes.push(Outcome { answer: Err(failure), messages: Vec::new(), deleted: false });
        1
    }

    /// Does all of `asked` and records it, or nothing.
    fn stretch(&mut self, asked: &[Asked<'_>]) -> Result<(), Undone> {
        let outcomes_before = self.outcomes.len();
        let mut stretch = Stretch { before: Before::Same, changed: false };
        let result =
            self.each(asked, &mut stretch).and_then(|()| self.record(&stretch, asked).map_err(Undone::Unfit));
        if result.is_err() {
            self.outcomes.truncate(outcomes_before);
            if let Before::Was(state) = stretch.before {
                *self.state = state.map(State::new);
            }
        }
        result
    }

    /// Does one after the other, up to the first that fails.
    fn each(&mut self, asked: &[Asked<'_>], stretch: &mut Stretch<E>) -> Result<(), Undone> {
        for (index, one) in asked.iter().enumerate() {
            let unwritten = stretch.changed && self.state.is_some();
            let outcome = self.one(one, stretch).map_err(|failure| Undone::behind(index, failure))?;
            if outcome.deleted && unwritten {
                // The state that is to go must encode like any other, for it was some operation's result.
                return Err(Undone::Shorter(index));
            }
            if outcome.deleted {
                let state = self.state.take();
                stretch.keep(|| state.map(State::into));
                stretch.changed = true;
            }
            self.outcomes.push(outcome);
        }
        Ok(())
    }

    /// Does one operation.
    fn one(&mut self, asked: &Asked<'_>, stretch: &mut Stretch<E>) -> Result<Outcome, Failure> {
        let Some(operation) = self.typed.operation(asked.operation) else {
            let (name, known) = (asked.operation, self.typed.known());
            let message = format!("entity `{}` has no operation `{name}`: it has {known}", E::NAME);
            return Err(Failure::new(FailureKind::UnknownOperation, message));
        };
        let mut cx = EntityContext::new(self.address, self.now, self.limits);
        let answer = catch(|| self.call(operation, &mut cx, asked.input, stretch)).flatten()?;
        let answer = check_answer(answer, self.limits)?;
        let Done { messages, deleted } = cx.finish()?;
        Ok(Outcome { answer: Ok(answer), messages, deleted })
    }

    /// Calls the user's code.
    fn call(
        &mut self,
        operation: &Operation<E>,
        cx: &mut EntityContext<'_>,
        input: &Payload,
        stretch: &mut Stretch<E>,
    ) -> Result<Payload, Failure> {
        match &operation.code {
            Code::Update(code) => {
                stretch.keep(|| self.state.as_ref().map(State::cloned));
                stretch.changed = true;
                let state = self.state.get_or_insert_with(|| State::new(E::initial(self.address.key())));
                code(state.get_mut(), cx, input)
            }
            Code::Read(code) => {
                if self.limits.verify {
                    stretch.keep(|| self.state.as_ref().map(State::cloned));
                }
                let initial;
                let state = if let Some(state) = &*self.state {
                    state.get()
                } else {
                    initial = E::initial(self.address.key());
                    &initial
                };
                if !self.limits.verify {
                    return code(state, cx, input);
                }
                let before = json::encode(state);
                let answer = code(state, cx, input);
                if json::encode(state) == before { answer } else { Err(changed_by_read(operation.name)) }
            }
            Code::Detached(..) => unreachable!("`{}` is dispatched and never part of a run", operation.name),
        }
    }

    /// Encodes what the stretch has left behind.
    fn record(&mut self, stretch: &Stretch<E>, asked: &[Asked<'_>]) -> Result<(), Failure> {
        if !stretch.changed {
            return Ok(());
        }
        let Some(state) = &*self.state else {
            self.change = if self.existed { Change::Deleted } else { Change::None };
            return Ok(());
        };
        let after = asked.last().map_or("", |one| one.operation.as_str());
        let state = catch(|| encode_state(state.get::<E>(), after, self.limits)).flatten()?;
        self.change = Change::Put(state);
        Ok(())
    }
}

/// Refuses an answer that is too long.
pub(crate) fn check_answer(answer: Payload, limits: &RunLimits) -> Result<Payload, Failure> {
    let (bytes, bytes_max) = (answer.len(), limits.payload_bytes_max);
    if bytes > bytes_max {
        let message = format!(
            "the answer has {bytes} bytes, {bytes_max} are allowed: return less, or raise `payload_bytes_max`"
        );
        return Err(Failure::new(FailureKind::TooLarge, message));
    }
    Ok(answer)
}

pub(crate) fn changed_by_read(operation: &str) -> Failure {
    let message = format!("`{operation}` takes `&self` and changed the state: let it take `&mut self`");
    Failure::new(FailureKind::ChangedByRead, message)
}
