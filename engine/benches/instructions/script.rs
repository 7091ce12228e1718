//! A script: the same requests in the same order every time.

use crate::{
    bank::bank,
    counter::Counter,
    hello::{hello, increment},
};
use sarsen_engine::{Groups, Input, Limits, Registry, Request, Shard, ShardConfig, SlotMap};
use sarsen_orchestration::{Activity, EntityType};
use sarsen_protocol::{
    Address, Answer, Body, Effect, Epoch, Identity, Labels, Launch, Lease, Message, OrchestrationName,
    Origin, Page, Payload, Receipt, RequestId, Reuse, RunId, SessionId, ShardId, Slot, SlotRange,
    StartRequest, Timestamp,
};
use std::{sync::Arc, time::Duration};

/// Requests in a batch.
const BATCH: usize = 1_000;
/// How many runs one after the other have ids in the same slot, as a client gives them.
const STAY: u64 = 256;

/// One shard and its clients.
pub(crate) struct Script {
    shard: Shard,
    groups: Groups<Effect>,
    entities: Vec<Address>,
    now: Timestamp,
    requests: u64,
    random: u64,
}

/// Whom to ask next.
pub(crate) struct Ask<'s> {
    entities: &'s [Address],
    random: &'s mut u64,
    now: Timestamp,
    number: u64,
}

/// What came of a batch, for the client's side.
#[derive(Default)]
struct Seen {
    answered: usize,
    ended: usize,
    performed: Vec<Input>,
}

impl Script {
    /// A shard with `instances` counters in memory.
    pub(crate) fn new(instances: usize) -> Self {
        let mut registry = Registry::new();
        let counter = sarsen_entities::Typed::<Counter>::new().expect("valid names");
        registry.insert(Arc::new(counter)).expect("one type");
        let typed = sarsen_orchestration::Typed::<hello>::new().expect("a valid name");
        registry.insert_orchestration(Arc::new(typed)).expect("another name");
        let typed = sarsen_orchestration::Typed::<bank>::new().expect("a valid name");
        registry.insert_orchestration(Arc::new(typed)).expect("another name");
        registry.insert_activity(increment::NAME).expect("another name");
        let mut limits = Limits::default();
        limits.verify = false;
        let config = ShardConfig {
            id: ShardId(0),
            lease: Lease { slots: SlotRange::ALL, epoch: Epoch(1) },
            slots: Arc::new(SlotMap::split(1)),
            registry: Arc::new(registry),
            limits: Arc::new(limits),
        };
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let entity = |number: usize| Address::entity(Counter::NAME, &number.to_string()).expect("valid");
        let mut script = Self {
            shard: Shard::new(config, now),
            groups: Groups::new(64 << 20),
            entities: (0..instances).map(entity).collect(),
            now,
            requests: 0,
            random: 1,
        };
        script.load();
        script
    }

    /// Adds to each counter once.
    fn load(&mut self) {
        self.answer_loads();
        for from in (0..self.entities.len()).step_by(BATCH) {
            let to = self.entities.len().min(from + BATCH);
            for at in from..to {
                let alone = &self.entities[at..=at];
                let mut ask = Ask { entities: alone, random: &mut self.random, now: self.now, number: 0 };
                let (to, body) = crate::counter::add(&mut ask, false);
                let input = Input::Requested(self.request(to, body));
                self.shard.handle(input, self.now);
            }
            self.answer_loads();
            while self.shard.turn(self.now) {}
            drop(commit(&mut self.shard, &mut self.groups));
        }
    }

    /// Nothing is stored.
    fn answer_loads(&mut self) {
        while let Some(load) = self.shard.poll_load() {
            let pages = load.reads().iter().map(|_| Page::default()).collect();
            self.shard.handle(Input::Loaded(load.answer(pages)), self.now);
        }
    }

    fn request(&mut self, to: Address, body: Body) -> Request {
        self.requests += 1;
        let from = Origin::Client {
            session: SessionId(uuid::Uuid::nil()),
            request: RequestId(self.requests),
            within: None,
        };
        let identity = Identity::None;
        Request::Message(Message { to, from, body, identity, due: None, deadline: None, trace: None })
    }

    fn batch(&mut self, count: usize, mut ask: impl FnMut(&mut Ask<'_>) -> (Address, Body)) -> Vec<Input> {
        let one = |_| {
            let number = self.requests;
            let (now, random) = (self.now, &mut self.random);
            let (to, body) = ask(&mut Ask { entities: &self.entities, random, now, number });
            Input::Requested(self.request(to, body))
        };
        (0..count).map(one).collect()
    }

    /// Asks entities; returns how many answers came.
    pub(crate) fn entities(
        &mut self,
        operations: usize,
        mut ask: impl FnMut(&mut Ask<'_>) -> (Address, Body),
    ) -> usize {
        let mut answered = 0;
        for from in (0..operations).step_by(BATCH) {
            let inputs = self.batch(BATCH.min(operations - from), &mut ask);
            answered += measured(&mut self.shard, &mut self.groups, inputs, self.now).answered;
            self.now = self.now.after(Duration::from_millis(1));
        }
        answered
    }

    /// Starts runs and answers their activities in the batch that follows; returns how many runs ended.
    pub(crate) fn runs(
        &mut self,
        operations: usize,
        mut ask: impl FnMut(&mut Ask<'_>) -> (Address, Body),
    ) -> usize {
        let (mut ended, mut begun) = (0, 0);
        let mut performed = Vec::new();
        while begun < operations || !performed.is_empty() {
            let count = BATCH.min(operations - begun);
            begun += count;
            let mut inputs = performed;
            inputs.extend(self.batch(count, &mut ask));
            let seen = measured(&mut self.shard, &mut self.groups, inputs, self.now);
            ended += seen.ended;
            performed = seen.performed;
            self.now = self.now.after(Duration::from_millis(1));
        }
        ended
    }
}

impl Ask<'_> {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's linear congruential generator; its high bits are good enough here.
        *self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*self.random >> 33).unwrap_or(usize::MAX) % bound
    }

    /// Any entity.
    pub(crate) fn entity(&mut self) -> Address {
        self.entities[self.below(self.entities.len())].clone()
    }

    /// Two entities.
    pub(crate) fn pair(&mut self) -> (Address, Address) {
        let count = self.entities.len();
        let from = self.below(count);
        let to = (from + 1 + self.below(count - 1)) % count;
        (self.entities[from].clone(), self.entities[to].clone())
    }

    /// The start of a run under a generated id.
    pub(crate) fn start(&mut self, name: &'static str, input: Payload) -> (Address, Body) {
        let slot = u16::try_from(self.number / STAY * 61 % u64::from(Slot::COUNT)).ok().and_then(Slot::new);
        let run = RunId::generated(self.now, slot.expect("it is below the count"), self.number);
        let to = Address::run(&run);
        let launch = Launch { run, name: OrchestrationName::of(name), input, labels: Labels::default() };
        let start = StartRequest { launch, reuse: Reuse::Fail, parent: None, generated: true };
        (to, Body::Start(Box::new(start)))
    }
}

/// All that is counted: what a shard, its queue of batches and the release of its effects cost.
#[inline(never)]
fn measured(shard: &mut Shard, groups: &mut Groups<Effect>, inputs: Vec<Input>, now: Timestamp) -> Seen {
    for input in inputs {
        shard.handle(input, now);
    }
    while shard.turn(now) {}
    assert!(shard.poll_load().is_none() && shard.poll_refusal().is_none(), "all is in memory");
    commit(shard, groups)
}

/// Seals, and lets out what the batch does.
fn commit(shard: &mut Shard, groups: &mut Groups<Effect>) -> Seen {
    let mut seen = Seen::default();
    let Some(sealed) = shard.seal() else { return seen };
    groups.push(sealed);
    let Some(group) = groups.begin() else { return seen };
    let receipts = group.batches.last().map(Receipt::durable).into_iter().collect();
    let finished = groups.finish(group, receipts);
    for receipt in finished.receipts {
        shard.committed(&receipt);
    }
    for effect in finished.effects {
        match effect {
            Effect::Reply(reply) => {
                assert!(!matches!(reply.answer, Answer::Refused(_) | Answer::Failed(_)), "it is done");
                seen.answered += 1;
            }
            Effect::Perform(task) => {
                seen.performed.push(Input::Performed {
                    token: task.token,
                    result: Ok(task.input),
                    progress: None,
                });
            }
            Effect::RunEnded { .. } => seen.ended += 1,
            Effect::Deliver { .. }
            | Effect::DeadLetter { .. }
            | Effect::CancelTask(_)
            | Effect::Operate(_)
            | Effect::CancelOperation(_)
            | Effect::RunRewound { .. }
            | Effect::StatusSet { .. }
            | Effect::LockForced { .. }
            | Effect::LockOverdue { .. }
            | Effect::Parked { .. } => {
                panic!("none of these is expected: {effect:?}")
            }
        }
    }
    seen
}

/// Whether what so many resting counters are counted with in the cache is what they occupy, within one and a half times
/// either way; says both. Where a process cannot ask what it occupies, it holds.
pub(crate) fn memory(instances: usize) -> bool {
    let before = resident();
    let script = Script::new(instances);
    let (Some(before), Some(after)) = (before, resident()) else { return true };
    // The addresses themselves are the clients'; the text behind each is shared with the shard.
    let occupied = after.saturating_sub(before).saturating_sub(instances * size_of::<Address>()) / instances;
    let counted = usize::try_from(script.shard.stats().cache_bytes).unwrap_or(usize::MAX) / instances;
    eprintln!("a resting counter is counted with {counted} bytes and occupies {occupied}");
    counted * 3 >= occupied * 2 && occupied * 3 >= counted * 2
}

/// The bytes that the process has in memory, where Linux tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1_024)
}
