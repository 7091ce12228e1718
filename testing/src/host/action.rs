//! The next thing that a host does, chosen by its seed from all that could happen.

use super::{VirtualHost, commits::Failed, env::Env, process::Process};
use crate::World;
use sarsen_storage::Store;

/// Something that could happen next; a number is a shard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    TakeInside(usize),
    TakeOutside(usize),
    Turn(usize),
    Seal(usize),
    Receipt(usize),
    BeginCommit,
    ApplyCommit,
    FinishCommit,
    Release,
    ReadLoad,
    AnswerLoad,
    Errand,
    Work,
    Perform,
    Outdated,
    GoOnElsewhere,
    EndElsewhere,
    EndOutdated,
    Poll,
}

impl<S: Store> Process<S> {
    /// Adds all actions of the process that could happen, with their weights.
    pub(super) fn actions(&self, env: &Env<S>, actions: &mut Vec<(Action, u32)>) {
        let odds = &env.odds;
        let inner = self.front.inner();
        for (at, driver) in self.drivers.iter().enumerate() {
            let outside = inner.lanes[at].outside_len();
            if !driver.staged.is_empty() || inner.inside_len(at) > 0 {
                actions.push((Action::TakeInside(at), odds.take));
            }
            if outside > 0 && driver.shard.accepts_outside() {
                actions.push((Action::TakeOutside(at), odds.take));
            }
            if !driver.quiet {
                actions.push((Action::Turn(at), odds.turn));
            }
            if driver.shard.has_open_batch() {
                actions.push((Action::Seal(at), odds.seal));
            }
            if !driver.receipts.is_empty() {
                actions.push((Action::Receipt(at), odds.commit));
            }
        }
        match &self.commit {
            None if self.groups.waiting() > 0 => actions.push((Action::BeginCommit, odds.commit)),
            None => {}
            Some(commit) if commit.receipts.is_none() => actions.push((Action::ApplyCommit, odds.commit)),
            Some(_) => actions.push((Action::FinishCommit, odds.commit)),
        }
        let others = [
            (Action::Release, self.leaving.len(), odds.release),
            (Action::ReadLoad, self.loads.unread(), odds.read),
            (Action::AnswerLoad, self.loads.read(), odds.answer),
            (Action::Errand, inner.errands.len(), odds.read),
            (Action::Work, self.work.woken(), odds.work),
            (Action::Perform, self.work.answers(inner.clock.elapsed(), env.calm), odds.perform),
            (Action::Outdated, self.outdated_len(env), odds.perform),
            (Action::GoOnElsewhere, self.elsewhere.woken(), odds.work),
            (Action::EndElsewhere, self.elsewhere.outcomes(inner.clock.elapsed(), env.calm), odds.perform),
            (Action::EndOutdated, self.outdated_outcomes_len(env), odds.perform),
        ];
        actions.extend(
            others.into_iter().filter(|other| other.1 > 0).map(|(action, _, weight)| (action, weight)),
        );
    }
}

impl<W: World> VirtualHost<W> {
    /// Chooses and does one thing. Returns whether there was any but to wait.
    pub(super) fn act(&mut self) -> bool {
        let Some(process) = &self.process else { return false };
        let mut actions = std::mem::take(&mut self.actions);
        actions.clear();
        process.actions(&self.env, &mut actions);
        if self.executor.woken() > 0 {
            actions.push((Action::Poll, self.env.odds.poll));
        }
        let chosen = self.env.random.weighted(actions.iter().map(|(_, weight)| *weight));
        let action = chosen.map(|at| actions[at].0);
        self.actions = actions;
        let Some(action) = action else { return false };
        if self.perform(action) == Err(Failed) {
            self.fail();
        }
        true
    }

    fn perform(&mut self, action: Action) -> Result<(), Failed> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let env = &mut self.env;
        match action {
            Action::TakeInside(at) => process.take_inside(at, env),
            Action::TakeOutside(at) => process.take_outside(at, env),
            Action::Turn(at) => process.turn(at, env),
            Action::Seal(at) => process.seal(at, env),
            Action::Receipt(at) => process.hand_receipt(at, env),
            Action::BeginCommit => process.begin_commit(env),
            Action::ApplyCommit => {
                if !env.calm && env.random.one_in(env.odds.commit_fails_one_in) {
                    process.half_apply(env);
                    return Err(Failed);
                }
                process.apply_commit(env)?;
            }
            Action::FinishCommit => process.finish_commit(env),
            Action::Release => process.release(env),
            Action::ReadLoad => process.read_load(env).map_err(|_| Failed)?,
            Action::AnswerLoad => process.answer_load(env),
            Action::Errand => process.run_errand(env).map_err(|_| Failed)?,
            Action::Work => process.work(env),
            Action::Perform => process.perform(env),
            Action::Outdated => process.answer_outdated(env),
            Action::GoOnElsewhere => process.go_on_elsewhere(env),
            Action::EndElsewhere => process.end_elsewhere(env),
            Action::EndOutdated => process.end_outdated(env),
            Action::Poll => self.executor.poll(false, &mut env.random, &mut env.situations),
        }
        Ok(())
    }
}
