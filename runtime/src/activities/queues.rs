//! Which tasks wait and which run: for each activity a queue, and how many may run at a time.

use crate::cancellation::Canceller;
use sarsen_protocol::{HashMap, Task, TaskToken};
use std::collections::VecDeque;

/// The tasks of a host.
#[derive(Debug)]
pub(super) struct Queues {
    kinds: Vec<Kind>,
    tasks: HashMap<TaskToken, Stage>,
    /// Whether no more tasks are begun.
    closed: bool,
}

/// The tasks of one activity.
#[derive(Debug)]
struct Kind {
    concurrency: usize,
    running: usize,
    /// In the order in which they came; those that were cancelled meanwhile are no longer in `tasks`.
    waiting: VecDeque<TaskToken>,
}

#[derive(Debug)]
enum Stage {
    Waiting(Box<Task>),
    /// About to run.
    Taken,
    /// To be cancelled as soon as it runs.
    Cancelled,
    Running(Canceller),
}

impl Queues {
    /// Empty queues, by how many of each may run at a time.
    pub(super) fn new(concurrency: impl Iterator<Item = usize>) -> Self {
        let kind = |concurrency| Kind { concurrency, running: 0, waiting: VecDeque::new() };
        Self { kinds: concurrency.map(kind).collect(), tasks: HashMap::default(), closed: false }
    }

    /// Adds a task. It is given back when it may run at once: by a worker that is counted from now on.
    pub(super) fn push(&mut self, kind: usize, task: Task) -> Option<Task> {
        if self.closed {
            return None;
        }
        let kind = &mut self.kinds[kind];
        if kind.running < kind.concurrency {
            kind.running += 1;
            self.tasks.insert(task.token, Stage::Taken);
            return Some(task);
        }
        kind.waiting.push_back(task.token);
        self.tasks.insert(task.token, Stage::Waiting(Box::new(task)));
        None
    }

    /// Keeps what cancels a task that a worker begins.
    pub(super) fn run(&mut self, token: TaskToken, canceller: Canceller) {
        match self.tasks.get_mut(&token) {
            Some(stage @ Stage::Taken) => *stage = Stage::Running(canceller),
            // It was cancelled, or the host has stopped, on its way here.
            _ => canceller.cancel(),
        }
    }

    /// A worker has ended a task. Returns what it does next; without that it is no longer counted.
    pub(super) fn next(&mut self, kind: usize, ended: TaskToken) -> Option<Task> {
        self.tasks.remove(&ended);
        let kind = &mut self.kinds[kind];
        while !self.closed
            && let Some(token) = kind.waiting.pop_front()
        {
            if let Some(stage @ Stage::Waiting(_)) = self.tasks.get_mut(&token)
                && let Stage::Waiting(task) = std::mem::replace(stage, Stage::Taken)
            {
                return Some(*task);
            }
        }
        kind.running -= 1;
        None
    }

    /// Whether a task that was taken was cancelled before it ran.
    pub(super) fn is_cancelled(&self, token: TaskToken) -> bool {
        matches!(self.tasks.get(&token), Some(Stage::Cancelled))
    }

    /// Takes a task back that waits, or tells one that runs.
    pub(super) fn cancel(&mut self, token: TaskToken) {
        match self.tasks.remove(&token) {
            Some(Stage::Running(canceller)) => canceller.cancel(),
            Some(Stage::Taken | Stage::Cancelled) => {
                self.tasks.insert(token, Stage::Cancelled);
            }
            Some(Stage::Waiting(_)) | None => {}
        }
    }

    /// Begins no more tasks, and forgets those that wait.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.kinds.iter_mut().for_each(|kind| kind.waiting = VecDeque::new());
        self.tasks.retain(|_, stage| !matches!(stage, Stage::Waiting(_)));
    }

    /// Begins no more tasks. Returns what cancels those that run.
    pub(super) fn stop(&mut self) -> Vec<Canceller> {
        self.close();
        let mut running: Vec<(TaskToken, Stage)> = self.tasks.drain().collect();
        running.sort_unstable_by_key(|(token, _)| *token);
        let cancellers = running.into_iter().filter_map(|(_, stage)| match stage {
            Stage::Running(canceller) => Some(canceller),
            Stage::Waiting(_) | Stage::Taken | Stage::Cancelled => None,
        });
        cancellers.collect()
    }
}

#[cfg(test)]
mod tests;
