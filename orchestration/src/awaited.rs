//! A request that was started.

use crate::{
    Durable, Guard, Moment,
    core::{Core, Outcome, Waiter},
    durable::{poll, sealed},
};
use sarsen_protocol::CallError;
use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context as Waking, Poll},
    time::Duration,
};

/// A request that was started: an activity, a timer, an event, a child, a call, a lock.
///
/// Its command has left when this is there; awaiting it yields the outcome. Dropping it is an act of its own: a timer
/// that has not fired is cancelled, a lock is given back, an event that nobody took stays for the next who waits. An
/// activity, a child and a call go on, and their outcome is dropped.
#[must_use = "dropping it cancels a timer and gives back a lock; await it"]
pub struct Awaited<T>(State<T>);

enum State<T> {
    /// For an outcome.
    Waiting { core: Rc<Core>, waiter: Rc<Waiter>, finish: Box<dyn FnOnce(Outcome) -> T> },
    /// Nothing left the code, which is told so.
    Refused(T),
    /// The execution is over; nobody polls this again.
    Never,
    /// The output was taken.
    Done,
}

impl<T> Awaited<T> {
    /// Waits for the outcome of `waiter`, if there is one.
    pub(crate) fn new(
        core: &Rc<Core>,
        waiter: Option<Rc<Waiter>>,
        finish: impl FnOnce(Outcome) -> T + 'static,
    ) -> Self {
        Self(match waiter {
            Some(waiter) => State::Waiting { core: Rc::clone(core), waiter, finish: Box::new(finish) },
            None => State::Never,
        })
    }

    /// Is there at once.
    pub(crate) fn refused(output: T) -> Self {
        Self(State::Refused(output))
    }
}

impl<S> Awaited<Result<Guard<S>, CallError>> {
    /// Gives the locks up that are not held within this time from now on, with
    /// [`SectionError::TimedOut`](sarsen_protocol::SectionError::TimedOut), whether or not it is awaited by then: the
    /// request is cancelled, and nothing of it is left. Said again, the last time counts.
    ///
    /// ```
    /// # use sarsen_orchestration::{Context, EntityType, LockSet};
    /// # use std::time::Duration;
    /// # async fn orchestration<S: LockSet>(cx: Context, set: S) -> Result<(), sarsen_protocol::CallError> {
    /// let held = cx.lock(set).timeout(Duration::from_secs(5)).await?;
    /// # held.release(); Ok(()) }
    /// ```
    pub fn timeout(self, timeout: Duration) -> Self {
        if let State::Waiting { core, waiter, .. } = &self.0 {
            core.limit_lock(waiter, timeout);
        }
        self
    }
}

impl<T> Unpin for Awaited<T> {}

impl<T> Future for Awaited<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<T> {
        poll(self, waking)
    }
}

impl<T> sealed::Sealed for Awaited<T> {}

impl<T> Durable for Awaited<T> {
    fn settle(&mut self) -> Option<Moment> {
        match &self.0 {
            State::Waiting { waiter, .. } => waiter.promise.settled(),
            State::Refused(_) => Some(Moment::default()),
            State::Never => None,
            State::Done => panic!("a request was awaited after it had ended"),
        }
    }

    fn take(&mut self) -> T {
        match std::mem::replace(&mut self.0, State::Done) {
            State::Waiting { core, waiter, finish } => finish(core.take(&waiter)),
            State::Refused(output) => output,
            State::Never | State::Done => panic!("a request's output was taken and is not there"),
        }
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        if let State::Waiting { core, waiter, .. } = &self.0 {
            core.forget(waiter);
        }
    }
}

impl<T> fmt::Debug for Awaited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::Waiting { waiter, .. } if waiter.promise.is_settled() => "Awaited(settled)",
            State::Waiting { .. } | State::Never => "Awaited(waiting)",
            State::Refused(_) => "Awaited(refused)",
            State::Done => "Awaited(done)",
        })
    }
}
