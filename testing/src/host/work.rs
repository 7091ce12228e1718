//! Activities: the real handlers, their futures polled and their answers given where the seed chooses.

use super::{env::Env, process::Process};
use crate::{Fault, Random, Situation, Situations, executor::Executor};
use sarsen_engine::Input;
use sarsen_protocol::{Failure, FailureKind, RunId, Task, TaskToken};
use sarsen_runtime::gate::{ANY_ACTIVITY, ActivityHandler, Canceller, Gate, Performance, Performed};
use sarsen_storage::Store;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

/// The longest that an answer is kept back.
const LATE_MILLIS_MAX: usize = 5_000;
/// So many tokens of earlier processes are kept.
const OUTDATED_MAX: usize = 8;

type Outcome = Performed;

/// An activity that was handed out and has not answered.
#[derive(Debug)]
struct Job {
    run: RunId,
    stage: Rc<Cell<Stage>>,
    canceller: Option<Canceller>,
    /// Whether its run is over, or it was cancelled.
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Begun,
    TakenBack,
}

/// The answer of an activity.
#[derive(Debug)]
struct Answer {
    token: TaskToken,
    outcome: Outcome,
    /// Not before so much time has passed.
    not_before: Duration,
    /// Not before the host is calm.
    never: bool,
    /// Whether it is the second one.
    again: bool,
}

impl Answer {
    fn is_ready(&self, now: Duration, calm: bool) -> bool {
        self.not_before <= now && (calm || !self.never)
    }
}

/// The activities of a process.
#[derive(Debug, Default)]
pub(super) struct Work {
    executor: Executor,
    jobs: BTreeMap<TaskToken, Job>,
    /// Where the futures put what they come to.
    done: Rc<RefCell<Vec<(TaskToken, Outcome)>>>,
    answers: Vec<Answer>,
    /// For [`Fault::PerformEarly`]: what has begun too early.
    early: Vec<TaskToken>,
}

impl Work {
    /// Activities that have not answered.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Activities whose futures were woken.
    pub(super) fn woken(&self) -> usize {
        self.executor.woken()
    }

    /// Answers that may be given now.
    pub(super) fn answers(&self, now: Duration, calm: bool) -> usize {
        self.answers.iter().filter(|answer| answer.is_ready(now, calm)).count()
    }

    /// The time until another answer may be given.
    pub(super) fn next_answer(&self, now: Duration) -> Option<Duration> {
        let waiting = self.answers.iter().filter(|answer| !answer.never && answer.not_before > now);
        waiting.map(|answer| answer.not_before.saturating_sub(now)).min()
    }

    /// Notes that the results of a run's activities are of no more use.
    pub(super) fn run_ended(&mut self, run: &RunId) {
        for job in self.jobs.values_mut().filter(|job| job.run == *run) {
            job.over = true;
        }
    }

    fn spawn(&mut self, handler: &Arc<dyn ActivityHandler>, gate: Arc<dyn Gate>, task: Task) {
        let (token, run) = (task.token, task.run.clone());
        let (performance, canceller) = Performance::new(Arc::clone(handler), gate, task);
        let stage = Rc::new(Cell::new(Stage::Waiting));
        let (done, seen) = (Rc::clone(&self.done), Rc::clone(&stage));
        let work = async move {
            if seen.get() == Stage::Waiting {
                seen.set(Stage::Begun);
                let outcome = performance.await;
                done.borrow_mut().push((token, outcome));
            }
        };
        self.executor.spawn(work, None);
        self.jobs.insert(token, Job { run, stage, canceller: Some(canceller), over: false });
    }

    fn poll(&mut self, random: &mut Random, situations: &mut Situations) -> Vec<(TaskToken, Outcome)> {
        self.executor.poll(false, random, situations);
        self.done.take()
    }

    /// Takes one of the answers that may be given.
    fn take(&mut self, now: Duration, calm: bool, random: &mut Random) -> Option<Answer> {
        let ready = self.answers(now, calm);
        let chosen = random.below(ready.max(1));
        let mut places =
            (0..self.answers.len()).filter(|at| self.answers[*at].is_ready(now, calm)).skip(chosen);
        let at = places.next()?;
        Some(self.answers.swap_remove(at))
    }
}

/// What has failed, and has said nothing of how far it had got.
fn failed(failure: Failure) -> Outcome {
    Performed { result: Err(failure), progress: None }
}

/// A failure that the host has made up.
fn made_up(what: &str) -> Failure {
    Failure::new(FailureKind::Panicked, format!("made up by the host: {what}"))
}

impl<S: Store> Process<S> {
    /// An activity is handed out.
    pub(super) fn begin(&mut self, task: Task, env: &mut Env<S>) {
        let early = self.work.early.iter().position(|token| *token == task.token);
        if let Some(early) = early {
            self.work.early.swap_remove(early);
            return;
        }
        if env.fault == Some(Fault::PerformEarly) && !self.is_durable(&task) {
            self.work.early.push(task.token);
        }
        env.note(|| format!("hand out {}({:?}) of {}, {:?}", task.name, task.input, task.run, task.token));
        let handler = env.activities.get(task.name.as_str()).or_else(|| env.activities.get(ANY_ACTIVITY));
        let Some(handler) = handler.cloned() else {
            let failure = Failure::new(FailureKind::UnknownActivity, "the host does not know it");
            self.give(task.token, failed(failure), env);
            return;
        };
        env.observer.performing(&task, &self.store);
        let gate: Arc<dyn Gate> = Arc::clone(&self.front) as Arc<dyn Gate>;
        self.work.spawn(&handler, gate, task);
    }

    /// Whether the row of a task is there.
    fn is_durable(&self, task: &Task) -> bool {
        let rows = crate::rows(&*self.store, sarsen_protocol::Keyspace::Tasks).unwrap_or_default();
        let execution = task.execution.unique().to_be_bytes();
        let command = u64::from(task.token.command.0).to_be_bytes();
        rows.iter().any(|row| row.key.ends_with(&command) && row.key[3..10] == execution[1..])
    }

    /// The result of an activity is of no more use.
    pub(super) fn cancel(&mut self, token: TaskToken, env: &mut Env<S>) {
        let Some(job) = self.work.jobs.get_mut(&token) else { return };
        env.note(|| format!("cancel {token:?}"));
        env.count(Situation::TaskCancelled);
        job.over = true;
        if let Some(canceller) = job.canceller.take() {
            canceller.cancel();
        }
        if job.stage.get() == Stage::Waiting && env.random.one_in(2) {
            job.stage.set(Stage::TakenBack);
            env.count(Situation::TaskTakenBack);
            self.work.jobs.remove(&token);
        }
    }

    /// Lets one of the activities go on.
    pub(super) fn work(&mut self, env: &mut Env<S>) {
        for (token, outcome) in self.work.poll(&mut env.random, &mut env.situations) {
            env.note(|| format!("{token:?} comes to {outcome:?}"));
            let outcome = if !env.calm && env.random.one_in(env.odds.perform_fails_one_in) {
                env.count(Situation::TaskFailed);
                Performed { result: Err(made_up("it fails")), ..outcome }
            } else {
                outcome
            };
            self.keep(token, outcome, env);
        }
    }

    /// Keeps an answer until it is given, which may be much later or never.
    fn keep(&mut self, token: TaskToken, outcome: Outcome, env: &mut Env<S>) {
        let now = self.front.inner().clock.elapsed();
        let late = !env.calm && env.random.one_in(env.odds.perform_late_one_in);
        let late = if late { env.random.below(LATE_MILLIS_MAX) as u64 } else { 0 };
        let not_before = now + Duration::from_millis(late);
        let never = !env.calm && env.random.one_in(env.odds.perform_never_one_in);
        self.work.answers.push(Answer { token, outcome, not_before, never, again: false });
    }

    /// Gives one of the answers to its shard.
    pub(super) fn perform(&mut self, env: &mut Env<S>) {
        let now = self.front.inner().clock.elapsed();
        let Some(answer) = self.work.take(now, env.calm, &mut env.random) else { return };
        if env.strikes(Fault::LoseTaskAnswer) {
            self.work.jobs.remove(&answer.token);
            return;
        }
        let others = self.work.jobs.keys().find(|token| **token != answer.token).copied();
        if let Some(other) = others.filter(|_| env.strikes(Fault::AnswerTaskAsAnother)) {
            self.give(other, answer.outcome.clone(), env);
        }
        let job = self.work.jobs.remove(&answer.token);
        env.count(match job {
            _ if answer.again => Situation::TaskAnsweredTwice,
            Some(Job { over: true, .. }) => Situation::TaskAnsweredLate,
            _ => Situation::TaskPerformed,
        });
        if !answer.again && !env.calm && env.random.one_in(env.odds.perform_twice_one_in) {
            let outcome = failed(made_up("a second answer"));
            let again = Answer { outcome, never: false, again: true, ..answer };
            self.work.answers.push(again);
        }
        self.give(answer.token, answer.outcome, env);
    }

    fn give(&mut self, token: TaskToken, outcome: Outcome, env: &mut Env<S>) {
        env.note(|| format!("answer {token:?} with {outcome:?}"));
        let Performed { result, progress } = outcome;
        let shard = usize::from(self.slots.shard(token.slot).0);
        self.front.inner().push_inside(shard, Input::Performed { token, result, progress });
    }

    /// The places of tokens of earlier processes that may answer now: some at once, the others when their work has been
    /// handed out again.
    fn outdated(&self, env: &Env<S>) -> Vec<usize> {
        let work = |token: &TaskToken| (token.slot, token.execution, token.command);
        let again = |token: &TaskToken| self.work.jobs.keys().any(|other| work(other) == work(token));
        let ready = |token: &TaskToken| token.command.0.is_multiple_of(2) || again(token);
        let tokens = env.outdated.iter().enumerate();
        tokens.filter(|(_, token)| ready(token)).map(|(at, _)| at).collect()
    }

    /// How many tokens of earlier processes may answer now.
    pub(super) fn outdated_len(&self, env: &Env<S>) -> usize {
        if env.outdated.is_empty() { 0 } else { self.outdated(env).len() }
    }

    /// Answers by the token of an earlier process.
    pub(super) fn answer_outdated(&mut self, env: &mut Env<S>) {
        let ready = self.outdated(env);
        let chosen = env.random.below(ready.len().max(1));
        let Some(at) = ready.get(chosen) else { return };
        let token = env.outdated.swap_remove(*at);
        env.count(Situation::TokenOutdated);
        self.give(token, failed(made_up("an answer of an earlier process")), env);
    }

    /// The process ends: whatever has not answered will be handed out again.
    pub(super) fn lose_work(&mut self, env: &mut Env<S>) {
        for (token, job) in std::mem::take(&mut self.work.jobs) {
            env.count(Situation::TaskLost);
            if let Some(canceller) = job.canceller {
                canceller.cancel();
            }
            if env.outdated.len() < OUTDATED_MAX {
                env.outdated.push(token);
            }
        }
        self.work = Work::default();
        self.lose_elsewhere(env);
    }
}
