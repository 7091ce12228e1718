//! What an activity is told, and what it may use.

use super::Performed;
use crate::{Client, cancellation::Cancellation, client::Asker, gate::Gate, lock::lock};
use sarsen_protocol::{CallError, ExecutionId, Failure, Payload, RunId, Task, Timestamp, Within, json};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

/// How often a heartbeat is written at most.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(100);

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
    task: Task,
    /// Made when it is asked for: most activities never do.
    key: OnceLock<String>,
    cancellation: Cancellation,
    said: Mutex<Said>,
}

/// What the code has said of itself.
#[derive(Debug, Default)]
struct Said {
    /// How far it has got.
    progress: Option<Payload>,
    /// When that was last handed on.
    written: Option<Timestamp>,
    /// That another attempt would fail alike.
    is_final: bool,
}

impl ActivityContext {
    pub(super) fn new(gate: Arc<dyn Gate>, task: Task, cancellation: Cancellation) -> Self {
        let (key, said) = (OnceLock::new(), Mutex::default());
        Self { asked: Arc::new(Asked { gate, task, key, cancellation, said }) }
    }

    /// The run that asks.
    pub fn run_id(&self) -> &RunId {
        &self.asked.task.run
    }

    /// The execution of the run that asks.
    pub fn execution_id(&self) -> ExecutionId {
        self.asked.task.execution
    }

    /// The activity's name.
    pub fn activity(&self) -> &str {
        self.asked.task.name.as_str()
    }

    /// Names what the orchestration has asked for: the same for all attempts under a retry policy, and whenever one is run
    /// again because a process ended before its result was recorded. Other work has another key.
    pub fn idempotency_key(&self) -> &str {
        let Task { execution, first, .. } = &self.asked.task;
        self.asked.key.get_or_init(|| format!("{execution}:{first}"))
    }

    /// Which attempt this is, counted from 1. One that is run again because a process ended has the same number.
    pub fn attempt(&self) -> u32 {
        self.asked.task.attempt
    }

    /// Says how far the work has got: the next attempt reads it by [`progress`](Self::progress), and so does this one when
    /// it is run again.
    ///
    /// It does not wait. Ten times a second at most it is written to the disk, so an attempt that is cut off by a crash or by
    /// its timeout may have got a little further than it could say; one that fails has said it all.
    ///
    /// # Errors
    /// [`CallError::Unsendable`] when the value has no JSON or is over `payload_bytes_max`.
    pub fn heartbeat<T: Serialize + ?Sized>(&self, progress: &T) -> Result<(), CallError> {
        let unsendable = |reason| CallError::Unsendable { what: "the progress".to_owned(), reason };
        let progress = json::encode(progress).map_err(|failure| unsendable(failure.message))?;
        let (bytes, bytes_max) = (progress.len(), self.asked.gate.limits().payload_bytes_max);
        if bytes > bytes_max {
            return Err(unsendable(format!("it has {bytes} bytes, {bytes_max} are allowed")));
        }
        let now = self.asked.gate.now();
        let mut said = lock(&self.asked.said);
        said.progress = Some(progress.clone());
        // A clock that has gone back must not silence it.
        let waits = said.written.is_some_and(|at| at <= now && now < at.after(HEARTBEAT_EVERY));
        if !waits {
            said.written = Some(now);
            self.asked.gate.progress(self.asked.task.clone(), progress);
        }
        Ok(())
    }

    /// What was last said by [`heartbeat`](Self::heartbeat), in an attempt before or in this one before it was run again;
    /// `None` when nothing was.
    ///
    /// # Errors
    /// [`CallError::Misfit`] when it is none of this type.
    pub fn progress<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        let decoded = self.asked.task.progress.as_ref().map(json::decode).transpose();
        decoded.map_err(|failure| CallError::Misfit {
            what: format!("the progress of activity `{}`", self.activity()),
            reason: failure.message,
        })
    }

    /// Says that another attempt would fail alike: when this one fails, no policy tries again.
    pub fn do_not_retry(&self) {
        lock(&self.asked.said).is_final = true;
    }

    /// What the code has come to, with what it has said of itself.
    pub(super) fn end(&self, result: Result<Payload, Failure>) -> Performed {
        let mut said = lock(&self.asked.said);
        let result = result.map_err(|failure| if said.is_final { failure.finally() } else { failure });
        Performed { result, progress: said.progress.take() }
    }

    /// A client that works for the run: calling an entity whose lock the run itself holds, or waits for, is refused as
    /// [`CallError::WouldDeadlock`](crate::CallError::WouldDeadlock).
    pub fn client(&self) -> Client {
        let Task { run, execution, .. } = &self.asked.task;
        let within = Within { run: run.clone(), execution: *execution };
        Client::of(Asker::within(Arc::clone(&self.asked.gate), Arc::new(within)))
    }

    /// Whether the result is of no more use, see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.asked.cancellation.is_cancelled()
    }

    /// Is ready when the result is of no more use: the run was terminated, purged, replaced or continued as new, the time
    /// that the activity was given is over, or the runtime is closing, and then the work is done again when it is open; or the
    /// activity has ended, and this is a copy in the hands of somebody else. Nothing is cut off: the code ends when it returns.
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
            .field("run", &self.asked.task.run)
            .field("activity", &self.asked.task.name)
            .field("attempt", &self.asked.task.attempt)
            .field("key", &self.idempotency_key())
            .finish_non_exhaustive()
    }
}
