//! What an activity is told, and what it may use.

use super::performance::Cancellation;
use crate::{Client, client::Asker, gate::Gate};
use sarsen_protocol::{ActivityName, ExecutionId, RunId, Task, Within};
use std::{fmt, sync::Arc};

/// What an activity is told, and what it may use. Cheap to clone.
///
/// ```
/// use sarsen_runtime::ActivityContext;
/// # struct Gateway;
/// # impl Gateway {
/// #     async fn charge(&self, _key: &str, _cents: u64) {}
/// # }
/// # static GATEWAY: Gateway = Gateway;
///
/// async fn charge(cx: ActivityContext, cents: u64) {
///     // An activity may run again after a crash: the key lets the other side see that.
///     GATEWAY.charge(cx.idempotency_key(), cents).await;
/// }
/// ```
#[derive(Clone)]
pub struct ActivityContext {
    asked: Arc<Asked>,
}

struct Asked {
    gate: Arc<dyn Gate>,
    name: ActivityName,
    within: Arc<Within>,
    key: String,
    cancellation: Cancellation,
}

impl ActivityContext {
    pub(super) fn new(gate: Arc<dyn Gate>, task: &Task, cancellation: Cancellation) -> Self {
        let within = Arc::new(Within { run: task.run.clone(), execution: task.execution });
        let key = format!("{}:{}", task.execution, task.token.command);
        Self { asked: Arc::new(Asked { gate, name: task.name.clone(), within, key, cancellation }) }
    }

    /// The run that asks.
    pub fn run_id(&self) -> &RunId {
        &self.asked.within.run
    }

    /// The execution of the run that asks.
    pub fn execution_id(&self) -> ExecutionId {
        self.asked.within.execution
    }

    /// The activity's name.
    pub fn activity(&self) -> &str {
        self.asked.name.as_str()
    }

    /// Names this piece of work: the same whenever it is run again because a process ended before its result was
    /// recorded. Another attempt under a retry policy is another piece of work.
    pub fn idempotency_key(&self) -> &str {
        &self.asked.key
    }

    /// A client that works for the run: calling an entity whose lock the run itself holds, or waits for, is refused as
    /// [`CallError::WouldDeadlock`](crate::CallError::WouldDeadlock).
    pub fn client(&self) -> Client {
        let within = Arc::clone(&self.asked.within);
        Client::of(Asker::within(Arc::clone(&self.asked.gate), within))
    }

    /// Whether the result is of no more use, see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.asked.cancellation.is_cancelled()
    }

    /// Is ready when the result is of no more use: the run was terminated, purged, replaced or continued as new, or
    /// the runtime is closing, and then the work is done again when it is open. Nothing is cut off: the code ends when
    /// it returns.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn cancelled(&self) {
        self.asked.cancellation.clone().wait().await;
    }
}

impl fmt::Debug for ActivityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityContext")
            .field("run", &self.asked.within.run)
            .field("activity", &self.asked.name)
            .field("key", &self.asked.key)
            .finish_non_exhaustive()
    }
}
