//! Operations that run off their shards: the real code, its futures polled and its outcomes given where the seed chooses.

use super::{env::Env, process::Process};
use crate::{Random, Situation, Situations, executor::Executor};
use sarsen_engine::Input;
use sarsen_entities::Ended;
use sarsen_protocol::{Dispatch, DispatchToken, Failure, FailureKind};
use sarsen_runtime::gate::{Canceller, Gate, Operating};
use sarsen_storage::Store;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};

/// The longest that an outcome is kept back.
const LATE_MILLIS_MAX: usize = 5_000;
/// So many outcomes of earlier processes are kept.
const OUTDATED_MAX: usize = 8;
/// How often the futures of a process that ends are polled at most, for outcomes that come too late.
const LAST_POLLS: usize = 64;

/// The outcome of an operation.
#[derive(Debug)]
struct Outcome {
    token: DispatchToken,
    ended: Ended,
    /// Not before so much time has passed.
    not_before: Duration,
    /// Not before the host is calm.
    never: bool,
    /// Whether it is the second one.
    again: bool,
}

impl Outcome {
    fn is_ready(&self, now: Duration, calm: bool) -> bool {
        self.not_before <= now && (calm || !self.never)
    }
}

/// The operations of a process that run off their shards.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    executor: Executor,
    /// What cancels those that have not answered, unless they were told so.
    jobs: BTreeMap<DispatchToken, Option<Canceller>>,
    /// Where the futures put what they come to.
    done: Rc<RefCell<Vec<(DispatchToken, Ended)>>>,
    outcomes: Vec<Outcome>,
    /// For [`Fault::OperateEarly`](crate::Fault::OperateEarly): what has begun too early.
    early: Vec<DispatchToken>,
}

impl Elsewhere {
    /// Operations that have not answered.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Operations that were cancelled and have not answered.
    pub(super) fn overrun(&self) -> u64 {
        self.jobs.values().filter(|canceller| canceller.is_none()).map(|_| 1).sum()
    }

    /// Operations whose futures were woken.
    pub(super) fn woken(&self) -> usize {
        self.executor.woken()
    }

    /// Outcomes that may be given now.
    pub(super) fn outcomes(&self, now: Duration, calm: bool) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_ready(now, calm)).count()
    }

    /// The time until another outcome may be given.
    pub(super) fn next_outcome(&self, now: Duration) -> Option<Duration> {
        let waiting = self.outcomes.iter().filter(|outcome| !outcome.never && outcome.not_before > now);
        waiting.map(|outcome| outcome.not_before.saturating_sub(now)).min()
    }

    fn spawn(&mut self, gate: Arc<dyn Gate>, dispatch: Dispatch) {
        let (token, done) = (dispatch.token, Rc::clone(&self.done));
        let (operating, canceller) = Operating::new(gate, dispatch);
        let work = async move {
            let ended = operating.await;
            done.borrow_mut().push((token, ended));
        };
        self.executor.spawn(work, None);
        self.jobs.insert(token, Some(canceller));
    }

    fn poll(&mut self, random: &mut Random, situations: &mut Situations) -> Vec<(DispatchToken, Ended)> {
        self.executor.poll(false, random, situations);
        self.done.take()
    }

    /// Takes one of the outcomes that may be given.
    fn take(&mut self, now: Duration, calm: bool, random: &mut Random) -> Option<Outcome> {
        let chosen = random.below(self.outcomes(now, calm).max(1));
        let mut places =
            (0..self.outcomes.len()).filter(|at| self.outcomes[*at].is_ready(now, calm)).skip(chosen);
        let at = places.next()?;
        Some(self.outcomes.swap_remove(at))
    }
}

impl<S: Store> Process<S> {
    /// An operation is to run.
    pub(super) fn operate(&mut self, dispatch: Dispatch, env: &mut Env<S>) {
        let token = dispatch.token;
        if let Some(early) = self.elsewhere.early.iter().position(|early| *early == token) {
            self.elsewhere.early.swap_remove(early);
            return;
        }
        env.note(|| {
            let Dispatch { operation, input, address, .. } = &dispatch;
            format!("run {operation}({input:?}) of {address} elsewhere, {token:?}")
        });
        env.observer.operating(&dispatch, &self.store);
        let gate: Arc<dyn Gate> = Arc::clone(&self.front) as Arc<dyn Gate>;
        self.elsewhere.spawn(gate, dispatch);
    }

    /// For [`Fault::OperateEarly`](crate::Fault::OperateEarly): an operation runs when its batch is sealed, and not again when it is durable.
    pub(super) fn operate_early(&mut self, dispatch: Dispatch, env: &mut Env<S>) {
        let token = dispatch.token;
        self.operate(dispatch, env);
        self.elsewhere.early.push(token);
    }

    /// The outcome of an operation is of no more use.
    pub(super) fn cancel_operation(&mut self, token: DispatchToken, env: &mut Env<S>) {
        env.note(|| format!("cancel {token:?}"));
        env.count(Situation::OperationTimedOut);
        if let Some(canceller) = self.elsewhere.jobs.get_mut(&token).and_then(Option::take) {
            canceller.cancel();
        }
    }

    /// Lets one of the operations go on.
    pub(super) fn go_on_elsewhere(&mut self, env: &mut Env<S>) {
        let now = self.front.inner().clock.elapsed();
        for (token, ended) in self.elsewhere.poll(&mut env.random, &mut env.situations) {
            env.note(|| format!("{token:?} comes to {ended:?}"));
            let late = !env.calm && env.random.one_in(env.odds.perform_late_one_in);
            let late = if late { env.random.below(LATE_MILLIS_MAX) as u64 } else { 0 };
            let not_before = now + Duration::from_millis(late);
            let never = !env.calm && env.random.one_in(env.odds.perform_never_one_in);
            self.elsewhere.outcomes.push(Outcome { token, ended, not_before, never, again: false });
        }
    }

    /// Gives one of the outcomes to its shard.
    pub(super) fn end_elsewhere(&mut self, env: &mut Env<S>) {
        let now = self.front.inner().clock.elapsed();
        let Some(outcome) = self.elsewhere.take(now, env.calm, &mut env.random) else { return };
        let Outcome { token, ended, not_before, again, .. } = outcome;
        let job = self.elsewhere.jobs.remove(&token);
        env.count(match job {
            _ if again => Situation::OperationAnsweredTwice,
            Some(None) => Situation::OperationAnsweredLate,
            _ => Situation::OperationEnded,
        });
        if !again && !env.calm && env.random.one_in(env.odds.perform_twice_one_in) {
            let failure = Failure::new(FailureKind::Panicked, "made up by the host: a second outcome");
            let ended = Ended::failed(failure);
            self.elsewhere.outcomes.push(Outcome { token, ended, not_before, never: false, again: true });
        }
        self.give_outcome(token, ended, env);
    }

    fn give_outcome(&mut self, token: DispatchToken, ended: Ended, env: &mut Env<S>) {
        env.note(|| format!("end {token:?} with {ended:?}"));
        let shard = usize::from(self.slots.shard(token.slot).0);
        self.front.inner().push_inside(shard, Input::Operated { token, ended: Box::new(ended) });
    }

    /// The places of outcomes of earlier processes that may be given now: when an operation runs whose number is the same.
    fn outdated_outcomes(&self, env: &Env<S>) -> Vec<usize> {
        let place = |token: &DispatchToken| (self.slots.shard(token.slot), token.number);
        let meets = |token: &DispatchToken| self.elsewhere.jobs.keys().any(|job| place(job) == place(token));
        let outcomes = env.outdated_outcomes.iter().enumerate();
        outcomes.filter(|(_, (token, _))| meets(token)).map(|(at, _)| at).collect()
    }

    /// How many outcomes of earlier processes may be given now.
    pub(super) fn outdated_outcomes_len(&self, env: &Env<S>) -> usize {
        if env.outdated_outcomes.is_empty() { 0 } else { self.outdated_outcomes(env).len() }
    }

    /// Gives the outcome of an operation of an earlier process: as it was, or another, since the operation that runs under
    /// its number is mostly the same one again.
    pub(super) fn end_outdated(&mut self, env: &mut Env<S>) {
        let ready = self.outdated_outcomes(env);
        let chosen = env.random.below(ready.len().max(1));
        let Some(at) = ready.get(chosen) else { return };
        let (token, ended) = env.outdated_outcomes.swap_remove(*at);
        env.count(Situation::OutcomeOutdated);
        let made_up = env.random.one_in(2).then(|| {
            let what = "made up by the host: an outcome of an earlier process";
            Ended::failed(Failure::new(FailureKind::Panicked, what))
        });
        self.give_outcome(token, made_up.unwrap_or(ended), env);
    }

    /// The process ends: whatever has not answered runs again, and some of it answers too late.
    pub(super) fn lose_elsewhere(&mut self, env: &mut Env<S>) {
        let mut lost = std::mem::take(&mut self.elsewhere);
        for canceller in lost.jobs.values_mut().filter_map(Option::take) {
            env.count(Situation::OperationLost);
            canceller.cancel();
        }
        if lost.jobs.is_empty() {
            return;
        }
        for _ in 0..LAST_POLLS {
            if lost.executor.woken() == 0 {
                break;
            }
            lost.executor.poll(false, &mut env.random, &mut env.situations);
        }
        let given = lost.outcomes.into_iter().filter(|outcome| !outcome.again);
        let given = given.map(|outcome| (outcome.token, outcome.ended)).chain(lost.done.take());
        for late in given {
            if env.outdated_outcomes.len() < OUTDATED_MAX {
                env.outdated_outcomes.push(late);
            }
        }
    }
}
