//! A desk: shards over one map, with everything done when a test says so.

mod locks;
mod operating;
mod play;
mod records;
mod runs;
mod schedules;
mod sum;

pub(super) use play::{CHANGED, FOREIGN};
pub(super) use runs::text;

use crate::{
    Group, Groups, Input, Lanes, Limits, LoadRequest, OrchestrationOptions, Registry, Request, Shard,
    ShardConfig, ShardStats, SlotMap, record,
};
use bytes::Bytes;
use sarsen_entities::{EntityOptions, Typed};
use sarsen_protocol::{
    Address, Answer, Batch, Body, CallError, Dispatch, DispatchToken, Effect, Epoch, Failure, Identity,
    Keyspace, Lease, Message, OperationName, Origin, Page, Payload, Read, Receipt, RequestId, Row, RunId,
    RunOutcome, Section, SessionId, ShardId, Task, TaskToken, Timestamp, Within,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use sum::Sum;

/// The process dies at a commit: before it, so that what it would have written is lost, or behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    /// The commit, counted from 0 over the life of the desk.
    pub(super) commit: usize,
    pub(super) before: bool,
    /// How many shards the next process has.
    pub(super) shards: u16,
}

type Rows = BTreeMap<(Keyspace, Bytes), Bytes>;

#[expect(clippy::struct_excessive_bools, reason = "switches of a test, not one state")]
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
    /// Batches with writes that were committed.
    pub(super) batches: usize,
    /// Groups that were committed or lost.
    pub(super) commits: usize,
    /// When the process is to die. It does so once.
    pub(super) death: Option<Death>,
    /// Whether loads of keys are read and kept back.
    pub(super) hold_keys: bool,
    /// The entity whose loads are read and kept back.
    pub(super) hold_entity: Option<String>,
    /// Whether reads of all locks are read and kept back.
    pub(super) hold_locks: bool,
    held: Vec<(usize, LoadRequest, Vec<Page>)>,
    /// Whether messages between shards stay in their lanes.
    pub(super) hold_deliveries: bool,
    /// Whether everything leaves memory as soon as it may.
    pub(super) restless: bool,
    /// How often a single shard had its turn.
    crawled: usize,
    /// Whether activities answer at once, with their input.
    pub(super) busy: bool,
    /// Activities that were handed out and have not answered.
    pub(super) tasks: Vec<Task>,
    pub(super) cancelled: Vec<TaskToken>,
    /// Operations that run off their shards.
    pub(super) dispatched: Vec<Dispatch>,
    /// Such operations that were told that their outcome is of no more use.
    pub(super) given_up: Vec<DispatchToken>,
    /// The runs that have ended or are gone.
    pub(super) ended: Vec<(RunId, Option<RunOutcome>)>,
    /// The custom statuses that were told.
    pub(super) statuses: Vec<(RunId, Payload)>,
    /// Locks that an operator took from runs.
    pub(super) forced: Vec<(Address, Section)>,
    /// Locks that were held for long.
    pub(super) overdue: Vec<String>,
    /// Why instances could not go on.
    pub(super) parked: Vec<String>,
    /// Whether the orchestration and its activity are registered at the next open.
    pub(super) registered: bool,
    /// The options of the orchestration at the next open.
    pub(super) options: OrchestrationOptions,
    /// The options of the entities at the next open.
    pub(super) entities: EntityOptions,
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
            batches: 0,
            commits: 0,
            death: None,
            hold_keys: false,
            hold_entity: None,
            hold_locks: false,
            held: Vec::new(),
            hold_deliveries: false,
            restless: false,
            crawled: 0,
            busy: false,
            tasks: Vec::new(),
            cancelled: Vec::new(),
            dispatched: Vec::new(),
            given_up: Vec::new(),
            ended: Vec::new(),
            statuses: Vec::new(),
            forced: Vec::new(),
            overdue: Vec::new(),
            parked: Vec::new(),
            registered: true,
            options: OrchestrationOptions::default(),
            entities: EntityOptions::default(),
        };
        desk.reopen(shards);
        desk
    }

    /// Dies and is opened again.
    pub(super) fn reopen(&mut self, shards: u16) {
        let registry = Arc::new(self.registry());
        self.slots = Arc::new(SlotMap::split(shards));
        self.groups = Groups::new(1 << 20);
        self.shards.clear();
        self.held.clear();
        self.tasks.clear();
        self.dispatched.clear();
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

    fn registry(&self) -> Registry {
        let mut registry = Registry::new();
        let typed = Typed::<Sum>::new().expect("valid names");
        registry.insert_with(Arc::new(typed), self.entities).expect("one type");
        if self.registered {
            runs::register(&mut registry, self.options);
        }
        registry
    }

    pub(super) fn ask(&mut self, request: impl FnOnce(SessionId, RequestId) -> Request) -> u64 {
        self.requests += 1;
        let request = request(SessionId(uuid::Uuid::nil()), RequestId(self.requests));
        let shard = self.slots.shard(request.slot());
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
        let input = payload(input);
        let (answered, identity, due) = of;
        let body = Body::operation(operation, input, answered);
        self.send(Message { identity, due, ..from_client(to, body) })
    }

    /// Sends what a client asks.
    fn send(&mut self, message: Message) -> u64 {
        self.ask(|session, request| {
            let within = match &message.from {
                Origin::Client { within, .. } => within.clone(),
                Origin::Instance(_) | Origin::Execution { .. } => None,
            };
            Request::Message(Message { from: Origin::Client { session, request, within }, ..message })
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
        let body = Body::operation(OperationName::of("add"), payload("1"), true);
        let deadline = Some(Timestamp::default());
        self.send(Message { identity, deadline, ..from_client(at(to), body) })
    }

    pub(super) fn read(&mut self, to: &str) -> u64 {
        let to = at(to);
        self.ask(|session, request| Request::State { to, session, request })
    }

    pub(super) fn answer(&self, request: u64) -> Option<&Answer> {
        self.answers.get(&request)
    }

    /// Why a request was refused, if it was.
    pub(super) fn refusal(&self, request: u64) -> Option<&CallError> {
        match self.answer(request)? {
            Answer::Refused(error) => Some(error),
            _ => None,
        }
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

    /// Lets what is in the inside lane of an entity's shard come in the opposite order, each with all that follows.
    #[cfg(feature = "faults")]
    pub(super) fn deliver_last_first(&mut self, key: &str) {
        let index = usize::from(self.slots.shard(at(key).slot()).0);
        for input in self.lanes[index].take_inside().into_iter().rev() {
            self.shards[index].handle(input, self.now);
            self.settle();
            self.commit();
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
        for at in 0..self.shards.len() {
            worked |= self.take_lane(at);
            let shard = &mut self.shards[at];
            let turns = (0..1_000).take_while(|_| shard.turn(self.now)).count();
            worked |= turns > 0;
            worked |= self.answer_loads(at);
            worked |= self.shards[at].next_deadline().is_some_and(|deadline| deadline <= self.now);
        }
        self.refusals();
        if self.busy {
            worked |= self.work();
        }
        worked
    }

    fn take_lane(&mut self, at: usize) -> bool {
        if self.hold_deliveries {
            return false;
        }
        let inside = self.lanes[at].take_inside();
        let taken = !inside.is_empty();
        for input in inside {
            self.shards[at].handle(input, self.now);
        }
        taken
    }

    fn answer_loads(&mut self, at: usize) -> bool {
        let mut answered = false;
        if !self.hold_keys && self.hold_entity.is_none() && !self.hold_locks {
            for (_, load, pages) in self.held.extract_if(.., |(shard, _, _)| *shard == at) {
                self.shards[at].handle(Input::Loaded(load.answer(pages)), self.now);
            }
        }
        while let Some(load) = self.shards[at].poll_load() {
            let pages = load.reads().iter().map(|read| page(&self.rows, read)).collect();
            let locks = |read: &Read| read.keyspace == Keyspace::Locks;
            let held = self.hold_locks && load.reads().iter().all(locks);
            if held || holds(self.hold_keys, self.hold_entity.as_deref(), &load) {
                self.held.push((at, load, pages));
                continue;
            }
            self.shards[at].handle(Input::Loaded(load.answer(pages)), self.now);
            answered = true;
        }
        answered
    }

    /// Lets everything run that can without a commit.
    pub(super) fn settle(&mut self) {
        while self.turns() {}
    }

    /// Answers loads and runs nothing else.
    pub(super) fn settle_loads(&mut self) {
        while (0..self.shards.len()).any(|at| self.answer_loads(at)) {}
    }

    /// Lets each shard take one turn.
    pub(super) fn turn_once(&mut self) {
        for shard in &mut self.shards {
            shard.turn(self.now);
        }
    }

    /// Seals what is open.
    pub(super) fn seal(&mut self) {
        for shard in &mut self.shards {
            if let Some(sealed) = shard.seal() {
                self.groups.push(sealed);
            }
        }
    }

    /// Seals and commits what is open, or dies of it.
    pub(super) fn commit(&mut self) -> bool {
        self.seal();
        let Some(group) = self.groups.begin() else { return false };
        let death = self.death.take_if(|death| death.commit == self.commits);
        self.commits += 1;
        match death {
            Some(Death { before: true, shards, .. }) => self.reopen(shards),
            Some(Death { before: false, shards, .. }) => {
                self.commit_group(group);
                self.reopen(shards);
            }
            None => self.commit_group(group),
        }
        true
    }

    fn commit_group(&mut self, group: Group<Effect>) {
        let mut receipts: Vec<Receipt> = Vec::new();
        for batch in &group.batches {
            self.write(batch);
            receipts.retain(|receipt| receipt.lease() != batch.lease);
            receipts.push(Receipt::durable(batch));
        }
        let finished = self.groups.finish(group, receipts);
        for receipt in finished.receipts {
            let shard = self.slots.ranges().iter().position(|range| *range == receipt.lease().slots);
            self.shards[shard.expect("a shard's lease")].committed(&receipt);
        }
        finished.effects.into_iter().for_each(|effect| self.let_out(effect));
        if self.restless {
            self.evict_all();
        }
    }

    fn write(&mut self, batch: &Batch) {
        self.written += batch.writes.len();
        self.batches += 1;
        let keys: BTreeSet<_> = batch.writes.iter().map(|write| (write.keyspace, &write.key)).collect();
        assert_eq!(keys.len(), batch.writes.len(), "each key is written once: {batch:?}");
        for write in &batch.writes {
            let key = (write.keyspace, write.key.clone());
            match &write.value {
                Some(value) => self.rows.insert(key, value.clone()),
                None => self.rows.remove(&key),
            };
        }
    }

    fn let_out(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(reply) => {
                self.answers.insert(reply.request.0, reply.answer);
            }
            Effect::Deliver { to, delivery } => {
                self.lanes[usize::from(to.0)].push(Input::Delivered(*delivery));
            }
            Effect::DeadLetter { failure, .. } => self.letters.push(*failure),
            Effect::Perform(task) => self.tasks.push(*task),
            Effect::CancelTask(token) => {
                self.tasks.retain(|task| task.token != token);
                self.cancelled.push(token);
            }
            Effect::Operate(dispatch) => self.dispatched.push(*dispatch),
            Effect::CancelOperation(token) => self.given_up.push(token),
            Effect::RunEnded { run, outcome, .. } => self.ended.push((run, outcome.map(|outcome| *outcome))),
            Effect::RunRewound { run, .. } => self.ended.retain(|(ended, _)| *ended != run),
            Effect::StatusSet { run, status, .. } => self.statuses.push((run, *status)),
            Effect::LockForced { entity, section } => self.forced.push((entity, *section)),
            Effect::LockOverdue { entity, section, since } => {
                let secs = since.as_micros() / 1_000_000;
                self.overdue.push(format!("{} of {} since {secs}", entity.key(), section.run));
            }
            Effect::Parked { reason, .. } => self.parked.push(reason),
        }
    }

    /// One round of turns and one commit.
    pub(super) fn step(&mut self) {
        self.turns();
        self.commit();
    }

    /// The next of the shards takes one turn, and what it wrote is committed alone: there are no more boundaries between
    /// commits than these. Returns whether anything was done.
    pub(super) fn crawl(&mut self) -> bool {
        let at = self.crawled % self.shards.len();
        self.crawled += 1;
        let mut worked = self.take_lane(at) | self.answer_loads(at);
        worked |= self.shards[at].turn(self.now);
        worked |= self.shards[at].next_deadline().is_some_and(|deadline| deadline <= self.now);
        self.refusals();
        if self.busy {
            worked |= self.work();
        }
        self.commit() | worked
    }

    /// Whether nothing is to be done.
    pub(super) fn is_idle(&self) -> bool {
        self.shards.iter().all(Shard::is_idle)
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

    pub(super) fn stats(&self) -> ShardStats {
        let mut sum = ShardStats::default();
        for stats in self.shards.iter().map(Shard::stats) {
            sum.activations += stats.activations;
            sum.cache_bytes += stats.cache_bytes;
            sum.pending += stats.pending;
            sum.timers += stats.timers;
            sum.tasks += stats.tasks;
            sum.keys += stats.keys;
            sum.dead_letters += stats.dead_letters;
            sum.dead_letters_dropped += stats.dead_letters_dropped;
            sum.parked += stats.parked;
            sum.operations_running += stats.operations_running;
            sum.operations_waiting += stats.operations_waiting;
            sum.locks_overdue += stats.locks_overdue;
            for (name, refusals) in stats.refusals {
                sum.refusals.entry(name).or_default().add(refusals);
            }
        }
        sum
    }

    /// Replaces an entity's record by one that does not fit, as other code would have left it.
    pub(super) fn spoil(&mut self, key: &str) -> Bytes {
        let header = record::InstanceHeader { exists: true, ..record::InstanceHeader::default() };
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

fn payload(text: &str) -> Payload {
    Payload::from_encoded(Bytes::copy_from_slice(text.as_bytes()))
}

/// A client's message whose origin is filled in when it is sent.
fn from_client(to: Address, body: Body) -> Message {
    let from = Origin::Client { session: SessionId(uuid::Uuid::nil()), request: RequestId(0), within: None };
    Message { from, ..Message::one_way(to.clone(), to, body) }
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
