//! Reading: the loads of shards and the pages of listings, on a thread of its own.
//!
//! What shards ask for while a read is under way is read at once by the next. Decoding happens here as well, so a
//! large state costs its shard nothing. Shards come first; of the clients' reads one is done between two rounds.

use crate::lock::lock;
use sarsen_engine::{Input, LoadRequest};
use sarsen_protocol::{Page, Read, ShardId};
use sarsen_storage::{Error, Store};
use std::{
    collections::VecDeque,
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// How many loads are read at once; more would keep the first of them waiting for the last.
const LOADS_MAX: usize = 256;

/// A client's read, with who waits for it.
#[derive(Debug)]
pub(crate) struct ClientRead {
    pub(crate) reads: Vec<Read>,
    pub(crate) answer: oneshot::Sender<Result<Vec<Page>, String>>,
}

/// What is to be read.
#[derive(Debug)]
pub(crate) struct Loads {
    queue: Mutex<Queue>,
    bell: Condvar,
    /// Loads that shards wait for.
    outstanding: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    loads: VecDeque<(ShardId, LoadRequest)>,
    clients: VecDeque<ClientRead>,
    asleep: bool,
    closed: bool,
}

/// What the loader does next.
#[derive(Debug)]
pub(crate) struct Round {
    loads: Vec<(ShardId, LoadRequest)>,
    client: Option<ClientRead>,
}

impl Loads {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), bell: Condvar::new(), outstanding: AtomicUsize::new(0) }
    }

    /// Whether no shard waits for a load.
    pub(crate) fn is_quiet(&self) -> bool {
        self.outstanding.load(Ordering::Acquire) == 0
    }

    /// Adds a shard's loads. Bounded by what a shard has under way at a time.
    pub(crate) fn push(&self, shard: ShardId, loads: Vec<LoadRequest>) {
        self.outstanding.fetch_add(loads.len(), Ordering::AcqRel);
        let mut queue = lock(&self.queue);
        queue.loads.extend(loads.into_iter().map(|load| (shard, load)));
        self.ring(queue);
    }

    /// Adds a client's read; dropped once the loader is closed. Bounded by who calls.
    pub(crate) fn ask(&self, read: ClientRead) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        queue.clients.push_back(read);
        self.ring(queue);
    }

    /// Ends the loader; nothing that waits is read.
    pub(crate) fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.loads.clear();
        queue.clients.clear();
        self.ring(queue);
    }

    /// What to read next; `None` at the end.
    pub(crate) fn next(&self) -> Option<Round> {
        let mut queue = lock(&self.queue);
        while !queue.closed && queue.loads.is_empty() && queue.clients.is_empty() {
            queue.asleep = true;
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.asleep = false;
        }
        if queue.closed {
            return None;
        }
        let count = queue.loads.len().min(LOADS_MAX);
        Some(Round { loads: queue.loads.drain(..count).collect(), client: queue.clients.pop_front() })
    }

    fn ring(&self, mut queue: MutexGuard<'_, Queue>) {
        let ring = mem::take(&mut queue.asleep);
        drop(queue);
        if ring {
            self.bell.notify_one();
        }
    }
}

impl Round {
    /// Reads, decodes, and hands what was read to `deliver`.
    ///
    /// # Errors
    /// What the store said, when it could not be read.
    pub(crate) fn run(
        self,
        loads: &Loads,
        store: &dyn Store,
        deliver: impl FnMut(ShardId, Vec<Input>),
    ) -> Result<(), Error> {
        let count = self.loads.len();
        if count > 0 {
            answer(self.loads, store, deliver)?;
            loads.outstanding.fetch_sub(count, Ordering::AcqRel);
        }
        let Some(client) = self.client.filter(|client| !client.answer.is_closed()) else { return Ok(()) };
        let (told, result) = match store.read(&client.reads) {
            Ok(pages) => (Ok(pages), Ok(())),
            Err(error) => (Err(error.to_string()), Err(error)),
        };
        // Who asked may have given up; then there is nobody to tell.
        let _ = client.answer.send(told);
        result
    }
}

/// Answers loads from one state of the store.
fn answer(
    loads: Vec<(ShardId, LoadRequest)>,
    store: &dyn Store,
    mut deliver: impl FnMut(ShardId, Vec<Input>),
) -> Result<(), Error> {
    let reads: Vec<Read> = loads.iter().flat_map(|(_, load)| load.reads()).cloned().collect();
    let mut pages = store.read(&reads)?.into_iter();
    let mut inputs: Vec<(ShardId, Vec<Input>)> = Vec::new();
    for (shard, load) in loads {
        let own = pages.by_ref().take(load.reads().len()).collect();
        let input = Input::Loaded(load.answer(own));
        match inputs.iter_mut().find(|(to, _)| *to == shard) {
            Some((_, inputs)) => inputs.push(input),
            None => inputs.push((shard, vec![input])),
        }
    }
    for (shard, inputs) in inputs {
        deliver(shard, inputs);
    }
    Ok(())
}
