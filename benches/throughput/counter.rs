//! The entity that is measured.

use futures::TryStreamExt;
use sarsen::{CallError, Client, Entity, operations};
use serde::{Deserialize, Serialize};

/// Counts.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    count: u64,
}

#[operations]
impl Counter {
    pub(crate) fn add(&mut self, amount: u64) -> u64 {
        self.count += amount;
        self.count
    }
}

/// What all counters have counted together.
pub(crate) async fn sum(client: &Client) -> Result<u64, CallError> {
    let counters = client.entities::<Counter>().with_state();
    counters.try_fold(0, async |sum, counter| Ok(sum + counter.state.count)).await
}
