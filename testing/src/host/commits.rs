//! Sealing, grouping and committing, in steps between which anything may happen.

use super::{env::Env, process::Process};
use crate::{Fault, Situation};
use sarsen_engine::{Group, Sealed};
use sarsen_protocol::{Batch, Effect, Keyspace, Receipt};
use sarsen_storage::{Outcome, Store};

/// The most records of one step of a checkpoint.
const CHECKPOINT_ROWS_MAX: usize = 60;

/// A group on its way to the store.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) group: Group<Effect>,
    /// The store's word, once the group has been applied.
    pub(super) receipts: Option<Vec<Receipt>>,
}

/// The store has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

impl<S: Store> Process<S> {
    /// Seals a shard's open batch.
    pub(super) fn seal(&mut self, at: usize, env: &mut Env<S>) {
        let driver = &mut self.drivers[at];
        if driver.shard.is_batch_full() {
            env.count(Situation::FullBatch);
        }
        let Some(sealed) = driver.shard.seal() else { return };
        driver.sealed += 1;
        env.note(|| format!("seal a batch of shard {at}: {}", describe(&sealed)));
        if sealed.batch.is_none() {
            env.count(Situation::WritelessBatch);
        }
        let sealed = self.leak(sealed, env);
        self.groups.push(sealed);
        self.after_input(at, env);
    }

    /// For the faults that let effects of a batch out at once.
    fn leak(&mut self, sealed: Sealed<Effect>, env: &mut Env<S>) -> Sealed<Effect> {
        let faults = [Fault::EarlyEffects, Fault::PerformEarly, Fault::OperateEarly, Fault::RunEndedEarly];
        let Some(fault) = faults.into_iter().find(|fault| env.strikes(*fault)) else { return sealed };
        let mut leaked = Vec::new();
        let sealed = sealed.convert(|effect| {
            let leaks = match fault {
                Fault::PerformEarly => matches!(effect, Effect::Perform(_)),
                Fault::OperateEarly => matches!(effect, Effect::Operate(_)),
                Fault::RunEndedEarly => matches!(effect, Effect::RunEnded { .. }),
                _ => true,
            };
            leaked.extend(leaks.then(|| effect.clone()));
            effect
        });
        for effect in leaked {
            match effect {
                Effect::Operate(dispatch) => self.operate_early(*dispatch, env),
                effect => self.let_out(effect, env),
            }
        }
        sealed
    }

    /// Begins a commit of what was sealed.
    pub(super) fn begin_commit(&mut self, env: &mut Env<S>) {
        let Some(mut group) = self.groups.begin() else { return };
        env.note(|| format!("begin a commit of {} batches", group.batches.len()));
        count_group(&group.batches, env);
        for batch in &mut group.batches {
            lose_rows(batch, env);
        }
        self.commit = Some(Commit { group, receipts: None });
    }

    /// Has the store make the group durable.
    pub(super) fn apply_commit(&mut self, env: &mut Env<S>) -> Result<(), Failed> {
        let Some(commit) = &mut self.commit else { return Ok(()) };
        if commit.group.batches.is_empty() {
            commit.receipts = Some(Vec::new());
            return Ok(());
        }
        env.note(|| "apply the commit".to_owned());
        let mut receipts = Vec::new();
        for (lease, outcome) in self.store.commit(&commit.group.batches) {
            match outcome {
                Outcome::Durable(receipt) => receipts.push(receipt),
                Outcome::Fenced => panic!("slots {} were taken away", lease.slots),
                Outcome::Unknown(error) => {
                    env.note(|| format!("the commit failed: {error}"));
                    return Err(Failed);
                }
            }
        }
        for batch in &commit.group.batches {
            env.look(batch);
        }
        commit.receipts = Some(receipts);
        self.applied += 1;
        env.observer.committed(&self.store);
        self.checkpoint(env)
    }

    /// Now and then has the store do a part of what commits leave behind; one that leaves nothing draws nothing.
    fn checkpoint(&mut self, env: &mut Env<S>) -> Result<(), Failed> {
        if self.store.backlog() == 0 || !env.random.one_in(2) {
            return Ok(());
        }
        let rows_max = 1 + env.random.below(CHECKPOINT_ROWS_MAX);
        match self.store.checkpoint(rows_max) {
            Ok(progress) => {
                env.note(|| format!("a checkpoint of {rows_max} rows: {progress:?}"));
                Ok(())
            }
            Err(error) => {
                env.note(|| format!("the checkpoint failed: {error}"));
                Err(Failed)
            }
        }
    }

    /// Opens the effects of the group that was applied.
    pub(super) fn finish_commit(&mut self, env: &mut Env<S>) {
        let Some(Commit { group, receipts: Some(receipts) }) = self.commit.take() else { return };
        env.note(|| "finish the commit".to_owned());
        let finished = self.groups.finish(group, receipts);
        for receipt in finished.receipts {
            let mut drivers = self.drivers.iter_mut();
            if let Some(driver) = drivers.find(|driver| driver.lease == receipt.lease()) {
                driver.receipts.push_back(receipt);
            }
        }
        self.leaving.extend(finished.effects);
    }

    /// Hands a shard its next receipt.
    pub(super) fn hand_receipt(&mut self, at: usize, env: &mut Env<S>) {
        let Some(receipt) = self.drivers[at].receipts.pop_front() else { return };
        env.note(|| format!("tell shard {at} that batch {} is durable", receipt.number().0));
        self.drivers[at].shard.committed(&receipt);
        self.after_input(at, env);
    }
}

fn count_group<S>(batches: &[Batch], env: &mut Env<S>) {
    if batches.iter().any(|batch| batch.lease != batches[0].lease) {
        env.count(Situation::GroupOfShards);
    }
    let repeated =
        |(at, batch): (usize, &Batch)| batches[..at].iter().any(|other| other.lease == batch.lease);
    if batches.iter().enumerate().any(repeated) {
        env.count(Situation::GroupOfBatches);
    }
}

/// For [`Fault::LoseRows`] and [`Fault::KeepRows`]: takes away what a batch sets in one keyspace, or what it removes.
fn lose_rows<S>(batch: &mut Batch, env: &mut Env<S>) {
    for keyspace in Keyspace::ALL {
        if env.strikes(Fault::LoseRows(keyspace)) {
            batch.writes.retain(|write| write.keyspace != keyspace || write.value.is_none());
        }
        if env.strikes(Fault::KeepRows(keyspace)) {
            batch.writes.retain(|write| write.keyspace != keyspace || write.value.is_some());
        }
    }
}

fn describe(sealed: &Sealed<Effect>) -> String {
    let Some(batch) = &sealed.batch else { return format!("after {}, no writes", sealed.effects.after().0) };
    let writes: Vec<String> = batch
        .writes
        .iter()
        .map(|write| {
            let what = if write.value.is_some() { "set" } else { "remove" };
            format!("{what} {:?} {:?}", write.keyspace, write.key)
        })
        .collect();
    format!("number {}: {}", batch.number.0, writes.join(", "))
}
