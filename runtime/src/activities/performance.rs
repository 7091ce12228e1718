//! One piece of work from its beginning to its result.

use super::{ActivityContext, ActivityHandler};
use crate::gate::Gate;
use futures::FutureExt;
use sarsen_protocol::{Failure, Payload, Task};
use std::{
    fmt,
    future::{Future, pending},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::watch;

/// The work of one task: what it comes to, for the shard that has asked. Its code's panic is a failure.
pub struct Performance(Pin<Box<dyn Future<Output = Performed> + Send>>);

/// What a performance has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// The answer, or why there is none.
    pub result: Result<Payload, Failure>,
    /// What its code has last said of how far it had got.
    pub progress: Option<Payload>,
}

/// Tells the code of a performance that its result is of no more use.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Where the code of a performance sees it.
#[derive(Clone, Debug)]
pub(super) struct Cancellation(watch::Receiver<bool>);

impl Performance {
    /// The work of `task`, which asks through `gate`, and what cancels it. Nothing runs before the first poll.
    pub fn new(handler: Arc<dyn ActivityHandler>, gate: Arc<dyn Gate>, task: Task) -> (Self, Canceller) {
        let (cancel, cancelled) = watch::channel(false);
        let input = task.input.clone();
        let cx = ActivityContext::new(gate, task, Cancellation(cancelled));
        let work = async move {
            let result = AssertUnwindSafe(handler.perform(cx.clone(), input)).catch_unwind().await;
            cx.end(result.unwrap_or_else(|panic| Err(Failure::panicked(&*panic))))
        };
        (Self(Box::pin(work)), Canceller(cancel))
    }
}

impl Future for Performance {
    type Output = Performed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Performed> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Performance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Performance(..)")
    }
}

impl Canceller {
    /// Says that the result is of no more use.
    pub fn cancel(self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    pub(super) fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is cancelled; for ever, when it has ended before.
    pub(super) async fn wait(mut self) {
        if self.0.wait_for(|cancelled| *cancelled).await.is_err() {
            pending::<()>().await;
        }
    }
}
