//! The futures of an execution, and how they are polled.

use crate::{
    End,
    core::{Core, Task},
    place::{Place, TaskId, poll_at},
};
use sarsen_protocol::Failure;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as Waking, Wake, Waker},
};

/// The code's main future and its branches.
pub(crate) struct Tasks {
    futures: BTreeMap<TaskId, Task>,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// A waker that nobody should use: durable futures are woken by inputs.
#[derive(Default)]
struct Alarm {
    rung: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Relaxed);
    }
}

/// A task waits for something that is not durable.
pub(crate) struct Foreign;

impl TaskId {
    /// The code's own future.
    pub(crate) const MAIN: Self = Self(0);
}

impl Tasks {
    pub(crate) fn new(main: Task) -> Self {
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(Arc::clone(&alarm));
        Self { futures: BTreeMap::from([(TaskId::MAIN, main)]), alarm, waker }
    }

    /// Polls what is woken until nothing is, or the execution has ended.
    pub(crate) fn run(&mut self, core: &Rc<Core>) -> Result<(), Foreign> {
        loop {
            for (id, task) in core.spawned() {
                self.futures.insert(id, task);
                core.woken.borrow_mut().push_back(id);
            }
            let aborted = core.aborted();
            let idle = aborted.is_empty();
            for future in aborted.into_iter().filter_map(|id| self.futures.remove(&id)) {
                drop_caught(core, future);
            }
            if core.look().end().is_some() {
                return Ok(());
            }
            let next = core.woken.borrow_mut().pop_front();
            match next {
                Some(id) => self.poll(core, id)?,
                // What was aborted may have left branches of its own.
                None if idle => return Ok(()),
                None => {}
            }
        }
    }

    fn poll(&mut self, core: &Rc<Core>, id: TaskId) -> Result<(), Foreign> {
        let Some(mut future) = self.futures.remove(&id) else { return Ok(()) };
        let place = Place::Task(Rc::clone(&core.woken), id);
        let (polled, waits) = poll_at(core.start.run.clone(), place, || {
            catch(|| future.as_mut().poll(&mut Waking::from_waker(&self.waker)))
        });
        let pending = match polled {
            Ok(polled) => polled.is_pending(),
            Err(panic) => {
                core.close(End::Failed(panic));
                false
            }
        };
        if pending {
            self.futures.insert(id, future);
        } else {
            drop_caught(core, future);
        }
        // One count is ours and one the waker's: a third is kept by somebody who means to use it.
        let misused = Arc::strong_count(&self.alarm) > 2 || self.alarm.rung.load(Ordering::Relaxed);
        if misused || (pending && !waits && core.look().end().is_none()) {
            return Err(Foreign);
        }
        Ok(())
    }

    /// Drops all futures.
    pub(crate) fn clear(&mut self, core: &Rc<Core>) {
        let spawned = core.spawned().into_iter().map(|(_, task)| task);
        for future in std::mem::take(&mut self.futures).into_values().chain(spawned) {
            drop_caught(core, future);
        }
    }
}

/// Drops a future, as code of the run; a panic fails the execution, if it is not over.
fn drop_caught(core: &Rc<Core>, future: Task) {
    let place = Place::Task(Rc::clone(&core.woken), TaskId::MAIN);
    let (dropped, _) = poll_at(core.start.run.clone(), place, || catch(|| drop(future)));
    if let Err(panic) = dropped {
        core.close(End::Failed(panic));
    }
}

/// Runs code of the user; its panic is a failure.
fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| Failure::panicked(panic.as_ref()))
}
