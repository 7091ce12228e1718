//! Something that the host answers when it chooses to.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

#[derive(Debug)]
struct Place<T> {
    answer: Option<T>,
    waker: Option<Waker>,
}

/// Where the host puts its answer.
#[derive(Debug)]
pub(super) struct Owed<T>(Arc<Mutex<Place<T>>>);

/// The future that waits for it.
#[derive(Debug)]
pub(super) struct Awaited<T>(Arc<Mutex<Place<T>>>);

/// An answer that is owed, and the future that waits for it.
pub(super) fn owed<T>() -> (Owed<T>, Awaited<T>) {
    let place = Arc::new(Mutex::new(Place { answer: None, waker: None }));
    (Owed(Arc::clone(&place)), Awaited(place))
}

impl<T> Owed<T> {
    /// Answers.
    pub(super) fn pay(self, answer: T) {
        let waker = {
            let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            place.answer = Some(answer);
            place.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the future was dropped.
    pub(super) fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl<T> Future for Awaited<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = place.answer.take();
        if answer.is_none() {
            place.waker = Some(cx.waker().clone());
        }
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}
