//! Who is to be polled when something is settled.
//!
//! Durable futures keep no waker. One that has to wait notes its *place*: the task that polled it and, inside
//! `join`, `select` and the like, the child's number there. Settling it wakes exactly the composites on the way and
//! the task, so a join over n futures costs one poll of one child for each completion, not n.

use sarsen_protocol::RunId;
use std::{cell::RefCell, collections::VecDeque, fmt, rc::Rc};

/// Names a task of an execution: the main one is 0, branches follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskId(pub(crate) u32);

/// The tasks that are to be polled, in the order in which they were woken.
pub(crate) type Woken = Rc<RefCell<VecDeque<TaskId>>>;

/// Where a future is polled.
#[derive(Clone)]
pub(crate) enum Place {
    Task(Woken, TaskId),
    Child(Rc<Group>, usize),
}

/// The children of a composite future.
#[derive(Default)]
pub(crate) struct Group {
    at: RefCell<Option<Place>>,
    woken: RefCell<Vec<usize>>,
}

/// The poll that is under way on this thread.
struct Poll {
    run: RunId,
    place: Place,
    /// Whether a durable future said that it waits.
    waits: bool,
}

thread_local! {
    static POLL: RefCell<Option<Poll>> = const { RefCell::new(None) };
}

/// The run whose code is running on this thread, if one is.
pub fn inside_execution() -> Option<RunId> {
    POLL.with_borrow(|poll| Some(poll.as_ref()?.run.clone()))
}

/// Polls code of `run` as `place`. Returns also whether a durable future said that it waits.
pub(crate) fn poll_at<R>(run: RunId, place: Place, poll: impl FnOnce() -> R) -> (R, bool) {
    struct Restore(Option<Poll>);
    impl Drop for Restore {
        fn drop(&mut self) {
            POLL.set(self.0.take());
        }
    }
    let restore = Restore(POLL.replace(Some(Poll { run, place, waits: false })));
    let result = poll();
    let waits = POLL.with_borrow(|poll| poll.as_ref().is_some_and(|poll| poll.waits));
    drop(restore);
    (result, waits)
}

/// Where the future being polled is; nothing outside of an execution's poll.
pub(crate) fn here() -> Option<Place> {
    POLL.with_borrow(|poll| Some(poll.as_ref()?.place.clone()))
}

/// Notes that the task being polled waits for a durable future.
pub(crate) fn note_waiting() {
    POLL.with_borrow_mut(|poll| {
        if let Some(poll) = poll {
            poll.waits = true;
        }
    });
}

/// Puts `place` where the poll under way is, and returns where it was.
fn exchange(place: Place) -> Option<Place> {
    POLL.with_borrow_mut(|poll| Some(std::mem::replace(&mut poll.as_mut()?.place, place)))
}

impl Place {
    /// Has it polled.
    pub(crate) fn wake(&self) {
        match self {
            Self::Task(woken, id) => {
                let mut woken = woken.borrow_mut();
                if woken.back() != Some(id) {
                    woken.push_back(*id);
                }
            }
            Self::Child(group, index) => {
                group.woken.borrow_mut().push(*index);
                if let Some(at) = &*group.at.borrow() {
                    at.wake();
                }
            }
        }
    }
}

impl Group {
    /// Wakes the child `index` with the next poll of the group itself.
    pub(crate) fn note(&self, index: usize) {
        self.woken.borrow_mut().push(index);
    }

    /// Calls `settle` for each child that was woken, polled as a child of this group.
    ///
    /// Only durable futures are settled, which run no code of the user, so a panic needs no care.
    pub(crate) fn settle(self: &Rc<Self>, mut settle: impl FnMut(usize)) {
        let woken = std::mem::take(&mut *self.woken.borrow_mut());
        for index in woken {
            let outer = exchange(Place::Child(Rc::clone(self), index));
            settle(index);
            outer.and_then(exchange);
        }
    }

    /// Notes where the group waits.
    pub(crate) fn wait(&self) {
        *self.at.borrow_mut() = here();
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Group(..)")
    }
}
