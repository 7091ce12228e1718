//! What a simulation may watch.

use sarsen_engine::Request;
use sarsen_protocol::{Answer, Delivery, Timestamp};

/// Is told what a host does while it does it. `S` is the host's store, which holds what is durable at that moment.
pub trait Observer<S> {
    /// An answer is about to leave.
    fn released(&mut self, request: &Request, answer: &Answer, store: &S) {
        let _ = (request, answer, store);
    }

    /// A message of another shard is about to be handed over.
    fn delivering(&mut self, delivery: &Delivery) {
        let _ = delivery;
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
