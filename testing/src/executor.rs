//! The futures of a test, polled one at a time where the host chooses.

use crate::{Random, Situation, Situations};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Tells that a future may go on.
#[derive(Debug)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
    polls: u32,
    /// Dropped instead of polled once more than so often.
    polls_max: Option<u32>,
}

/// The futures that are not done. Their order is that of spawning.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: Vec<Task>,
}

impl Executor {
    /// Adds a future, to be dropped after `polls_max` polls.
    pub(crate) fn spawn(&mut self, future: impl Future<Output = ()> + 'static, polls_max: Option<u32>) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks.push(Task { future: Box::pin(future), woken, polls: 0, polls_max });
    }

    /// Futures that are not done.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Futures that were woken and not polled since.
    pub(crate) fn woken(&self) -> usize {
        self.tasks.iter().filter(|task| task.woken.0.load(Ordering::Relaxed)).count()
    }

    /// Polls one that was woken; any one when `idle`.
    pub(crate) fn poll(&mut self, idle: bool, random: &mut Random, situations: &mut Situations) {
        let choices = if idle { self.tasks.len() } else { self.woken() };
        if choices == 0 {
            return;
        }
        let chosen = random.below(choices);
        let mut ready = (0..self.tasks.len()).filter(|at| idle || self.is_woken(*at));
        if let Some(at) = ready.nth(chosen) {
            self.poll_at(at, situations);
        }
    }

    fn is_woken(&self, at: usize) -> bool {
        self.tasks[at].woken.0.load(Ordering::Relaxed)
    }

    fn poll_at(&mut self, at: usize, situations: &mut Situations) {
        let task = &mut self.tasks[at];
        if task.polls_max == Some(task.polls) {
            count_drop(task.polls, situations);
            drop(self.tasks.remove(at));
            return;
        }
        task.woken.0.store(false, Ordering::Relaxed);
        task.polls += 1;
        let waker = Waker::from(Arc::clone(&task.woken));
        if let Poll::Ready(()) = task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            drop(self.tasks.remove(at));
        }
    }

    /// Drops the futures that are to be dropped sooner or later.
    pub(crate) fn drop_early(&mut self, situations: &mut Situations) {
        for task in self.tasks.extract_if(.., |task| task.polls_max.is_some()) {
            count_drop(task.polls, situations);
        }
    }

    /// Drops every future, as the end of a process does.
    pub(crate) fn drop_all(&mut self) {
        self.tasks.clear();
    }
}

fn count_drop(polls: u32, situations: &mut Situations) {
    match polls {
        0 => situations.count(Situation::DroppedUnpolled),
        1 => situations.count(Situation::DroppedAfterOnePoll),
        2 => situations.count(Situation::DroppedAfterTwoPolls),
        _ => {}
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("tasks", &self.tasks.len()).finish()
    }
}
