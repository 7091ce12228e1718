//! Branches: any future as a durable one.

use crate::{
    Durable, Moment,
    core::Core,
    durable::{poll, sealed},
    place::TaskId,
    promise::Promise,
};
use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context as Waking, Poll},
};

/// A future that runs beside the code that made it, from [`Context::branch`](crate::Context::branch).
///
/// It goes on whether or not it is awaited. Dropping this drops the future, wherever it is.
#[must_use = "dropping a branch ends it; await it"]
pub struct Branch<T> {
    core: Rc<Core>,
    task: TaskId,
    output: Rc<Promise<T>>,
}

impl<T: 'static> Branch<T> {
    pub(crate) fn new(core: &Rc<Core>, future: impl Future<Output = T> + 'static) -> Self {
        let output = Rc::new(Promise::new());
        let task = core.spawn({
            let (core, output) = (Rc::clone(core), Rc::clone(&output));
            Box::pin(async move {
                let value = future.await;
                let moment = core.look().moment;
                output.settle(moment, value);
            })
        });
        Self { core: Rc::clone(core), task, output }
    }
}

impl<T> Future for Branch<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<T> {
        poll(self, waking)
    }
}

impl<T> sealed::Sealed for Branch<T> {}

impl<T> Durable for Branch<T> {
    fn settle(&mut self) -> Option<Moment> {
        self.output.settled()
    }

    fn take(&mut self) -> T {
        self.output.take().expect("a branch is taken once, after it has ended")
    }
}

impl<T> Drop for Branch<T> {
    fn drop(&mut self) {
        if !self.output.is_settled() {
            self.core.abort(self.task);
        }
    }
}

impl<T> fmt::Debug for Branch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.output.is_settled();
        f.debug_struct("Branch").field("ended", &ended).finish_non_exhaustive()
    }
}
