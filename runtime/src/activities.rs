//! Activities at work: tasks that shards have handed out, on the tokio runtime in which the host was opened.
//!
//! [`Activities`] is given tasks once they are durable, runs as many of each activity at a time as its
//! [`ActivityOptions`] allow, and gives each result back to the shard that asked. What waits for its turn is an entry
//! in a queue, bounded by what shards hand out, and costs no tokio task.
//!
//! A task may run more than once: whatever a host has not given back when it ends is handed out again by the next.

mod context;
mod handler;
mod options;
mod pace;
mod performance;
mod queues;

pub use context::ActivityContext;
pub(crate) use handler::closure_handler;
pub use handler::{ANY_ACTIVITY, ActivityHandler, activity_handler};
pub use options::ActivityOptions;
pub use performance::{Performance, Performed};

use crate::{cancellation::Canceller, host::Host, lock::lock};
use pace::Pace;
use queues::Queues;
use sarsen_protocol::{Failure, FailureKind, Task, TaskToken};
use std::{
    fmt,
    sync::{Arc, Mutex, Weak},
};
use tokio::{runtime::Handle, task::yield_now};

/// After how many tasks a worker lets others have its thread.
const TASKS_PER_TURN: u32 = 32;

/// Runs activities.
pub(crate) struct Activities {
    registered: Vec<(Arc<dyn ActivityHandler>, ActivityOptions)>,
    queues: Mutex<Queues>,
    /// By the places of `registered`.
    paces: Vec<Pace>,
    /// Whose clients the contexts give out, and whom results go to. The host holds this one.
    host: Weak<Host>,
    tokio: Handle,
}

impl Activities {
    /// Runs these activities, on `tokio`, for `host`.
    pub(crate) fn new(
        mut registered: Vec<(Arc<dyn ActivityHandler>, ActivityOptions)>,
        host: Weak<Host>,
        tokio: Handle,
    ) -> Self {
        registered.sort_unstable_by_key(|(handler, _)| handler.name());
        let queues = Queues::new(registered.iter().map(|(_, options)| options.concurrency));
        let paces = registered.iter().map(|(_, options)| Pace::new(options.pace)).collect();
        Self { registered, queues: Mutex::new(queues), paces, host, tokio }
    }

    /// Runs a task, now or when it is its turn. Never waits.
    pub(crate) fn begin(self: &Arc<Self>, task: Task) {
        let named = |name| self.registered.binary_search_by_key(&name, |(handler, _)| handler.name());
        let Ok(kind) = named(task.name.as_str()).or_else(|_| named(ANY_ACTIVITY)) else {
            return self.refuse(&task);
        };
        let Some(task) = lock(&self.queues).push(kind, task) else { return };
        let Some(host) = self.host.upgrade() else { return };
        self.tokio.spawn(Arc::clone(self).work(kind, host, task));
    }

    /// A shard hands out what is registered with it; whatever else comes is told so.
    fn refuse(&self, task: &Task) {
        if let Some(host) = self.host.upgrade() {
            let text = format!("no activity `{}` is registered", task.name);
            let result = Err(Failure::new(FailureKind::UnknownActivity, text));
            host.performed(task.token, Performed { result, progress: None });
        }
    }

    /// Takes a task back that waits, or tells one that runs that its result is of no more use.
    pub(crate) fn cancel(&self, token: TaskToken) {
        lock(&self.queues).cancel(token);
    }

    /// Begins no more tasks. What waits is left to the next host.
    pub(crate) fn drain(&self) {
        lock(&self.queues).close();
        self.paces.iter().for_each(Pace::close);
    }

    /// Tells all that run that the host ends: their results will be dropped, and they run again.
    pub(crate) fn stop(&self) {
        let running = lock(&self.queues).stop();
        self.paces.iter().for_each(Pace::close);
        running.into_iter().for_each(Canceller::cancel);
    }

    /// Runs one task after the other until none waits.
    async fn work(self: Arc<Self>, kind: usize, host: Arc<Host>, mut task: Task) {
        let (handler, _) = &self.registered[kind];
        for worked in 1_u32.. {
            let token = task.token;
            let pace = &self.paces[kind];
            // Taken back, or left to the next host, while it waited.
            if pace.is_set() && (!pace.wait().await || lock(&self.queues).is_cancelled(token)) {
                match lock(&self.queues).next(kind, token) {
                    Some(next) => task = next,
                    None => return,
                }
                continue;
            }
            let (performance, canceller) = Performance::new(Arc::clone(handler), host.clone(), task);
            lock(&self.queues).run(token, canceller);
            host.performed(token, performance.await);
            let Some(next) = lock(&self.queues).next(kind, token) else { return };
            task = next;
            if worked.is_multiple_of(TASKS_PER_TURN) {
                yield_now().await;
            }
        }
    }
}

impl fmt::Debug for Activities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.registered.iter().map(|(handler, _)| handler.name());
        f.debug_set().entries(names).finish()
    }
}
