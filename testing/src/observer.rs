//! What a simulation may watch.

use sarsen_engine::Request;
use sarsen_protocol::{Answer, Delivery, Dispatch, ExecutionId, RunId, RunOutcome, Task, Timestamp};

/// Is told what a host does while it does it. `S` is the host's store, which holds what is durable at that moment.
pub trait Observer<S> {
    /// A process has been opened.
    fn opened(&mut self, store: &S) {
        let _ = store;
    }

    /// A group of batches is durable.
    fn committed(&mut self, store: &S) {
        let _ = store;
    }

    /// An answer is about to leave.
    fn released(&mut self, request: &Request, answer: &Answer, store: &S) {
        let _ = (request, answer, store);
    }

    /// A message of another shard is about to be handed over.
    fn delivering(&mut self, delivery: &Delivery) {
        let _ = delivery;
    }

    /// An activity is about to begin.
    fn performing(&mut self, task: &Task, store: &S) {
        let _ = (task, store);
    }

    /// An operation that runs off its shard is about to begin.
    fn operating(&mut self, dispatch: &Dispatch, store: &S) {
        let _ = (dispatch, store);
    }

    /// Who waits for a run is about to be told of its end; `None`: it is gone.
    fn ended(&mut self, run: &RunId, first: ExecutionId, outcome: Option<&RunOutcome>, store: &S) {
        let _ = (run, first, outcome, store);
    }

    /// A shard has run a turn; `latest` is the latest time that the clock has shown since the process was opened.
    fn turned(&mut self, latest: Timestamp) {
        let _ = latest;
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl<S> Observer<S> for Unobserved {}
