//! Runtimes with clerks and bells, on stores that do what a test tells them.

use crate::entities::{Bell, Clerk, ClerkRef, errand};
use sarsen::{ClientPort, Limits, Runtime};
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Page, Read, SlotRange, Write};
use sarsen_storage::{Counters, Error, MemoryStore, Outcome, Store};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

/// Clerks and bells on a store of their own.
pub(crate) async fn open() -> Runtime {
    open_on(MemoryStore::new(), |_| {}).await
}

/// The same with other limits.
pub(crate) async fn open_with(limits: impl FnOnce(&mut Limits)) -> Runtime {
    open_on(MemoryStore::new(), limits).await
}

/// Clerks and bells on `store`.
pub(crate) async fn open_on(store: impl Store, limits: impl FnOnce(&mut Limits)) -> Runtime {
    let builder = Runtime::builder().entity::<Clerk>().entity::<Bell>().limits(limits);
    builder.open_store(store).await.expect("the store is good so far")
}

/// The clerk with the key `a`.
pub(crate) fn clerk(runtime: &Runtime) -> ClerkRef<ClientPort> {
    runtime.client().entity::<Clerk>("a")
}

/// Polls a request once, which sends it.
pub(crate) async fn begin<F: Future>(mut request: Pin<&mut F>) {
    let answered = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_ready())).await;
    assert!(!answered, "the request is answered at once, and was to wait");
}

/// Begins an operation of `clerk` that does not end before the valve is opened, and with it nothing of its shard.
pub(crate) async fn hold(clerk: &ClerkRef<ClientPort>) -> Arc<Valve> {
    let valve = Arc::new(Valve::default());
    valve.close();
    let passes = Arc::clone(&valve);
    let held = clerk.run(errand(move || passes.pass())).signal();
    begin(std::pin::pin!(held)).await;
    valve.wait_for_somebody();
    valve
}

/// Holds up threads while it is closed.
#[derive(Debug, Default)]
pub(crate) struct Valve {
    state: Mutex<ValveState>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct ValveState {
    closed: bool,
    waiting: usize,
}

impl Valve {
    pub(crate) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    pub(crate) fn open(&self) {
        self.change(|state| state.closed = false);
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        self.change(|state| state.waiting += 1);
        self.wait_while(|state| state.closed);
        self.change(|state| state.waiting -= 1);
    }

    /// Waits until somebody waits to pass.
    pub(crate) fn wait_for_somebody(&self) {
        self.wait_while(|state| state.waiting == 0);
    }

    fn change(&self, change: impl FnOnce(&mut ValveState)) {
        change(&mut self.lock());
        self.bell.notify_all();
    }

    fn wait_while(&self, condition: impl Fn(&ValveState) -> bool) {
        let waited = self.bell.wait_while(self.lock(), |state| condition(state));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, ValveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a store is about to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Commit,
    Read(&'a [Read]),
}

/// A store in memory that asks before each step, and fails it if it is told so.
pub(crate) struct Asking<F> {
    store: MemoryStore,
    ask: F,
}

impl<F: Fn(Step<'_>) -> Result<(), Error> + Send + Sync + 'static> Asking<F> {
    pub(crate) fn new(ask: F) -> Self {
        Self { store: MemoryStore::new(), ask }
    }
}

impl<F: Fn(Step<'_>) -> Result<(), Error> + Send + Sync + 'static> Store for Asking<F> {
    fn acquire(&self, slots: SlotRange) -> Result<Lease, Error> {
        self.store.acquire(slots)
    }

    fn commit(&self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        match (self.ask)(Step::Commit) {
            Ok(()) => self.store.commit(group),
            Err(error) => {
                group.first().map(|batch| (batch.lease, Outcome::Unknown(error))).into_iter().collect()
            }
        }
    }

    fn last(&self, lease: Lease) -> Result<Option<BatchNumber>, Error> {
        self.store.last(lease)
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Page>, Error> {
        (self.ask)(Step::Read(reads))?;
        self.store.read(reads)
    }

    fn counters(&self) -> Counters {
        self.store.counters()
    }
}

/// How the disk of these stores fails.
pub(crate) fn broken() -> Error {
    Error::Io { what: "state.redb".to_owned(), source: std::io::Error::other("no space left on device") }
}

/// Writes a record into a store that nobody uses at the time.
pub(crate) fn tamper(store: &MemoryStore, keyspace: Keyspace, key: &[u8], value: &'static [u8]) {
    let lease = store.acquire(SlotRange::ALL).expect("a store in memory does not fail");
    let write = Write { keyspace, key: key.to_vec().into(), value: Some(value.into()) };
    store.commit(&[Batch { lease, number: BatchNumber(1), writes: vec![write] }]);
}

/// Removes all records of a keyspace from a store that nobody uses at the time.
pub(crate) fn clear(store: &MemoryStore, keyspace: Keyspace) {
    let read = Read {
        keyspace,
        from: [].as_slice().into(),
        to: [0xff].as_slice().into(),
        rows_max: usize::MAX,
        bytes_max: usize::MAX,
        values: false,
    };
    let page = store.read(&[read]).expect("a store in memory does not fail").remove(0);
    let writes = page.rows.into_iter().map(|row| Write { keyspace, key: row.key, value: None }).collect();
    let lease = store.acquire(SlotRange::ALL).expect("a store in memory does not fail");
    store.commit(&[Batch { lease, number: BatchNumber(1), writes }]);
}
