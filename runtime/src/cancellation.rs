//! Telling code that what it will come to is of no more use.

use tokio::sync::watch;

/// Tells the code of an activity or operation that its result is of no more use. Dropped, it says so too: whoever holds it
/// does until the code has ended, and what goes on behind that has nobody left to work for.
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
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is cancelled.
    pub(crate) async fn wait(mut self) {
        // What tells is gone: that is an answer too.
        let _ = self.0.wait_for(|cancelled| *cancelled).await;
    }
}
