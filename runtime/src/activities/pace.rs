//! How fast tasks of an activity begin one behind the other.

use crate::lock::lock;
use futures::future::{Either, select};
use std::{
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Gives those who come their moments, one behind the other.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Option<Duration>,
    /// When the next may begin.
    next: Mutex<Option<Instant>>,
    closed: AtomicBool,
    closing: Notify,
}

impl Pace {
    pub(super) fn new(interval: Option<Duration>) -> Self {
        let (next, closed) = (Mutex::default(), AtomicBool::new(false));
        Self { interval, next, closed, closing: Notify::new() }
    }

    /// Whether anybody has to wait.
    pub(super) fn is_set(&self) -> bool {
        self.interval.is_some()
    }

    /// Waits for the moment of who comes now. Returns whether it has come: `false` when the host closes before.
    ///
    /// # Cancel safety
    /// Dropped, it has used up its moment.
    pub(super) async fn wait(&self) -> bool {
        let Some(interval) = self.interval else { return true };
        let moment = {
            let mut next = lock(&self.next);
            let moment = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = moment.checked_add(interval);
            moment
        };
        let mut closing = pin!(self.closing.notified());
        closing.as_mut().enable();
        if self.closed.load(Ordering::SeqCst) {
            return false;
        }
        // Both may be dropped at any time: a notification and a sleep lose nothing.
        matches!(select(pin!(tokio::time::sleep_until(moment)), closing).await, Either::Left(_))
    }

    /// Lets nobody wait any longer.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.closing.notify_waiters();
    }
}
