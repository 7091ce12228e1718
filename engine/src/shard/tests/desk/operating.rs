//! What a test does with operations off their shards at a desk.

use super::{Desk, at};
use crate::Input;
use sarsen_entities::{Ended, OperationHost, Work};
use sarsen_protocol::{Dispatch, DispatchToken, Timestamp};
use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// A host without anything.
pub(super) struct Nobody;

impl OperationHost for Nobody {
    type Client = ();

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn client(&self) {}

    fn is_cancelled(&self) -> bool {
        false
    }

    async fn cancelled(&self) {}
}

impl Desk {
    /// The entities whose operations run off their shards, in order.
    pub(in crate::shard::tests) fn running(&self) -> Vec<String> {
        let keys = self.dispatched.iter().map(|dispatch| dispatch.address.key().to_owned());
        keys.collect()
    }

    /// Takes the operation of an entity that runs off its shard, which then never answers by itself.
    pub(in crate::shard::tests) fn take_dispatch(&mut self, key: &str) -> Dispatch {
        let place = self.dispatched.iter().position(|dispatch| dispatch.address == at(key));
        self.dispatched.remove(place.unwrap_or_else(|| panic!("`{key}` is not busy")))
    }

    /// Lets the operation of an entity come to its end, and gives its outcome to the shard.
    pub(in crate::shard::tests) fn operate(&mut self, key: &str) {
        let dispatch = self.take_dispatch(key);
        self.answer_operation(&dispatch, dispatch.token);
    }

    /// Lets an operation come to its end, and answers by `token`.
    pub(in crate::shard::tests) fn answer_operation(&mut self, dispatch: &Dispatch, token: DispatchToken) {
        let work = dispatch.work.take::<Work>().expect("it runs once");
        let shard = usize::from(self.slots.shard(token.slot).0);
        let ended = Box::new(run(work));
        self.shards[shard].handle(Input::Operated { token, ended }, self.now);
    }

    /// Runs until nothing moves; operations off their shards may run on.
    pub(in crate::shard::tests) fn pause(&mut self) {
        while self.turns() | self.commit() {}
    }

    /// Lets everything come to its end, operations off their shards too.
    pub(in crate::shard::tests) fn finish(&mut self) {
        self.pause();
        while let Some(key) = self.running().first().cloned() {
            self.operate(&key);
            self.pause();
        }
        self.rest();
    }
}

fn run(work: Work) -> Ended {
    let mut work = pin!(work.begin(Arc::new(Nobody)));
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => ended,
        Poll::Pending => panic!("the desk's operations wait for nothing"),
    }
}
