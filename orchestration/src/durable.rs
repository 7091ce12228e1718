//! What may be joined and raced.

use crate::{Moment, place::note_waiting};
use std::{
    pin::Pin,
    task::{Context as Waking, Poll},
};

/// A future that is settled by a history: a started request, a branch, or a composite of such.
///
/// `join`, `select` and streams of completions take these, or requests that become one, and no other future: their
/// order is that of the history, alike in every replay. Any other future becomes one by
/// [`Context::branch`](crate::Context::branch). There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no durable future",
    label = "it cannot be joined or raced",
    note = "make it a branch: `cx.branch(async move {{ .. }})`"
)]
pub trait Durable: Future + Unpin + sealed::Sealed {
    /// When it was settled, if it is; else the task being polled waits for it.
    #[doc(hidden)]
    fn settle(&mut self) -> Option<Moment>;

    /// Its output, once, after [`settle`](Self::settle) said that it is there.
    #[doc(hidden)]
    fn take(&mut self) -> Self::Output;
}

pub(crate) mod sealed {
    /// Durable futures are those of this crate.
    pub trait Sealed {}
}

impl<D: Durable + ?Sized> sealed::Sealed for &mut D {}

impl<D: Durable + ?Sized> Durable for &mut D {
    fn settle(&mut self) -> Option<Moment> {
        (**self).settle()
    }

    fn take(&mut self) -> Self::Output {
        (**self).take()
    }
}

/// [`Future::poll`] of every durable future. The waker is of no use to them.
pub(crate) fn poll<D: Durable>(mut future: Pin<&mut D>, _waking: &mut Waking<'_>) -> Poll<D::Output> {
    if future.settle().is_some() {
        return Poll::Ready(future.take());
    }
    note_waiting();
    Poll::Pending
}
