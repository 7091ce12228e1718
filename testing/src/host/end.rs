//! How a process ends, and the next one begins.

use super::{VirtualHost, env::Env, process::Process};
use crate::{Crash, Situation, World};
use sarsen_protocol::{Effect, Keyspace, Row};
use sarsen_runtime::gate::Gate;
use sarsen_storage::Store;

impl<S: Store> Process<S> {
    /// Ends a commit that fails: what it wrote may be there all the same.
    pub(super) fn half_apply(&mut self, env: &mut Env<S>) {
        if env.random.one_in(2) {
            // Its outcome is what nobody learns.
            let _ = self.apply_commit(env);
        }
    }

    /// What a crash does to a group that is in commit.
    fn crash_commit(&mut self, crash: Crash, env: &mut Env<S>) {
        let Some(commit) = &self.commit else { return };
        if commit.receipts.is_some() {
            env.count(Situation::CrashAfterCommitUnheard);
            return;
        }
        let stays = match crash {
            Crash::Kill => true,
            Crash::Power => env.random.one_in(2),
        };
        if stays {
            let _ = self.apply_commit(env);
        } else if !commit.group.batches.is_empty() {
            env.count(Situation::CrashLostGroup);
        }
    }

    /// Whether what the process before has left is not taken up yet.
    pub(super) fn is_recovering(&self) -> bool {
        self.loads.is_recovering()
    }

    /// Lets out what is durable, and tells the others that the process has stopped.
    fn stop(&mut self, env: &mut Env<S>) {
        while let Some(effect) = self.leaving.pop_front() {
            if let Effect::Reply(_) | Effect::RunEnded { .. } = effect {
                self.let_out(effect, env);
            }
        }
        let group = self.commit.take().map(|commit| commit.group);
        let abandoned = self.groups.abandon(group);
        self.stop_callers(abandoned, env);
        self.front.run_ends().stop();
        self.lose_work(env);
    }
}

impl<W: World> VirtualHost<W> {
    /// Ends the process without a word and opens the next: futures are dropped, and with them what waits.
    pub fn crash(&mut self, crash: Crash) {
        self.env.count(match crash {
            Crash::Kill => Situation::CrashKill,
            Crash::Power => Situation::CrashPower,
        });
        if let Some(process) = &mut self.process {
            if process.is_recovering() {
                self.env.count(Situation::CrashInRecovery);
            }
            process.crash_commit(crash, &mut self.env);
            process.lose_work(&mut self.env);
        }
        self.env.note(|| format!("crash: {crash:?}"));
        self.executor.drop_all();
        self.world.crash(crash, &mut self.env.random);
        self.reopen();
    }

    /// The store has failed: the process stops, its callers learn so, and the next one opens.
    pub(super) fn fail(&mut self) {
        self.env.count(Situation::CommitFailed);
        self.env.note(|| "the store has failed: stop".to_owned());
        let crash = self.env.random.pick(&[Crash::Kill, Crash::Power]);
        if let Some(process) = &mut self.process {
            process.stop(&mut self.env);
        }
        self.world.crash(crash, &mut self.env.random);
        self.reopen();
    }

    /// Opens a process, again and again until none of the crashes on the way prevents it.
    pub(super) fn reopen(&mut self) {
        let earlier = self.process.take();
        if let Some(earlier) = &earlier {
            self.env.clock = earlier.front.inner().clock.of_next_process();
        }
        let front = earlier.map(|earlier| earlier.front.clone());
        loop {
            match Process::open(&mut self.world, front.as_deref(), &mut self.env) {
                Ok(process) => {
                    self.env.observer.opened(&process.store);
                    self.process = Some(process);
                    self.restarts += 1;
                    return;
                }
                Err(error) => {
                    self.env.note(|| format!("not opened: {error}"));
                    self.env.count(Situation::CrashInRecovery);
                    let crash = self.env.random.pick(&[Crash::Kill, Crash::Power]);
                    self.world.crash(crash, &mut self.env.random);
                }
            }
        }
    }

    /// Closes the store in good order and opens the next process, once nothing is pending.
    pub fn restart(&mut self) {
        self.settle();
        self.env.note(|| "restart".to_owned());
        self.env.count(Situation::Restarted);
        if let Some(process) = &mut self.process {
            process.stop(&mut self.env);
        }
        self.reopen();
    }

    /// The durable rows of a keyspace, for those who compare.
    ///
    /// # Panics
    /// If the store cannot be read.
    pub fn rows(&self, keyspace: Keyspace) -> Vec<Row> {
        crate::rows(&*self.running().store, keyspace).expect("the store of a running process can be read")
    }
}
