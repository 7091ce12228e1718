//! Telling code that what it will come to is of no more use.

use std::future::pending;
use tokio::sync::watch;

/// Tells the code of an activity or operation that its result is of no more use.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Where the code sees it.
#[derive(Clone, Debug)]
pub(crate) struct Cancellation(watch::Receiver<bool>);

/// What tells, and where it is seen.
pub(crate) fn cancellation() -> (Canceller, Cancellation) {
    let (cancel, cancelled) = watch::channel(false);
    (Canceller(cancel), Cancellation(cancelled))
}

impl Canceller {
    /// Says that the result is of no more use.
    pub fn cancel(self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is cancelled; for ever, when it has ended before.
    pub(crate) async fn wait(mut self) {
        if self.0.wait_for(|cancelled| *cancelled).await.is_err() {
            pending::<()>().await;
        }
    }
}
