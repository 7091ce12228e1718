//! A shard without threads, clients and disk: nothing but the engine.

use crate::counter::Counter;
use bytes::Bytes;
use sarsen::{EntityType, Uuid};
use sarsen_engine::{Input, Limits, Registry, Request, Shard, ShardConfig, SlotMap};
use sarsen_entities::Typed;
use sarsen_protocol::{
    Address, Body, Effect, Epoch, Identity, Lease, Message, OperationName, Origin, Page, Payload, Receipt,
    RequestId, SessionId, ShardId, SlotRange, Timestamp, Write,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Its store is empty, and its commits are durable as soon as they are asked for.
pub(crate) struct BareShard {
    shard: Shard,
    now: Timestamp,
}

/// What a commit let out.
pub(crate) struct Committed {
    pub(crate) writes: Vec<Write>,
    pub(crate) replies: usize,
}

impl BareShard {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::new();
        let counter = Typed::<Counter>::new().expect("its names are names");
        registry.insert(Arc::new(counter)).expect("it is the only type");
        let now = Timestamp::from_micros(1);
        let mut limits = Limits::default();
        limits.cache_bytes = usize::MAX;
        let config = ShardConfig {
            id: ShardId(0),
            lease: Lease { slots: SlotRange::ALL, epoch: Epoch(1) },
            slots: Arc::new(SlotMap::split(1)),
            registry: Arc::new(registry),
            limits: Arc::new(limits),
        };
        let mut bare = Self { shard: Shard::new(config, now), now };
        bare.settle();
        bare
    }

    /// Signals to one counter after the other, so many between two commits; returns how many a second were
    /// acknowledged. Making the messages, which is done by clients, is not counted.
    #[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
    pub(crate) fn signals_per_second(entities: usize, in_flight: usize, time: Duration) -> f64 {
        let mut bare = Self::new();
        let addresses: Vec<Address> = (0..entities).map(address).collect();
        for some in addresses.chunks(in_flight) {
            bare.ask(some.iter().map(signal).collect());
            bare.commit();
        }
        let (mut first, mut replies, mut busy) = (0, 0, Duration::ZERO);
        while busy < time {
            let next = addresses.iter().cycle().skip(first).take(in_flight);
            let messages: Vec<Message> = next.map(signal).collect();
            first = (first + in_flight) % entities;
            let begun = Instant::now();
            bare.ask(messages);
            replies += bare.commit().replies;
            busy += begun.elapsed();
        }
        replies as f64 / busy.as_secs_f64()
    }

    pub(crate) fn ask(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.shard.handle(Input::Requested(Request::Message(message)), self.now);
        }
        self.settle();
    }

    /// Runs everything that can run. What is looked for in the store is not there.
    fn settle(&mut self) {
        loop {
            while self.shard.turn(self.now) {}
            let Some(load) = self.shard.poll_load() else { return };
            let nothing = load.reads().iter().map(|_| Page::default()).collect();
            self.shard.handle(Input::Loaded(load.answer(nothing)), self.now);
        }
    }

    /// Closes the open batch and lets its effects out.
    pub(crate) fn commit(&mut self) -> Committed {
        let mut committed = Committed { writes: Vec::new(), replies: 0 };
        while let Some(sealed) = self.shard.seal() {
            let receipt = sealed.batch.as_ref().map(Receipt::durable);
            if let Some(receipt) = &receipt {
                self.shard.committed(receipt);
            }
            let effects = sealed.effects.open(receipt.as_ref()).expect("the batch is durable");
            let is_reply = |effect: &&Effect| matches!(effect, Effect::Reply(_));
            committed.replies += effects.iter().filter(is_reply).count();
            committed.writes.extend(sealed.batch.into_iter().flat_map(|batch| batch.writes));
            self.settle();
        }
        committed
    }
}

/// The address of the n-th counter.
pub(crate) fn address(n: usize) -> Address {
    Address::entity(Counter::NAME, &n.to_string()).expect("a number is a key")
}

/// `add(1)`, one way.
pub(crate) fn signal(to: &Address) -> Message {
    let from = Origin::Client { session: SessionId(Uuid::nil()), request: RequestId(0), within: None };
    let input = Payload::from_encoded(Bytes::from_static(b"1"));
    let body = Body::operation(OperationName::of("add"), input, false);
    Message { to: to.clone(), from, body, identity: Identity::None, due: None, deadline: None, trace: None }
}
