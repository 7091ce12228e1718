//! Operations that run off their shards, on the tokio runtime in which the host was opened.
//!
//! [`Dispatches`] is given an operation once its cause is durable, lets it run at once, since shards bound how many there
//! are, and gives its outcome back to the shard that asked. One that blocks runs on a thread of tokio's for that.
//!
//! An operation may run more than once: whatever a host has not given back when it ends is dispatched again by the next.

use crate::{
    Client,
    cancellation::{Cancellation, Canceller, cancellation},
    client::Asker,
    gate::Gate,
    host::Host,
    lock::lock,
};
use futures::FutureExt;
use sarsen_entities::{Ended, OperationHost, Work};
use sarsen_protocol::{Dispatch, DispatchToken, Failure, FailureKind, HashMap, Timestamp};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll},
};
use tokio::runtime::Handle;

/// What an operation that runs off its shard is told, and what it may do besides changing its state.
///
/// Cheap to clone. What is *sent* through it leaves in the commit that holds the operation's outcome, exactly once, and only
/// if it succeeds; what is asked through its [`client`](sarsen_entities::OperationContext::client) happens at once. A copy
/// that outlives the operation is cancelled, and what is sent through it is dropped.
pub type OperationContext = sarsen_entities::OperationContext<OperationDesk>;

/// What the host offers to an operation that runs off its shard; used through [`OperationContext`].
pub struct OperationDesk {
    gate: Arc<dyn Gate>,
    asker: Asker,
    cancellation: Cancellation,
}

impl OperationHost for OperationDesk {
    type Client = Client;

    fn now(&self) -> Timestamp {
        self.gate.now()
    }

    fn client(&self) -> Client {
        Client::of(self.asker.clone())
    }

    fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    async fn cancelled(&self) {
        self.cancellation.clone().wait().await;
    }
}

impl fmt::Debug for OperationDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationDesk").field("asker", &self.asker).finish_non_exhaustive()
    }
}

/// A dispatched operation under way: what it comes to, for the shard that has asked. Its code's panic is a failure.
pub struct Operating {
    work: Pin<Box<dyn Future<Output = Ended> + Send>>,
    blocking: bool,
}

impl Operating {
    /// What `dispatch` asks for, which asks through `gate`, and what cancels it. Nothing runs before the first poll.
    pub fn new(gate: Arc<dyn Gate>, dispatch: Dispatch) -> (Self, Canceller) {
        let (canceller, cancellation) = cancellation();
        let Dispatch { address, within, work, .. } = dispatch;
        let Some(work) = work.take::<Work>() else {
            let failure = Failure::new(FailureKind::Panicked, "its work was taken before");
            let work = Box::pin(async { Ended::failed(failure) });
            return (Self { work, blocking: false }, canceller);
        };
        let asker = Asker::of_operation(Arc::clone(&gate), within.map(|within| Arc::new(*within)), address);
        let (blocking, desk) = (work.is_blocking(), OperationDesk { gate, asker, cancellation });
        (Self { work: Box::pin(work.begin(Arc::new(desk))), blocking }, canceller)
    }

    /// Whether it holds up the thread that polls it, until it is ready.
    pub fn is_blocking(&self) -> bool {
        self.blocking
    }
}

impl Future for Operating {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        self.work.as_mut().poll(cx)
    }
}

impl fmt::Debug for Operating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operating").field("blocking", &self.blocking).finish_non_exhaustive()
    }
}

/// Runs operations off their shards.
#[derive(Debug)]
pub(crate) struct Dispatches {
    running: Mutex<Running>,
    /// Through whom the operations ask, and whom outcomes go to. The host holds this one.
    host: Weak<Host>,
    tokio: Handle,
}

#[derive(Debug, Default)]
struct Running {
    /// What cancels each; nothing, when it was cancelled and its code has not ended yet.
    cancellers: HashMap<DispatchToken, Option<Canceller>>,
    /// Whether none is begun any more.
    stopped: bool,
}

impl Dispatches {
    /// Runs operations, on `tokio`, for `host`.
    pub(crate) fn new(host: Weak<Host>, tokio: Handle) -> Self {
        Self { running: Mutex::default(), host, tokio }
    }

    /// Runs an operation. Never waits.
    pub(crate) fn begin(self: &Arc<Self>, dispatch: Dispatch) {
        let (Some(host), token) = (self.host.upgrade(), dispatch.token) else { return };
        let (operating, canceller) = Operating::new(Arc::clone(&host) as Arc<dyn Gate>, dispatch);
        {
            let mut running = lock(&self.running);
            if running.stopped {
                return;
            }
            running.cancellers.insert(token, Some(canceller));
        }
        let dispatches = Arc::clone(self);
        let give = move |ended| {
            lock(&dispatches.running).cancellers.remove(&token);
            host.operated(token, ended);
        };
        if operating.is_blocking() {
            // Ready at the first poll, which is what blocks.
            self.tokio.spawn_blocking(move || operating.now_or_never().map(give));
        } else {
            self.tokio.spawn(operating.map(give));
        }
    }

    /// Tells an operation that its outcome is of no more use.
    pub(crate) fn cancel(&self, token: DispatchToken) {
        let canceller = lock(&self.running).cancellers.get_mut(&token).and_then(Option::take);
        if let Some(canceller) = canceller {
            canceller.cancel();
        }
    }

    /// How many were cancelled whose code has not ended.
    pub(crate) fn overrun(&self) -> u64 {
        let running = lock(&self.running);
        running.cancellers.values().filter(|canceller| canceller.is_none()).map(|_| 1).sum()
    }

    /// Tells all that run that the host ends: their outcomes will be dropped, and they run again.
    pub(crate) fn stop(&self) {
        let mut running = lock(&self.running);
        running.stopped = true;
        let mut cancellers: Vec<_> = running.cancellers.drain().collect();
        drop(running);
        cancellers.sort_unstable_by_key(|(token, _)| *token);
        for canceller in cancellers.into_iter().filter_map(|(_, canceller)| canceller) {
            canceller.cancel();
        }
    }
}
