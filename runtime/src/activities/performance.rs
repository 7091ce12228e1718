//! One piece of work from its beginning to its result.

use super::{ActivityContext, ActivityHandler};
use crate::{
    cancellation::{Canceller, cancellation},
    gate::Gate,
};
use futures::FutureExt;
use sarsen_protocol::{Failure, Payload, Task};
use std::{
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

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

impl Performance {
    /// The work of `task`, which asks through `gate`, and what cancels it. Nothing runs before the first poll.
    pub fn new(handler: Arc<dyn ActivityHandler>, gate: Arc<dyn Gate>, task: Task) -> (Self, Canceller) {
        let (canceller, token) = cancellation();
        let input = task.input.clone();
        let cx = ActivityContext::new(gate, task, token);
        let work = async move {
            let result = AssertUnwindSafe(handler.perform(cx.clone(), input)).catch_unwind().await;
            cx.end(result.unwrap_or_else(|panic| Err(Failure::panicked(&*panic))))
        };
        (Self(Box::pin(work)), canceller)
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
