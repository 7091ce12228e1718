//! What a client needs of its host, so that a host without threads and clock can offer it too.
//!
//! [`Gate`] is implemented by the runtime over the outside lanes of its shards, and by the virtual host of `testing`.
//! A gate does not know what a request means and does not wait: it puts the request where a shard finds it.
//!
//! Here is also what a host needs to run activities, an [`ActivityHandler`] for each and a [`Performance`] of it for
//! each task, and to run operations off their shards: [`Operating`].

pub use crate::{
    activities::{ANY_ACTIVITY, ActivityHandler, Performance, Performed, activity_handler},
    cancellation::Canceller,
    dispatches::Operating,
    run_ends::RunEnds,
};

use crate::Stats;
use sarsen_engine::{Limits, Registry, Request};
use sarsen_protocol::{Answer, CallError, Page, Payload, Read, RunId, SessionId, Task, Timestamp};
use std::{fmt, future::Future, pin::Pin, time::Duration};
use tokio::sync::oneshot;

/// Something that a gate will have.
pub type Coming<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where somebody stands who asks a host for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Outside: it begins something.
    Outside,
    /// At work that the host has accepted: an activity, or an operation that runs off its shard.
    AtWork,
}

/// A host, as its clients see it. Called by the futures of clients, on any thread, never from inside an operation.
pub trait Gate: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Whose answers come back; the same for all clients of a host.
    fn session(&self) -> SessionId;

    /// Takes a request, in the order of the calls. The client leaves its request id 0: whoever takes the request
    /// from the lane keeps `reply` and writes the id under which it is found.
    ///
    /// A host that is closing takes no more from outside, and goes on taking what accepted work asks for.
    ///
    /// # Errors
    /// [`CallError::Busy`] when the lane is full, [`CallError::Stopped`] after the host has closed. The reply is
    /// dropped then.
    fn submit(&self, request: Request, reply: Replier, standing: Standing) -> Result<(), CallError>;

    /// Waits for `duration`. Called at the first poll of a request with a timeout.
    fn sleep(&self, duration: Duration) -> Coming<()>;

    /// Reads durable records, all from one state of the store.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] and [`CallError::Stopped`].
    fn read(&self, reads: Vec<Read>) -> Coming<Result<Vec<Page>, CallError>>;

    /// Adds up what the shards and the store count.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    fn stats(&self) -> Coming<Result<Stats, CallError>>;

    /// Takes what an activity says of how far it has got, for the shard that has asked for it.
    fn progress(&self, task: Task, progress: Payload);

    /// An id for a run that is given none: of the generated form, and other than every earlier one.
    fn next_run(&self) -> RunId;

    /// Who waits for the end of runs. The host notes each end there once it is durable, and its own.
    fn run_ends(&self) -> &RunEnds;

    /// The entity types, orchestrations and activities.
    fn registry(&self) -> &Registry;

    /// The limits.
    fn limits(&self) -> &Limits;
}

/// Answers one request. Dropped without an answer, it tells the caller that the outcome is unknown.
pub struct Replier {
    sender: oneshot::Sender<Answer>,
    /// Whether the request may become durable before it is answered, as a call may that waits in a mailbox.
    may_wait_on_disk: bool,
}

impl Replier {
    /// A replier and where its answer arrives.
    pub(crate) fn new(may_wait_on_disk: bool) -> (Self, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, may_wait_on_disk }, receiver)
    }

    /// Answers. An answer that nobody waits for any more is dropped.
    pub fn send(self, answer: Answer) {
        // The caller may have given up; then there is nobody to tell.
        let _ = self.sender.send(answer);
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// Tells the caller that the host stopped before there was an answer. `sealed`: whether a batch was sealed since
    /// the shard was handed the request.
    pub fn stop(self, sealed: bool) {
        let error =
            if sealed && self.may_wait_on_disk { CallError::OutcomeUnknown } else { CallError::Stopped };
        self.send(Answer::refused(error));
    }
}

impl fmt::Debug for Replier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replier").field("abandoned", &self.is_abandoned()).finish_non_exhaustive()
    }
}
