//! The thread of a shard.
//!
//! A round takes what has come in, runs ready turns for a bounded time, hands out what the shard asks for, and seals
//! the open batch when the store is free. So two entities that signal each other for ever do not keep others from
//! their acknowledgements. A driver never waits for anybody while it has something to do.

use crate::{
    clock,
    doorway::{Report, Stage, Taken, Wants},
    outward::Outward,
    waiters::Waiters,
    works::Works,
};
use sarsen_engine::{Input, Sealed, Shard, ShardConfig};
use sarsen_protocol::{Effect, Reply, SessionId, ShardId, Timestamp};
use sarsen_storage::Store;
use std::{
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a round's turns run.
const ROUND: Duration = Duration::from_millis(1);

/// How many requests of clients a shard is handed in a round, so that it can say in time that it has enough.
const HANDED_MAX: usize = 1024;

/// The largest batch, in effects and in writes, that a driver commits itself. Beyond it the way to the commit
/// thread is cheap, and more requests will come meanwhile. Up to it a driver first does what has come in, and commits
/// it as well.
const OWN_COMMIT_MAX: usize = 256;

/// The longest and the shortest sleep until a shard's deadline: the clock may be set meanwhile, and a deadline that
/// has passed must not make a driver spin.
const SLEEP_MAX: Duration = Duration::from_secs(1);
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// How long a driver without work stays awake, if its last rest was shorter than that: a client that asks for one thing
/// after the other comes back within it. To fall asleep and to be woken up costs both of them more.
const LINGER: Duration = Duration::from_micros(50);

/// Drives one shard, which never leaves the thread on which it is made: the code of executions need not be `Send`.
pub(crate) struct Driver {
    id: ShardId,
    shard: Shard,
    works: Arc<Works>,
    store: Arc<dyn Store>,
    session: SessionId,
    waiters: Waiters,
    /// Batches sealed.
    seals: u64,
    /// What the shard was handed since, and how often.
    handed: usize,
    taken: Taken,
    /// Whether its last rest was shorter than [`LINGER`].
    rested_shortly: bool,
}

/// How a round's turns ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turns {
    /// Nothing more can run.
    Done,
    /// The round was over; more is ready.
    More,
    /// Too many batches wait for the store; more may be ready.
    Clogged,
}

impl Driver {
    pub(crate) fn new(
        config: ShardConfig,
        works: Arc<Works>,
        store: Arc<dyn Store>,
        session: SessionId,
    ) -> Self {
        let (id, shard) = (config.id, Shard::new(config, clock::now()));
        let (waiters, taken) = (Waiters::default(), Taken::new());
        Self { id, shard, works, store, session, waiters, seals: 0, handed: 0, taken, rested_shortly: false }
    }

    /// Drives until the runtime stops. Whatever ends it, [`end`](Self::end) follows.
    pub(crate) fn run(&mut self) {
        loop {
            let now = clock::now();
            let stage = self.take(now);
            if stage == Stage::Failed {
                return;
            }
            if stage == Stage::Stopping {
                self.seal_last();
                return;
            }
            let turns = self.turns();
            self.hand_out();
            let goes_on = self.seal(turns);
            if turns != Turns::More && !goes_on {
                self.rest(stage, turns);
            }
        }
    }

    /// Tells everybody who waits for the shard that there will be no answer, and drops it.
    pub(crate) fn end(mut self) {
        self.waiters.stop(self.seals);
        for asked in self.taken.hand.take(usize::MAX) {
            asked.replier.stop(false);
        }
        self.works.doorway(self.id).turn_away();
    }

    /// Takes what has come in, and queues it in the shard.
    fn take(&mut self, now: Timestamp) -> Stage {
        let Self { id, shard, works, store, waiters, seals, handed, taken, .. } = self;
        let outside = shard.accepts_outside();
        works.doorway(*id).take(outside, taken);
        if let Some(receipt) = taken.receipt.take() {
            shard.committed(&receipt);
        }
        *handed += 1 + taken.inside.len();
        for input in taken.inside.drain(..) {
            shard.handle(input, now);
        }
        if outside {
            for mut asked in taken.hand.take(HANDED_MAX) {
                asked.request.set_request(waiters.insert(asked.replier, *seals));
                shard.handle(Input::Requested(asked.request), now);
                *handed += 1;
            }
        }
        for question in taken.questions.drain(..) {
            // Who asked may have given up; then there is nobody to tell.
            let report = Report { shard: shard.stats(), store: store.counters() };
            let _ = question.send(report);
        }
        if taken.stage == Stage::Draining {
            shard.drain();
        }
        taken.stage
    }

    /// Runs turns for a round. Each is told its own time: behind a long one, deadlines may have passed.
    fn turns(&mut self) -> Turns {
        let (now, begun) = (clock::now(), Instant::now());
        let mut elapsed = Duration::ZERO;
        let pulse = &self.works.pulses[usize::from(self.id.0)];
        let turns = loop {
            if self.works.commits.is_clogged() {
                break Turns::Clogged;
            }
            pulse.begin(self.shard.next_turn());
            if !self.shard.turn(now.after(elapsed)) {
                break Turns::Done;
            }
            elapsed = begun.elapsed();
            if elapsed >= ROUND {
                break Turns::More;
            }
        };
        pulse.rest();
        turns
    }

    /// Hands out what does not wait for a commit: refusals and loads.
    fn hand_out(&mut self) {
        while let Some(Reply { session, request, answer }) = self.shard.poll_refusal() {
            if session == self.session
                && let Some(replier) = self.waiters.take(request)
            {
                replier.send(answer);
            }
        }
        let loads: Vec<_> = iter::from_fn(|| self.shard.poll_load()).collect();
        if !loads.is_empty() {
            self.works.loads.push(self.id, loads);
        }
    }

    /// Seals the open batch if it is time. Returns whether there is something to do since, or before.
    fn seal(&mut self, turns: Turns) -> bool {
        let commits = &self.works.commits;
        let due = if self.shard.is_batch_full() { !commits.is_clogged() } else { commits.is_free() };
        if !due || !self.shard.has_open_batch() {
            return false;
        }
        let more = turns != Turns::Done || self.has_arrivals();
        if more && turns == Turns::Done && self.handed < OWN_COMMIT_MAX {
            // It is sooner done than handed over.
            return true;
        }
        let own = !more && self.works.loads.is_quiet();
        let Some((sealed, small)) = self.close_batch() else { return false };
        let own = own && small;
        if let Some(group) = self.works.commits.push(sealed, own) {
            self.works.commit(group, &*self.store);
        }
        true
    }

    /// Whether anything has come in.
    fn has_arrivals(&self) -> bool {
        let wants = Wants { outside: self.shard.accepts_outside(), store: false };
        wants.outside && self.has_requests() || !self.works.doorway(self.id).is_quiet(wants)
    }

    /// Whether requests were taken that the shard does not have yet.
    fn has_requests(&self) -> bool {
        !self.taken.hand.is_empty()
    }

    /// Leaves what has run to the commit thread, which ends after the drivers.
    fn seal_last(&mut self) {
        if let Some((sealed, _)) = self.close_batch() {
            let group = self.works.commits.push(sealed, false);
            debug_assert!(group.is_none(), "only who asks for the role gets it");
        }
    }

    /// Closes the open batch and puts those who wait for its answers into it. The flag says whether it is small.
    fn close_batch(&mut self) -> Option<(Sealed<Outward>, bool)> {
        let sealed = self.shard.seal()?;
        self.seals += 1;
        self.handed = 0;
        let writes = sealed.batch.as_ref().map_or(0, |batch| batch.writes.len());
        let (session, waiters) = (self.session, &mut self.waiters);
        let mut effects = 0;
        let sealed = sealed.convert(|effect| {
            effects += 1;
            outward(effect, session, waiters)
        });
        Some((sealed, writes.max(effects) <= OWN_COMMIT_MAX))
    }

    /// Sleeps until there is something to do.
    fn rest(&mut self, stage: Stage, turns: Turns) {
        let doorway = self.works.doorway(self.id);
        let is_over = !self.has_requests() && self.shard.may_stop();
        if stage == Stage::Draining && is_over && doorway.come_to_rest() {
            self.works.stop_if_drained();
        }
        let wants = Wants {
            outside: self.shard.accepts_outside(),
            store: self.shard.has_open_batch() || turns == Turns::Clogged,
        };
        if wants.outside && self.has_requests() {
            return;
        }
        let now = clock::now();
        let longest =
            self.shard.next_deadline().map(|deadline| deadline.since(now).clamp(SLEEP_MIN, SLEEP_MAX));
        let begun = Instant::now();
        // While a commit is under way others need the cores, and it is seldom that short.
        if self.rested_shortly && !wants.store && self.works.commits.is_free() {
            self.works.doorway(self.id).linger(LINGER);
        }
        self.works.doorway(self.id).sleep(wants, longest);
        self.rested_shortly = begun.elapsed() < LINGER;
    }
}

/// Finds whom an effect concerns.
fn outward(effect: Effect, session: SessionId, waiters: &mut Waiters) -> Outward {
    match effect {
        Effect::Reply(Reply { session: asked, request, answer }) => {
            let replier = if asked == session { waiters.take(request) } else { None };
            Outward::Answer(replier, answer)
        }
        Effect::Deliver { to, delivery } => Outward::Deliver(to, delivery),
        Effect::DeadLetter { address, what, failure } => Outward::DeadLetter(address, what, failure),
        Effect::Perform(task) => Outward::Perform(task),
        Effect::CancelTask(token) => Outward::CancelTask(token),
        Effect::Operate(dispatch) => Outward::Operate(dispatch),
        Effect::CancelOperation(token) => Outward::CancelOperation(token),
        Effect::RunEnded { run, first, outcome } => Outward::RunEnded(run, first, outcome),
        Effect::RunRewound { run, first } => Outward::RunRewound(run, first),
        Effect::StatusSet { run, first, status } => Outward::StatusSet(run, first, status),
        Effect::LockForced { entity, section } => Outward::LockForced(entity, section),
        Effect::LockOverdue { entity, section, since } => Outward::LockOverdue(entity, section, since),
        Effect::Parked { address, reason } => Outward::Parked(address, reason),
    }
}
