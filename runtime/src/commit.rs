//! Committing, as a role that any thread may play.
//!
//! Sealed batches of all shards meet in one queue. Whoever begins a group has the role until the group has ended: a
//! driver that has sealed and has nothing else to do, which saves the way to another thread and back, or else the
//! commit thread. Nothing can be left behind. A batch that is pushed while the role is free is begun by the one who
//! pushes it or by the commit thread, which is woken under the same lock. A batch that is pushed while somebody has
//! the role is seen by that one when the role ends, under the same lock again, and left to the commit thread.
//!
//! Whoever has committed lets out what waited for it, and only then is the role free: messages to other shards leave in
//! the order of their groups, so that the streams between shards have no gaps, and what clients ask for next finds
//! its way into the group that follows.
//!
//! After anything but a durable outcome the store is not touched again.

use crate::{
    lock::lock,
    outward::{Outward, give_up, turn_back},
};
use sarsen_engine::{Finished, Group, Groups, Sealed};
use sarsen_protocol::{Batch, Lease, Receipt};
use sarsen_storage::{Outcome, Store};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The most bytes that one group writes.
const GROUP_BYTES_MAX: usize = 64 << 20;

/// How many sealed batches may wait while shards still run turns.
const WAITING_MAX: usize = 2;

/// The queue of sealed batches, and the role.
#[derive(Debug)]
pub(crate) struct Commits {
    queue: Mutex<Queue>,
    /// Where the commit thread waits.
    bell: Condvar,
    /// Batches that wait or are under way, for drivers to look at between turns.
    load: AtomicUsize,
}

#[derive(Debug)]
struct Queue {
    groups: Groups<Outward>,
    /// Whether somebody has the role.
    taken: bool,
    /// Whether the commit thread waits.
    asleep: bool,
    stage: QueueStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueueStage {
    Open,
    /// No more batches will come.
    Closed,
    /// A commit has failed; batches are given up.
    Failed,
}

impl Commits {
    pub(crate) fn new() -> Self {
        let groups = Groups::new(GROUP_BYTES_MAX);
        let queue = Queue { groups, taken: false, asleep: false, stage: QueueStage::Open };
        Self { queue: Mutex::new(queue), bell: Condvar::new(), load: AtomicUsize::new(0) }
    }

    /// Whether a batch that is sealed now would be begun at once.
    pub(crate) fn is_free(&self) -> bool {
        self.load.load(Ordering::Acquire) == 0
    }

    /// Whether so many batches wait that no more turns should run.
    pub(crate) fn is_clogged(&self) -> bool {
        self.load.load(Ordering::Acquire) > WAITING_MAX
    }

    /// Whether nobody has the role and nothing waits for it.
    pub(crate) fn is_quiet(&self) -> bool {
        let queue = lock(&self.queue);
        !queue.taken && queue.groups.waiting() == 0
    }

    /// Adds a sealed batch. With `own`, returns a group with the role, to be committed by the caller; otherwise,
    /// and when others wait as well, the commit thread sees to it.
    pub(crate) fn push(&self, sealed: Sealed<Outward>, own: bool) -> Option<Group<Outward>> {
        let mut queue = lock(&self.queue);
        if queue.stage == QueueStage::Failed {
            drop(queue);
            turn_back(sealed.effects.abandon());
            return None;
        }
        queue.groups.push(sealed);
        let group = if own && queue.groups.waiting() == 1 { queue.begin() } else { None };
        self.leave(queue);
        group
    }

    /// The next group with the role, for the commit thread; `None` when no more will come.
    pub(crate) fn next(&self) -> Option<Group<Outward>> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(group) = queue.begin() {
                self.leave(queue);
                return Some(group);
            }
            if queue.stage != QueueStage::Open && queue.groups.waiting() == 0 {
                return None;
            }
            queue.asleep = true;
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.asleep = false;
        }
    }

    /// Opens a group that is durable. The role stays with the caller until [`end`](Self::end).
    pub(crate) fn finish(&self, group: Group<Outward>, receipts: Vec<Receipt>) -> Finished<Outward> {
        lock(&self.queue).groups.finish(group, receipts)
    }

    /// Ends the role.
    pub(crate) fn end(&self) {
        let mut queue = lock(&self.queue);
        queue.taken = false;
        self.leave(queue);
    }

    /// Gives up on `group` and on all that waits: what is in sealed batches may or may not be durable.
    pub(crate) fn fail(&self, group: Option<Group<Outward>>) {
        let mut queue = lock(&self.queue);
        queue.stage = QueueStage::Failed;
        queue.taken &= group.is_none();
        let effects = queue.groups.abandon(group);
        self.leave(queue);
        give_up(effects);
    }

    /// Says that no more batches will come.
    pub(crate) fn close(&self) {
        let mut queue = lock(&self.queue);
        if queue.stage == QueueStage::Open {
            queue.stage = QueueStage::Closed;
        }
        drop(queue);
        self.bell.notify_all();
    }

    /// Publishes how much there is to do, and wakes the commit thread if it is to begin.
    fn leave(&self, mut queue: std::sync::MutexGuard<'_, Queue>) {
        let waiting = queue.groups.waiting();
        self.load.store(waiting + usize::from(queue.taken), Ordering::Release);
        let ring = waiting > 0 && !queue.taken && queue.asleep;
        queue.asleep &= !ring;
        drop(queue);
        if ring {
            self.bell.notify_all();
        }
    }
}

impl Queue {
    /// Takes the role with the next group.
    fn begin(&mut self) -> Option<Group<Outward>> {
        if self.taken {
            return None;
        }
        let group = self.groups.begin()?;
        self.taken = true;
        Some(group)
    }
}

/// Makes batches durable.
///
/// # Errors
/// What went wrong, when one of them is not known to be durable.
pub(crate) fn commit(store: &dyn Store, batches: &[Batch]) -> Result<Vec<Receipt>, String> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    // A store that panics has failed; the thread goes on to tell everybody.
    let outcomes = catch_unwind(AssertUnwindSafe(|| store.commit(batches)))
        .map_err(|panic| format!("the store panicked: {}", panic_text(&*panic)))?;
    outcomes.into_iter().map(|(lease, outcome)| receipt(lease, outcome)).collect()
}

fn receipt(lease: Lease, outcome: Outcome) -> Result<Receipt, String> {
    match outcome {
        Outcome::Durable(receipt) => Ok(receipt),
        Outcome::Fenced => Err(format!("the slots {} were acquired by another runtime", lease.slots)),
        Outcome::Unknown(error) => Err(error.to_string()),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
