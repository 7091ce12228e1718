//! What happens to one shard: inputs, requests, turns, time.

use super::{env::Env, front::Errand, process::Process};
use crate::{Fault, Situation};
use sarsen_engine::Input;
use sarsen_protocol::{Address, Timestamp};
use sarsen_runtime::Stats;
use sarsen_storage::{Error, Store};
use std::time::Duration;

impl<S: Store> Process<S> {
    /// Hands a shard some of what waits in its inside lane.
    pub(super) fn take_inside(&mut self, at: usize, env: &mut Env<S>) {
        let taken = self.front.inner().take_inside(at);
        self.drivers[at].staged.extend(taken);
        for _ in 0..env.random.between(1, env.odds.take_max) {
            let Some(input) = self.drivers[at].staged.pop_front() else { break };
            if let Input::Delivered(delivery) = &input {
                match &delivery.message {
                    Some(message) => env.know(&message.to),
                    None => env.count(Situation::BodyDropped),
                }
                env.note(|| format!("shard {at} takes {delivery:?}"));
                env.observer.delivering(delivery);
            }
            let now = self.now();
            self.drivers[at].shard.handle(input, now);
            self.after_input(at, env);
        }
    }

    /// Hands a shard some of its clients' requests.
    pub(super) fn take_outside(&mut self, at: usize, env: &mut Env<S>) {
        let count = env.random.between(1, env.odds.take_max);
        let mut taken: Vec<_> = self.front.inner().lanes[at].take_outside(count).collect();
        if taken.len() > 1 && env.strikes(Fault::SwapRequests) {
            taken.swap(0, 1);
        }
        for asked in taken {
            self.ask(at, asked, env);
        }
    }

    /// Runs a turn of a shard.
    pub(super) fn turn(&mut self, at: usize, env: &mut Env<S>) {
        let now = self.now();
        let told = if env.strikes(Fault::FastClock) { now.after(Duration::from_secs(1)) } else { now };
        let driver = &mut self.drivers[at];
        let worked = driver.shard.turn(told);
        if !driver.shard.accepts_outside() {
            env.count(Situation::OutsideHeldBack);
        }
        let latest = self.front.inner().clock.latest();
        env.observer.turned(latest);
        self.after_input(at, env);
        self.drivers[at].quiet = !worked;
        env.note(|| format!("a turn of shard {at}{}", if worked { "" } else { ", nothing to do" }));
    }

    /// The earliest moment at which a shard has something to do without an input.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.drivers.iter().filter_map(|driver| driver.shard.next_deadline()).min()
    }

    /// Time has passed: shards may have something to do.
    pub(super) fn pass(&mut self, time: Duration) {
        self.front.inner().pass(time);
        for driver in &mut self.drivers {
            driver.quiet = false;
        }
    }

    /// Answers something that clients asked of the process as a whole.
    pub(super) fn run_errand(&mut self, env: &mut Env<S>) -> Result<(), Error> {
        let errand = {
            let mut inner = self.front.inner();
            let chosen = env.random.below(inner.errands.len());
            inner.errands.swap_remove(chosen)
        };
        match errand {
            Errand::Read(reads, owed) => {
                env.count(Situation::ListedLater);
                owed.pay(Ok(self.store.read(&reads)?));
            }
            Errand::Stats(owed) => owed.pay(Ok(self.stats())),
        }
        Ok(())
    }

    /// What is in the process.
    pub(super) fn stats(&self) -> Stats {
        let shards = self.drivers.iter().map(|driver| driver.shard.stats());
        let mut stats = Stats::sum(shards, self.store.counters());
        stats.operations_overrun = self.elsewhere.overrun();
        stats
    }

    /// Evicts an entity or a run if it may leave. Returns whether it left.
    pub(super) fn evict(&mut self, address: &Address, env: &mut Env<S>) -> bool {
        let shard = usize::from(self.slots.shard(address.slot()).0);
        let left = self.drivers[shard].shard.evict(address);
        if left {
            let waits = address.as_run().is_some_and(|run| env.sight.is_under_way(&run));
            env.count(if waits { Situation::ExecutionEvicted } else { Situation::Evicted });
            env.note(|| format!("evict {address}"));
        }
        left
    }
}
