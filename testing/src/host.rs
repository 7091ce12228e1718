//! The virtual host: threads, a clock and files that exist in a test's imagination only.

mod action;
mod awaited;
mod builder;
mod commits;
mod effects;
mod elsewhere;
mod end;
mod env;
mod front;
mod loads;
mod process;
mod rest;
mod sight;
mod turns;
mod work;

pub use builder::Builder;

use crate::{Crash, Fault, MemoryWorld, Odds, Random, Situation, Situations, World, executor::Executor};
use action::Action;
use env::Env;
use process::Process;
use sarsen_protocol::{Address, Timestamp};
use sarsen_runtime::{Client, Stats};
use std::{future::Future, sync::Arc, time::Duration};

/// A host without threads, clock and files: the runtime's parts, driven in an order that a seed chooses.
///
/// Entities, client and engine are the real ones. What the operating system would decide is decided by the seed: which
/// shard runs when, when a commit is begun and when it is done, which load is answered late, which entity leaves
/// memory, which activity goes on and which answers. Time passes only when the test says so, or when nothing else can happen. A failure repeats with its seed.
///
/// Futures are polled by the host alone: hand them to [`run`](Self::run) or [`spawn`](Self::spawn).
#[derive(Debug)]
pub struct VirtualHost<W: World = MemoryWorld> {
    world: W,
    process: Option<Process<W::Store>>,
    executor: Executor,
    env: Env<W::Store>,
    restarts: u64,
    /// Where the next choice is collected.
    actions: Vec<(Action, u32)>,
}

impl VirtualHost {
    /// A host over a store in memory, to be given its entities.
    pub fn builder() -> Builder<MemoryWorld> {
        Builder::new(MemoryWorld::new())
    }
}

impl<W: World> VirtualHost<W> {
    /// A client of the running process. After a crash or restart, ask for another: this one answers `Stopped`.
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(&self.running().front) as Arc<dyn sarsen_runtime::gate::Gate>)
    }

    fn running(&self) -> &Process<W::Store> {
        self.process.as_ref().expect("a host always has a process")
    }

    /// Adds a future, polled where the seed chooses. A crash drops it.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        self.executor.spawn(future, None);
    }

    /// As [`spawn`](Self::spawn), and drops the future instead of polling it once more than `polls` times.
    pub fn spawn_and_drop(&mut self, future: impl Future<Output = ()> + 'static, polls: u32) {
        self.executor.spawn(future, Some(polls));
    }

    /// Does up to `count` things, or as many as there are.
    pub fn act_times(&mut self, count: usize) {
        for _ in 0..count {
            self.disturb();
            if !self.act() {
                return;
            }
        }
    }

    /// Does one thing of all that may happen, crashes and the like included as the [`Odds`] say.
    pub fn step(&mut self) {
        if self.disturb() {
            return;
        }
        let Env { odds, random, situations, .. } = &mut self.env;
        if random.one_in(odds.poll_idle_one_in) {
            self.executor.poll(true, random, situations);
        } else if random.one_in(odds.wait_one_in) || !self.act() {
            self.pass_some();
        }
    }

    /// Something that nobody asked for. Returns whether the process ended.
    fn disturb(&mut self) -> bool {
        let Env { odds, random, calm, known, .. } = &mut self.env;
        if *calm {
            return false;
        }
        let times = if self.process.as_ref().is_some_and(Process::is_recovering) { 4 } else { 1 };
        let crash = odds.crash_one_in != 0 && random.one_in((odds.crash_one_in / times).max(1));
        let restart = random.one_in(odds.restart_one_in);
        let jump = random.one_in(odds.jump_one_in);
        let evict = !known.is_empty() && random.one_in(odds.evict_one_in);
        if crash {
            let crash = random.pick(&[Crash::Kill, Crash::Power]);
            self.crash(crash);
            return true;
        }
        if restart {
            self.restart();
            return true;
        }
        if jump {
            self.jump();
        }
        self.evict_some(evict);
        false
    }

    /// Evicts one of the entities that the host has heard of, or all.
    fn evict_some(&mut self, one: bool) {
        let Some(process) = &mut self.process else { return };
        let known = std::mem::take(&mut self.env.known);
        if self.env.odds.evict_at_once {
            for address in &known {
                process.evict(address, &mut self.env);
            }
        } else if one {
            let at = self.env.random.below(known.len());
            process.evict(&known[at], &mut self.env);
        }
        self.env.known = known;
    }

    /// Takes an entity or a run out of memory if it may leave: nothing that it could do now is left, and nothing of it is
    /// uncommitted. Returns whether it left.
    pub fn evict(&mut self, address: &Address) -> bool {
        let Some(process) = &mut self.process else { return false };
        process.evict(address, &mut self.env)
    }

    /// Lets the next effect of a durable batch out, whatever the odds.
    pub fn release_one(&mut self) {
        if let Some(process) = &mut self.process {
            process.release(&mut self.env);
        }
    }

    /// Moves the wall's clock by up to a minute.
    fn jump(&mut self) {
        let by = Duration::from_millis(self.env.random.below(60_000) as u64);
        let forward = self.env.random.one_in(2);
        self.env.note(|| format!("the clock jumps {} by {by:?}", if forward { "ahead" } else { "back" }));
        let front = Arc::clone(&self.running().front);
        if forward {
            front.inner().clock.jump_forward(by);
        } else {
            front.inner().clock.jump_back(by);
        }
        self.env.count(if forward { Situation::ClockForward } else { Situation::ClockBack });
    }

    /// Lets some time pass: until the next thing happens, or less. Not hours: what is due then would come as often as
    /// what is due now.
    fn pass_some(&mut self) {
        const MOST: Duration = Duration::from_secs(5);
        let some = Duration::from_micros(self.env.random.below(2_000) as u64);
        let next = self.next_event().unwrap_or(some).min(MOST);
        let time = if self.env.random.one_in(2) { next } else { some.min(next) };
        self.pass(time);
    }

    /// What the wall's clock shows.
    pub fn now(&self) -> Timestamp {
        self.running().now()
    }

    /// What outlives the process.
    pub fn world(&self) -> &W {
        &self.world
    }

    /// How many futures are not done.
    pub fn futures(&self) -> usize {
        self.executor.len()
    }

    /// How many callers wait for a shard's answer.
    pub fn callers(&self) -> usize {
        self.running().callers.len()
    }

    /// How many activities have been handed out and have not answered.
    pub fn activities(&self) -> usize {
        self.running().work.len()
    }

    /// How many operations run off their shards and have not answered.
    pub fn operations(&self) -> usize {
        self.running().elsewhere.len()
    }

    /// How many requests wait in the lanes.
    pub fn in_lanes(&self) -> usize {
        self.running().front.inner().lanes.iter().map(sarsen_engine::Lanes::outside_len).sum()
    }

    /// How often a process was opened.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// What is in the process.
    pub fn stats(&self) -> Stats {
        self.running().stats()
    }

    /// Whether nothing waits in any shard, and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.running().drivers.iter().all(|driver| driver.shard.is_idle())
    }

    /// Where the process stands, a line a shard and a caller, for the report of a failure.
    pub fn describe(&self) -> Vec<String> {
        let process = self.running();
        let describe = |(at, driver): (usize, &process::Driver)| {
            let shard = &driver.shard;
            format!(
                "shard {at}: recovered {}, idle {}, accepts outside {}, open batch {}, full {}, next turn {:?}",
                shard.is_recovered(),
                shard.is_idle(),
                shard.accepts_outside(),
                shard.has_open_batch(),
                shard.is_batch_full(),
                shard.next_turn(),
            )
        };
        let waiting =
            process.callers.requests().map(|request| format!("waits for {}", effects::describe(request)));
        process.drivers.iter().enumerate().map(describe).chain(waiting).collect()
    }

    /// What happened so far.
    pub fn situations(&self) -> &Situations {
        &self.env.situations
    }

    /// The source of the host's choices, for a test that makes some itself.
    pub fn random(&mut self) -> &mut Random {
        &mut self.env.random
    }

    /// How often the host does what.
    pub fn odds(&mut self) -> &mut Odds {
        &mut self.env.odds
    }

    /// From now on nothing goes wrong: no crash, no failed commit, no jump, no fault. Futures that are to be dropped
    /// are dropped now.
    pub fn calm(&mut self) {
        self.env.calm = true;
        self.executor.drop_early(&mut self.env.situations);
    }

    /// Makes the host do something wrong now and then.
    pub fn arm(&mut self, fault: Fault) {
        self.env.fault = Some(fault);
    }

    /// Keeps a trace from now on.
    pub fn trace(&mut self) {
        self.env.trace.begin();
    }

    /// What the host did, if a trace is kept.
    pub fn lines(&self) -> Vec<String> {
        self.env.trace.lines()
    }

    /// Adds a line to the trace.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.env.note(line);
    }
}

#[cfg(test)]
mod tests;
