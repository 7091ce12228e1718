//! A desk: shards over one map, with everything done when a test says so.

use crate::{
    Groups, Input, Lanes, Limits, LoadRequest, Registry, Request, Shard, ShardConfig, ShardStats, SlotMap,
    record,
};
use bytes::Bytes;
use sarsen_entities::{Entity, EntityContext, Operations, Port, Returns, Typed};
use sarsen_protocol::{
    Address, Answer, Effect, Epoch, Failure, Identity, Keyspace, Lease, Message, OperationName, Origin, Page,
    Payload, Read, Receipt, RequestId, Row, SessionId, ShardId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "what is summed is the sum")]
pub(super) struct Sum {
    sum: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    noise: f64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ballast: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(noise: &f64) -> bool {
    noise.abs() < f64::EPSILON
}

impl Sum {
    fn scatter(&mut self, cx: &EntityContext<'_>, amount: u64) {
        self.sum += 1;
        let to = (amount + self.sum) % 10;
        cx.entity::<Self>(format!("to{to}")).add(amount).signal();
    }
}

pub(super) struct SumRef<P>(P);

impl<P: Port> SumRef<P> {
    fn add(&self, amount: u64) -> P::Request<u64> {
        self.0.request("add", &amount, Returns::value())
    }

    fn log(&self, digit: u64) -> P::Request<()> {
        self.0.request("log", &digit, Returns::value())
    }

    fn bounce(&self, to: &str) -> P::Request<()> {
        self.0.request("bounce", to, Returns::value())
    }
}

impl Entity for Sum {
    const NAME: &'static str = "sum";
    type Ref<P: Port> = SumRef<P>;

    fn refer<P: Port>(port: P) -> SumRef<P> {
        SumRef(port)
    }

    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        let refused: fn() -> Result<(), String> = || Err("no".to_owned());
        Operations::new()
            .update("add", Returns::value(), |one: &mut Self, _cx, amount: u64| {
                one.sum += amount;
                one.sum
            })
            .read("sum", Returns::value(), |one: &Self, _cx, ()| one.sum)
            .update("spoil", Returns::value(), |one: &mut Self, _cx, ()| one.noise = f64::NAN)
            .update("refuse", Returns::fallible(), move |_one: &mut Self, _cx, ()| refused())
            .update("scatter", Returns::value(), |one: &mut Self, cx, amount: u64| one.scatter(cx, amount))
            .update("scatter_to_x", Returns::value(), |_one: &mut Self, cx, ()| {
                cx.entity::<Self>("x").add(1).signal();
            })
            .update("bounce", Returns::value(), |_one: &mut Self, cx, to: String| {
                cx.entity::<Self>(to).bounce(cx.key()).signal();
            })
            .update("flood", Returns::value(), |_one: &mut Self, cx, count: u32| {
                (0..count).for_each(|_| cx.entity::<Self>("x").add(1).signal());
            })
            .update("stray", Returns::value(), |_one: &mut Self, cx, ()| {
                cx.entity::<Stranger>("s").add(1).signal();
                cx.entity::<Stranger>("s").add(1).after(Duration::from_secs(1)).signal();
            })
            .update("grow", Returns::value(), |one: &mut Self, _cx, bytes: usize| {
                one.ballast = "x".repeat(bytes);
            })
            .update("log", Returns::value(), |one: &mut Self, _cx, digit: u64| one.sum = one.sum * 10 + digit)
            .update("tell", Returns::value(), |_one: &mut Self, cx, (to, digit): (String, u64)| {
                cx.entity::<Self>(to).log(digit).signal();
            })
            .update("later", Returns::value(), |_one: &mut Self, cx, amount: u64| {
                cx.entity::<Self>("z").add(amount).after(Duration::from_millis(1)).signal();
            })
    }
}

/// A type that is not registered.
#[derive(Clone, Serialize, Deserialize)]
struct Stranger;

impl Entity for Stranger {
    const NAME: &'static str = "stranger";
    type Ref<P: Port> = SumRef<P>;

    fn refer<P: Port>(port: P) -> SumRef<P> {
        SumRef(port)
    }

    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new()
    }
}

type Rows = BTreeMap<(Keyspace, Bytes), Bytes>;

pub(super) struct Desk {
    limits: Arc<Limits>,
    shards: Vec<Shard>,
    configs: Vec<ShardConfig>,
    lanes: Vec<Lanes<Request>>,
    slots: Arc<SlotMap>,
    groups: Groups<Effect>,
    rows: Rows,
    pub(super) now: Timestamp,
    epoch: u64,
    answers: BTreeMap<u64, Answer>,
    requests: u64,
    /// Writes committed.
    pub(super) written: usize,
    pub(super) letters: Vec<Failure>,
    /// Whether loads of keys are read and kept back.
    pub(super) hold_keys: bool,
    /// The entity whose loads are read and kept back.
    pub(super) hold_entity: Option<String>,
    held: Vec<(LoadRequest, Vec<Page>)>,
}

impl Desk {
    pub(super) fn new(shards: u16, limits: Limits) -> Self {
        let mut desk = Self {
            limits: Arc::new(limits),
            shards: Vec::new(),
            configs: Vec::new(),
            lanes: Vec::new(),
            slots: Arc::new(SlotMap::split(1)),
            groups: Groups::new(1 << 20),
            rows: Rows::new(),
            now: Timestamp::from_micros(1_000_000_000_000),
            epoch: 0,
            answers: BTreeMap::new(),
            requests: 0,
            written: 0,
            letters: Vec::new(),
            hold_keys: false,
            hold_entity: None,
            held: Vec::new(),
        };
        desk.reopen(shards);
        desk
    }

    /// Dies and is opened again.
    pub(super) fn reopen(&mut self, shards: u16) {
        let mut registry = Registry::new();
        let typed = Typed::<Sum>::new().expect("valid names");
        registry.insert(Arc::new(typed)).expect("one type");
        let registry = Arc::new(registry);
        self.slots = Arc::new(SlotMap::split(shards));
        self.groups = Groups::new(1 << 20);
        self.shards.clear();
        self.configs.clear();
        self.lanes.clear();
        for (id, slots) in (0..).zip(self.slots.ranges().to_vec()) {
            self.epoch += 1;
            let config = ShardConfig {
                id: ShardId(id),
                lease: Lease { slots, epoch: Epoch(self.epoch) },
                slots: self.slots.clone(),
                registry: registry.clone(),
                limits: self.limits.clone(),
            };
            self.configs.push(config.clone());
            self.shards.push(Shard::new(config, self.now));
            self.lanes.push(Lanes::new(&self.limits));
        }
    }

    fn ask(&mut self, request: impl FnOnce(SessionId, RequestId) -> Request) -> u64 {
        self.requests += 1;
        let request = request(SessionId(uuid::Uuid::nil()), RequestId(self.requests));
        let shard = self.slots.shard(request.to().slot());
        self.shards[usize::from(shard.0)].handle(Input::Requested(request), self.now);
        self.requests
    }

    fn message(
        &mut self,
        to: &str,
        operation: &str,
        input: &str,
        of: (bool, Identity, Option<Timestamp>),
    ) -> u64 {
        let (to, operation) = (at(to), OperationName::from(operation.to_owned()));
        let input = Payload::from_encoded(Bytes::copy_from_slice(input.as_bytes()));
        let (answered, identity, due) = of;
        self.ask(|session, request| {
            let from = Origin::Client { session, request };
            Request::Operation(Message {
                to,
                from,
                operation,
                input,
                answered,
                identity,
                due,
                deadline: None,
                trace: None,
            })
        })
    }

    pub(super) fn signal(&mut self, to: &str, operation: &str, input: &str, identity: Identity) -> u64 {
        self.message(to, operation, input, (false, identity, None))
    }

    pub(super) fn signal_after(&mut self, to: &str, operation: &str, input: &str, delay: Duration) -> u64 {
        let due = self.now.after(delay);
        self.message(to, operation, input, (false, Identity::None, Some(due)))
    }

    pub(super) fn keyed_after(&mut self, to: &str, identity: Identity, delay: Duration) -> u64 {
        let due = self.now.after(delay);
        self.message(to, "add", "1", (false, identity, Some(due)))
    }

    pub(super) fn accepts_outside(&self) -> bool {
        self.shards.iter().all(Shard::accepts_outside)
    }

    pub(super) fn evict(&mut self, key: &str) -> bool {
        self.shards.iter_mut().any(|shard| shard.evict(&at(key)))
    }

    pub(super) fn call(&mut self, to: &str, operation: &str, input: &str, identity: Identity) -> u64 {
        self.message(to, operation, input, (true, identity, None))
    }

    /// A call whose deadline has passed.
    pub(super) fn late(&mut self, to: &str) -> u64 {
        self.late_call(to, Identity::None)
    }

    pub(super) fn late_call(&mut self, to: &str, identity: Identity) -> u64 {
        let to = at(to);
        self.ask(|session, request| {
            Request::Operation(Message {
                to,
                from: Origin::Client { session, request },
                operation: OperationName::of("add"),
                input: Payload::from_encoded(Bytes::from_static(b"1")),
                answered: true,
                identity,
                due: None,
                deadline: Some(Timestamp::default()),
                trace: None,
            })
        })
    }

    pub(super) fn read(&mut self, to: &str) -> u64 {
        let to = at(to);
        self.ask(|session, request| Request::State { to, session, request })
    }

    pub(super) fn answer(&self, request: u64) -> Option<&Answer> {
        self.answers.get(&request)
    }

    pub(super) fn returned(&self, request: u64) -> String {
        match self.answer(request) {
            Some(Answer::Returned(payload)) => String::from_utf8_lossy(payload.as_bytes()).into_owned(),
            other => panic!("no answer but {other:?}"),
        }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.answers.values().filter(|answer| **answer == Answer::Acknowledged).map(|_| 1).sum()
    }

    /// Two entities that live in different shards.
    pub(super) fn strangers(&self) -> (String, String) {
        let shard = |key: &str| self.slots.shard(at(key).slot());
        let to = (0..1_000).map(|number| format!("b{number}")).find(|key| shard(key) != shard("a"));
        ("a".to_owned(), to.expect("two shards have entities each"))
    }

    /// Lets the shard of an entity begin anew before it takes what is in its inside lane.
    pub(super) fn restart_receiver(&mut self, key: &str) {
        let index = usize::from(self.slots.shard(at(key).slot()).0);
        let delivered = self.lanes[index].take_inside();
        self.shards[index] = Shard::new(self.configs[index].clone(), self.now);
        for input in delivered {
            self.shards[index].handle(input, self.now);
        }
    }

    pub(super) fn refusals(&mut self) {
        for shard in &mut self.shards {
            while let Some(reply) = shard.poll_refusal() {
                self.answers.insert(reply.request.0, reply.answer);
            }
        }
    }

    /// Answers all loads, lanes and at most a thousand turns of each shard.
    pub(super) fn turns(&mut self) -> bool {
        let mut worked = false;
        for (shard, lanes) in self.shards.iter_mut().zip(&mut self.lanes) {
            for input in lanes.take_inside() {
                shard.handle(input, self.now);
                worked = true;
            }
            let turns = (0..1_000).take_while(|_| shard.turn(self.now)).count();
            worked |= turns > 0;
            let held = if self.hold_keys || self.hold_entity.is_some() {
                Vec::new()
            } else {
                std::mem::take(&mut self.held)
            };
            for (load, pages) in held {
                shard.handle(Input::Loaded(load.answer(pages)), self.now);
            }
            while let Some(load) = shard.poll_load() {
                let pages = load.reads().iter().map(|read| page(&self.rows, read)).collect();
                if holds(self.hold_keys, self.hold_entity.as_deref(), &load) {
                    self.held.push((load, pages));
                    continue;
                }
                shard.handle(Input::Loaded(load.answer(pages)), self.now);
                worked = true;
            }
            worked |= shard.next_deadline().is_some_and(|deadline| deadline <= self.now);
        }
        self.refusals();
        worked
    }

    /// Lets everything run that can without a commit.
    pub(super) fn settle(&mut self) {
        while self.turns() {}
    }

    /// Seals and commits what is open.
    pub(super) fn commit(&mut self) -> bool {
        for shard in &mut self.shards {
            if let Some(sealed) = shard.seal() {
                self.groups.push(sealed);
            }
        }
        let Some(group) = self.groups.begin() else { return false };
        let mut receipts: Vec<Receipt> = Vec::new();
        for batch in &group.batches {
            self.written += batch.writes.len();
            for write in &batch.writes {
                let key = (write.keyspace, write.key.clone());
                match &write.value {
                    Some(value) => self.rows.insert(key, value.clone()),
                    None => self.rows.remove(&key),
                };
            }
            receipts.retain(|receipt| receipt.lease() != batch.lease);
            receipts.push(Receipt::durable(batch));
        }
        let finished = self.groups.finish(group, receipts);
        for receipt in finished.receipts {
            let shard = self.slots.ranges().iter().position(|range| *range == receipt.lease().slots);
            self.shards[shard.expect("a shard's lease")].committed(&receipt);
        }
        for effect in finished.effects {
            match effect {
                Effect::Reply(reply) => {
                    self.answers.insert(reply.request.0, reply.answer);
                }
                Effect::Deliver { to, delivery } => {
                    self.lanes[usize::from(to.0)].push(Input::Delivered(delivery));
                }
                Effect::DeadLetter { failure, .. } => self.letters.push(failure),
            }
        }
        true
    }

    /// One round of turns and one commit.
    pub(super) fn step(&mut self) {
        self.turns();
        self.commit();
    }

    /// Runs until nothing waits.
    pub(super) fn rest(&mut self) {
        for _ in 0..100_000 {
            let worked = self.turns();
            if !self.commit() && !worked && self.shards.iter().all(Shard::is_idle) {
                return;
            }
        }
        panic!("the shards do not come to rest: {:?}", self.stats());
    }

    pub(super) fn rows(&self, keyspace: Keyspace) -> u64 {
        self.rows.keys().filter(|(space, _)| *space == keyspace).map(|_| 1).sum()
    }

    /// The durable state of an entity.
    pub(super) fn state(&self, key: &str) -> Option<String> {
        let row = self.rows.get(&(Keyspace::Instances, record::instance_key(&at(key))))?;
        let (_, state) = record::read_instance(row).expect("whole");
        state.map(|state| String::from_utf8_lossy(state.as_bytes()).into_owned())
    }

    pub(super) fn sum(&self, key: &str) -> u64 {
        let sum = |state: String| state.trim_start_matches(r#"{"sum":"#).trim_end_matches('}').parse().ok();
        self.state(key).and_then(sum).unwrap_or(0)
    }

    /// The receivers of the dead letters, oldest first.
    pub(super) fn dead(&self) -> Vec<String> {
        let dead = self.rows.iter().filter(|((space, _), _)| *space == Keyspace::Dead);
        let mut letters: Vec<_> = dead
            .map(|((_, key), value)| (record::read_dead_key(key), record::read_dead(value).expect("whole")))
            .map(|(id, letter)| (id.expect("whole"), letter.message.to.to_string()))
            .collect();
        letters.sort();
        letters.into_iter().map(|(_, to)| to).collect()
    }

    pub(super) fn stats(&self) -> ShardStats {
        let mut sum = ShardStats::default();
        for stats in self.shards.iter().map(Shard::stats) {
            sum.activations += stats.activations;
            sum.cache_bytes += stats.cache_bytes;
            sum.pending += stats.pending;
            sum.timers += stats.timers;
            sum.keys += stats.keys;
            sum.dead_letters += stats.dead_letters;
            sum.dead_letters_dropped += stats.dead_letters_dropped;
            sum.parked += stats.parked;
        }
        sum
    }

    /// Replaces an entity's record by one that does not fit, as other code would have left it.
    pub(super) fn spoil(&mut self, key: &str) -> Bytes {
        let header = record::InstanceHeader { exists: true, producers: Vec::new() };
        let other = record::write_instance(&header, b"{\"total\":1}");
        self.exchange(key, other)
    }

    /// Puts an entity's record back.
    pub(super) fn mend(&mut self, key: &str, row: Bytes) {
        self.exchange(key, row);
    }

    fn exchange(&mut self, key: &str, row: Bytes) -> Bytes {
        let before = self.rows.insert((Keyspace::Instances, record::instance_key(&at(key))), row);
        self.reopen(1);
        before.expect("the entity exists")
    }
}

fn at(key: &str) -> Address {
    Address::entity("sum", key).expect("valid")
}

fn page(rows: &Rows, read: &Read) -> Page {
    let range = (read.keyspace, read.from.clone())..(read.keyspace, read.to.clone());
    let mut found = rows.range(range);
    let (mut page, mut bytes) = (Page::default(), 0);
    while page.rows.len() < read.rows_max
        && bytes < read.bytes_max
        && let Some(((_, key), value)) = found.next()
    {
        bytes += key.len() + value.len();
        let value = if read.values { value.clone() } else { Bytes::new() };
        page.rows.push(Row { key: key.clone(), value });
    }
    page.more = found.next().is_some();
    page
}

/// Whether a load is one that a test keeps back.
fn holds(keys: bool, entity: Option<&str>, load: &LoadRequest) -> bool {
    let of = |key: &str, read: &Read| read.from == record::instance_key(&at(key));
    (keys && load.reads().iter().all(|read| read.keyspace == Keyspace::Keys))
        || entity.is_some_and(|key| load.reads().iter().any(|read| of(key, read)))
}
